/* SPDX-License-Identifier: MIT */
/*
 * Areas say what each range of the program's half is *for* (Linux: VMA). The page tables only say
 * what is mapped now; a fault in an area that allows the access makes a page appear.
 *
 * Invariants, verified by areas_check() (4 is the callers' and cannot be):
 *   1. Areas are page-aligned, not empty, sorted by address and do not overlap.
 *   2. All lie in [LAYOUT_PROGRAM_START, LAYOUT_PROGRAM_END).
 *   3. Neighbours that areas_can_merge() accepts have been merged; guards never merge or split.
 *   4. A file area holds one reference to its page source.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "mm/page_source.h"
#include "mm/prot.h"

enum area_kind {
    AREA_ANONYMOUS = 1, /* demand-zero */
    AREA_FILE,          /* pages of a page source; private ones are copied on write */
    AREA_GUARD,         /* never mapped; a touch is a named event */
};

enum area_flags {
    AREA_SHARED = 1,       /* stores reach the file */
    AREA_STACK = 2,        /* the main thread's stack: "[stack]" */
    AREA_HEAP = 4,         /* brk: "[heap]" */
    AREA_GROWS_DOWN = 8,   /* a touch just below extends it */
    AREA_IMAGE = 16,       /* of the ELF image */
    AREA_READ_ONLY = 32,   /* shared mapping of a file that was not opened for writing: stays so */
    AREA_CLEAN = 0x100000, /* existed at the last areas_mark_clean(), and so did all it merged with
                              (the opposite of Linux's VM_SOFTDIRTY); keeps nothing from merging */
};

struct area {
    struct virt_range range;
    enum area_kind kind;
    uint32_t flags;             /* enum area_flags */
    prot_t prot;                /* what the program may do */
    struct page_source *source; /* AREA_FILE: one reference; else NULL */
    uint64_t offset;   /* AREA_FILE: page-aligned byte offset in the source at range.start */
    uint64_t file_end; /* AREA_FILE: address from which the area reads as zeros: the tail of a
                          segment whose file part ends inside a page; UINT64_MAX when the file's own
                          end decides */
};

/* The program's areas; one program, one list. All functions: threads only, the kernel is not
 * preempted. */

/* Adds an area over a range that is free (the caller unmapped it). E_NOMEM; E_EXIST when the range
 * is not free or not in the program's half. Takes over the caller's reference to area->source on
 * success. Merges with neighbours. */
MUST_CHECK enum err areas_add(const struct area *area);
/* Unmaps [start, end): areas are cut, pages and references dropped. Guards stay. E_NOMEM when a
 * split cannot be stored; nothing has changed then. */
MUST_CHECK enum err areas_remove(struct virt_range range);
/* Changes the permissions of what lies in the range; E_NOMEM when part of the range has no area
 * (Linux), with the part before it changed. */
MUST_CHECK enum err areas_protect(struct virt_range range, prot_t prot);
/* The area that holds v, or NULL. Valid until the next change. */
const struct area *areas_find(virt_t v);
/* The first area that ends above v, or NULL: areas_next(virt(0)) starts a loop over all, going on
 * with the range.end of what it returned. */
const struct area *areas_next(virt_t v);
/* A free range of `size` bytes (page-aligned), highest below the mmap base; hint is tried first.
 * E_NOMEM. */
MUST_CHECK enum err areas_find_hole(uint64_t size, uint64_t alignment, virt_t hint,
                                    struct virt_range *out);
/* The same with all of it below `end`. */
MUST_CHECK enum err areas_find_hole_below(uint64_t size, uint64_t alignment, virt_t end,
                                          struct virt_range *out);
/* Drops the pages of the range; the areas stay, and a touch makes new pages. Guards and holes are
 * skipped. */
void areas_discard(struct virt_range range);
/* Moves what one area has in `from` to `to`, which is free and not smaller; the area grows with it.
 * E_NOMEM: nothing has changed. */
MUST_CHECK enum err areas_move(struct virt_range from, struct virt_range to);
/* Pages [first, end) of the source were replaced: mappings that still show the old ones must fault
 * again. */
void areas_forget_pages(const struct page_source *source, uint64_t first, uint64_t end);
/* Pages [first, end) of the source were written, but not through its mappings: those that show them
 * become dirty. */
void areas_pages_written(const struct page_source *source, uint64_t first, uint64_t end);
/* All areas that are there now get AREA_CLEAN. */
void areas_mark_clean(void);
/* Where areas_find_hole() starts to search, downwards. */
void areas_set_mmap_base(virt_t base);
/* Unmaps everything, guards too: before a new program is loaded. */
void areas_clear(void);
/* Number of areas, and the sum of their sizes in bytes. */
uint64_t areas_count(void);
uint64_t areas_bytes(void);
/* Invariants 1-3; panics when one does not hold. */
void areas_check(void);
