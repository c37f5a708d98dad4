/* SPDX-License-Identifier: MIT */
/*
 * Areas say what each range of the program's half is *for* (Linux: VMA). The page tables only say
 * what is mapped now; a fault in an area that allows the access makes a page appear.
 *
 * Invariants, verified by areas_check() (4 is the callers' and cannot be):
 *   1. Areas are page-aligned, not empty, sorted by address and do not overlap.
 *   2. All lie in [LAYOUT_PROGRAM_START, LAYOUT_PROGRAM_END).
 *   3. Neighbours alike in all but their range and place in the file are merged; guards never merge
 *      or split.
 *   4. A file area holds one reference to its page source.
 *
 * Frames. A 4 KiB leaf stands for one reference to a block of one frame (or to a foreign frame: the
 * root archive, the zero page); a 2 MiB leaf, which only private anonymous areas have, is the one
 * reference to a block of order 9. Who cuts such a leaf cuts the block, too.
 *
 * A growing area (AREA_GROWS_DOWN: the main stack, MAP_GROWSDOWN) takes in what is touched below it,
 * up to the limit of areas_policy(), and keeps AREA_STACK_GAP free of accessible neighbours:
 *
 *     | neighbour |   gap, 1 MiB: stays free   |  may grow into  | the area |
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "mm/prot.h"
#include "mm/space.h"
#include "mm/vm/page_source.h"

enum area_kind {
    AREA_ANONYMOUS = 1, /* demand-zero */
    AREA_FILE,          /* pages of a page source; private ones are copied on write */
    AREA_GUARD,         /* never mapped; a touch is a named event */
};

enum area_flags {
    AREA_SHARED = 1,     /* stores reach the file */
    AREA_STACK = 2,      /* the main thread's stack: "[stack]" */
    AREA_HEAP = 4,       /* brk: "[heap]" */
    AREA_GROWS_DOWN = 8, /* a touch just below extends it */
    AREA_IMAGE = 16,     /* of the ELF image */
    AREA_READ_ONLY = 32, /* shared mapping of a file that was not opened for writing: stays so */
    /* What mlock() and madvise() asked for. Areas that differ in it do not merge, as on Linux. */
    AREA_LOCKED = 64,
    AREA_LOCK_ON_FAULT = 128, /* with LOCKED: its pages are not made present in advance */
    AREA_NO_RESERVE = 256,
    AREA_HUGE = 512,     /* MADV_HUGEPAGE */
    AREA_NO_HUGE = 1024, /* MADV_NOHUGEPAGE: never a 2 MiB page */
    AREA_RANDOM = 2048,
    AREA_SEQUENTIAL = 4096,
    AREA_DONT_DUMP = 8192,
    AREA_DONT_FORK = 16384,
    AREA_WIPE_ON_FORK = 32768,
    AREA_MERGEABLE = 65536,
    AREA_CLEAN = 0x100000, /* existed at the last areas_mark_clean(), and so did all it merged with
                              (the opposite of Linux's VM_SOFTDIRTY); keeps nothing from merging */
};

#define AREAS_MAX      65530                       /* Linux's vm.max_map_count */
#define AREA_STACK_GAP (UINT64_C(256) * PAGE_SIZE) /* Linux's stack_guard_gap */

struct area {
    struct virt_range range;
    enum area_kind kind;
    uint32_t flags;             /* enum area_flags */
    uint32_t owner;             /* whose it is, of programs that live side by side */
    prot_t prot;                /* what the program may do */
    struct page_source *source; /* AREA_FILE: one reference; else NULL */
    uint64_t offset;   /* AREA_FILE: page-aligned byte offset in the source at range.start */
    uint64_t file_end; /* AREA_FILE: address from which the area reads as zeros: the tail of a
                          segment whose file part ends inside a page; UINT64_MAX when the file's own
                          end decides */
};

/* All functions: threads only, the kernel is not preempted. A space has the areas of all programs
 * that live in it side by side. */

/* Adds an area over a range that is free (the caller unmapped it). E_NOMEM; E_EXIST when the range
 * is not free or not in the program's half. Takes over the caller's reference to area->source on
 * success. Merges with neighbours. */
MUST_CHECK enum err areas_add(struct address_space *space, const struct area *area);
/* Unmaps [start, end): areas are cut, pages and references dropped. Guards stay. E_NOMEM when a
 * split cannot be stored; nothing has changed then. */
MUST_CHECK enum err areas_remove(struct address_space *space, struct virt_range range);
/* Changes the permissions of what lies in the range; E_NOMEM when part of the range has no area
 * (Linux), with the part before it changed. */
MUST_CHECK enum err areas_protect(struct address_space *space, struct virt_range range,
                                  prot_t prot);
/* Sets and clears flags of all areas in the range; holes and guards are skipped. E_NOMEM when a
 * split cannot be stored; nothing has changed then. */
MUST_CHECK enum err areas_change(struct address_space *space, struct virt_range range, uint32_t set,
                                 uint32_t clear);
/* The area that holds v, or NULL. Valid until the next change. */
const struct area *areas_find(struct address_space *space, virt_t v);
/* The first area that ends above v, or NULL: areas_next(virt(0)) starts a loop over all, going on
 * with the range.end of what it returned. */
const struct area *areas_next(struct address_space *space, virt_t v);
/* The one behind an area that find or next returned, or NULL: where nothing changes in between. */
const struct area *areas_after(const struct address_space *space, const struct area *area);
/* The same memory twice: the part of the area that lies in `from` is also shown at `to`, a free
 * range of any size. Shared areas only. E_NOMEM. */
MUST_CHECK enum err areas_duplicate(struct address_space *space, virt_t from, struct virt_range to);
/* Would a touch at v extend a growing area, and may it? E_OK: v lies in it now. E_FAULT: no area to
 * grow there. E_NOMEM: the limit is reached, or a neighbour's gap, or the table is full. */
MUST_CHECK enum err areas_grow_down(struct address_space *space, virt_t v);
/* What the program that runs may have. */
struct areas_policy {
    uint64_t stack;   /* bytes of a growing area (RLIMIT_STACK) */
    uint64_t all;     /* ... of all its areas (RLIMIT_AS) */
    bool large_pages; /* of 2 MiB, in anonymous memory (PR_SET_THP_DISABLE) */
};
/* Of the calling thread; a thread of the kernel may have all. Defined above, in linux/memory/range.c. */
struct areas_policy areas_policy(void);
/* Is v in the gap below a growing area that can grow no further? A stack overflow: the guard is
 * described as an area. */
bool areas_gap_at(struct address_space *space, virt_t v, struct area *out);
/* A free range of `size` bytes (page-aligned), highest below the mmap base; hint is tried first.
 * E_NOMEM. */
MUST_CHECK enum err areas_find_hole(struct address_space *space, uint64_t size, uint64_t alignment,
                                    virt_t hint, struct virt_range *out);
/* The same with all of it below `end`. */
MUST_CHECK enum err areas_find_hole_below(struct address_space *space, uint64_t size,
                                          uint64_t alignment, virt_t end, struct virt_range *out);
/* Drops the pages of the range; the areas stay, and a touch makes new pages. Guards and holes are
 * skipped. E_NOMEM when a 2 MiB page cannot be cut; nothing has changed then. */
MUST_CHECK enum err areas_discard(struct address_space *space, struct virt_range range);
/* The first part of the range, with at most 16 page tables in it: as much as a loop over mapped pages does before it
 * gives way. Ends at the end of the range or at a multiple of 2 MiB. O(1). */
struct virt_range areas_piece(const struct address_space *space, struct virt_range range);
/* The pages of private anonymous areas in the range may go when memory is short, until they are
 * written again (MADV_FREE). E_NOMEM as areas_discard(). */
MUST_CHECK enum err areas_lazyfree(struct address_space *space, struct virt_range range);
/* Puts an empty space among those whose pages a source or the shrinker finds: the functions below
 * without a space go through all of them. Registers the shrinker of MADV_FREE pages with the first
 * one. Boot. */
void areas_init(struct address_space *space);
/* Moves what one area has in `from` to `to`, which is free and not smaller; the area grows with it.
 * With `keep` the old area stays, empty. E_NOMEM: nothing has changed. */
MUST_CHECK enum err areas_move(struct address_space *space, struct virt_range from,
                               struct virt_range to, bool keep);
/* Pages [first, end) of the source were replaced: mappings that still show the old ones must fault
 * again; copies of private mappings stay. O(areas, and pages mapped there). */
void areas_forget_pages(const struct page_source *source, uint64_t first, uint64_t end);
/* The source ends before page `first` now: mappings of what was behind it must fault again, and lose their private
 * copies. O(areas, and pages mapped there). */
void areas_truncate(const struct page_source *source, uint64_t first);
/* Pages [first, end) of the source were written, but not through its mappings: those that show them
 * become dirty. */
void areas_pages_written(const struct page_source *source, uint64_t first, uint64_t end);
/* All areas of that owner that are there now get AREA_CLEAN. */
void areas_mark_clean(struct address_space *space, uint32_t owner);
/* Is the source mapped where stores reach it, or could after mprotect()? */
bool areas_may_store(const struct page_source *source);
/* Where areas_find_hole() starts to search, downwards. */
void areas_set_mmap_base(struct address_space *space, virt_t base);
/* Unmaps everything and drops all areas, guards too: before a new program is loaded. What is left is
 * a guard over paging_reserved_range, where there is one. */
void areas_clear(struct address_space *space);
/* Unmaps and drops all areas of one owner but guards: its program has ended. */
void areas_remove_owner(struct address_space *space, uint32_t owner);
/* Number of areas, and the sum of their sizes in bytes. */
uint64_t areas_count(const struct address_space *space);
uint64_t areas_bytes(const struct address_space *space);
uint64_t areas_bytes_of(const struct address_space *space, uint32_t owner);
/* The largest that sum has been since areas_clear(). */
uint64_t areas_peak_bytes(const struct address_space *space);
/* Invariants 1-3; panics when one does not hold. */
void areas_check(const struct address_space *space);
