/* SPDX-License-Identifier: MIT */
#include "mm/pt/spaces.h"

#include "base/panic.h"
#include "base/str.h"
#include "mm/layout.h"
#include "mm/pt/backend.h"
#include "mm/pt/entry.h"
#include "mm/pt/runs.h"

#define KERNEL_SLOT_FIRST (LAYOUT_WINDOW_SLOT_LAST + 1)
#define KERNEL_SLOT_FREE  510 /* mm/layout.h */

static pt_table_t open_frame(phys_t frame)
{
    return paging->access->unlinked(frame);
}

static void close_frame(pt_table_t table)
{
    if (paging->access->put_unlinked != NULL)
        paging->access->put_unlinked(table);
}

static void close_table(pt_table_t table)
{
    if (paging->access->put != NULL)
        paging->access->put(table);
}

/* An empty table that nothing points to. */
static enum err new_table(phys_t *out)
{
    if (!paging->access->alloc(out))
        return E_NOMEM;
    CPUS_ADD(paging_counters.tables, 1);
    pt_table_t table = open_frame(*out);
    pt_clear(table);
    close_frame(table);
    return E_OK;
}

static void free_table(phys_t frame)
{
    paging->access->free(frame);
    CPUS_ADD(paging_counters.tables, -UINT64_C(1));
}

/* While there is one level-4 table: no other has to learn of them. */
COLD static enum err make_kernel_tables(void)
{
    for (unsigned slot = KERNEL_SLOT_FIRST; slot < PT_ENTRIES; slot++) {
        phys_t frame;
        pt_table_t root = paging->access->table(&kernel_space, PT_LEVELS, virt(0), (pte_t){0});
        bool there = pt_load(root, slot).v != 0;
        close_table(root);
        if (there || slot == KERNEL_SLOT_FREE)
            continue;
        if (new_table(&frame) != E_OK)
            return E_NOMEM; /* those that are there stay, and are not made again */
        root = paging->access->table(&kernel_space, PT_LEVELS, virt(0), (pte_t){0});
        pt_store(root, slot, (pte_t){frame.v | PTE_P | PTE_W});
        close_table(root);
        paging->access->relinked(PT_LEVELS - 1, virt(recursive_base(slot)));
    }
    return E_OK;
}

/* The back end's own range in the program's half: the same in every space, with the same right to be written. */
static enum err map_reserved(struct address_space *space)
{
    struct virt_range r = paging_reserved_range;
    return virt_range_size(r) == 0
               ? E_OK
               : paging_map(space, r.start, phys(r.start.v), virt_range_size(r), prot_rw());
}

/* Fills a level-4 table: the kernel's half of the running space's, with windows of its own. */
static void fill_root(phys_t frame)
{
    pt_table_t from = paging->access->table(running_space, PT_LEVELS, virt(0), (pte_t){0});
    pt_table_t to = open_frame(frame);
    for (unsigned slot = 0; slot < PT_ENTRIES; slot++) {
        pte_t e = {slot < PT_ENTRIES / 2 ? 0 : pt_load(from, slot).v};
        if ((e.v & PTE_ADDRESS) == running_space->root.v)
            e.v = (e.v & ~PTE_ADDRESS) | frame.v; /* a window */
        pt_store(to, slot, e);
    }
    close_frame(to);
    close_table(from);
}

void paging_copy_kernel_half(void *to)
{
    pt_table_t from = paging->access->table(running_space, PT_LEVELS, virt(0), (pte_t){0});
    memset(to, 0, PAGE_SIZE);
    for (unsigned slot = PT_ENTRIES / 2; slot < PT_ENTRIES; slot++)
        ((pte_t *)to)[slot] = pt_load(from, slot);
    close_table(from);
}

enum err paging_space_make(struct address_space *space)
{
    enum err e = make_kernel_tables();
    if (e != E_OK)
        return e;
    if (!paging->access->alloc(&space->root))
        return E_NOMEM;
    CPUS_ADD(paging_counters.tables, 1);
    fill_root(space->root);
    space->emptied = virt(0);
    e = map_reserved(space);
    if (e != E_OK)
        free_table(space->root);
    return e;
}

void paging_run(struct address_space *space)
{
    if (running_space == space)
        return;
    if (SEVERAL_CPUS)
        leaving_spaces[cpu_index()] = running_space;
    running_space = space;
    pt_set_root(space->root);
    if (SEVERAL_CPUS)
        leaving_spaces[cpu_index()] = NULL;
}

void paging_space_free(struct address_space *space)
{
    assert(space != running_space);
    while (SEVERAL_CPUS && pt_cpus_in(space) != 0)
        __builtin_ia32_pause(); /* the last thread there is about to leave it */
    if (virt_range_size(paging_reserved_range) != 0)
        paging_unmap(space, paging_reserved_range, NULL, NULL);
    if (space->emptied.v != 0)
        paging_trim(space);
    free_table(space->root);
    space->root = phys(0);
}

COLD void paging_fork_begin(struct pt_fork *fork, struct address_space *to, pt_share share,
                            void *context)
{
    *fork = (struct pt_fork){.to = to, .share = share, .context = context};
}

/* The table of the copy that holds v's entry of `level`, made if it is not there; 0: no memory. */
static phys_t fork_table(struct pt_fork *fork, virt_t v, int level)
{
    if (level == PT_LEVELS)
        return fork->to->root;
    if (fork->table[level].v != 0 && (fork->at.v ^ v.v) < pt_span(level + 1))
        return fork->table[level];
    phys_t parent = fork_table(fork, v, level + 1), frame;
    if (parent.v == 0)
        return parent;
    pt_table_t table = open_frame(parent);
    pte_t link = pt_load(table, pt_index(v, level + 1));
    close_frame(table);
    if (link.v == 0) {
        if (new_table(&frame) != E_OK)
            return phys(0);
        link.v = frame.v | PTE_P | PTE_W;
        table = open_frame(parent);
        pt_store(table, pt_index(v, level + 1), link);
        close_frame(table);
    }
    assert(!pt_is_leaf(link, level + 1));
    fork->table[level] = phys(link.v & PTE_ADDRESS);
    fork->at = v;
    for (int below = 1; below < level; below++)
        fork->table[below] = phys(0);
    return fork->table[level];
}

/* What both sides have of a leaf: one that they may not write but by a copy. Contents that could be reclaimed are not: both
 * would have to forget them. */
static pte_t fork_leaf(pte_t e)
{
    if (e.v & PTE_COW || pt_swapped(e))
        return e;
    if (e.v & PTE_LAZYFREE)
        e.v |= PTE_D;
    return (pte_t){(e.v & ~(PTE_W | PTE_LAZYFREE)) | PTE_COW | PTE_FORKED};
}

static void fork_run(void *context, const struct pt_run *run)
{
    struct pt_fork *fork = context;
    unsigned i = run->first;
    while (i < run->end && pt_load(run->table, i).v == 0)
        i++;
    if (i == run->end || fork->failed)
        return;
    phys_t frame = fork_table(fork, run->at, run->level);
    if (frame.v == 0) {
        fork->failed = true;
        return;
    }
    pt_table_t table = open_frame(frame);
    for (; i < run->end; i++) {
        pte_t e = pt_load(run->table, i), shared = fork_leaf(e);
        if (e.v == 0)
            continue;
        if (shared.v != e.v) {
            while (!pt_change(run->table, i, &e, shared))
                shared = fork_leaf(e);
            tlb_batch_add(&fork->tlb, pt_run_address(run, i));
        }
        pt_store(table, i, shared);
        fork->share(fork->context, shared, pt_span(run->level));
    }
    close_frame(table);
}

enum err paging_fork(struct pt_fork *fork, struct virt_range range)
{
    pt_each_run(running_space, range, fork_run, fork);
    return fork->failed ? E_NOMEM : E_OK;
}

void paging_fork_end(struct pt_fork *fork)
{
    tlb_batch_end(running_space, &fork->tlb);
}
