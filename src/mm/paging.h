/* SPDX-License-Identifier: MIT */
/*
 * The page tables: map, unmap, protect, walk, visit. The operations are written once, in
 * mm/paging_walker.inc, over a handful of primitives that say how a table is reached, and compiled
 * for each back end; a caller pays one indirect call an operation, not one a level.
 *
 *        47      39 38      30 29      21 20      12 11         0
 *       +----------+----------+----------+----------+------------+
 *       | PML4  4  | PDPT  3  |  PD   2  |  PT   1  |   offset   |     level = 4 ... 1
 *       +----------+----------+----------+----------+------------+
 *
 * All functions: threads and boot, not interrupt handlers; the kernel is not preempted. They flush
 * what they change from this CPU's TLB before they return.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "mm/prot.h"

typedef struct {
    uint64_t v; /* one entry, at any level */
} pte_t;

#define PTE_P       (UINT64_C(1) << 0)
#define PTE_W       (UINT64_C(1) << 1)
#define PTE_U       (UINT64_C(1) << 2)
#define PTE_PWT     (UINT64_C(1) << 3)
#define PTE_PCD     (UINT64_C(1) << 4)
#define PTE_A       (UINT64_C(1) << 5)
#define PTE_D       (UINT64_C(1) << 6)
#define PTE_PS      (UINT64_C(1) << 7)
#define PTE_G       (UINT64_C(1) << 8)
#define PTE_NX      (UINT64_C(1) << 63)

#define PTE_COPY    (UINT64_C(1) << 9) /* ours, ignored by the CPU: prot_copy_on_write() */

#define PTE_ADDRESS UINT64_C(0x000ffffffffff000)

#define PT_ENTRIES  512
#define PT_LEVELS   4

/* Bytes that one entry of the level spans: 4 KiB, 2 MiB, 1 GiB, 512 GiB. */
static inline uint64_t pt_span(int level)
{
    return UINT64_C(1) << (PAGE_SHIFT + 9 * (level - 1));
}

static inline unsigned pt_index(virt_t v, int level)
{
    return (unsigned)(v.v >> (PAGE_SHIFT + 9 * (level - 1))) & (PT_ENTRIES - 1);
}

/* What the MMU would meet on its way to v. */
struct pt_walk {
    virt_t address;
    int leaf_level; /* 1, 2 or 3 where the walk ended in a leaf; 0 when it ended before */
    int last_level; /* the lowest level that was read */
    pte_t entry[PT_LEVELS + 1]; /* by level; valid from 4 down to last_level */
    phys_t phys;                /* of v itself, when there is a leaf */
    bool writable, executable;  /* over all levels; false when there is no leaf */
};

/* A leaf that unmap took away; whoever gets it drops the reference on the frame. */
typedef void (*pt_release)(void *context, phys_t start, uint64_t size);
/* A leaf in a visit, in order of address. */
typedef void (*pt_visitor)(void *context, virt_t at, int level, pte_t entry);

struct paging_ops {
    const char *name;
    enum err (*map)(virt_t at, phys_t to, uint64_t size, prot_t prot);
    void (*unmap)(struct virt_range range, pt_release release, void *context);
    enum err (*protect)(struct virt_range range, prot_t prot);
    void (*replace)(virt_t page, phys_t to, prot_t prot);
    void (*walk)(virt_t at, struct pt_walk *out);
    void (*visit)(struct virt_range range, pt_visitor visitor, void *context);
};

/* Chosen once, at boot. */
extern const struct paging_ops *paging;

/* What the CPU can do; set before the first call. */
extern bool paging_nx, paging_huge;

/* Maps [at, at + size) to [to, to + size), pages of the largest size that alignment allows. Nothing
 * there may be mapped. E_NOMEM when a table cannot be had: nothing stays mapped then. */
MUST_CHECK static inline enum err paging_map(virt_t at, phys_t to, uint64_t size, prot_t prot)
{
    return paging->map(at, to, size, prot);
}

/* Takes away what is mapped in the range, splitting large leaves at its ends, and frees tables that
 * become empty. `release` (may be NULL) gets each leaf after it was flushed. Splitting may need a
 * table: the range must not cut a large leaf when memory could be out (callers map 4 KiB pages
 * where they unmap 4 KiB pages). */
static inline void paging_unmap(struct virt_range range, pt_release release, void *context)
{
    paging->unmap(range, release, context);
}

/* Gives what is mapped in the range other permissions; holes stay holes, and copy-on-write pages
 * stay that. */
MUST_CHECK static inline enum err paging_protect(struct virt_range range, prot_t prot)
{
    return paging->protect(range, prot);
}

/* Points the 4 KiB leaf at `page` (mapped or not; its table exists) to another frame. No reference
 * changes. */
static inline void paging_replace(virt_t page, phys_t to, prot_t prot)
{
    paging->replace(page, to, prot);
}

/* Reads the tables as the MMU would; never faults, for any address. */
static inline void paging_walk(virt_t at, struct pt_walk *out)
{
    paging->walk(at, out);
}

static inline void paging_visit(struct virt_range range, pt_visitor visitor, void *context)
{
    paging->visit(range, visitor, context);
}

/* The physical address of v; false when it is not mapped. */
bool paging_translate(virt_t v, phys_t *out);

/* Where programs read the tables: base of the read-only window P, 0 before it exists. */
extern uint64_t paging_program_window;
