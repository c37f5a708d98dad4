/* SPDX-License-Identifier: MIT */
#include "mm/vm/areas.h"

#include "mm/phys/frames.h"
#include "mm/layout.h"
#include "mm/pt/paging.h"
#include "mm/vm/areas_table.h"

#include "areas_model.h"
#include "areas_model_space.h"
#include "unit.h"

#include <stdlib.h>

#define STEPS 26000

static struct address_space *space;

static int start(void **state)
{
    (void)state;
    model_start();
    space = model_switch(0);
    return 0;
}

static size_t random_below(size_t n)
{
    return (size_t)rand() % n;
}

static void test_random_operations_against_a_page_map(void **state)
{
    (void)state;
    uint64_t most = 0;
    srand(1);
    model_random = random_below;
    for (int i = 0; i < STEPS; i++) {
        model_step();
        model_check();
        if (areas_count(space) > most)
            most = areas_count(space);
        if (i % 3000 == 2999) { /* nothing else removes guards */
            model_forget_all();
            model_check();
        }
    }
    assert_true(model_large_touches > 20 && model_large_splits > 20);
    assert_true(model_evicted > 1000 && model_clean > 20 && model_returned > 500);
    assert_true(model_lost > 50);
    assert_true(most > 30); /* the table has grown, and was full at times */
}

static void must_add(uint64_t start_address, uint64_t size, prot_t prot)
{
    const struct area a = {.range = virt_range(start_address, start_address + size),
                           .kind = AREA_ANONYMOUS,
                           .prot = prot,
                           .file_end = UINT64_MAX};
    assert_int_equal(areas_add(space, &a), E_OK);
}

static void test_hole_is_the_highest_that_fits(void **state)
{
    (void)state;
    struct virt_range hole = virt_range(1, 2);
    uint64_t base = UINT64_C(0x700000000000);
    areas_set_mmap_base(space, virt(base));
    assert_int_equal(areas_find_hole(space, 0, PAGE_SIZE, virt(0), &hole), E_NOMEM);
    assert_int_equal(areas_find_hole(space, UINT64_MAX - 4095, PAGE_SIZE, virt(0), &hole), E_NOMEM);
    assert_int_equal(areas_find_hole(space, LAYOUT_PROGRAM_END, PAGE_SIZE, virt(0), &hole),
                     E_NOMEM);
    assert_int_equal(hole.start.v, 1);
    assert_int_equal(areas_find_hole(space, PAGE_SIZE, PAGE_SIZE, virt(0), &hole), E_OK);
    assert_int_equal(hole.end.v, base);
    must_add(base - 3 * PAGE_SIZE, 2 * PAGE_SIZE, prot_rw());
    assert_int_equal(areas_find_hole(space, PAGE_SIZE, PAGE_SIZE, virt(0), &hole), E_OK);
    assert_int_equal(hole.end.v, base); /* the gap of one page above the area */
    assert_int_equal(areas_find_hole(space, 2 * PAGE_SIZE, PAGE_SIZE, virt(0), &hole), E_OK);
    assert_int_equal(hole.end.v, base - 3 * PAGE_SIZE);
    assert_int_equal(areas_find_hole(space, PAGE_SIZE, LARGE_SIZE, virt(0), &hole), E_OK);
    assert_true(is_aligned(hole.start.v, LARGE_SIZE));
    assert_true(hole.start.v + LARGE_SIZE == base);
    /* The hint is used only if it is free. */
    assert_int_equal(areas_find_hole(space, PAGE_SIZE, PAGE_SIZE, virt(0x5000000), &hole), E_OK);
    assert_int_equal(hole.start.v, 0x5000000);
    assert_int_equal(
        areas_find_hole(space, PAGE_SIZE, PAGE_SIZE, virt(base - 2 * PAGE_SIZE), &hole), E_OK);
    assert_int_equal(hole.end.v, base);
    assert_int_equal(areas_find_hole(space, PAGE_SIZE, PAGE_SIZE, virt(0x1000), &hole), E_OK);
    assert_int_equal(hole.end.v, base);
    assert_int_equal(areas_find_hole(space, 2 * PAGE_SIZE, PAGE_SIZE,
                                     virt(LAYOUT_PROGRAM_END - PAGE_SIZE), &hole),
                     E_OK);
    assert_int_equal(hole.end.v, base - 3 * PAGE_SIZE);
    assert_int_equal(
        areas_find_hole_below(space, PAGE_SIZE, PAGE_SIZE, virt(LAYOUT_PROGRAM_START), &hole),
        E_NOMEM);
    assert_int_equal(areas_find_hole_below(space, PAGE_SIZE, PAGE_SIZE,
                                           virt(LAYOUT_PROGRAM_START + PAGE_SIZE), &hole),
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
        assert_int_equal(areas_add(space, &a), E_EXIST);
    }
    assert_int_equal(areas_count(space), 0);
    assert_null(areas_find(space, virt(0)));
    assert_null(areas_find(space, virt(UINT64_MAX)));
    assert_null(areas_next(space, virt(0)));
}

/* A change that fails at a hole leaves equal neighbours merged. */
static void test_protect_into_a_hole(void **state)
{
    (void)state;
    must_add(MODEL_ARENA, 10 * PAGE_SIZE, prot_rw());
    assert_int_equal(areas_protect(space, model_pages(5, 20), prot_rw()), E_NOMEM);
    areas_check(space);
    assert_int_equal(areas_count(space), 1);
    assert_int_equal(areas_protect(space, model_pages(5, 20), prot_ro()), E_NOMEM);
    areas_check(space);
    assert_int_equal(areas_count(space), 2);
    assert_int_equal(areas_protect(space, model_pages(0, 20), prot_ro()), E_NOMEM);
    areas_check(space);
    assert_int_equal(areas_count(space), 1);
}

static bool clean_at(size_t page)
{
    return areas_find(space, model_address(page))->flags & AREA_CLEAN;
}

/* A new area is not clean, nor is an area that it merges with; splits and mprotect() keep the mark. */
static void test_clean_mark_ends_with_new_pages(void **state)
{
    (void)state;
    must_add(MODEL_ARENA, 10 * PAGE_SIZE, prot_rw());
    must_add(MODEL_ARENA + 20 * PAGE_SIZE, 4 * PAGE_SIZE, prot_rw());
    assert_false(clean_at(0));
    areas_mark_clean(space, &space->unowned);
    assert_true(clean_at(0) && clean_at(20));
    must_add(MODEL_ARENA + 24 * PAGE_SIZE, PAGE_SIZE, prot_ro());
    assert_false(clean_at(24));
    assert_true(clean_at(20));
    assert_int_equal(areas_protect(space, model_pages(4, 5), prot_ro()), E_OK);
    assert_int_equal(areas_remove(space, model_pages(8, 9)), E_OK);
    assert_true(clean_at(3) && clean_at(4) && clean_at(5) && clean_at(9));
    assert_int_equal(areas_count(space), 6);
    must_add(MODEL_ARENA + 10 * PAGE_SIZE, PAGE_SIZE, prot_rw());
    areas_check(space);
    assert_int_equal(areas_count(space), 6);
    assert_true(clean_at(5));
    assert_false(clean_at(9) || clean_at(10));
    assert_int_equal(areas_move(space, model_pages(20, 24), model_pages(40, 44), false), E_OK);
    assert_false(clean_at(40));
}

static void map_source(size_t first, size_t count, uint64_t index)
{
    struct area a = {
        .range = model_pages(first, first + count),
        .kind = AREA_FILE,
        .flags = AREA_SHARED,
        .prot = prot_rw(),
        .source = &model_sources[0].source,
        .offset = index * PAGE_SIZE,
        .file_end = UINT64_MAX,
    };
    a.source->ops->get(a.source);
    assert_int_equal(areas_add(space, &a), E_OK);
    for (size_t i = first; i < first + count; i++) {
        phys_t frame;
        assert_int_equal(frames_alloc(&machine_frames, 0, &frame), E_OK);
        assert_int_equal(paging_map(space, model_address(i), frame, PAGE_SIZE, prot_rw()), E_OK);
        areas_count_pages(areas_find(space, model_address(i)), false, frame, 1);
    }
}

/* A write to a file marks the pages that map the written part dirty, and no others. */
static void test_pages_written(void **state)
{
    (void)state;
    map_source(0, 4, 10);
    map_source(10, 4, 12);
    areas_pages_written(&model_sources[0].source, 12, 14);
    areas_pages_written(&model_sources[1].source, 0, UINT64_MAX);
    areas_pages_written(&model_sources[0].source, 0, 10);
    areas_pages_written(&model_sources[0].source, 16, UINT64_MAX);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(!!(model_leaf(i).v & PTE_D), i >= 2);
        assert_int_equal(!!(model_leaf(10 + i).v & PTE_D), i < 2);
    }
    assert_int_equal(areas_move(space, model_pages(2, 3), model_pages(30, 31), false), E_OK);
    assert_true(model_leaf(30).v & PTE_D);
    areas_mark_clean(space, &space->unowned);
    areas_forget_pages(&model_sources[0].source, 15, 16);
    assert_true(clean_at(0));
    assert_false(clean_at(10)); /* its replacement is not marked */
}

/* Look-ups by page source find its mappings in every space, at a different address in each. */
static void test_sources_are_found_in_every_space(void **state)
{
    (void)state;
    struct page_source *source = &model_sources[0].source;
    const size_t first[MODEL_SPACES] = {4, 40};
    assert_false(areas_may_store(source));
    for (size_t n = 0; n < MODEL_SPACES; n++) {
        space = model_switch(n);
        map_source(first[n], 4, 10);
        assert_true(areas_may_store(source));
        assert_int_equal(areas_count(space), 1);
        assert_int_equal(areas_remove(space, model_pages(0, 100)), E_OK);
        assert_false(areas_may_store(source));
    }
    for (size_t n = 0; n < MODEL_SPACES; n++) {
        space = model_switch(n);
        map_source(first[n], 4, 10);
    }
    areas_pages_written(source, 11, 12);
    areas_forget_pages(source, 12, 14);
    for (size_t n = 0; n < MODEL_SPACES; n++) {
        space = model_switch(n);
        assert_false(model_leaf(first[n]).v & PTE_D);
        assert_true(model_leaf(first[n] + 1).v & PTE_D);
        assert_int_equal(model_leaf(first[n] + 2).v | model_leaf(first[n] + 3).v, 0);
        assert_null(areas_find(space, model_address(first[1 - n])));
    }
}

enum change {
    MOVE_HALVES, /* of each area to another place */
    REMOVE,
    SPLIT,
    JOIN, /* moves an area behind another, which takes it in */
    CLEAR,
    CHANGES
};

static void change_mappings(enum change change)
{
    enum err e = E_OK;
    if (change == MOVE_HALVES) {
        e = areas_move(space, model_pages(2, 4), model_pages(40, 42), false);
        assert_int_equal(e, E_OK);
        e = areas_move(space, model_pages(12, 14), model_pages(50, 52), false);
    } else if (change == REMOVE) {
        e = areas_remove(space, model_pages(0, 12));
    } else if (change == SPLIT) {
        e = areas_protect(space, model_pages(1, 3), prot_ro());
    } else if (change == JOIN) {
        e = areas_move(space, model_pages(22, 24), model_pages(4, 6), false);
    } else {
        areas_clear(space);
        assert_null(model_sources[0].source.mappings);
    }
    assert_int_equal(e, E_OK);
}

/* All leaves of pages of the source from `index` on are gone, the others are there. */
static void check_cut(uint64_t index)
{
    for (size_t i = 0; i < 60; i++) {
        virt_t v = model_address(i);
        const struct area *a = areas_find(space, v);
        if (a == NULL)
            continue;
        uint64_t page = (a->offset + v.v - a->range.start.v) / PAGE_SIZE;
        assert_int_equal(model_leaf(i).v != 0, page < index);
    }
    areas_check(space);
}

/* What changes between two pieces of a truncation is cut as well: parts that moved, parts that other
 * areas took in; and areas that go do not end it. */
static void test_truncation_beside_changes(void **state)
{
    struct page_source *source = &model_sources[0].source;
    for (unsigned at = 0; at < CHANGES * 5 * 2; at++) {
        enum change change = at / 10;
        unsigned before = at % 5, first = at / 5 % 2;
        struct areas_place place = {0};
        start(state);
        for (unsigned i = 0; i < 2; i++)
            if (i == first) {
                map_source(0, 4, 10);
                map_source(10, 4, 10);
            } else {
                map_source(22, 2, 14);
                map_source(34, 1, 13);
            }
        bool more = true;
        for (unsigned pieces = 0; pieces < before; pieces++)
            more = areas_truncate(source, 12, &place);
        change_mappings(change);
        for (unsigned pieces = 0; more; pieces++) {
            assert_true(pieces < 20);
            more = areas_truncate(source, 12, &place);
        }
        check_cut(12);
        areas_clear(space);
    }
}

/* As Linux with vm.max_map_count: mmap() while there are not more, cuts while there are fewer. */
static void test_as_many_areas_as_on_linux(void **state)
{
    (void)state;
    const uint64_t base = UINT64_C(0x10000000);
    uint64_t at = base + 4 * PAGE_SIZE;
    must_add(base, 4 * PAGE_SIZE, prot_ro());
    for (bool write = true; areas_count(space) <= areas_max; write = !write, at += PAGE_SIZE)
        must_add(at, PAGE_SIZE, write ? prot_rw() : prot_ro());
    struct area more = *areas_find(space, virt(base));
    more.range = virt_range(at + PAGE_SIZE, at + 2 * PAGE_SIZE);
    assert_int_equal(areas_add(space, &more), E_NOMEM);
    areas_check(space);
    struct virt_range inside = virt_range(base + PAGE_SIZE, base + 2 * PAGE_SIZE);
    struct virt_range tail = virt_range(base + 3 * PAGE_SIZE, base + 4 * PAGE_SIZE);
    assert_int_equal(areas_remove(space, inside), E_NOMEM);
    assert_int_equal(areas_protect(space, inside, prot_rx()), E_NOMEM);
    assert_int_equal(areas_protect(space, tail, prot_rx()), E_NOMEM);
    assert_int_equal(areas_remove(space, tail), E_OK); /* no more of them */
    assert_int_equal(areas_count(space), areas_max + 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(areas_remove(space, inside), E_NOMEM);
        at -= PAGE_SIZE;
        assert_int_equal(areas_remove(space, virt_range(at, at + PAGE_SIZE)), E_OK);
    }
    assert_int_equal(areas_remove(space, inside), E_OK);
    assert_int_equal(areas_count(space), areas_max);
    areas_check(space);
    areas_clear(space);
    assert_int_equal(areas_count(space), 0);
}

/* The highest place for `pages` below `limit`, by a look at each page; 0: none. */
static uint64_t model_hole(uint64_t limit, uint64_t pages, uint64_t alignment)
{
    uint64_t size = pages * PAGE_SIZE;
    for (uint64_t at = align_down(limit - size, alignment); at >= MODEL_ARENA; at -= alignment) {
        const struct area *next = areas_next(space, virt(at));
        uint64_t start = next == NULL ? UINT64_MAX : next->range.start.v;
        if (next != NULL && next->flags & AREA_GROWS_DOWN)
            start -= AREA_STACK_GAP;
        if (start >= at + size)
            return at;
    }
    return 0;
}

static void test_holes_against_a_look_at_each_page(void **state)
{
    (void)state;
    srand(3);
    for (unsigned round = 0; round < 60; round++) {
        /* Below the arena nothing fits, so that a hole lies in it or nowhere. */
        must_add(LAYOUT_PROGRAM_START, MODEL_ARENA - LAYOUT_PROGRAM_START, prot_none());
        for (unsigned i = 0; i < 80; i++) {
            uint64_t at = MODEL_ARENA + random_below(PAGES - 8) * PAGE_SIZE;
            struct area a = {.range = virt_range(at, at + (1 + random_below(8)) * PAGE_SIZE),
                             .kind = AREA_ANONYMOUS,
                             .flags = random_below(20) == 0 ? AREA_GROWS_DOWN : 0,
                             .prot = random_below(2) ? prot_rw() : prot_ro(),
                             .file_end = UINT64_MAX};
            assert_int_equal(areas_remove(space, a.range), E_OK);
            assert_int_equal(areas_add(space, &a), E_OK);
        }
        areas_check(space);
        for (unsigned i = 0; i < 200; i++) {
            struct virt_range hole = {{0}, {0}};
            uint64_t limit = MODEL_ARENA + (8 + random_below(PAGES)) * PAGE_SIZE;
            uint64_t pages = 1 + random_below(random_below(4) ? 8 : 64);
            uint64_t alignment = PAGE_SIZE << (random_below(3) ? 0 : random_below(5));
            uint64_t expected = model_hole(limit, pages, alignment);
            enum err e =
                areas_find_hole_below(space, pages * PAGE_SIZE, alignment, virt(limit), &hole);
            assert_int_equal(e, expected != 0 ? E_OK : E_NOMEM);
            assert_int_equal(hole.start.v, expected);
        }
        areas_clear(space);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_ranges_refused, start),
        cmocka_unit_test_setup(test_hole_is_the_highest_that_fits, start),
        cmocka_unit_test_setup(test_protect_into_a_hole, start),
        cmocka_unit_test_setup(test_clean_mark_ends_with_new_pages, start),
        cmocka_unit_test_setup(test_pages_written, start),
        cmocka_unit_test_setup(test_truncation_beside_changes, start),
        cmocka_unit_test_setup(test_as_many_areas_as_on_linux, start),
        cmocka_unit_test_setup(test_holes_against_a_look_at_each_page, start),
        cmocka_unit_test_setup(test_sources_are_found_in_every_space, start),
        cmocka_unit_test_setup(test_random_operations_against_a_page_map, start),
    };
    return RUN_TESTS(tests);
}
