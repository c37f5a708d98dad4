/* SPDX-License-Identifier: MIT */
#include "areas_model.h"

#include "mm/vm/areas.h"
#include "mm/phys/frames.h"
#include "mm/phys/shrinker.h"
#include "mm/layout.h"

#include "native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGES           1200
#define LARGE_PAGES     512
#define FRAMES          4096

#define MUST(condition) ((condition) ? (void)0 : fail(__LINE__, #condition))

static void fail(int line, const char *condition)
{
    fprintf(stderr, "areas_model.c:%d: not so: %s\n", line, condition);
    abort();
}

struct areas_policy areas_policy(void)
{
    return (struct areas_policy){.stack = UINT64_MAX, .all = UINT64_MAX, .large_pages = true};
}

/* ---- page tables ---- */

static pte_t leaf[PAGES];
static bool large[PAGES / LARGE_PAGES]; /* these leaves are one of 2 MiB */
unsigned model_large_touches, model_large_splits;
static bool no_tables;      /* a large leaf cannot be split */
static long maps_left = -1; /* then one fails; negative: none does */

static size_t page_of(uint64_t v)
{
    return (size_t)((v - MODEL_ARENA) >> PAGE_SHIFT);
}

static bool in_arena(uint64_t v)
{
    return v >= MODEL_ARENA && v < MODEL_ARENA + PAGES * PAGE_SIZE;
}

static pte_t make_leaf(phys_t to, prot_t prot)
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

static enum err model_map(virt_t at, phys_t to, uint64_t size, prot_t prot)
{
    MUST(in_arena(at.v));
    MUST(size == PAGE_SIZE || size == LARGE_SIZE);
    if (maps_left >= 0 && maps_left-- == 0)
        return E_NOMEM;
    for (uint64_t done = 0; done < size; done += PAGE_SIZE) {
        MUST(leaf[page_of(at.v + done)].v == 0);
        leaf[page_of(at.v + done)] = make_leaf(phys(to.v + done), prot);
    }
    if (size == LARGE_SIZE) {
        MUST(is_aligned(at.v | to.v, LARGE_SIZE));
        large[page_of(at.v) / LARGE_PAGES] = true;
    }
    return E_OK;
}

static bool is_large(uint64_t v)
{
    size_t block = page_of(v) / LARGE_PAGES;
    return block < PAGES / LARGE_PAGES && large[block];
}

enum err paging_split_at(virt_t v)
{
    MUST(in_arena(v.v) && is_large(v.v) && !is_aligned(v.v, LARGE_SIZE));
    if (no_tables)
        return E_NOMEM;
    model_large_splits++;
    large[page_of(v.v) / LARGE_PAGES] = false;
    return E_OK;
}

/* No end of a range that changes may cut a large leaf. */
static void check_ends(struct virt_range range)
{
    const uint64_t ends[] = {range.start.v, range.end.v};
    for (size_t i = 0; i < 2; i++)
        if (in_arena(ends[i]) && !is_aligned(ends[i], LARGE_SIZE))
            MUST(!is_large(ends[i]));
}

static void model_unmap(struct virt_range range, pt_release release, void *context)
{
    check_ends(range);
    for (uint64_t v = MODEL_ARENA; v < MODEL_ARENA + PAGES * PAGE_SIZE; v += PAGE_SIZE) {
        pte_t e = leaf[page_of(v)];
        if (!virt_range_contains(range, virt(v)) || e.v == 0)
            continue;
        leaf[page_of(v)].v = 0;
        bool whole = is_large(v), last = page_of(v) % LARGE_PAGES == LARGE_PAGES - 1;
        if (release != NULL && (!whole || is_aligned(v, LARGE_SIZE)))
            release(context, phys(e.v & PTE_ADDRESS), whole ? LARGE_SIZE : PAGE_SIZE);
        if (whole && last)
            large[page_of(v) / LARGE_PAGES] = false;
    }
}

static enum err model_protect(struct virt_range range, prot_t prot)
{
    check_ends(range);
    for (uint64_t v = MODEL_ARENA; v < MODEL_ARENA + PAGES * PAGE_SIZE; v += PAGE_SIZE) {
        pte_t e = leaf[page_of(v)];
        if (virt_range_contains(range, virt(v)) && e.v != 0)
            leaf[page_of(v)] =
                make_leaf(phys(e.v & PTE_ADDRESS), e.v & PTE_COW ? prot_copy_on_write(prot) : prot);
    }
    return E_OK;
}

static void model_replace(virt_t page, phys_t to, prot_t prot)
{
    leaf[page_of(page.v)] = make_leaf(to, prot);
}

static void model_walk(virt_t at, struct pt_walk *out)
{
    *out = (struct pt_walk){.address = at, .last_level = 1};
    MUST(in_arena(at.v));
    int level = is_large(at.v) ? 2 : 1;
    size_t page = page_of(at.v);
    out->last_level = level;
    out->entry[level] = leaf[level == 2 ? page - page % LARGE_PAGES : page];
    out->leaf_level = out->entry[level].v & PTE_P ? level : 0;
}

void paging_mark(struct virt_range range, uint64_t bits)
{
    for (uint64_t v = range.start.v; v < range.end.v; v += PAGE_SIZE)
        if (in_arena(v) && leaf[page_of(v)].v & PTE_P)
            leaf[page_of(v)].v |= bits;
}

void paging_mark_lazyfree(struct virt_range range)
{
    check_ends(range);
    for (uint64_t v = range.start.v; v < range.end.v; v += PAGE_SIZE)
        if (leaf[page_of(v)].v & PTE_P && !(leaf[page_of(v)].v & PTE_COW))
            leaf[page_of(v)].v = (leaf[page_of(v)].v & ~(PTE_A | PTE_D)) | PTE_LAZYFREE;
}

/* A large leaf is one, and clean when all of the model's are. */
void paging_visit(struct virt_range range, pt_visitor visitor, void *context)
{
    for (uint64_t v = range.start.v; v < range.end.v; v += PAGE_SIZE) {
        pte_t e = leaf[page_of(v)];
        if (!(e.v & PTE_P) || (is_large(v) && !is_aligned(v, LARGE_SIZE)))
            continue;
        for (size_t i = 0; is_large(v) && i < LARGE_PAGES; i++)
            e.v |= leaf[page_of(v) + i].v & PTE_D;
        visitor(context, virt(v), is_large(v) ? 2 : 1, e);
    }
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

struct model_page {
    bool there, mapped, copy;
    enum area_kind kind;
    uint32_t flags;
    prot_t prot;
    struct page_source *source;
    uint64_t offset, file_end; /* of this page */
    phys_t frame;
};
static struct model_page model[PAGES];

struct frames machine_frames;
static struct frame metadata[FRAMES];

void model_start(void)
{
    static bool registered;
    if (!registered)
        areas_init();
    registered = true;
    paging = &model_paging;
    maps_left = -1;
    native_heap_fail_after(-1);
    areas_clear();
    areas_set_mmap_base(virt(LAYOUT_PROGRAM_END));
    memset(model, 0, sizeof model);
    memset(leaf, 0, sizeof leaf);
    memset(large, 0, sizeof large);
    no_tables = false;
    memset(metadata, 0, sizeof metadata);
    for (size_t i = 0; i < MODEL_SOURCES; i++)
        model_sources[i] = (struct counted_source){{&source_ops}, 0};
    frames_init(&machine_frames, metadata, FRAMES);
    frames_add(&machine_frames, phys_range(PAGE_SIZE, FRAMES * PAGE_SIZE));
}

virt_t model_address(size_t page)
{
    return virt(MODEL_ARENA + page * PAGE_SIZE);
}

struct virt_range model_pages(size_t first, size_t end)
{
    return (struct virt_range){model_address(first), model_address(end)};
}

static void check_page(size_t page)
{
    const struct model_page *m = &model[page];
    const struct area *a = areas_find(model_address(page));
    MUST((a != NULL) == m->there);
    MUST((leaf[page].v != 0) == m->mapped);
    if (!m->there) {
        MUST(!m->mapped);
        return;
    }
    MUST(a->kind == m->kind);
    MUST(a->flags == m->flags);
    MUST(prot_equal(a->prot, m->prot));
    MUST(a->source == m->source);
    if (m->kind == AREA_FILE) {
        MUST(a->offset + (model_address(page).v - a->range.start.v) == m->offset);
        MUST(a->file_end == m->file_end);
    }
    if (m->mapped) {
        prot_t prot = m->copy ? prot_copy_on_write(m->prot) : m->prot;
        MUST((leaf[page].v & ~(PTE_D | PTE_LAZYFREE)) == make_leaf(m->frame, prot).v);
    }
}

void model_check(void)
{
    long references[MODEL_SOURCES] = {0};
    uint64_t mapped = 0, count = 0, bytes = 0;
    areas_check();
    for (const struct area *a = areas_next(virt(0)); a != NULL; a = areas_next(a->range.end)) {
        count++;
        bytes += virt_range_size(a->range);
        if (a->source != NULL)
            references[(struct counted_source *)a->source - model_sources]++;
    }
    MUST(areas_count() == count);
    MUST(areas_bytes() == bytes);
    for (size_t i = 0; i < MODEL_SOURCES; i++)
        MUST(model_sources[i].references == references[i]);
    for (size_t page = 0; page < PAGES; page++) {
        check_page(page);
        mapped += model[page].mapped;
    }
    MUST(machine_frames.free_frames == machine_frames.total_frames - mapped);
}

size_t (*model_random)(size_t n);

static size_t random_below(size_t n)
{
    return model_random(n);
}

static const prot_t prots[] = {{0}, {PROT_BIT_READ}, {PROT_BIT_READ | PROT_BIT_WRITE}};

static prot_t random_prot(void)
{
    return prots[random_below(3)];
}

/* Offsets such that neighbours of one file often fit together. */
static struct area random_area(size_t first, size_t end)
{
    struct area a = {
        .range = model_pages(first, end), .kind = AREA_ANONYMOUS, .file_end = UINT64_MAX};
    a.prot = random_prot();
    a.flags = random_below(4) == 0 ? AREA_HEAP : 0;
    if (random_below(12) == 0) {
        a.kind = AREA_GUARD;
        a.prot = prot_none();
    } else if (random_below(2) == 0) {
        a.kind = AREA_FILE;
        a.source = &model_sources[random_below(MODEL_SOURCES)].source;
        a.offset = (first + random_below(2)) * PAGE_SIZE;
        a.flags = random_below(3) == 0 ? AREA_SHARED : 0;
        if (random_below(4) == 0)
            a.file_end = model_address(end).v - 100;
    }
    return a;
}

static bool is_free(size_t first, size_t end)
{
    for (; first < end; first++)
        if (model[first].there)
            return false;
    return true;
}

static void add_area(const struct area *a, size_t first, size_t end)
{
    if (a->source != NULL)
        get(a->source);
    enum err e = areas_add(a);
    if (!is_free(first, end))
        MUST(e == E_EXIST);
    if (e != E_OK && a->source != NULL)
        put(a->source);
    for (size_t i = first; e == E_OK && i < end; i++)
        model[i] = (struct model_page){
            .there = true,
            .kind = a->kind,
            .flags = a->flags,
            .prot = a->prot,
            .source = a->source,
            .offset = a->offset + (i - first) * PAGE_SIZE,
            .file_end = a->file_end,
        };
}

static void step_add(size_t first, size_t end)
{
    struct area a = random_area(first, end);
    add_area(&a, first, end);
}

static void step_remove(size_t first, size_t end)
{
    if (areas_remove(model_pages(first, end)) != E_OK)
        return;
    for (size_t i = first; i < end; i++)
        if (model[i].kind != AREA_GUARD)
            model[i] = (struct model_page){0};
}

static void step_protect(size_t first, size_t end, bool may_fail)
{
    prot_t prot = random_prot();
    enum err e = areas_protect(model_pages(first, end), prot);
    size_t i = first;
    if (may_fail && e == E_NOMEM) {
        /* Either no room for a split, then nothing has changed, or a hole: the model says which. */
        size_t same = first;
        while (same < end && model[same].there &&
               prot_equal(areas_find(model_address(same))->prot, model[same].prot))
            same++;
        if (same == end || !model[same].there)
            return;
    }
    for (; i < end && model[i].there && model[i].kind != AREA_GUARD; i++)
        model[i].prot = prot;
    MUST(e == (i == end ? E_OK : E_NOMEM));
}

/* What a fault does that finds room for 2 MiB. */
static void step_touch_large(size_t block)
{
    size_t first = block * LARGE_PAGES;
    phys_t frame;
    step_remove(first, first + LARGE_PAGES);
    if (is_free(first, first + LARGE_PAGES)) {
        struct area a = {.range = model_pages(first, first + LARGE_PAGES),
                         .kind = AREA_ANONYMOUS,
                         .prot = prot_rw(),
                         .file_end = UINT64_MAX};
        add_area(&a, first, first + LARGE_PAGES);
    }
    for (size_t i = first; i < first + LARGE_PAGES; i++)
        if (!model[i].there || model[i].mapped || model[i].kind != AREA_ANONYMOUS)
            return;
    if (frames_alloc(&machine_frames, 9, &frame) != E_OK)
        return;
    MUST(model_map(model_address(first), frame, LARGE_SIZE, model[first].prot) == E_OK);
    model_large_touches++;
    for (size_t i = first; i < first + LARGE_PAGES; i++) {
        model[i].mapped = true;
        model[i].copy = false;
        model[i].frame = phys(frame.v + (i - first) * PAGE_SIZE);
    }
}

/* What a fault does. */
static void step_touch(size_t page)
{
    struct model_page *m = &model[page];
    phys_t frame;
    if (!m->there || m->mapped || m->kind == AREA_GUARD ||
        frames_alloc(&machine_frames, 0, &frame) != E_OK)
        return;
    m->copy = m->kind == AREA_FILE && random_below(2);
    MUST(model_map(model_address(page), frame, PAGE_SIZE,
                   m->copy ? prot_copy_on_write(m->prot) : m->prot) == E_OK);
    m->mapped = true;
    m->frame = frame;
}

static void step_discard(size_t first, size_t end)
{
    if (areas_discard(model_pages(first, end)) != E_OK)
        return;
    for (; first < end; first++)
        model[first].mapped = false;
}

static void step_write(size_t first, size_t end)
{
    for (; first < end; first++)
        if (leaf[first].v & PTE_P && leaf[first].v & PTE_W)
            leaf[first].v |= PTE_D;
}

static void step_lazyfree(size_t first, size_t end)
{
    if (areas_lazyfree(model_pages(first, end)) != E_OK)
        return;
    for (; first < end; first++) {
        const struct model_page *m = &model[first];
        if (m->mapped && m->kind == AREA_ANONYMOUS && leaf[first].v & PTE_P && !m->copy)
            MUST(paging_is_lazyfree(leaf[first]));
    }
}

/* What was written since stays; of a large page that is all of it. */
static void step_reclaim(void)
{
    bool large_dirty[PAGES / LARGE_PAGES + 1] = {false};
    for (size_t i = 0; i < PAGES / LARGE_PAGES * LARGE_PAGES; i++)
        if (large[i / LARGE_PAGES] && leaf[i].v & PTE_D)
            large_dirty[i / LARGE_PAGES] = true;
    for (size_t i = 0; i < PAGES; i++) {
        bool whole = i / LARGE_PAGES < PAGES / LARGE_PAGES && large[i / LARGE_PAGES];
        bool dirty = whole ? large_dirty[i / LARGE_PAGES] : leaf[i].v & PTE_D;
        if (model[i].mapped && leaf[i].v & PTE_P && leaf[i].v & PTE_LAZYFREE && !dirty)
            model[i].mapped = false;
    }
    while (shrinkers_run())
        ;
}

static void step_change(size_t first, size_t end)
{
    uint32_t set = random_below(2) ? AREA_NO_HUGE : 0, clear = AREA_NO_HUGE & ~set;
    if (areas_change(model_pages(first, end), set, clear) != E_OK)
        return;
    for (size_t i = first; i < end; i++)
        if (model[i].there && model[i].kind != AREA_GUARD)
            model[i].flags = (model[i].flags & ~clear) | set;
}

static void step_forget(size_t first, size_t end)
{
    struct page_source *source = &model_sources[random_below(MODEL_SOURCES)].source;
    areas_forget_pages(source, first, end);
    for (size_t i = 0; i < PAGES; i++) {
        uint64_t index = model[i].offset >> PAGE_SHIFT;
        if (model[i].there && model[i].source == source && index >= first && index < end &&
            (model[i].flags & AREA_SHARED || model[i].copy))
            model[i].mapped = false;
    }
}

static void step_move(size_t first, size_t end)
{
    const struct area *a = areas_find(model_address(first));
    size_t to = random_below(PAGES), size = end - first + random_below(3);
    if (a == NULL || a->kind == AREA_GUARD || a->range.end.v < model_address(end).v ||
        to + size > PAGES || !is_free(to, to + size))
        return;
    maps_left = random_below(4) == 0 ? (long)random_below(end - first + 1) : -1;
    bool keep = random_below(3) == 0;
    enum err e = areas_move(model_pages(first, end), model_pages(to, to + size), keep);
    maps_left = -1;
    if (e != E_OK) {
        MUST(e == E_NOMEM);
        return;
    }
    struct model_page head = model[first];
    for (size_t i = 0; i < size; i++) {
        struct model_page *m = &model[to + i];
        if (first + i < end) {
            *m = model[first + i];
            if (keep)
                model[first + i].mapped = false;
            else
                model[first + i] = (struct model_page){0};
        } else {
            *m = head;
            m->mapped = false;
            m->offset = head.offset + i * PAGE_SIZE;
        }
        if (head.file_end != UINT64_MAX)
            m->file_end = head.file_end + model_address(to).v - model_address(first).v;
    }
}

void model_step(void)
{
    static const size_t sizes[] = {6, 6, 6, 6, 60, 700};
    size_t first = random_below(PAGES), end = first + 1 + random_below(sizes[random_below(6)]);
    bool starved = random_below(10) == 0;
    if (end > PAGES)
        end = PAGES;
    if (starved)
        native_heap_fail_after(0);
    no_tables = random_below(10) == 0;
    switch (random_below(14)) {
    case 0:
    case 1:
    case 2:
        step_add(first, end);
        break;
    case 3:
        step_remove(first, end);
        break;
    case 4:
        step_protect(first, end, starved || no_tables);
        break;
    case 5:
        step_discard(first, end);
        break;
    case 6:
        step_forget(first, end);
        break;
    case 7:
        step_change(first, end);
        break;
    case 8:
        step_touch_large(random_below(PAGES / LARGE_PAGES));
        break;
    case 9:
        step_move(first, end);
        break;
    case 10:
        step_write(first, end);
        break;
    case 11:
        step_lazyfree(first, end);
        break;
    case 12:
        step_reclaim();
        break;
    default:
        for (size_t i = first; i < end; i++)
            step_touch(i);
    }
    native_heap_fail_after(-1);
}

void model_forget_all(void)
{
    areas_clear();
    memset(model, 0, sizeof model);
}

pte_t model_leaf(size_t page)
{
    return leaf[page];
}
