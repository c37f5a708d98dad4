/* SPDX-License-Identifier: MIT */
/*
 * The page tables: map, unmap, protect, walk, visit, each in the address space that is its first
 * argument (mm/space.h). The operations are written once, in mm/pt/walker.h, over a handful of
 * primitives that say how a table is reached, and compiled for each back end; a caller pays one
 * indirect call an operation, not one a level.
 *
 *        47      39 38      30 29      21 20      12 11         0
 *       +----------+----------+----------+----------+------------+
 *       | PML4  4  | PDPT  3  |  PD   2  |  PT   1  |   offset   |     level = 4 ... 1
 *       +----------+----------+----------+----------+------------+
 *
 * All functions: threads and boot, not interrupt handlers; the kernel is not preempted. They flush
 * what they change from this CPU's TLB before they return; a space that does not run has nothing
 * there. With pagetables=recursive the space must be the running one, or kernel_space.
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

/* What the MMU would meet on its way to v. The masks have bit n for level n. */
struct pt_walk {
    virt_t address;
    int leaf_level; /* 1, 2 or 3 where the walk ended in a leaf; 0 when it ended before */
    int last_level; /* the lowest level that was read; 5 for an address that is not canonical */
    pte_t entry[PT_LEVELS + 1]; /* by level; valid from 4 down to last_level */
    phys_t phys;                /* of v itself, when there is a leaf */
    bool writable, executable;  /* over all levels; false when there is no leaf */
    bool user;                  /* the same for code of ring 3 */
    bool accessed, dirty;       /* of the leaf */
    uint8_t memory_type; /* entry of the PAT that the leaf chooses: PAT, PCD, PWT as 4, 2, 1 */
    uint8_t absent;      /* the level whose entry is not present */
    uint8_t reserved;    /* ... has a bit set that must not be: any access faults */
    uint8_t no_write, no_execute, no_user; /* the levels that deny it, leaf or not */
};

/* The first level in one of pt_walk's masks that the MMU meets; 0 when it is empty. */
static inline int pt_first_level(uint8_t mask)
{
    return mask == 0 ? 0 : 31 - __builtin_clz(mask);
}

/* A leaf that unmap took away; whoever gets it drops the reference on the frame. */
typedef void (*pt_release)(void *context, phys_t start, uint64_t size);
/* A leaf in a visit, in order of address. May walk, and change nothing. */
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

/* Chosen once, at boot. */
extern const struct paging_ops *paging;

/* What the CPU can do; set before the first call. */
extern bool paging_nx, paging_huge;
/* Bits that are reserved in an entry of any level: of the address, those that this CPU lacks; NX
 * where it has none. */
extern uint64_t paging_reserved;

/* Since boot, of this CPU. */
struct paging_counters {
    uint64_t page_flushes;  /* INVLPG of what was mapped */
    uint64_t full_flushes;  /* of the whole TLB */
    uint64_t table_flushes; /* INVLPG of where tables are seen */
    uint64_t tables;        /* frames that are page tables now, the boot stub's not counted */
    uint64_t splits, promotions;
};
extern struct paging_counters paging_counters;

/* Maps [at, at + size) to [to, to + size), pages of the largest size that alignment allows. Nothing
 * there may be mapped. E_NOMEM when a table cannot be had: nothing stays mapped then. */
MUST_CHECK static inline enum err paging_map(struct address_space *space, virt_t at, phys_t to,
                                             uint64_t size, prot_t prot)
{
    return paging->map(space, at, to, size, prot);
}

/* Makes v a boundary between leaves: a large leaf that v cuts becomes smaller ones, as often as
 * needed. E_NOMEM, and then the translation of no address has changed. */
MUST_CHECK enum err paging_split_at(struct address_space *space, virt_t v);

/* Takes away what is mapped in the range, splitting large leaves at its ends, and frees tables that
 * become empty, now or with the next unmap. `release` (may be NULL) gets each leaf after it was
 * flushed. Nothing here can fail, so no end may cut a large leaf: where there can be large leaves,
 * paging_split_at() prepared both ends, and reported that memory is short. */
static inline void paging_unmap(struct address_space *space, struct virt_range range,
                                pt_release release, void *context)
{
    paging->unmap(space, range, release, context);
}

/* Frees the tables that the last unmap left empty; false when there were none. For who is short of
 * memory, wants to map a large page, or counts. */
static inline bool paging_trim(struct address_space *space)
{
    return paging->trim(space);
}

/* Gives what is mapped in the range other permissions; holes stay holes, and copy-on-write pages
 * stay that. E_NOMEM, with the part before it changed, only where an end cuts a large leaf: never
 * after paging_split_at() of both. */
MUST_CHECK static inline enum err paging_protect(struct address_space *space,
                                                 struct virt_range range, prot_t prot)
{
    return paging->protect(space, range, prot);
}

/* Points the 4 KiB leaf at `page` (mapped or not; its table exists) to another frame. No reference
 * changes. */
static inline void paging_replace(struct address_space *space, virt_t page, phys_t to, prot_t prot)
{
    paging->replace(space, page, to, prot);
}

/* Reads the tables as the MMU would; never faults, for any address. */
static inline void paging_walk(const struct address_space *space, virt_t at, struct pt_walk *out)
{
    paging->walk(space, at, out);
}

/* Each present leaf in the range. O(tables and entries of the range that exist). */
void paging_visit(const struct address_space *space, struct virt_range range, pt_visitor visitor,
                  void *context);
/* The same, and each leaf of prot_none(), which is not present and keeps its frame. */
void paging_visit_kept(const struct address_space *space, struct virt_range range,
                       pt_visitor visitor, void *context);

/* Makes one leaf of 2 MiB out of the 512 that surround `at`, where they map memory that is in one
 * piece and aligned, with equal permissions and memory type; and one of 1 GiB out of 512 of those.
 * It is accessed or dirty when any was. The table is freed. False when nothing changed. No
 * reference changes: unmap will release one large block. */
bool paging_promote(struct address_space *space, virt_t at);

/* Accessed and dirty bits. For each leaf of the range that has a bit of `test` (PTE_A, PTE_D) set:
 * its pages are set in `bitmap` (bit i of word i / 64 for the i-th page after range.start; may be
 * NULL; the other bits are left alone), and the bits `clear` of it are cleared. What was cleared is
 * flushed before this returns, so that no later access goes unseen. A large leaf that an end of the
 * range cuts is reported and keeps its bits: to be told again is harmless, to miss a page is not.
 * Returns the number of pages that were found. The bitmap is written while tables are held: kernel
 * memory, or anything else that cannot fault. */
uint64_t paging_harvest(struct address_space *space, struct virt_range range, uint64_t test,
                        uint64_t clear, uint64_t *bitmap);

/* Sets `bits` (PTE_A, PTE_D) in the present leaves of the range: what the CPU does not do when a
 * frame is written through another mapping, or by a device. */
void paging_mark(struct address_space *space, struct virt_range range, uint64_t bits);

/* MADV_FREE: the pages of the range, whole leaves that are not shared, become clean and get
 * PTE_LAZYFREE. For as long as such a leaf stays clean nobody needs it: paging_is_lazyfree(). For
 * paging_harvest() it counts as dirty, because its contents may change; told once, or protected, it
 * is a page like any other. */
void paging_mark_lazyfree(struct address_space *space, struct virt_range range);

static inline bool paging_is_lazyfree(pte_t leaf)
{
    return (leaf.v & (PTE_LAZYFREE | PTE_D)) == PTE_LAZYFREE;
}

/* The physical address of v; false when it is not mapped. */
bool paging_translate(const struct address_space *space, virt_t v, phys_t *out);

/* Base of the slot through which the back end reads and writes tables; 0 when it needs none. */
extern uint64_t paging_window;
/* Where programs read the tables: base of the read-only window P, 0 before it exists. */
extern uint64_t paging_program_window;

/* A range of the program's half that the back end keeps for itself; empty with all but identity. */
extern struct virt_range paging_reserved_range;
