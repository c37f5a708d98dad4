/* SPDX-License-Identifier: MIT */
/*
 * The one walker. Each back end defines the primitives and includes this file once:
 *
 *   pt_table_t                              how it names a table that it can reach
 *   pt_table_t pt_table(level, v, parent)   the table of `level` on the way to v; `parent` is the entry
 *                                           that points to it (for level 4: nothing)
 *   pte_t pt_load(table, index)             read, write one entry
 *   void pt_store(table, index, pte)
 *   void pt_relinked(level, v)              the table of `level` for v was linked, replaced or unlinked:
 *                                           forget how it was reached
 *   bool pt_alloc(phys_t *) / void pt_free(phys_t)   frames for tables
 *   void pt_fill(phys_t, const pte_t *)     writes a whole table before it is linked
 *   void pt_flush_page(v) / pt_flush_all()
 *
 * Invariants
 *   1. Whoever links, changes or frees a table calls pt_relinked() for it, not only pt_flush_page() for
 *      what it mapped: in the recursive window tables are pages, with TLB entries of their own.
 *   2. A new table is linked first and cleared through the window afterwards; in between nothing touches its
 *      range (one CPU, the kernel is not preempted). A table that replaces a large leaf is filled
 *      *before* it is linked, because its range is in use.
 *   3. Upper entries are P|W and nothing else: their W, NX, G, PCD and PWT act as a leaf's in the window. The
 *      leaf decides. A and D of upper entries are set by the CPU when the window is read or written: they mean
 *      nothing.
 *   4. The walk stops at PS=1: below a large leaf the window shows the page's data.
 *   5. A table without a present entry is freed by the unmap that emptied it. Level-3 tables of the kernel's
 *      half stay.
 */

#include "base/panic.h"

#define FLUSH_PAGES_MAX 32 /* more invlpg than this cost more than to refill the whole TLB */
#define RELEASE_MAX     64

static pte_t pt_leaf(phys_t to, int level, prot_t prot)
{
    uint64_t v = to.v;
    if (level > 1)
        v |= PTE_PS;
    if (prot.bits & PROT_BIT_COPY)
        v |= PTE_COPY;
    if (!(prot.bits & (PROT_BIT_READ | PROT_BIT_WRITE | PROT_BIT_EXECUTE)))
        return (pte_t){v}; /* PROT_NONE: kept, not present */
    v |= PTE_P;
    if (prot_can_write(prot) && !(prot.bits & PROT_BIT_COPY))
        v |= PTE_W;
    if (!prot_can_execute(prot) && paging_nx)
        v |= PTE_NX;
    if (prot.bits & PROT_BIT_UNCACHED)
        v |= PTE_PCD | PTE_PWT;
    return (pte_t){v};
}

/* An entry that leads to a table or a page. Pages with prot_none() are not present, yet there. */
static bool pt_present(pte_t e)
{
    return e.v & PTE_P;
}

static bool pt_is_leaf(pte_t e, int level)
{
    return level == 1 || (level <= 3 && (e.v & PTE_PS));
}

static phys_t pt_phys(pte_t e, int level)
{
    return phys(e.v & PTE_ADDRESS & ~(pt_span(level) - 1));
}

struct pt_path {
    pt_table_t table[PT_LEVELS + 1]; /* by level */
};

/* Goes down towards v until `level`; the level where it had to stop (an empty entry or a leaf there). */
static int pt_descend(virt_t v, int level, struct pt_path *path)
{
    path->table[4] = pt_table(4, v, (pte_t){0});
    int at = 4;
    while (at > level) {
        pte_t e = pt_load(path->table[at], pt_index(v, at));
        if (!pt_present(e) || pt_is_leaf(e, at))
            break;
        at--;
        path->table[at] = pt_table(at, v, e);
    }
    return at;
}

/* Replaces the large leaf at `level` by a table of smaller leaves that map the same. */
static enum err pt_split(virt_t v, int level, struct pt_path *path)
{
    unsigned index = pt_index(v, level);
    pte_t old = pt_load(path->table[level], index);
    phys_t frame;
    if (!pt_alloc(&frame))
        return E_NOMEM;
    pte_t small[PT_ENTRIES];
    uint64_t flags = old.v & ~PTE_ADDRESS;
    if (level == 2)
        flags &= ~PTE_PS;
    for (unsigned i = 0; i < PT_ENTRIES; i++)
        small[i].v = (pt_phys(old, level).v + i * pt_span(level - 1)) | flags;
    pt_fill(frame, small);
    pt_store(path->table[level], index, (pte_t){frame.v | PTE_P | PTE_W});
    pt_relinked(level - 1, v);
    pt_flush_page(v);
    return E_OK;
}

/* Goes down to the table of `level`, making the tables that lack. */
static enum err pt_reach(virt_t v, int level, struct pt_path *path)
{
    for (;;) {
        int at = pt_descend(v, level, path);
        if (at == level)
            return E_OK;
        pte_t e = pt_load(path->table[at], pt_index(v, at));
        if (e.v != 0) {
            enum err split = pt_split(v, at, path);
            if (split != E_OK)
                return split;
            continue;
        }
        phys_t frame;
        if (!pt_alloc(&frame))
            return E_NOMEM;
        pte_t link = {frame.v | PTE_P | PTE_W};
        pt_store(path->table[at], pt_index(v, at), link);
        pt_relinked(at - 1, v);
        pt_table_t made = pt_table(at - 1, v, link);
        for (unsigned i = 0; i < PT_ENTRIES; i++)
            pt_store(made, i, (pte_t){0});
    }
}

static bool pt_table_empty(pt_table_t table)
{
    for (unsigned i = 0; i < PT_ENTRIES; i++)
        if (pt_load(table, i).v != 0)
            return false;
    return true;
}

/* Frees the tables on the way to v that hold nothing, from `level` upwards. */
static void pt_prune(virt_t v, int level, struct pt_path *path)
{
    int top = v.v >> 63 ? 2 : 3; /* invariant 5 */
    for (; level <= top && pt_table_empty(path->table[level]); level++) {
        pte_t link = pt_load(path->table[level + 1], pt_index(v, level + 1));
        pt_store(path->table[level + 1], pt_index(v, level + 1), (pte_t){0});
        pt_relinked(level, v);
        pt_free(phys(link.v & PTE_ADDRESS));
    }
}

static void op_unmap(struct virt_range range, pt_release release, void *context);

/* The largest page for this place, and not above 2 MiB where the CPU has none of 1 GiB. */
static int pt_best_level(virt_t at, phys_t to, uint64_t left)
{
    int level = paging_huge ? 3 : 2;
    while (level > 1 && ((at.v | to.v) & (pt_span(level) - 1) || left < pt_span(level)))
        level--;
    return level;
}

static enum err op_map(virt_t at, phys_t to, uint64_t size, prot_t prot)
{
    uint64_t done = 0;
    while (done < size) {
        virt_t v = virt(at.v + done);
        phys_t p = phys(to.v + done);
        int level = pt_best_level(v, p, size - done);
        struct pt_path path;
        enum err e = pt_reach(v, level, &path);
        if (e != E_OK) {
            op_unmap(virt_range(at.v, at.v + done), NULL, NULL);
            return e;
        }
        /* The rest of this table, while pages of this level fit. */
        unsigned index = pt_index(v, level);
        do {
            assert(pt_load(path.table[level], index).v == 0);
            pt_store(path.table[level], index, pt_leaf(phys(to.v + done), level, prot));
            done += pt_span(level);
            index++;
        } while (index < PT_ENTRIES && size - done >= pt_span(level) && level == 1);
    }
    return E_OK;
}

struct pt_batch {
    uint64_t at[RELEASE_MAX];
    phys_t frame[RELEASE_MAX];
    uint64_t size[RELEASE_MAX];
    unsigned count;
    pt_release release;
    void *context;
};

/* Flushes what the batch took away, and only then lets go of the frames. */
static void pt_batch_end(struct pt_batch *b)
{
    if (b->count > FLUSH_PAGES_MAX) {
        pt_flush_all();
    } else {
        for (unsigned i = 0; i < b->count; i++)
            pt_flush_page(virt(b->at[i]));
    }
    if (b->release != NULL)
        for (unsigned i = 0; i < b->count; i++)
            b->release(b->context, b->frame[i], b->size[i]);
    b->count = 0;
}

/* The part of the range that lies in the table of `level` on the path; where to go on. */
static virt_t pt_unmap_table(virt_t v, virt_t end, int level, struct pt_path *path,
                             struct pt_batch *batch)
{
    unsigned index = pt_index(v, level);
    while (index < PT_ENTRIES && v.v < end.v) {
        pte_t e = pt_load(path->table[level], index);
        if (e.v != 0) {
            if (pt_present(e) && !pt_is_leaf(e, level))
                break; /* a table: the caller goes down */
            if (pt_is_leaf(e, level) && level > 1 &&
                (v.v & (pt_span(level) - 1) || end.v - v.v < pt_span(level)))
                break; /* cut in the middle: the caller splits */
            pt_store(path->table[level], index, (pte_t){0});
            batch->at[batch->count] = v.v;
            batch->frame[batch->count] = pt_phys(e, level);
            batch->size[batch->count] = pt_span(level);
            if (++batch->count == RELEASE_MAX)
                pt_batch_end(batch);
        }
        v = virt(align_down(v.v, pt_span(level)) + pt_span(level));
        index++;
    }
    return v;
}

static void op_unmap(struct virt_range range, pt_release release, void *context)
{
    struct pt_batch batch = {.release = release, .context = context};
    virt_t v = range.start;
    while (v.v < range.end.v) {
        struct pt_path path;
        int level = pt_descend(v, 1, &path);
        virt_t from = v;
        v = pt_unmap_table(v, range.end, level, &path, &batch);
        if (v.v == from.v) { /* a large leaf that the range cuts */
            must(pt_split(v, level, &path));
            continue;
        }
        pt_batch_end(&batch);
        if (level < PT_LEVELS)
            pt_prune(from, level, &path);
        if (v.v == 0)
            break; /* past the top of the address space */
    }
}

static enum err op_protect(struct virt_range range, prot_t prot)
{
    virt_t v = range.start;
    uint64_t flushes = 0;
    while (v.v < range.end.v) {
        struct pt_path path;
        int level = pt_descend(v, 1, &path);
        uint64_t span = pt_span(level);
        pte_t e = pt_load(path.table[level], pt_index(v, level));
        if (e.v != 0 && level > 1 && (v.v & (span - 1) || range.end.v - v.v < span)) {
            enum err split = pt_split(v, level, &path);
            if (split != E_OK)
                return split;
            continue;
        }
        for (unsigned i = pt_index(v, level); i < PT_ENTRIES && v.v < range.end.v; i++) {
            e = pt_load(path.table[level], i);
            if (level > 1 && e.v != 0 && (!pt_is_leaf(e, level) || range.end.v - v.v < span))
                break;
            if (e.v != 0) {
                prot_t leaf = e.v & PTE_COPY ? prot_copy_on_write(prot) : prot;
                pte_t changed = pt_leaf(pt_phys(e, level), level, leaf);
                changed.v |= e.v & (PTE_A | PTE_D);
                pt_store(path.table[level], i, changed);
                if (++flushes <= FLUSH_PAGES_MAX)
                    pt_flush_page(v);
            }
            v = virt(align_down(v.v, span) + span);
        }
        if (v.v == 0)
            break;
    }
    if (flushes > FLUSH_PAGES_MAX)
        pt_flush_all();
    return E_OK;
}

static void op_replace(virt_t page, phys_t to, prot_t prot)
{
    struct pt_path path;
    int level = pt_descend(page, 1, &path);
    assert(level == 1);
    pt_store(path.table[1], pt_index(page, 1), pt_leaf(to, 1, prot));
    pt_flush_page(page);
}

static bool pt_canonical(virt_t v)
{
    return (uint64_t)((int64_t)(v.v << 16) >> 16) == v.v;
}

static void op_walk(virt_t at, struct pt_walk *out)
{
    *out = (struct pt_walk){.address = at, .last_level = PT_LEVELS + 1};
    if (!pt_canonical(at))
        return;
    pt_table_t table = pt_table(4, at, (pte_t){0});
    bool writable = true, executable = true;
    for (int level = 4; level >= 1; level--) {
        pte_t e = pt_load(table, pt_index(at, level));
        out->entry[level] = e;
        out->last_level = level;
        if (!pt_present(e))
            return;
        writable = writable && (e.v & PTE_W);
        executable = executable && !(e.v & PTE_NX);
        if (pt_is_leaf(e, level)) {
            out->leaf_level = level;
            out->phys = phys(pt_phys(e, level).v + (at.v & (pt_span(level) - 1)));
            out->writable = writable;
            out->executable = executable;
            return;
        }
        table = pt_table(level - 1, at, e);
    }
}

static void op_visit(struct virt_range range, pt_visitor visitor, void *context)
{
    virt_t v = range.start;
    while (v.v < range.end.v) {
        struct pt_path path;
        int level = pt_descend(v, 1, &path);
        pte_t e = pt_load(path.table[level], pt_index(v, level));
        if (pt_present(e) && pt_is_leaf(e, level))
            visitor(context, virt(align_down(v.v, pt_span(level))), level, e);
        v = virt(align_down(v.v, pt_span(level)) + pt_span(level));
        if (v.v == 0)
            break;
    }
}
