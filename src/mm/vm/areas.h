/* SPDX-License-Identifier: MIT */
/*
 * Areas (Linux: VMAs) describe the purpose of each range of the program's half. The page tables
 * only hold what is mapped now; a fault in an area that allows the access maps a page.
 *
 * Invariants, verified by areas_check() (the reference of 4 is the callers' and cannot be):
 *   1. Areas are page-aligned, not empty, sorted by address and do not overlap.
 *   2. All lie in [LAYOUT_PROGRAM_START, LAYOUT_PROGRAM_END).
 *   3. Neighbours alike in all but their range and place in the file are merged; guards never merge
 *      or split.
 *   4. A file area holds one reference to its page source, and is in its ring of mappings.
 *
 * Frames. A 4 KiB leaf stands for one reference to a block of one frame (or to a foreign frame: the
 * root archive, the zero page); a 2 MiB leaf, which only private anonymous areas have, is the one
 * reference to a block of order 9. Code that splits such a leaf splits the block, too.
 *
 * A growing area (AREA_GROWS_DOWN: the main stack, MAP_GROWSDOWN) extends to an access below it, up
 * to the limit of areas_policy(), and keeps AREA_STACK_GAP free of accessible neighbours:
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
    AREA_GUARD,         /* never mapped; reports name an access to it */
};

enum area_flags {
    AREA_SHARED = 1,     /* stores reach the file */
    AREA_STACK = 2,      /* the main thread's stack: "[stack]" */
    AREA_HEAP = 4,       /* brk: "[heap]" */
    AREA_GROWS_DOWN = 8, /* an access just below extends it */
    AREA_IMAGE = 64,     /* of the ELF image */
    AREA_READ_ONLY = 32, /* shared mapping of a file that is not open for writing: never writable */
    /* Set by mlock() and madvise(). Areas that differ in these do not merge, as in Linux. */
    AREA_LOCKED = 16,
    AREA_LOCK_ON_FAULT = 128, /* with LOCKED: pages are not populated in advance */
    AREA_NO_RESERVE = 256,
    AREA_HUGE = 512,     /* MADV_HUGEPAGE */
    AREA_NO_HUGE = 1024, /* MADV_NOHUGEPAGE: never a 2 MiB page */
    AREA_RANDOM = 2048,
    AREA_SEQUENTIAL = 4096,
    AREA_DONT_DUMP = 8192,
    AREA_DONT_FORK = 16384,
    AREA_WIPE_ON_FORK = 32768,
    AREA_MERGEABLE = 65536,
    /* Unchanged since the last areas_mark_clean(), as is all that it merged with (the opposite of
     * Linux's VM_SOFTDIRTY). Does not prevent merging. */
    AREA_CLEAN = 0x100000,
};

/* The bits of an area's flags and permissions by which struct area_owner.sizes is divided; no bit
 * is in both. */
#define AREA_SIZE_FLAGS (AREA_SHARED | AREA_GROWS_DOWN | AREA_LOCKED)
#define AREA_SIZE_PROT  (PROT_BIT_WRITE | PROT_BIT_EXECUTE)

/* What a mapped page counts as (proc(5): RssAnon, RssFile, RssShmem). */
enum area_pages {
    PAGES_ANONYMOUS, /* private copies of a file's pages, too */
    PAGES_FILE,      /* pages of a file in a private mapping */
    PAGES_SHARED,    /* ... in a shared one: all files are in memory */
};

#define AREA_STACK_GAP (UINT64_C(256) * PAGE_SIZE) /* Linux's stack_guard_gap */

/* The most areas of a space: Linux's vm.max_map_count. */
extern uint64_t areas_max;

struct area {
    struct virt_range range;
    enum area_kind kind;
    uint32_t flags;             /* enum area_flags */
    prot_t prot;                /* rights of the program */
    struct area_owner *owner;   /* the program; areas_add() takes NULL for none */
    struct page_source *source; /* AREA_FILE: one reference; else NULL */
    uint64_t offset; /* AREA_FILE: page-aligned byte offset in the source at range.start */
    /* AREA_FILE: address from which the area reads as zeros, for a segment whose file part ends
     * inside a page; UINT64_MAX: the file's end decides. */
    uint64_t file_end;
};

/* Callers of all functions: threads; the kernel is not preempted. A space holds the areas of all
 * programs that share it. */

/* Adds an area over a free range (the caller has unmapped it) and merges it with neighbours. Takes
 * over the caller's reference to area->source on success. E_NOMEM; E_EXIST if the range is not free
 * or not in the program's half. */
MUST_CHECK enum err areas_add(struct address_space *space, const struct area *area);
/* Unmaps [start, end): areas are cut, pages and references dropped. Guards stay. E_NOMEM if there
 * is no room for a split; nothing has changed then. */
MUST_CHECK enum err areas_remove(struct address_space *space, struct virt_range range);
/* Changes the permissions of the range. E_NOMEM if part of the range has no area (as in Linux); the
 * part before it has changed then. */
MUST_CHECK enum err areas_protect(struct address_space *space, struct virt_range range,
                                  prot_t prot);
/* Sets and clears flags of all areas in the range; holes and guards are skipped. E_NOMEM if there
 * is no room for a split; nothing has changed then. */
MUST_CHECK enum err areas_change(struct address_space *space, struct virt_range range, uint32_t set,
                                 uint32_t clear);
/* The area that contains v, or NULL. Valid until the next change. O(log areas). */
const struct area *areas_find(struct address_space *space, virt_t v);
/* The first area that ends above v, or NULL. To visit all areas, start with virt(0) and continue
 * with the range.end of each result. */
const struct area *areas_next(struct address_space *space, virt_t v);
/* The area after one that areas_find() or areas_next() returned, or NULL. No change may come in
 * between. */
const struct area *areas_after(const struct address_space *space, const struct area *area);
/* Maps the part of the area that lies in `from` a second time at `to`, a free range of any size.
 * Shared areas only. E_NOMEM. */
MUST_CHECK enum err areas_duplicate(struct address_space *space, virt_t from, struct virt_range to);
/* Extends a growing area to v, if permitted. E_OK: v now lies in it. E_FAULT: there is no area to
 * grow. E_NOMEM: the limit or a neighbour's gap is reached, or the table is full. */
MUST_CHECK enum err areas_grow_down(struct address_space *space, virt_t v);
/* Limits of the running program. */
struct areas_policy {
    uint64_t stack;   /* bytes of a growing area (RLIMIT_STACK) */
    uint64_t all;     /* bytes of all its areas (RLIMIT_AS) */
    bool large_pages; /* 2 MiB pages for anonymous memory (PR_SET_THP_DISABLE) */
};
/* Limits of the calling thread; a kernel thread has none. Defined above, in
 * linux/memory/range.c. */
struct areas_policy areas_policy(void);
/* True if v is in the gap below a growing area that cannot grow further: a stack overflow. *out
 * describes the gap as a guard area. */
bool areas_gap_at(struct address_space *space, virt_t v, struct area *out);
/* Finds a free range of `size` bytes (page-aligned): at the hint if free, else the highest below
 * the mmap base. E_NOMEM. O(log areas). */
MUST_CHECK enum err areas_find_hole(struct address_space *space, uint64_t size, uint64_t alignment,
                                    virt_t hint, struct virt_range *out);
/* As areas_find_hole(), with all of the range below `end`. */
MUST_CHECK enum err areas_find_hole_below(struct address_space *space, uint64_t size,
                                          uint64_t alignment, virt_t end, struct virt_range *out);
/* Drops the pages of the range; the areas stay, and an access maps new pages. Guards and holes are
 * skipped. E_NOMEM if a 2 MiB page cannot be split; nothing has changed then. */
MUST_CHECK enum err areas_discard(struct address_space *space, struct virt_range range);
/* The first part of the range, with at most `tables` (AREAS_PIECE_TABLES) page tables and AREAS_PIECE_AREAS
 * areas in it: as much as a loop over mapped pages does before it gives way. Ends at the end of the
 * range, at a multiple of 2 MiB or at the end of an area. Any range, the kernel's too. O(1). */
#define AREAS_PIECE_TABLES 8
#define AREAS_PIECE_AREAS  256
#define AREAS_PIECE_STEPS  4096 /* entries looked at */
struct virt_range areas_piece_of(struct address_space *space, struct virt_range range,
                                 unsigned tables);
static inline struct virt_range areas_piece(struct address_space *space, struct virt_range range)
{
    return areas_piece_of(space, range, AREAS_PIECE_TABLES);
}
/* True if areas_piece() is all of the range, as far as the range's size says. */
static inline bool areas_is_piece(const struct address_space *space, struct virt_range range)
{
    uint64_t size = virt_range_size(range);
    return size <= AREAS_PIECE_AREAS * PAGE_SIZE ||
           (size <= (AREAS_PIECE_TABLES - 1) * LARGE_SIZE && space->area_count < AREAS_PIECE_AREAS);
}
/* True if the areas in the range are private memory, which threads that share kernel_lock may change under the lock of the space. O(areas in the range). */
bool areas_are_plain(struct address_space *space, struct virt_range range);
/* MADV_FREE: allows the pages of private anonymous areas in the range to be reclaimed in a shortage
 * of memory, until they are written again. E_NOMEM as areas_discard(). */
MUST_CHECK enum err areas_lazyfree(struct address_space *space, struct virt_range range);
/* Registers an empty space, so that the functions below without a space argument, and the shrinker
 * of MADV_FREE pages, include it. The first call, at boot, registers that shrinker. O(1). */
void areas_init(struct address_space *space);
/* Closes paging_reserved_range in a new space: neither mapped nor accessed by programs. E_NOMEM. */
MUST_CHECK enum err areas_close_reserved(struct address_space *space);
/* True if the space was registered and has not ended; any pointer. O(spaces). */
bool areas_space_exists(const struct address_space *space);
/* The opposite of areas_init(): drops all areas of the running space, and what it kept for more. O(areas + pages). */
void areas_end(struct address_space *space);
/* fork(): gives `to` the areas of `from` from *at on, and their pages, copy-on-write in both: a piece, with the areas counted
 * for `owner`. `from` runs. *more: something is left from *at on, and other threads of the space may run before the next
 * call. Shared mappings, AREA_DONT_FORK and AREA_WIPE_ON_FORK as Linux; locks are not inherited. E_NOMEM: a part was
 * copied, and areas_clear() of `to` undoes it. O(areas and pages of the piece). */
MUST_CHECK enum err areas_fork(struct address_space *to, struct area_owner *owner, virt_t *at,
                               bool *more);
/* Moves the part of an area in `from` to `to`, a free range that is not smaller; the area grows
 * with it. With `keep` the old area stays, empty. E_NOMEM: nothing has changed. */
MUST_CHECK enum err areas_move(struct address_space *space, struct virt_range from,
                               struct virt_range to, bool keep);
/* Pages [first, end) of the source were replaced: mappings of the old ones are dropped, so that
 * accesses fault again; private copies stay. O(areas that map the source + pages mapped). */
void areas_forget_pages(const struct page_source *source, uint64_t first, uint64_t end);
/* The source now ends before page `first`: mappings of later pages are dropped, so that accesses
 * fault again, with private copies. A piece of them from *place on, which is {0} first; false: nothing is left.
 * Other threads may run between the pieces, but no other truncation of the source.
 * O(areas that map the source + pages mapped). */
struct areas_place {
    uint32_t cut; /* the number of this truncation, for struct area_node; 0: not begun */
    virt_t at;    /* in the area with the number + 1: what is done of it */
};
MUST_CHECK bool areas_truncate(struct page_source *source, uint64_t first,
                               struct areas_place *place);
/* Pages [first, end) of the source were written, but not through its mappings: their leaves become
 * dirty. O(areas that map the source + pages mapped). */
void areas_pages_written(const struct page_source *source, uint64_t first, uint64_t end);
/* Sets AREA_CLEAN in all areas of the owner. */
void areas_mark_clean(struct address_space *space, const struct area_owner *owner);
/* Pages [first, end) of the source will be clean: the next store through any mapping faults, and the source's page()
 * is asked for it. The old translations are flushed. O(areas that map the source + pages mapped). */
void areas_pages_clean(const struct page_source *source, uint64_t first, uint64_t end);
/* True if a mapping stores into the source, or could after mprotect(). O(areas that map it). */
bool areas_may_store(const struct page_source *source);
/* Sets where areas_find_hole() starts its downward search. */
void areas_set_mmap_base(struct address_space *space, virt_t base);
/* Unmaps everything and drops all areas, guards too: before a new program is loaded. Only a guard
 * over paging_reserved_range remains, if that is not empty. */
void areas_clear(struct address_space *space);
/* Unmaps and drops areas of one owner except guards, its program has ended: a piece, from *at on.
 * False: no area is left. Else *at is where to go on, after giving way. `last`: the space runs, no other program is in it,
 * and none will be before areas_clear() or the space's end: the TLB may keep its pages until then. */
MUST_CHECK bool areas_remove_owner(struct address_space *space, const struct area_owner *owner,
                                   virt_t *at, bool last);
/* Number of areas, and the sum of their sizes in bytes. O(1). */
uint64_t areas_count(const struct address_space *space);
uint64_t areas_bytes(const struct address_space *space);
/* Sum of the sizes of the owner's areas that have all bits of `with` and none of `without` (of
 * AREA_SIZE_FLAGS | AREA_SIZE_PROT). O(1). */
uint64_t areas_bytes_of(const struct area_owner *owner, uint32_t with, uint32_t without);
/* Pages mapped now, and at most so far; a new peak begins with pages_peak = 0. O(1). */
static inline uint64_t areas_pages_of(const struct area_owner *owner)
{
    return owner->pages[PAGES_ANONYMOUS] + owner->pages[PAGES_FILE] + owner->pages[PAGES_SHARED];
}
static inline uint64_t areas_peak_pages(const struct area_owner *owner)
{
    uint64_t now = areas_pages_of(owner);
    return now > owner->pages_peak ? now : owner->pages_peak;
}
/* Verifies invariants 1-3 and the counters of all owners, and panics if one does not hold.
 * O(areas + pages mapped). */
void areas_check(const struct address_space *space);
/* The same for all spaces. */
void areas_check_all(void);
