/* SPDX-License-Identifier: MIT */
/*
 * Areas against a model that knows each page by itself: random operations, with memory running out
 * now and then. The page tables are a model, too: an array of leaves for the pages of the arena.
 */
#include "mm/areas.h"

#include "mm/frames.h"
#include "mm/layout.h"
#include "mm/paging.h"

#include "native.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define PAGES       1200
#define LARGE_PAGES 512
#define ARENA       UINT64_C(0x10000000)
#define SOURCES     3
#define FRAMES      4096
#define STEPS       12000

/* ---- page tables ---- */

static pte_t leaf[PAGES];
static bool large[PAGES / LARGE_PAGES]; /* these leaves are one of 2 MiB */
static unsigned large_touches, large_splits;
static bool no_tables;      /* a large leaf cannot be split */
static long maps_left = -1; /* then one fails; negative: none does */

static size_t page_of(uint64_t v)
{
    return (size_t)((v - ARENA) >> PAGE_SHIFT);
}

static bool in_arena(uint64_t v)
{
    return v >= ARENA && v < ARENA + PAGES * PAGE_SIZE;
}

static pte_t make_leaf(phys_t to, prot_t prot)
{
    uint64_t e = to.v;
    if (prot.bits & PROT_BIT_COPY)
        e |= PTE_COPY;
    if (prot.bits & 7)
        e |= PTE_P;
    if (prot_can_write(prot) && !(prot.bits & PROT_BIT_COPY))
        e |= PTE_W;
    return (pte_t){e | (prot_can_execute(prot) ? 0 : PTE_NX)};
}

static enum err model_map(virt_t at, phys_t to, uint64_t size, prot_t prot)
{
    assert_true(in_arena(at.v));
    assert_true(size == PAGE_SIZE || size == LARGE_SIZE);
    if (maps_left >= 0 && maps_left-- == 0)
        return E_NOMEM;
    for (uint64_t done = 0; done < size; done += PAGE_SIZE) {
        assert_int_equal(leaf[page_of(at.v + done)].v, 0);
        leaf[page_of(at.v + done)] = make_leaf(phys(to.v + done), prot);
    }
    if (size == LARGE_SIZE) {
        assert_true(is_aligned(at.v | to.v, LARGE_SIZE));
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
    assert_true(in_arena(v.v) && is_large(v.v) && !is_aligned(v.v, LARGE_SIZE));
    if (no_tables)
        return E_NOMEM;
    large_splits++;
    large[page_of(v.v) / LARGE_PAGES] = false;
    return E_OK;
}

/* No end of a range that changes may cut a large leaf. */
static void check_ends(struct virt_range range)
{
    const uint64_t ends[] = {range.start.v, range.end.v};
    for (size_t i = 0; i < 2; i++)
        if (in_arena(ends[i]) && !is_aligned(ends[i], LARGE_SIZE))
            assert_false(is_large(ends[i]));
}

static void model_unmap(struct virt_range range, pt_release release, void *context)
{
    check_ends(range);
    for (uint64_t v = ARENA; v < ARENA + PAGES * PAGE_SIZE; v += PAGE_SIZE) {
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
    for (uint64_t v = ARENA; v < ARENA + PAGES * PAGE_SIZE; v += PAGE_SIZE) {
        pte_t e = leaf[page_of(v)];
        if (virt_range_contains(range, virt(v)) && e.v != 0)
            leaf[page_of(v)] = make_leaf(phys(e.v & PTE_ADDRESS),
                                         e.v & PTE_COPY ? prot_copy_on_write(prot) : prot);
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
    assert_true(in_arena(at.v));
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

static const struct paging_ops model_paging = {
    .name = "model",
    .map = model_map,
    .unmap = model_unmap,
    .protect = model_protect,
    .walk = model_walk,
    .replace = model_replace,
};

/* ---- page sources ---- */

struct counted_source {
    struct page_source source;
    long references;
};

static void get(struct page_source *source)
{
    ((struct counted_source *)source)->references++;
}

static void put(struct page_source *source)
{
    assert_true(--((struct counted_source *)source)->references >= 0);
}

static const struct page_source_ops source_ops = {.get = get, .put = put};
static struct counted_source sources[SOURCES];

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

static int start(void **state)
{
    (void)state;
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
    for (size_t i = 0; i < SOURCES; i++)
        sources[i] = (struct counted_source){{&source_ops}, 0};
    frames_init(&machine_frames, metadata, FRAMES);
    frames_add(&machine_frames, phys_range(PAGE_SIZE, FRAMES * PAGE_SIZE));
    return 0;
}

static virt_t address(size_t page)
{
    return virt(ARENA + page * PAGE_SIZE);
}

static struct virt_range pages(size_t first, size_t end)
{
    return (struct virt_range){address(first), address(end)};
}

static void check_page(size_t page)
{
    const struct model_page *m = &model[page];
    const struct area *a = areas_find(address(page));
    assert_int_equal(a != NULL, m->there);
    assert_int_equal(leaf[page].v != 0, m->mapped);
    if (!m->there) {
        assert_false(m->mapped);
        return;
    }
    assert_int_equal(a->kind, m->kind);
    assert_int_equal(a->flags, m->flags);
    assert_true(prot_equal(a->prot, m->prot));
    assert_ptr_equal(a->source, m->source);
    if (m->kind == AREA_FILE) {
        assert_int_equal(a->offset + (address(page).v - a->range.start.v), m->offset);
        assert_int_equal(a->file_end, m->file_end);
    }
    if (m->mapped) {
        prot_t prot = m->copy ? prot_copy_on_write(m->prot) : m->prot;
        assert_int_equal(leaf[page].v, make_leaf(m->frame, prot).v);
    }
}

static void check_all(void)
{
    long references[SOURCES] = {0};
    uint64_t mapped = 0, count = 0, bytes = 0;
    areas_check();
    for (const struct area *a = areas_next(virt(0)); a != NULL; a = areas_next(a->range.end)) {
        count++;
        bytes += virt_range_size(a->range);
        if (a->source != NULL)
            references[(struct counted_source *)a->source - sources]++;
    }
    assert_int_equal(areas_count(), count);
    assert_int_equal(areas_bytes(), bytes);
    for (size_t i = 0; i < SOURCES; i++)
        assert_int_equal(sources[i].references, references[i]);
    for (size_t page = 0; page < PAGES; page++) {
        check_page(page);
        mapped += model[page].mapped;
    }
    assert_int_equal(machine_frames.free_frames, machine_frames.total_frames - mapped);
}

static size_t random_below(size_t n)
{
    return (size_t)rand() % n;
}

static const prot_t prots[] = {{0}, {PROT_BIT_READ}, {PROT_BIT_READ | PROT_BIT_WRITE}};

static prot_t random_prot(void)
{
    return prots[random_below(3)];
}

/* Offsets such that neighbours of one file often fit together. */
static struct area random_area(size_t first, size_t end)
{
    struct area a = {.range = pages(first, end), .kind = AREA_ANONYMOUS, .file_end = UINT64_MAX};
    a.prot = random_prot();
    a.flags = random_below(4) == 0 ? AREA_HEAP : 0;
    if (random_below(12) == 0) {
        a.kind = AREA_GUARD;
        a.prot = prot_none();
    } else if (random_below(2) == 0) {
        a.kind = AREA_FILE;
        a.source = &sources[random_below(SOURCES)].source;
        a.offset = (first + random_below(2)) * PAGE_SIZE;
        a.flags = random_below(3) == 0 ? AREA_SHARED : 0;
        if (random_below(4) == 0)
            a.file_end = address(end).v - 100;
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
        assert_int_equal(e, E_EXIST);
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
    if (areas_remove(pages(first, end)) != E_OK)
        return;
    for (size_t i = first; i < end; i++)
        if (model[i].kind != AREA_GUARD)
            model[i] = (struct model_page){0};
}

static void step_protect(size_t first, size_t end, bool may_fail)
{
    prot_t prot = random_prot();
    enum err e = areas_protect(pages(first, end), prot);
    size_t i = first;
    if (may_fail && e == E_NOMEM) {
        /* Either no room for a split, then nothing has changed, or a hole: the model says which. */
        size_t same = first;
        while (same < end && model[same].there &&
               prot_equal(areas_find(address(same))->prot, model[same].prot))
            same++;
        if (same == end || !model[same].there)
            return;
    }
    for (; i < end && model[i].there && model[i].kind != AREA_GUARD; i++)
        model[i].prot = prot;
    assert_int_equal(e, i == end ? E_OK : E_NOMEM);
}

/* What a fault does that finds room for 2 MiB. */
static void step_touch_large(size_t block)
{
    size_t first = block * LARGE_PAGES;
    phys_t frame;
    step_remove(first, first + LARGE_PAGES);
    if (is_free(first, first + LARGE_PAGES)) {
        struct area a = {.range = pages(first, first + LARGE_PAGES),
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
    assert_int_equal(model_map(address(first), frame, LARGE_SIZE, model[first].prot), E_OK);
    large_touches++;
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
    assert_int_equal(
        model_map(address(page), frame, PAGE_SIZE, m->copy ? prot_copy_on_write(m->prot) : m->prot),
        E_OK);
    m->mapped = true;
    m->frame = frame;
}

static void step_discard(size_t first, size_t end)
{
    if (areas_discard(pages(first, end)) != E_OK)
        return;
    for (; first < end; first++)
        model[first].mapped = false;
}

static void step_change(size_t first, size_t end)
{
    uint32_t set = random_below(2) ? AREA_NO_HUGE : 0, clear = AREA_NO_HUGE & ~set;
    if (areas_change(pages(first, end), set, clear) != E_OK)
        return;
    for (size_t i = first; i < end; i++)
        if (model[i].there && model[i].kind != AREA_GUARD)
            model[i].flags = (model[i].flags & ~clear) | set;
}

static void step_forget(size_t first, size_t end)
{
    struct page_source *source = &sources[random_below(SOURCES)].source;
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
    const struct area *a = areas_find(address(first));
    size_t to = random_below(PAGES), size = end - first + random_below(3);
    if (a == NULL || a->kind == AREA_GUARD || a->range.end.v < address(end).v ||
        to + size > PAGES || !is_free(to, to + size))
        return;
    maps_left = random_below(4) == 0 ? (long)random_below(end - first + 1) : -1;
    bool keep = random_below(3) == 0;
    enum err e = areas_move(pages(first, end), pages(to, to + size), keep);
    maps_left = -1;
    if (e != E_OK) {
        assert_int_equal(e, E_NOMEM);
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
            m->file_end = head.file_end + address(to).v - address(first).v;
    }
}

static void step(void)
{
    static const size_t sizes[] = {6, 6, 6, 6, 60, 700};
    size_t first = random_below(PAGES), end = first + 1 + random_below(sizes[random_below(6)]);
    bool starved = random_below(10) == 0;
    if (end > PAGES)
        end = PAGES;
    if (starved)
        native_heap_fail_after(0);
    no_tables = random_below(10) == 0;
    switch (random_below(11)) {
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
    default:
        for (size_t i = first; i < end; i++)
            step_touch(i);
    }
    native_heap_fail_after(-1);
}

static void test_random(void **state)
{
    (void)state;
    uint64_t most = 0;
    srand(1);
    for (int i = 0; i < STEPS; i++) {
        step();
        check_all();
        if (areas_count() > most)
            most = areas_count();
        if (i % 3000 == 2999) { /* guards never go otherwise */
            areas_clear();
            memset(model, 0, sizeof model);
            check_all();
        }
    }
    assert_true(large_touches > 20 && large_splits > 20);
    assert_true(most > 35); /* the table has grown, and was full now and then */
}

static void must_add(uint64_t start_address, uint64_t size, prot_t prot)
{
    const struct area a = {.range = virt_range(start_address, start_address + size),
                           .kind = AREA_ANONYMOUS,
                           .prot = prot,
                           .file_end = UINT64_MAX};
    assert_int_equal(areas_add(&a), E_OK);
}

static void test_holes(void **state)
{
    (void)state;
    struct virt_range hole = virt_range(1, 2);
    uint64_t base = UINT64_C(0x700000000000);
    areas_set_mmap_base(virt(base));
    assert_int_equal(areas_find_hole(0, PAGE_SIZE, virt(0), &hole), E_NOMEM);
    assert_int_equal(areas_find_hole(UINT64_MAX - 4095, PAGE_SIZE, virt(0), &hole), E_NOMEM);
    assert_int_equal(areas_find_hole(LAYOUT_PROGRAM_END, PAGE_SIZE, virt(0), &hole), E_NOMEM);
    assert_int_equal(hole.start.v, 1);
    assert_int_equal(areas_find_hole(PAGE_SIZE, PAGE_SIZE, virt(0), &hole), E_OK);
    assert_int_equal(hole.end.v, base);
    must_add(base - 3 * PAGE_SIZE, 2 * PAGE_SIZE, prot_rw());
    assert_int_equal(areas_find_hole(PAGE_SIZE, PAGE_SIZE, virt(0), &hole), E_OK);
    assert_int_equal(hole.end.v, base); /* the gap of one page above the area */
    assert_int_equal(areas_find_hole(2 * PAGE_SIZE, PAGE_SIZE, virt(0), &hole), E_OK);
    assert_int_equal(hole.end.v, base - 3 * PAGE_SIZE);
    assert_int_equal(areas_find_hole(PAGE_SIZE, LARGE_SIZE, virt(0), &hole), E_OK);
    assert_true(is_aligned(hole.start.v, LARGE_SIZE));
    assert_true(hole.start.v + LARGE_SIZE == base);
    /* The hint is taken where it is free, and only there. */
    assert_int_equal(areas_find_hole(PAGE_SIZE, PAGE_SIZE, virt(0x5000000), &hole), E_OK);
    assert_int_equal(hole.start.v, 0x5000000);
    assert_int_equal(areas_find_hole(PAGE_SIZE, PAGE_SIZE, virt(base - 2 * PAGE_SIZE), &hole),
                     E_OK);
    assert_int_equal(hole.end.v, base);
    assert_int_equal(areas_find_hole(PAGE_SIZE, PAGE_SIZE, virt(0x1000), &hole), E_OK);
    assert_int_equal(hole.end.v, base);
    assert_int_equal(
        areas_find_hole(2 * PAGE_SIZE, PAGE_SIZE, virt(LAYOUT_PROGRAM_END - PAGE_SIZE), &hole),
        E_OK);
    assert_int_equal(hole.end.v, base - 3 * PAGE_SIZE);
    assert_int_equal(areas_find_hole_below(PAGE_SIZE, PAGE_SIZE, virt(LAYOUT_PROGRAM_START), &hole),
                     E_NOMEM);
    assert_int_equal(
        areas_find_hole_below(PAGE_SIZE, PAGE_SIZE, virt(LAYOUT_PROGRAM_START + PAGE_SIZE), &hole),
        E_OK);
    assert_int_equal(hole.start.v, LAYOUT_PROGRAM_START);
}

static void test_ranges_refused(void **state)
{
    (void)state;
    const uint64_t bad[][2] = {
        {0, PAGE_SIZE},
        {LAYOUT_PROGRAM_START - PAGE_SIZE, LAYOUT_PROGRAM_START + PAGE_SIZE},
        {LAYOUT_PROGRAM_START, LAYOUT_PROGRAM_START},
        {LAYOUT_PROGRAM_START + 1, LAYOUT_PROGRAM_START + PAGE_SIZE},
        {LAYOUT_PROGRAM_START, LAYOUT_PROGRAM_START + 1},
        {2 * LAYOUT_PROGRAM_START, LAYOUT_PROGRAM_START},
        {LAYOUT_PROGRAM_END - PAGE_SIZE, LAYOUT_PROGRAM_END + PAGE_SIZE},
        {LAYOUT_HEAP_START, LAYOUT_HEAP_END},
        {UINT64_MAX - PAGE_MASK, 0},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct area a = {.range = virt_range(bad[i][0], bad[i][1]),
                               .kind = AREA_ANONYMOUS,
                               .file_end = UINT64_MAX};
        assert_int_equal(areas_add(&a), E_EXIST);
    }
    assert_int_equal(areas_count(), 0);
    assert_null(areas_find(virt(0)));
    assert_null(areas_find(virt(UINT64_MAX)));
    assert_null(areas_next(virt(0)));
}

/* A change that ends at a hole leaves the areas merged as before. */
static void test_protect_into_a_hole(void **state)
{
    (void)state;
    must_add(ARENA, 10 * PAGE_SIZE, prot_rw());
    assert_int_equal(areas_protect(pages(5, 20), prot_rw()), E_NOMEM);
    areas_check();
    assert_int_equal(areas_count(), 1);
    assert_int_equal(areas_protect(pages(5, 20), prot_ro()), E_NOMEM);
    areas_check();
    assert_int_equal(areas_count(), 2);
    assert_int_equal(areas_protect(pages(0, 20), prot_ro()), E_NOMEM);
    areas_check();
    assert_int_equal(areas_count(), 1);
}

static bool clean_at(size_t page)
{
    return areas_find(address(page))->flags & AREA_CLEAN;
}

/* What is added is not clean, nor what it merges with; cutting and protecting change nothing. */
static void test_clean(void **state)
{
    (void)state;
    must_add(ARENA, 10 * PAGE_SIZE, prot_rw());
    must_add(ARENA + 20 * PAGE_SIZE, 4 * PAGE_SIZE, prot_rw());
    assert_false(clean_at(0));
    areas_mark_clean(0);
    assert_true(clean_at(0) && clean_at(20));
    must_add(ARENA + 24 * PAGE_SIZE, PAGE_SIZE, prot_ro());
    assert_false(clean_at(24));
    assert_true(clean_at(20));
    assert_int_equal(areas_protect(pages(4, 5), prot_ro()), E_OK);
    assert_int_equal(areas_remove(pages(8, 9)), E_OK);
    assert_true(clean_at(3) && clean_at(4) && clean_at(5) && clean_at(9));
    assert_int_equal(areas_count(), 6);
    must_add(ARENA + 10 * PAGE_SIZE, PAGE_SIZE, prot_rw());
    areas_check();
    assert_int_equal(areas_count(), 6);
    assert_true(clean_at(5));
    assert_false(clean_at(9) || clean_at(10));
    assert_int_equal(areas_move(pages(20, 24), pages(40, 44), false), E_OK);
    assert_false(clean_at(40));
}

static void map_source(size_t first, size_t count, uint64_t index)
{
    struct area a = {
        .range = pages(first, first + count),
        .kind = AREA_FILE,
        .flags = AREA_SHARED,
        .prot = prot_rw(),
        .source = &sources[0].source,
        .offset = index * PAGE_SIZE,
        .file_end = UINT64_MAX,
    };
    a.source->ops->get(a.source);
    assert_int_equal(areas_add(&a), E_OK);
    for (size_t i = first; i < first + count; i++) {
        phys_t frame;
        assert_int_equal(frames_alloc(&machine_frames, 0, &frame), E_OK);
        assert_int_equal(paging_map(address(i), frame, PAGE_SIZE, prot_rw()), E_OK);
    }
}

/* A write past the mappings marks the pages that show what was written, and no others. */
static void test_pages_written(void **state)
{
    (void)state;
    map_source(0, 4, 10);
    map_source(10, 4, 12);
    areas_pages_written(&sources[0].source, 12, 14);
    areas_pages_written(&sources[1].source, 0, UINT64_MAX);
    areas_pages_written(&sources[0].source, 0, 10);
    areas_pages_written(&sources[0].source, 16, UINT64_MAX);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(!!(leaf[i].v & PTE_D), i >= 2);
        assert_int_equal(!!(leaf[10 + i].v & PTE_D), i < 2);
    }
    assert_int_equal(areas_move(pages(2, 3), pages(30, 31), false), E_OK);
    assert_true(leaf[30].v & PTE_D);
    areas_mark_clean(0);
    areas_forget_pages(&sources[0].source, 15, 16);
    assert_true(clean_at(0));
    assert_false(clean_at(10)); /* the page that comes instead is not marked */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_ranges_refused, start),
        cmocka_unit_test_setup(test_holes, start),
        cmocka_unit_test_setup(test_protect_into_a_hole, start),
        cmocka_unit_test_setup(test_clean, start),
        cmocka_unit_test_setup(test_pages_written, start),
        cmocka_unit_test_setup(test_random, start),
    };
    return RUN_TESTS(tests);
}
