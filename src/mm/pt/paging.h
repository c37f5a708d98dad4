/* SPDX-License-Identifier: MIT */
/*
 * The page tables: map, unmap, protect, walk, visit, each in the address space that is its first
 * argument (mm/space.h). The operations are written once, in mm/pt/walker.h, over a few primitives
 * that reach a table, and compiled for each back end; a caller pays one indirect call per
 * operation, not per level.
 *
 *        47      39 38      30 29      21 20      12 11         0
 *       +----------+----------+----------+----------+------------+
 *       | PML4  4  | PDPT  3  |  PD   2  |  PT   1  |   offset   |     level = 4 ... 1
 *       +----------+----------+----------+----------+------------+
 *
 * Callers of all functions: threads and boot, not interrupt handlers; the kernel is not preempted.
 * Changed translations are flushed from this CPU's TLB before the function returns; a space that is
 * not running has none there. With pagetables=recursive the space must be the running one, or
 * kernel_space.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "cpu/bits.h"
#include "mm/prot.h"
#include "mm/space.h"

typedef struct {
    uint64_t v; /* one entry, at any level */
} pte_t;

#define PT_ENTRIES 512
#define PT_LEVELS  4

/* Bytes that one entry of the level spans: 4 KiB, 2 MiB, 1 GiB, 512 GiB. */
static inline uint64_t pt_span(int level)
{
    return UINT64_C(1) << (PAGE_SHIFT + 9 * (level - 1));
}

static inline unsigned pt_index(virt_t v, int level)
{
    return (unsigned)(v.v >> (PAGE_SHIFT + 9 * (level - 1))) & (PT_ENTRIES - 1);
}

/* A walk as the MMU would do it for an address. In the masks bit n stands for level n. */
struct pt_walk {
    virt_t address;
    int leaf_level; /* 1, 2 or 3: the level of the leaf; 0: no leaf */
    int last_level; /* the lowest level that was read; 5 if the address is not canonical */
    pte_t entry[PT_LEVELS + 1]; /* by level; valid from 4 down to last_level */
    phys_t phys;                /* of the address itself, if there is a leaf */
    bool writable, executable;  /* over all levels; false if there is no leaf */
    bool user;                  /* accessible to ring 3 */
    bool accessed, dirty;       /* of the leaf */
    uint8_t memory_type;        /* PAT entry that the leaf selects: PAT, PCD, PWT are 4, 2, 1 */
    uint8_t absent;             /* the level whose entry is not present */
    uint8_t reserved;           /* the level with a reserved bit set: any access faults */
    uint8_t no_write, no_execute, no_user; /* the levels that deny it, leaf or not */
};

/* The first level in a mask of pt_walk that the MMU meets; 0 if the mask is empty. */
static inline int pt_first_level(uint8_t mask)
{
    return mask == 0 ? 0 : 31 - __builtin_clz(mask);
}

/* Receives each leaf that unmap removes, and drops the reference to its frame. */
typedef void (*pt_release)(void *context, pte_t leaf, uint64_t size);
/* The frame of a leaf of that size. */
static inline phys_t pt_leaf_frame(pte_t leaf, uint64_t size)
{
    return phys(leaf.v & PTE_ADDRESS & ~(size - 1));
}
/* True if the leaf's frame is not the area's own: a page of a file, the zero page. */
static inline bool pt_leaf_is_borrowed(pte_t leaf)
{
    return (leaf.v & (PTE_COW | PTE_FORKED)) == PTE_COW;
}
/* True if the page of an entry of level 1 is in a slot: the entry is not present and points to no frame. */
static inline bool pt_swapped(pte_t e)
{
    return !(e.v & PTE_P) && e.v & PTE_SWAPPED;
}
static inline uint32_t pt_swapped_slot(pte_t e)
{
    return (uint32_t)((e.v & PTE_ADDRESS) >> PAGE_SHIFT);
}
/* The entry of a page in the slot, which the leaf `old` has mapped. */
static inline pte_t pt_swap_entry(uint32_t slot, pte_t old)
{
    return (pte_t){PTE_SWAPPED | (uint64_t)slot << PAGE_SHIFT |
                   (old.v & (PTE_D | PTE_WRITTEN) ? PTE_WRITTEN : 0)};
}
/* Receives a leaf, in order of address. May walk the tables, but not change them. */
typedef void (*pt_visitor)(void *context, virt_t at, int level, pte_t entry);

struct pt_access;

struct paging_ops {
    const char *name;
    enum err (*map)(struct address_space *space, virt_t at, phys_t to, uint64_t size, prot_t prot);
    void (*unmap)(struct address_space *space, struct virt_range range, pt_release release,
                  void *context);
    enum err (*protect)(struct address_space *space, struct virt_range range, prot_t prot);
    void (*replace)(struct address_space *space, virt_t page, phys_t to, prot_t prot);
    void (*walk)(const struct address_space *space, virt_t at, struct pt_walk *out);
    bool (*trim)(struct address_space *space);
    const struct pt_access *access; /* for the operations that all back ends share */
};

enum paging_kind {
    PAGING_RECURSIVE,
    PAGING_PHYSMAP,
    PAGING_OFFSET,
    PAGING_IDENTITY,
    PAGING_TEMPORARY,
    PAGING_KINDS,
};

/* The back end; chosen once, at boot. */
extern const struct paging_ops *paging;

/* CPU features; set before the first call. */
extern bool paging_nx, paging_huge;
/* Reserved bits of an entry of any level: address bits that this CPU lacks, and NX if it lacks
 * that. */
extern uint64_t paging_reserved;

/* Of this CPU, since boot. */
struct paging_counters {
    uint64_t page_flushes;  /* INVLPG of mapped pages */
    uint64_t full_flushes;  /* of the whole TLB */
    uint64_t table_flushes; /* INVLPG of pages that show tables */
    uint64_t tables;        /* frames in use as page tables, except those in the image */
    uint64_t splits, promotions;
};
extern struct paging_counters paging_counters;

/* While true, translations that go are not flushed: no page of the running space is accessed before all are, by another
 * CR3 or paging_flush(). */
extern bool paging_holds_flushes;
/* Flushes all translations of the running space. */
void paging_flush(void);

/* Maps [at, at + size) to [to, to + size), with the largest pages that alignment allows. The range
 * must be unmapped. E_NOMEM: nothing stays mapped. */
MUST_CHECK static inline enum err paging_map(struct address_space *space, virt_t at, phys_t to,
                                             uint64_t size, prot_t prot)
{
    return paging->map(space, at, to, size, prot);
}

/* Makes v a boundary between leaves: a large leaf across v is split, repeatedly if needed. E_NOMEM:
 * no translation has changed. */
MUST_CHECK enum err paging_split_at(struct address_space *space, virt_t v);

/* Unmaps the range and frees tables that become empty, now or with the next unmap. `release` (may
 * be NULL) receives each leaf after its flush. Cannot fail, so the ends must not cut a large leaf:
 * where large leaves are possible, call paging_split_at() for both ends first. */
static inline void paging_unmap(struct address_space *space, struct virt_range range,
                                pt_release release, void *context)
{
    paging->unmap(space, range, release, context);
}

/* Frees the tables that the last unmap left empty; false if there were none. Needed in a shortage
 * of memory, before mapping a large page, and before counting tables. */
static inline bool paging_trim(struct address_space *space)
{
    return paging->trim(space);
}

/* Changes the permissions of all leaves in the range; holes stay holes, and copy-on-write pages
 * keep that. E_NOMEM, with the part before it changed, only if an end cuts a large leaf: never
 * after paging_split_at() of both ends. */
MUST_CHECK static inline enum err paging_protect(struct address_space *space,
                                                 struct virt_range range, prot_t prot)
{
    return paging->protect(space, range, prot);
}

/* Points the 4 KiB leaf at `page` (mapped or not; its table exists) to another frame. References
 * are not changed. */
static inline void paging_replace(struct address_space *space, virt_t page, phys_t to, prot_t prot)
{
    paging->replace(space, page, to, prot);
}

/* Reads the tables as the MMU would; never faults, whatever the address. */
static inline void paging_walk(const struct address_space *space, virt_t at, struct pt_walk *out)
{
    paging->walk(space, at, out);
}

/* Calls the visitor for each present leaf in the range. O(tables and entries of the range that
 * exist). */
void paging_visit(const struct address_space *space, struct virt_range range, pt_visitor visitor,
                  void *context);
/* As paging_visit(), and for each entry that is not present: a leaf of prot_none(), which keeps its frame, and a
 * swapped page. */
void paging_visit_kept(const struct address_space *space, struct virt_range range,
                       pt_visitor visitor, void *context);

/* Calls `change` for each leaf in the range and each entry that is not present, in order of address: the entry becomes what it returns.
 * The old translations of all that have changed are flushed together before the return. It may not walk the tables.
 * O(tables and entries of the range that exist). */
typedef pte_t (*pt_changer)(void *context, virt_t at, int level, pte_t entry);
void paging_change(struct address_space *space, struct virt_range range, pt_changer change,
                   void *context);
/* Makes an entry of level 1, which is `old`, the entry `e`: swapped, or present after it was swapped. No flush, since one of the
 * two is not present, and the old one was flushed. References are not changed. O(1). */
void paging_exchange(struct address_space *space, virt_t page, pte_t old, pte_t e);
/* The leaf of a page that was swapped in: accessed; `e` is its swapped entry. */
pte_t paging_leaf_of_swapped(pte_t e, phys_t frame, prot_t prot, bool kept);

/* Merges the 512 leaves around `at` into one of 2 MiB, if they map contiguous, aligned memory with
 * equal permissions and memory type; then 512 of those into one of 1 GiB. A and D are the union of
 * the old ones. The tables are freed; references are not changed: unmap will release one large
 * block. False if nothing changed. */
bool paging_promote(struct address_space *space, virt_t at);

/* Reads and clears accessed and dirty bits. For each leaf of the range that has a bit of `test`
 * (PTE_A, PTE_D) set, sets its pages in `bitmap` (bit i % 64 of word i / 64 for the i-th page after
 * range.start; may be NULL; other bits are left alone) and clears its bits `clear`. Cleared leaves
 * are flushed before the return, so that no later access is missed. A large leaf that an end of the
 * range cuts is reported but not cleared: a page may be reported twice, never missed. Returns the
 * number of pages found. The bitmap is written while tables are held, so it must be memory that
 * cannot fault. */
uint64_t paging_harvest(struct address_space *space, struct virt_range range, uint64_t test,
                        uint64_t clear, uint64_t *bitmap);

/* Sets `bits` (PTE_A, PTE_D) in the present leaves of the range, for frames that are written
 * through another mapping or by a device. */
void paging_mark(struct address_space *space, struct virt_range range, uint64_t bits);

/* MADV_FREE: marks the leaves that lie wholly in the range and are not shared clean and
 * PTE_LAZYFREE. Such a leaf may be reclaimed as long as it is clean: paging_is_lazyfree().
 * paging_harvest() treats it as dirty, because its contents may change. Once harvested or protected
 * it is an ordinary page. */
void paging_mark_lazyfree(struct address_space *space, struct virt_range range);

static inline bool paging_is_lazyfree(pte_t leaf)
{
    return (leaf.v & (PTE_LAZYFREE | PTE_D)) == PTE_LAZYFREE;
}

/* Makes the space the running one (mm/pt/spaces.c). Costs a load of CR3 unless it is. O(1). */
void paging_run(struct address_space *space);

/* The physical address of v; false if it is not mapped. */
bool paging_translate(const struct address_space *space, virt_t v, phys_t *out);

/* Base of the slot through which the back end reads and writes tables; 0: none. */
extern uint64_t paging_window;
/* Base of the read-only window P through which programs read the tables; 0 before it exists. */
extern uint64_t paging_program_window;

/* A range of the program's half that the back end occupies; empty except with identity. */
extern struct virt_range paging_reserved_range;
