/* SPDX-License-Identifier: MIT */
/* The random operations on areas and on their model. */
#include "mm/layout.h"
#include "mm/phys/frames.h"
#include "mm/phys/shrinker.h"
#include "mm/vm/areas_table.h"

#include "areas_model_space.h"
#include "native.h"

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

/* The offsets let neighbouring areas of one file often merge. */
static struct area random_area(size_t first, size_t end)
{
    struct area a = {
        .range = model_pages(first, end), .kind = AREA_ANONYMOUS, .file_end = UINT64_MAX};
    a.prot = random_prot();
    a.flags = random_below(4) == 0 ? AREA_HEAP : 0;
    a.owner = random_below(4) == 0 ? &model_now->owner : NULL;
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
        if (model_now->page[first].there)
            return false;
    return true;
}

static void add_area(const struct area *a, size_t first, size_t end)
{
    if (a->source != NULL)
        a->source->ops->get(a->source);
    enum err e = areas_add(&model_now->space, a);
    if (!is_free(first, end))
        MUST(e == E_EXIST);
    if (e != E_OK && a->source != NULL)
        a->source->ops->put(a->source);
    for (size_t i = first; e == E_OK && i < end; i++)
        model_now->page[i] = (struct model_page){
            .there = true,
            .kind = a->kind,
            .owner = a->owner,
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
    if (areas_remove(&model_now->space, model_pages(first, end)) != E_OK)
        return;
    for (size_t i = first; i < end; i++)
        if (model_now->page[i].kind != AREA_GUARD)
            model_now->page[i] = (struct model_page){0};
}

static void step_protect(size_t first, size_t end, bool may_fail)
{
    prot_t prot = random_prot();
    enum err e = areas_protect(&model_now->space, model_pages(first, end), prot);
    size_t i = first;
    if (may_fail && e == E_NOMEM) {
        /* No memory for a split (then nothing has changed), or a hole in the range: the model decides. */
        size_t same = first;
        while (same < end && model_now->page[same].there &&
               prot_equal(areas_find(&model_now->space, model_address(same))->prot,
                          model_now->page[same].prot))
            same++;
        if (same == end || !model_now->page[same].there)
            return;
    }
    for (; i < end && model_now->page[i].there && model_now->page[i].kind != AREA_GUARD; i++)
        model_now->page[i].prot = prot;
    MUST(e == (i == end ? E_OK : E_NOMEM));
}

/* A page fault that maps 2 MiB. */
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
        if (!model_now->page[i].there || model_now->page[i].mapped ||
            model_now->page[i].kind != AREA_ANONYMOUS)
            return;
    if (frames_alloc(&machine_frames, 9, &frame) != E_OK)
        return;
    MUST(model_map(&model_now->space, model_address(first), frame, LARGE_SIZE,
                   model_now->page[first].prot) == E_OK);
    areas_count_pages(areas_find(&model_now->space, model_address(first)), false, frame,
                      LARGE_PAGES);
    model_large_touches++;
    for (size_t i = first; i < first + LARGE_PAGES; i++) {
        model_now->page[i].mapped = true;
        model_now->page[i].copy = false;
        model_now->page[i].frame = phys(frame.v + (i - first) * PAGE_SIZE);
        swap_model_stored(&model_now->page[i]);
    }
}

/* A page fault that maps a page. */
static void step_touch(size_t page)
{
    struct model_page *m = &model_now->page[page];
    phys_t frame;
    if (!m->there || m->mapped || m->kind == AREA_GUARD ||
        frames_alloc(&machine_frames, 0, &frame) != E_OK)
        return;
    m->copy = m->kind == AREA_FILE && random_below(2);
    MUST(model_map(&model_now->space, model_address(page), frame, PAGE_SIZE,
                   m->copy ? prot_copy_on_write(m->prot) : m->prot) == E_OK);
    m->mapped = true;
    m->frame = frame;
    swap_model_stored(m);
    areas_count_pages(areas_find(&model_now->space, model_address(page)), m->copy, frame, 1);
}

static void step_discard(size_t first, size_t end)
{
    if (areas_discard(&model_now->space, model_pages(first, end)) != E_OK)
        return;
    for (; first < end; first++)
        model_now->page[first].mapped = model_now->page[first].swapped = false;
}

static void step_write(size_t first, size_t end)
{
    for (; first < end; first++)
        if (model_now->leaf[first].v & PTE_P && model_now->leaf[first].v & PTE_W) {
            model_now->leaf[first].v |= PTE_D | PTE_A;
            swap_model_stored(&model_now->page[first]);
        }
}

static void step_lazyfree(size_t first, size_t end)
{
    if (areas_lazyfree(&model_now->space, model_pages(first, end)) != E_OK)
        return;
    for (; first < end; first++) {
        const struct model_page *m = &model_now->page[first];
        if (m->mapped && !m->swapped && m->kind == AREA_ANONYMOUS &&
            model_now->leaf[first].v & PTE_P && !m->copy)
            MUST(paging_is_lazyfree(model_now->leaf[first]));
    }
}

/* Clean lazyfree pages are unmapped. A write to any part of a large page keeps all of it. */
static void expect_reclaim(struct model_space *s)
{
    bool large_dirty[PAGES / LARGE_PAGES + 1] = {false};
    for (size_t i = 0; i < PAGES / LARGE_PAGES * LARGE_PAGES; i++)
        if (s->large[i / LARGE_PAGES] && s->leaf[i].v & PTE_D)
            large_dirty[i / LARGE_PAGES] = true;
    for (size_t i = 0; i < PAGES; i++) {
        bool whole = i / LARGE_PAGES < PAGES / LARGE_PAGES && s->large[i / LARGE_PAGES];
        bool dirty = whole ? large_dirty[i / LARGE_PAGES] : s->leaf[i].v & PTE_D;
        if (s->page[i].mapped && s->leaf[i].v & PTE_P && s->leaf[i].v & PTE_LAZYFREE && !dirty)
            s->page[i].mapped = false;
    }
}

/* A shortage reclaims in all spaces. */
static void step_reclaim(void)
{
    for (size_t i = 0; i < MODEL_SPACES; i++)
        expect_reclaim(&model_spaces[i]);
    while (shrinkers_run())
        ;
}

static void step_change(size_t first, size_t end)
{
    uint32_t flag = random_below(2) ? AREA_NO_HUGE : AREA_LOCKED;
    uint32_t set = random_below(2) ? flag : 0, clear = flag & ~set;
    if (areas_change(&model_now->space, model_pages(first, end), set, clear) != E_OK)
        return;
    for (size_t i = first; i < end; i++)
        if (model_now->page[i].there && model_now->page[i].kind != AREA_GUARD)
            model_now->page[i].flags = (model_now->page[i].flags & ~clear) | set;
}

static void expect_forget(struct model_space *s, const struct page_source *source, uint64_t first,
                          uint64_t end, bool copies)
{
    for (size_t i = 0; i < PAGES; i++) {
        struct model_page *m = &s->page[i];
        uint64_t index = m->offset >> PAGE_SHIFT;
        if (m->there && m->source == source && index >= first && index < end &&
            (copies ? model_address(i).v < m->file_end : m->flags & AREA_SHARED || m->copy))
            m->mapped = m->swapped = false;
    }
}

/* A source's pages are unmapped in all spaces. */
static void step_forget(size_t first, size_t end)
{
    struct page_source *source = &model_sources[random_below(MODEL_SOURCES)].source;
    bool truncate = random_below(2);
    struct areas_place place = {0};
    while (truncate && areas_truncate(source, first, &place))
        ;
    if (!truncate)
        areas_forget_pages(source, first, end);
    for (size_t i = 0; i < MODEL_SPACES; i++)
        expect_forget(&model_spaces[i], source, first, truncate ? UINT64_MAX : end, truncate);
}

static void step_move(size_t first, size_t end)
{
    const struct area *a = areas_find(&model_now->space, model_address(first));
    size_t to = random_below(PAGES), size = end - first + random_below(3);
    if (a == NULL || a->kind == AREA_GUARD || a->range.end.v < model_address(end).v ||
        to + size > PAGES || !is_free(to, to + size))
        return;
    model_maps_left = random_below(4) == 0 ? (long)random_below(end - first + 1) : -1;
    bool keep = random_below(3) == 0;
    enum err e =
        areas_move(&model_now->space, model_pages(first, end), model_pages(to, to + size), keep);
    model_maps_left = -1;
    if (e != E_OK) {
        MUST(e == E_NOMEM);
        return;
    }
    struct model_page head = model_now->page[first];
    for (size_t i = 0; i < size; i++) {
        struct model_page *m = &model_now->page[to + i];
        if (first + i < end) {
            *m = model_now->page[first + i];
            if (keep)
                model_now->page[first + i].mapped = model_now->page[first + i].swapped = false;
            else
                model_now->page[first + i] = (struct model_page){0};
        } else {
            *m = head;
            m->mapped = m->swapped = false;
            m->offset = head.offset + i * PAGE_SIZE;
        }
        if (head.file_end != UINT64_MAX)
            m->file_end = head.file_end + model_address(to).v - model_address(first).v;
    }
}

static void step_swap(size_t first, size_t end)
{
    bool write = random_below(2);
    size_t what = random_below(4);
    if (what < 2)
        swap_model_evict();
    for (size_t i = first; what == 2 && i < end; i++)
        swap_model_return(i, write);
    if (what != 3)
        return;
    swap_model_drop();
    swap_model_find_all();
}

void model_step(void)
{
    model_now = &model_spaces[random_below(MODEL_SPACES)];
    static const size_t sizes[] = {6, 6, 6, 6, 60, 700};
    size_t first = random_below(PAGES), end = first + 1 + random_below(sizes[random_below(6)]);
    bool starved = random_below(10) == 0;
    if (end > PAGES)
        end = PAGES;
    if (starved)
        native_heap_fail_after(0);
    model_no_tables = random_below(10) == 0;
    switch (random_below(19)) {
    case 0:
    case 1:
    case 2:
    case 18:
        step_add(first, end);
        break;
    case 3:
        step_remove(first, end);
        break;
    case 4:
        step_protect(first, end, starved || model_no_tables);
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
    case 13:
    case 14:
    case 15:
    case 16:
        step_swap(first, end);
        break;
    default:
        for (size_t i = first; i < end; i++)
            step_touch(i);
    }
    native_heap_fail_after(-1);
}
