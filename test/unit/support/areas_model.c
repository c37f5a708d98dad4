/* SPDX-License-Identifier: MIT */
#include "areas_model.h"

#include "mm/vm/areas.h"
#include "mm/vm/slots.h"
#include "mm/phys/frames.h"
#include "mm/phys/shrinker.h"
#include "mm/layout.h"

#include "areas_model_space.h"
#include "native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* There is no TLB. */
void paging_flush(void)
{
}

#define FRAMES MODEL_FRAMES

void model_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
    abort();
}

/* ---- spaces ---- */

struct model_space model_spaces[MODEL_SPACES], *model_now = model_spaces;

struct model_space *model_of(const struct address_space *space)
{
    for (size_t i = 0; i < MODEL_SPACES; i++)
        if (space == &model_spaces[i].space)
            return &model_spaces[i];
    abort();
}

struct areas_policy areas_policy(void)
{
    return (struct areas_policy){.stack = UINT64_MAX, .all = UINT64_MAX, .large_pages = true};
}

/* ---- page tables ---- */

unsigned model_large_touches, model_large_splits;
bool model_no_tables;
long model_maps_left = -1;

static size_t page_of(uint64_t v)
{
    return (size_t)((v - MODEL_ARENA) >> PAGE_SHIFT);
}

static bool in_arena(uint64_t v)
{
    return v >= MODEL_ARENA && v < MODEL_ARENA + PAGES * PAGE_SIZE;
}

pte_t make_leaf(phys_t to, prot_t prot)
{
    uint64_t e = to.v;
    if (prot.bits & PROT_BIT_COPY)
        e |= PTE_COW;
    if (prot.bits & 7)
        e |= PTE_P;
    if (prot_can_write(prot) && !(prot.bits & PROT_BIT_COPY))
        e |= PTE_W;
    return (pte_t){e | (prot_can_execute(prot) ? 0 : PTE_NX)};
}

enum err model_map(struct address_space *space, virt_t at, phys_t to, uint64_t size, prot_t prot)
{
    struct model_space *s = model_of(space);
    MUST(in_arena(at.v));
    MUST(size == PAGE_SIZE || size == LARGE_SIZE);
    if (model_maps_left >= 0 && model_maps_left-- == 0)
        return E_NOMEM;
    for (uint64_t done = 0; done < size; done += PAGE_SIZE) {
        MUST(s->leaf[page_of(at.v + done)].v == 0);
        s->leaf[page_of(at.v + done)] = make_leaf(phys(to.v + done), prot);
    }
    if (size == LARGE_SIZE) {
        MUST(is_aligned(at.v | to.v, LARGE_SIZE));
        s->large[page_of(at.v) / LARGE_PAGES] = true;
    }
    return E_OK;
}

static bool is_large(const struct model_space *s, uint64_t v)
{
    size_t block = page_of(v) / LARGE_PAGES;
    return block < PAGES / LARGE_PAGES && s->large[block];
}

enum err paging_split_at(struct address_space *space, virt_t v)
{
    struct model_space *s = model_of(space);
    MUST(in_arena(v.v) && is_large(s, v.v) && !is_aligned(v.v, LARGE_SIZE));
    if (model_no_tables)
        return E_NOMEM;
    model_large_splits++;
    s->large[page_of(v.v) / LARGE_PAGES] = false;
    return E_OK;
}

/* Both ends of a changed range must not be inside a large leaf. */
static void check_ends(const struct model_space *s, struct virt_range range)
{
    const uint64_t ends[] = {range.start.v, range.end.v};
    for (size_t i = 0; i < 2; i++)
        if (in_arena(ends[i]) && !is_aligned(ends[i], LARGE_SIZE))
            MUST(!is_large(s, ends[i]));
}

static void model_unmap(struct address_space *space, struct virt_range range, pt_release release,
                        void *context)
{
    struct model_space *s = model_of(space);
    check_ends(s, range);
    for (uint64_t v = MODEL_ARENA; v < MODEL_ARENA + PAGES * PAGE_SIZE; v += PAGE_SIZE) {
        pte_t e = s->leaf[page_of(v)];
        if (!virt_range_contains(range, virt(v)) || e.v == 0)
            continue;
        s->leaf[page_of(v)].v = 0;
        bool whole = is_large(s, v), last = page_of(v) % LARGE_PAGES == LARGE_PAGES - 1;
        if (release != NULL && (!whole || is_aligned(v, LARGE_SIZE)))
            release(context, e, whole ? LARGE_SIZE : PAGE_SIZE);
        if (whole && last)
            s->large[page_of(v) / LARGE_PAGES] = false;
    }
}

static enum err model_protect(struct address_space *space, struct virt_range range, prot_t prot)
{
    struct model_space *s = model_of(space);
    check_ends(s, range);
    for (uint64_t v = MODEL_ARENA; v < MODEL_ARENA + PAGES * PAGE_SIZE; v += PAGE_SIZE) {
        pte_t e = s->leaf[page_of(v)];
        if (virt_range_contains(range, virt(v)) && e.v != 0 && !pt_swapped(e))
            s->leaf[page_of(v)] =
                make_leaf(phys(e.v & PTE_ADDRESS), e.v & PTE_COW ? prot_copy_on_write(prot) : prot);
    }
    return E_OK;
}

static void model_replace(struct address_space *space, virt_t page, phys_t to, prot_t prot)
{
    struct model_space *s = model_of(space);
    s->leaf[page_of(page.v)] = make_leaf(to, prot);
}

static void model_walk(const struct address_space *space, virt_t at, struct pt_walk *out)
{
    struct model_space *s = model_of(space);
    *out = (struct pt_walk){.address = at, .last_level = 1};
    MUST(in_arena(at.v));
    int level = is_large(s, at.v) ? 2 : 1;
    size_t page = page_of(at.v);
    out->last_level = level;
    out->entry[level] = s->leaf[level == 2 ? page - page % LARGE_PAGES : page];
    out->leaf_level = out->entry[level].v & PTE_P ? level : 0;
}

void paging_mark(struct address_space *space, struct virt_range range, uint64_t bits)
{
    struct model_space *s = model_of(space);
    for (uint64_t v = range.start.v; v < range.end.v; v += PAGE_SIZE)
        if (in_arena(v) && s->leaf[page_of(v)].v & PTE_P)
            s->leaf[page_of(v)].v |= bits;
}

void paging_mark_lazyfree(struct address_space *space, struct virt_range range)
{
    struct model_space *s = model_of(space);
    check_ends(s, range);
    for (uint64_t v = range.start.v; v < range.end.v; v += PAGE_SIZE)
        if (s->leaf[page_of(v)].v & PTE_P && !(s->leaf[page_of(v)].v & PTE_COW))
            s->leaf[page_of(v)].v = (s->leaf[page_of(v)].v & ~(PTE_A | PTE_D)) | PTE_LAZYFREE;
}

/* A large leaf is visited once, as clean if all of its pages in the model are. */
void paging_visit(const struct address_space *space, struct virt_range range, pt_visitor visitor,
                  void *context)
{
    struct model_space *s = model_of(space);
    for (uint64_t v = range.start.v; v < range.end.v; v += PAGE_SIZE) {
        pte_t e = s->leaf[page_of(v)];
        if (!(e.v & PTE_P) || (is_large(s, v) && !is_aligned(v, LARGE_SIZE)))
            continue;
        for (size_t i = 0; is_large(s, v) && i < LARGE_PAGES; i++)
            e.v |= s->leaf[page_of(v) + i].v & PTE_D;
        visitor(context, virt(v), is_large(s, v) ? 2 : 1, e);
    }
}

void paging_visit_kept(const struct address_space *space, struct virt_range range,
                       pt_visitor visitor, void *context)
{
    struct model_space *s = model_of(space);
    for (uint64_t v = range.start.v; v < range.end.v; v += PAGE_SIZE)
        if (in_arena(v) && s->leaf[page_of(v)].v != 0)
            visitor(context, virt(v), 1, s->leaf[page_of(v)]);
}

phys_t memory_zero_frame(void)
{
    return phys(0);
}

static const struct paging_ops model_paging = {
    .name = "model",
    .map = model_map,
    .unmap = model_unmap,
    .protect = model_protect,
    .walk = model_walk,
    .replace = model_replace,
};

/* ---- page sources ---- */

static void get(struct page_source *source)
{
    ((struct counted_source *)source)->references++;
}

static void put(struct page_source *source)
{
    MUST(--((struct counted_source *)source)->references >= 0);
}

static const struct page_source_ops source_ops = {.get = get, .put = put};
struct counted_source model_sources[MODEL_SOURCES];

/* ---- the model ---- */

struct frames machine_frames;
static struct frame metadata[FRAMES_METADATA(FRAMES)];
static uint64_t described[FRAMES_DESCRIBED(FRAMES)];

static void space_start(struct model_space *s)
{
    areas_clear(&s->space);
    areas_set_mmap_base(&s->space, virt(LAYOUT_PROGRAM_END));
    memset(s->leaf, 0, sizeof s->leaf);
    memset(s->large, 0, sizeof s->large);
    memset(s->page, 0, sizeof s->page);
}

void model_start(void)
{
    static bool registered;
    for (size_t i = 0; !registered && i < MODEL_SPACES; i++)
        areas_init(&model_spaces[i].space);
    registered = true;
    paging = &model_paging;
    model_maps_left = -1;
    native_heap_fail_after(-1);
    for (size_t i = 0; i < MODEL_SPACES; i++)
        space_start(&model_spaces[i]);
    model_switch(0);
    model_no_tables = false;
    memset(metadata, 0xaa, sizeof metadata);
    memset(described, 0, sizeof described);
    for (size_t i = 0; i < MODEL_SOURCES; i++)
        model_sources[i] = (struct counted_source){.source = {.ops = &source_ops}};
    frames_init(&machine_frames, metadata, described, FRAMES);
    frames_add(&machine_frames, phys_range(PAGE_SIZE, FRAMES * PAGE_SIZE));
    swap_model_start();
}

struct address_space *model_switch(size_t number)
{
    model_now = &model_spaces[number];
    return &model_now->space;
}

virt_t model_address(size_t page)
{
    return virt(MODEL_ARENA + page * PAGE_SIZE);
}

struct virt_range model_pages(size_t first, size_t end)
{
    return (struct virt_range){model_address(first), model_address(end)};
}

static void check_page(struct model_space *s, size_t page)
{
    const struct model_page *m = &s->page[page];
    const struct area *a = areas_find(&s->space, model_address(page));
    MUST((a != NULL) == m->there);
    MUST((s->leaf[page].v != 0) == m->mapped);
    if (!m->there) {
        MUST(!m->mapped);
        return;
    }
    MUST(a->kind == m->kind);
    MUST(a->owner == (m->owner != NULL ? m->owner : &s->space.unowned));
    MUST(a->flags == m->flags);
    MUST(prot_equal(a->prot, m->prot));
    MUST(a->source == m->source);
    if (m->kind == AREA_FILE) {
        MUST(a->offset + (model_address(page).v - a->range.start.v) == m->offset);
        MUST(a->file_end == m->file_end);
    }
    swap_model_check_page(s, page);
    if (m->mapped && !m->swapped) {
        prot_t prot = m->copy ? prot_copy_on_write(m->prot) : m->prot;
        MUST((s->leaf[page].v & ~(PTE_A | PTE_D | PTE_LAZYFREE | PTE_SLOT | PTE_WRITTEN)) ==
             make_leaf(m->frame, prot).v);
    }
}

/* Returns the number of mapped pages, and adds the space's references to the sources. */
static uint64_t check_space(struct model_space *s, long references[MODEL_SOURCES])
{
    uint64_t mapped = 0, count = 0, bytes = 0;
    areas_check(&s->space);
    for (const struct area *a = areas_next(&s->space, virt(0)); a != NULL;
         a = areas_next(&s->space, a->range.end)) {
        count++;
        bytes += virt_range_size(a->range);
        if (a->source != NULL)
            references[(struct counted_source *)a->source - model_sources]++;
    }
    MUST(areas_count(&s->space) == count);
    MUST(areas_bytes(&s->space) == bytes);
    for (size_t page = 0; page < PAGES; page++) {
        check_page(s, page);
        mapped += s->page[page].mapped && !s->page[page].swapped;
    }
    return mapped;
}

void model_check(void)
{
    long references[MODEL_SOURCES] = {0};
    uint64_t mapped = 0;
    for (size_t i = 0; i < MODEL_SPACES; i++)
        mapped += check_space(&model_spaces[i], references);
    for (size_t i = 0; i < MODEL_SOURCES; i++)
        MUST(model_sources[i].references == references[i]);
    slots_check(&swap_slots);
    MUST(machine_frames.free_frames == machine_frames.total_frames - mapped - swap_slots.cached);
}

void model_forget_all(void)
{
    for (size_t i = 0; i < MODEL_SPACES; i++) {
        areas_clear(&model_spaces[i].space);
        memset(model_spaces[i].page, 0, sizeof model_spaces[i].page);
    }
}

pte_t model_leaf(size_t page)
{
    return model_now->leaf[page];
}

void paging_run(struct address_space *space)
{
    running_space = space;
}
