/* SPDX-License-Identifier: MIT */
/*
 * The walker: map, unmap, protect, replace, walk and trim over a constant struct pt_access. Each
 * back end includes this header, names its primitives in a `static const struct pt_access`, and
 * ends with PT_BACK_END(): the compiler resolves the constant, so that no call through a pointer is
 * left on the way to a table.
 *
 * Access to a table that has been reached is the same for all: pt_load() and pt_store()
 * (mm/pt/access.h).
 *
 * Invariants
 *   1. Code that links, changes or frees a table calls access->relinked() for it, besides the flush
 *      for what it mapped: in the windows tables are pages, with TLB entries of their own.
 *   2. A new table is linked first and cleared through the window afterwards; in between nothing
 *      touches its range (one CPU, the kernel is not preempted). Of several CPUs another may walk it: there it is cleared
 *      before. A table that replaces a large leaf is
 *      filled *before* it is linked, because its range is in use.
 *   3. Upper entries are P|W and nothing else: their W, NX, G, PCD and PWT act as a leaf's in the
 *      window. The leaf decides. A and D of upper entries have no meaning: the CPU sets them when the
 *      window is read or written.
 *   4. The walk stops at PS=1: below a large leaf the window shows the page's data.
 *   5. A table without an entry is freed by the unmap that emptied it; in the program's half, by the
 *      next unmap that removes an entry of another level-1 table: programs map and unmap at one place
 *      again and again. So at most one path of a space (space->emptied) has empty tables. Level-3
 *      tables of the kernel's half stay: all spaces link them.
 *   6. Translations are dropped after the entries changed and before any frame is freed (mm/pt/tlb.h).
 *      A space that is not running has none.
 */
#pragma once

#include "base/panic.h"
#include "mm/pt/backend.h"
#include "mm/pt/entry.h"
#include "mm/pt/tlb.h"

struct pt_path {
    int level; /* the lowest level that is held */
    pt_table_t table[PT_LEVELS + 1];
};

/* Descends towards v down to `level`, or to an empty entry or a leaf above it. */
static inline int pt_descend(const struct pt_access *access, const struct address_space *space,
                             virt_t v, int level, struct pt_path *path)
{
    int at = 4;
    path->table[4] = access->table(space, 4, v, (pte_t){0});
    while (at > level) {
        pte_t e = pt_load(path->table[at], pt_index(v, at));
        if (!pt_present(e) || pt_is_leaf(e, at))
            break;
        at--;
        path->table[at] = access->table(space, at, v, e);
    }
    path->level = at;
    return at;
}

static inline void pt_put_path(const struct pt_access *access, struct pt_path *path)
{
    for (int level = path->level; access->put != NULL && level <= PT_LEVELS; level++)
        access->put(path->table[level]);
}

static inline void pt_clear_unlinked(const struct pt_access *access, phys_t frame)
{
    pt_table_t table = access->unlinked(frame);
    pt_clear(table);
    if (access->put_unlinked != NULL)
        access->put_unlinked(table);
}

/* Descends to the table of `level`, adding missing tables. */
static inline enum err pt_reach(const struct pt_access *access, const struct address_space *space,
                                virt_t v, int level, struct pt_path *path)
{
    for (int at = pt_descend(access, space, v, level, path); at > level; at--) {
        assert(pt_load(path->table[at], pt_index(v, at)).v == 0);
        phys_t frame;
        if (!access->alloc(&frame))
            return E_NOMEM;
        CPUS_ADD(paging_counters.tables, 1);
        pte_t link = {frame.v | PTE_P | PTE_W};
        if (cpus_others())
            pt_clear_unlinked(access, frame);
        pt_store(path->table[at], pt_index(v, at), link);
        access->relinked(at - 1, v);
        pt_table_t made = access->table(space, at - 1, v, link);
        if (!cpus_others())
            pt_clear(made);
        path->table[at - 1] = made;
        path->level = at - 1;
    }
    return E_OK;
}

/* Checks the entries from index `near` on first, where a non-empty one is most likely. */
static inline bool pt_table_empty(pt_table_t table, unsigned near)
{
    uint64_t any = 0;
    for (unsigned n = 0; n < PT_ENTRIES && any == 0; n += 8) {
        unsigned i = (near + n) % PT_ENTRIES & ~7u;
        for (unsigned j = 0; j < 8; j++)
            any |= pt_load(table, i + j).v;
    }
    return any == 0;
}

/* Frees the empty tables on the path to v, from its lowest upwards. */
static inline void pt_prune(const struct pt_access *access, const struct address_space *space,
                            virt_t v, struct pt_path *path)
{
    int top = v.v >> 63 ? 2 : 3; /* invariant 5 */
    for (int level = path->level;
         level <= top && pt_table_empty(path->table[level], pt_index(v, level)); level++) {
        pte_t link = pt_load(path->table[level + 1], pt_index(v, level + 1));
        pt_store(path->table[level + 1], pt_index(v, level + 1), (pte_t){0});
        access->relinked(level, v);
        if (SEVERAL_CPUS)
            tlb_forget_table(space);
        access->free(phys(link.v & PTE_ADDRESS));
        CPUS_ADD(paging_counters.tables, -UINT64_C(1));
    }
}

static inline bool walker_trim(const struct pt_access *access, struct address_space *space)
{
    virt_t v = space->emptied;
    struct pt_path path;
    uint64_t before = paging_counters.tables;
    if (v.v == 0)
        return false;
    space->emptied = virt(0);
    pt_descend(access, space, v, 1, &path);
    pt_prune(access, space, v, &path);
    pt_put_path(access, &path);
    return paging_counters.tables != before;
}

/* The largest page level for this place; at most 2 MiB on a CPU without 1 GiB pages. */
static inline int pt_best_level(virt_t at, phys_t to, uint64_t left)
{
    if (left < LARGE_SIZE)
        return 1;
    int level = paging_huge ? 3 : 2;
    while (level > 1 && ((at.v | to.v) & (pt_span(level) - 1) || left < pt_span(level)))
        level--;
    return level;
}

static inline enum err walker_map(const struct pt_access *access, struct address_space *space,
                                  virt_t at, struct phys_range range, prot_t prot)
{
    phys_t to = range.start;
    uint64_t done = 0, size = phys_range_size(range);
    while (done < size) {
        virt_t v = virt(at.v + done);
        int level = pt_best_level(v, phys(to.v + done), size - done);
        struct pt_path path;
        if (level > 1)
            paging_trim(space); /* an empty table may be in the leaf's place */
        enum err e = pt_reach(access, space, v, level, &path);
        if (e != E_OK) { /* unmap the part done, and free the new tables */
            pt_prune(access, space, v, &path);
            pt_put_path(access, &path);
            paging_unmap(space, virt_range(at.v, at.v + done), NULL, NULL);
            paging_trim(space);
            return e;
        }
        /* The rest of this table, as far as pages of this level fit. */
        unsigned index = pt_index(v, level);
        do {
            assert(pt_load(path.table[level], index).v == 0);
            pt_store(path.table[level], index, pt_leaf(phys(to.v + done), level, prot));
            done += pt_span(level);
            index++;
        } while (index < PT_ENTRIES && size - done >= pt_span(level) && level == 1);
        pt_put_path(access, &path);
    }
    return E_OK;
}

#define RELEASE_MAX 64

struct pt_batch {
    struct tlb_batch tlb;
    const struct address_space *space;
    unsigned count;
    pte_t leaf[RELEASE_MAX];
    uint64_t size[RELEASE_MAX];
    pt_release release;
    void *context;
};

static inline void pt_batch_end(struct pt_batch *b)
{
    tlb_batch_end(b->space, &b->tlb);
    if (b->release != NULL)
        for (unsigned i = 0; i < b->count; i++)
            b->release(b->context, b->leaf[i], b->size[i]);
    b->count = 0;
}

/* Unmaps the part of the range that lies in the lowest table of the path; returns where to
 * continue. */
static inline virt_t pt_unmap_table(virt_t v, virt_t end, struct pt_path *path,
                                    struct pt_batch *batch)
{
    int level = path->level;
    unsigned index = pt_index(v, level);
    while (index < PT_ENTRIES && v.v < end.v) {
        pte_t e = pt_load(path->table[level], index);
        if (e.v != 0) {
            if (pt_present(e) && !pt_is_leaf(e, level))
                break; /* a table: the caller goes down */
            if (pt_cut(v, end, level))
                break; /* the caller splits */
            while (!pt_change(path->table[level], index, &e, (pte_t){0}))
                ;
            tlb_batch_add(&batch->tlb, v);
            batch->leaf[batch->count] = e;
            batch->size[batch->count] = pt_span(level);
            if (++batch->count == RELEASE_MAX)
                pt_batch_end(batch);
        }
        v = pt_next(v, level);
        index++;
    }
    return v;
}

static inline void walker_unmap(const struct pt_access *access, struct address_space *space,
                                struct virt_range range, pt_release release, void *context)
{
    struct pt_batch batch;
    batch.tlb.count = batch.count = 0;
    batch.space = space;
    batch.release = release;
    batch.context = context;
    virt_t v = range.start;
    while (v.v < range.end.v) {
        struct pt_path path;
        int level = pt_descend(access, space, v, 1, &path);
        virt_t from = v;
        v = pt_unmap_table(v, range.end, &path, &batch);
        bool later = path.level == 1 && from.v >> 63 == 0;
        if (v.v != from.v && !later)
            pt_prune(access, space, virt(v.v - 1), &path);
        pt_put_path(access, &path);
        if (v.v != from.v && later) {
            if ((space->emptied.v ^ from.v) >> LARGE_SHIFT != 0)
                paging_trim(space);
            space->emptied = virt(v.v - 1);
        }
        if (v.v == from.v)
            must(pt_split(space, v, level)); /* a large leaf that the range cuts */
        if (v.v == 0)
            break; /* past the last page of the address space */
    }
    pt_batch_end(&batch);
}

/* Changes the part of the range that lies in the lowest table of the path; returns where to
 * continue. */
static inline virt_t pt_protect_table(virt_t v, virt_t end, prot_t prot, struct pt_path *path,
                                      struct tlb_batch *batch)
{
    int level = path->level;
    for (unsigned i = pt_index(v, level); i < PT_ENTRIES && v.v < end.v; i++) {
        pte_t e = pt_load(path->table[level], i);
        if (e.v != 0) {
            if ((pt_present(e) && !pt_is_leaf(e, level)) || pt_cut(v, end, level))
                break;
            if (likely(!pt_swapped(e))) { /* else its rights are the area's */
                pte_t changed = pt_leaf(pt_phys(e, level), level, pt_keep_copy(e, prot));
                do
                    changed.v |= e.v & (PTE_A | PTE_D | PTE_WRITTEN | PTE_SLOT);
                while (!pt_change(path->table[level], i, &e, changed));
                tlb_batch_add(batch, v);
            }
        }
        v = pt_next(v, level);
    }
    return v;
}

static inline enum err walker_protect(const struct pt_access *access, struct address_space *space,
                                      struct virt_range range, prot_t prot)
{
    struct tlb_batch batch;
    batch.count = 0;
    enum err e = E_OK;
    virt_t v = range.start;
    while (v.v < range.end.v && e == E_OK) {
        struct pt_path path;
        int level = pt_descend(access, space, v, 1, &path);
        virt_t from = v;
        v = pt_protect_table(v, range.end, prot, &path, &batch);
        pt_put_path(access, &path);
        if (v.v == from.v)
            e = pt_split(space, v, level); /* a large leaf that the range cuts */
        if (v.v == 0)
            break;
    }
    tlb_batch_end(space, &batch);
    return e;
}

static inline void walker_replace(const struct pt_access *access, struct address_space *space,
                                  virt_t page, phys_t to, prot_t prot)
{
    struct pt_path path;
    int level = pt_descend(access, space, page, 1, &path);
    assert(level == 1);
    pt_store(path.table[1], pt_index(page, 1), pt_leaf(to, 1, prot));
    pt_put_path(access, &path);
    if (SEVERAL_CPUS && page.v - LAYOUT_SCRATCH_CPUS < LAYOUT_SCRATCH_CPUS_SIZE) {
        pt_invalidate(page); /* no other CPU uses it */
        return;
    }
    struct tlb_batch batch = {.count = 1, .page = {page}};
    tlb_batch_end(space, &batch);
}

static inline void walker_walk(const struct pt_access *access, const struct address_space *space,
                               virt_t at, struct pt_walk *out)
{
    *out = (struct pt_walk){.address = at, .last_level = PT_LEVELS + 1};
    if (!pt_canonical(at))
        return;
    pte_t e = {0};
    for (int level = 4; level >= 1; level--) {
        pt_table_t table = access->table(space, level, at, e);
        e = pt_load(table, pt_index(at, level));
        if (access->put != NULL)
            access->put(table);
        out->entry[level] = e;
        out->last_level = level;
        if (pt_walk_entry(out, e, level))
            return;
    }
}

/* Defines the back end paging_NAME: the walker's operations, compiled for the constant
 * NAME_access. */
#define PT_BACK_END(id)                                                                            \
    static enum err id##_map(struct address_space *space, virt_t at, phys_t to, uint64_t size,     \
                             prot_t prot)                                                          \
    {                                                                                              \
        return walker_map(&id##_access, space, at, phys_range(to.v, to.v + size), prot);           \
    }                                                                                              \
    static void id##_unmap(struct address_space *space, struct virt_range range,                   \
                           pt_release release, void *context)                                      \
    {                                                                                              \
        walker_unmap(&id##_access, space, range, release, context);                                \
    }                                                                                              \
    static enum err id##_protect(struct address_space *space, struct virt_range range,             \
                                 prot_t prot)                                                      \
    {                                                                                              \
        return walker_protect(&id##_access, space, range, prot);                                   \
    }                                                                                              \
    static void id##_replace(struct address_space *space, virt_t page, phys_t to, prot_t prot)     \
    {                                                                                              \
        walker_replace(&id##_access, space, page, to, prot);                                       \
    }                                                                                              \
    static void id##_walk(const struct address_space *space, virt_t at, struct pt_walk *out)       \
    {                                                                                              \
        walker_walk(&id##_access, space, at, out);                                                 \
    }                                                                                              \
    static bool id##_trim(struct address_space *space)                                             \
    {                                                                                              \
        return walker_trim(&id##_access, space);                                                   \
    }                                                                                              \
    const struct paging_ops paging_##id = {                                                        \
        .name = #id,                                                                               \
        .map = id##_map,                                                                           \
        .unmap = id##_unmap,                                                                       \
        .protect = id##_protect,                                                                   \
        .replace = id##_replace,                                                                   \
        .walk = id##_walk,                                                                         \
        .trim = id##_trim,                                                                         \
        .access = &id##_access,                                                                    \
    }
