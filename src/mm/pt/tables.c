/* SPDX-License-Identifier: MIT */
/*
 * The operations on whole tables: one indirect call for each table, none for each entry, so that
 * one copy serves all back ends. The invariants are those of mm/pt/walker.h.
 */
#include "base/panic.h"
#include "mm/pt/backend.h"
#include "mm/pt/entry.h"
#include "mm/pt/runs.h"
#include "mm/pt/tlb.h"

static void pt_put(pt_table_t table)
{
    if (paging->access->put != NULL)
        paging->access->put(table);
}

/* Finds the table with the last entry on the way to v, at `level` or above; returns its level. */
static int lowest_table(const struct address_space *space, virt_t v, int level, pt_table_t *out)
{
    int at = PT_LEVELS;
    pt_table_t table = paging->access->table(space, at, v, (pte_t){0});
    while (at > level) {
        pte_t e = pt_load(table, pt_index(v, at));
        if (!pt_present(e) || pt_is_leaf(e, at))
            break;
        pt_put(table);
        at--;
        table = paging->access->table(space, at, v, e);
    }
    *out = table;
    return at;
}

void paging_flush(void)
{
    pt_invalidate_all();
    CPUS_ADD(paging_counters.full_flushes, 1);
}

enum err pt_split(struct address_space *space, virt_t v, int level)
{
    phys_t frame;
    if (!paging->access->alloc(&frame))
        return E_NOMEM;
    pt_table_t table;
    int at = lowest_table(space, v, level, &table);
    pte_t old = pt_load(table, pt_index(v, level));
    assert(at == level && pt_is_leaf(old, level));

    uint64_t flags = old.v & ~PTE_ADDRESS, pat = old.v & PTE_PAT_BIG;
    if (level == 2)
        flags = (flags & ~PTE_PS) | (pat ? PTE_PAT : 0);
    else
        flags |= pat;
    pt_table_t small = paging->access->unlinked(frame);
    for (unsigned i = 0; i < PT_ENTRIES; i++)
        pt_store(small, i, (pte_t){(pt_phys(old, level).v + i * pt_span(level - 1)) | flags});
    if (paging->access->put_unlinked != NULL)
        paging->access->put_unlinked(small);
    pt_store(table, pt_index(v, level), (pte_t){frame.v | PTE_P | PTE_W});
    pt_put(table);
    paging->access->relinked(level - 1, v);
    /* The TLB may hold the large page in pieces, anywhere in its range. */
    struct tlb_batch batch = {.count = TLB_BATCH_PAGES + 1};
    tlb_batch_end(space, &batch);
    CPUS_ADD(paging_counters.tables, 1);
    CPUS_ADD(paging_counters.splits, 1);
    return E_OK;
}

enum err paging_split_at(struct address_space *space, virt_t v)
{
    for (;;) {
        pt_table_t table;
        int level = lowest_table(space, v, 1, &table);
        pte_t e = pt_load(table, pt_index(v, level));
        pt_put(table);
        if (e.v == 0 || is_aligned(v.v, pt_span(level)))
            return E_OK;
        enum err split = pt_split(space, v, level);
        if (split != E_OK)
            return split;
    }
}

/* The one leaf that maps the same as the table of `level`; 0 if there is none. */
static pte_t pt_merged(pt_table_t table, int level)
{
    const uint64_t used = PTE_A | PTE_D;
    pte_t first = pt_load(table, 0);
    uint64_t seen = first.v & used;
    if (first.v == 0 || pt_swapped(first) || !pt_is_leaf(first, level) ||
        (pt_present(first) && level > 1 && first.v & PTE_PAT_BIG) ||
        (level == 1 && first.v & PTE_PAT) ||
        !is_aligned(pt_phys(first, level).v, pt_span(level + 1)))
        return (pte_t){0};
    for (unsigned i = 1; i < PT_ENTRIES; i++) {
        pte_t e = pt_load(table, i);
        if ((e.v & ~used) != (first.v & ~used) + i * pt_span(level))
            return (pte_t){0};
        seen |= e.v & used;
    }
    return (pte_t){(first.v & ~used) | seen | PTE_PS};
}

/* Replaces the full table of `level` for v with a leaf, if possible. */
static bool pt_promote(struct address_space *space, virt_t v, int level)
{
    pt_table_t table;
    int at = lowest_table(space, v, level, &table);
    pte_t leaf = at == level ? pt_merged(table, level) : (pte_t){0};
    pt_put(table);
    if (leaf.v == 0)
        return false;
    at = lowest_table(space, v, level + 1, &table);
    assert(at == level + 1);
    pte_t link = pt_load(table, pt_index(v, level + 1));
    pt_store(table, pt_index(v, level + 1), leaf);
    pt_put(table);
    paging->access->relinked(level, v);
    struct tlb_batch batch = {.count = TLB_BATCH_PAGES + 1};
    tlb_batch_end(space, &batch);
    paging->access->free(phys(link.v & PTE_ADDRESS));
    CPUS_ADD(paging_counters.tables, -UINT64_C(1));
    CPUS_ADD(paging_counters.promotions, 1);
    return true;
}

bool paging_promote(struct address_space *space, virt_t at)
{
    bool large = pt_promote(space, at, 1);
    return (paging_huge && pt_promote(space, at, 2)) || large;
}

void pt_each_run(const struct address_space *space, struct virt_range range,
                 pt_run_function function, void *context)
{
    virt_t v = range.start;
    while (v.v < range.end.v) {
        struct pt_run run;
        run.level = lowest_table(space, v, 1, &run.table);
        uint64_t span = pt_span(run.level);
        run.at = virt(align_down(v.v, span));
        run.first = pt_index(v, run.level);
        uint64_t left = (range.end.v - 1 - run.at.v) / span + 1;
        run.end = left < PT_ENTRIES - run.first ? run.first + (unsigned)left : PT_ENTRIES;
        for (unsigned i = run.first; run.level > 1 && i < run.end; i++) {
            pte_t e = pt_load(run.table, i);
            if (pt_present(e) && !pt_is_leaf(e, run.level))
                run.end = i;
        }
        function(context, &run);
        pt_put(run.table);
        v = virt(run.at.v + (run.end - run.first) * span);
        if (v.v == 0)
            break; /* past the last page of the address space */
    }
}

struct visit {
    pt_visitor visitor;
    void *context;
    uint64_t bits; /* an entry with one of them is visited */
};

static void visit_run(void *context, const struct pt_run *run)
{
    const struct visit *visit = context;
    for (unsigned i = run->first; i < run->end; i++) {
        pte_t e = pt_load(run->table, i);
        if (e.v & visit->bits)
            visit->visitor(visit->context, pt_run_address(run, i), run->level, e);
    }
}

void paging_visit(const struct address_space *space, struct virt_range range, pt_visitor visitor,
                  void *context)
{
    struct visit visit = {visitor, context, PTE_P};
    pt_each_run(space, range, visit_run, &visit);
}

void paging_visit_kept(const struct address_space *space, struct virt_range range,
                       pt_visitor visitor, void *context)
{
    struct visit visit = {visitor, context, UINT64_MAX};
    pt_each_run(space, range, visit_run, &visit);
}

struct harvest {
    struct virt_range range;
    uint64_t test, clear;
    uint64_t *bitmap;
    uint64_t found; /* pages */
    struct tlb_batch tlb;
};

static void harvest_leaf(struct harvest *h, const struct pt_run *run, unsigned index, pte_t e)
{
    struct virt_range leaf = {pt_run_address(run, index), {0}};
    leaf.end = virt(leaf.start.v + pt_span(run->level));
    bool whole = leaf.start.v >= h->range.start.v && leaf.end.v - 1 < h->range.end.v;
    uint64_t start = leaf.start.v > h->range.start.v ? leaf.start.v : h->range.start.v;
    uint64_t end = leaf.end.v - 1 < h->range.end.v - 1 ? leaf.end.v : h->range.end.v;
    uint64_t page = (start - h->range.start.v) >> PAGE_SHIFT, count = (end - start) >> PAGE_SHIFT;
    h->found += count;
    for (uint64_t i = page; h->bitmap != NULL && i < page + count; i++)
        h->bitmap[i / 64] |= UINT64_C(1) << i % 64;
    if (whole && e.v & h->clear) {
        while (!pt_change(run->table, index, &e, (pte_t){e.v & ~h->clear}))
            ;
        tlb_batch_add(&h->tlb, leaf.start);
    }
}

/* The loop over 4 KiB pages: the hot path of a scan of a large heap. */
static void harvest_pages(struct harvest *h, const struct pt_run *run)
{
    uint64_t test = h->test, clear = h->clear, *bitmap = h->bitmap, found = 0;
    uint64_t page = (run->at.v - h->range.start.v) >> PAGE_SHIFT;
    for (unsigned i = run->first; i < run->end; i++, page++) {
        pte_t e = pt_load(run->table, i);
        if (!(e.v & test))
            continue;
        found++;
        if (bitmap != NULL)
            bitmap[page / 64] |= UINT64_C(1) << page % 64;
        if (e.v & clear) {
            while (!pt_change(run->table, i, &e, (pte_t){e.v & ~clear}))
                ;
            tlb_batch_add(&h->tlb, pt_run_address(run, i));
        }
    }
    h->found += found;
}

static void harvest_run(void *context, const struct pt_run *run)
{
    struct harvest *h = context;
    if (run->level == 1) {
        harvest_pages(h, run);
        return;
    }
    for (unsigned i = run->first; i < run->end; i++) {
        pte_t e = pt_load(run->table, i);
        if (e.v & h->test)
            harvest_leaf(h, run, i, e);
    }
}

/* The bits that say of a leaf that it is dirty. */
static uint64_t with_dirty(uint64_t bits)
{
    return (bits & (PTE_A | PTE_D)) | (bits & PTE_D ? PTE_LAZYFREE | PTE_WRITTEN : 0);
}

uint64_t paging_harvest(struct address_space *space, struct virt_range range, uint64_t test,
                        uint64_t clear, uint64_t *bitmap)
{
    struct harvest h;
    h.range = range;
    h.test = with_dirty(test);
    h.clear = with_dirty(clear) | (clear & PTE_D ? PTE_SLOT : 0); /* who clears D knows no slot */
    h.bitmap = bitmap;
    h.found = 0;
    h.tlb.count = 0;
    pt_each_run(space, range, harvest_run, &h);
    tlb_batch_end(space, &h.tlb);
    return h.found;
}

struct changes {
    pt_changer change;
    void *context;
    struct tlb_batch tlb;
};

static void change_run(void *context, const struct pt_run *run)
{
    struct changes *c = context;
    for (unsigned i = run->first; i < run->end; i++) {
        pte_t e = pt_load(run->table, i);
        if (e.v == 0)
            continue;
        while (cpus_others() && !pt_change(run->table, i, &e, (pte_t){0}))
            ; /* from now on other CPUs fault, and wait for kernel_lock: A and D are final */
        pte_t now = c->change(c->context, pt_run_address(run, i), run->level, e);
        if (now.v != e.v || cpus_others())
            pt_store(run->table, i, now);
        if (now.v == e.v)
            continue;
        tlb_batch_add(&c->tlb, pt_run_address(run, i));
    }
}

void paging_change(struct address_space *space, struct virt_range range, pt_changer change,
                   void *context)
{
    struct changes c;
    c.change = change;
    c.context = context;
    c.tlb.count = 0;
    pt_each_run(space, range, change_run, &c);
    tlb_batch_end(space, &c.tlb);
}

void paging_exchange(struct address_space *space, virt_t page, pte_t old, pte_t e)
{
    pt_table_t table;
    int level = lowest_table(space, page, 1, &table);
    assert(level == 1 && pt_load(table, pt_index(page, 1)).v == old.v);
    pt_store(table, pt_index(page, 1), e);
    pt_put(table);
}

pte_t paging_leaf_of_swapped(pte_t e, phys_t frame, prot_t prot, bool kept)
{
    return (pte_t){pt_leaf(frame, 1, prot).v | PTE_A | (e.v & PTE_WRITTEN) | (kept ? PTE_SLOT : 0)};
}

static void mark_run(void *context, const struct pt_run *run)
{
    const uint64_t *bits = context;
    for (unsigned i = run->first; i < run->end; i++) {
        pte_t e = pt_load(run->table, i);
        while (pt_present(e) && !pt_change(run->table, i, &e, (pte_t){e.v | *bits}))
            ;
    }
}

void paging_mark(struct address_space *space, struct virt_range range, uint64_t bits)
{
    bits &= PTE_A | PTE_D;
    pt_each_run(space, range, mark_run, &bits);
}

struct lazyfree {
    struct virt_range range;
    struct tlb_batch tlb;
};

static void lazyfree_run(void *context, const struct pt_run *run)
{
    struct lazyfree *u = context;
    for (unsigned i = run->first; i < run->end; i++) {
        pte_t e = pt_load(run->table, i);
        virt_t at = pt_run_address(run, i);
        bool whole = at.v >= u->range.start.v && at.v + pt_span(run->level) - 1 < u->range.end.v;
        if (!pt_present(e) || e.v & PTE_COW || !whole)
            continue;
        while (!pt_change(run->table, i, &e,
                          (pte_t){(e.v & ~(PTE_A | PTE_D | PTE_WRITTEN)) | PTE_LAZYFREE}))
            ;
        tlb_batch_add(&u->tlb, at);
    }
}

void paging_mark_lazyfree(struct address_space *space, struct virt_range range)
{
    struct lazyfree u;
    u.range = range;
    u.tlb.count = 0;
    pt_each_run(space, range, lazyfree_run, &u);
    tlb_batch_end(space, &u.tlb);
}
