/* SPDX-License-Identifier: MIT */
/*
 * The walker in each of the five back ends, over a simulated MMU. Each step accesses all pages before
 * and after it, so that every translation that a missing flush would leave stale is in the TLB.
 */
#include "unit.h"

#include "base/err.h"
#include "base/panic.h"
#include "mm/layout.h"
#include "mm/pt/backend.h"
#include "mm/pt/tlb.h"
#include "native.h"
#include "page_model.h"
#include "paging_world.h"

#include <stdlib.h>
#include <string.h>

#define DATA WORLD_DATA
#define BASE MODEL_BASE

static enum paging_kind kind; /* under test */
static struct address_space *space;

static int start(void **state)
{
    (void)state;
    world_start(kind);
    space = &first_space;
    model_clear();
    model_work_on(0, space);
    return 0;
}

/* The same steps under each back end lead to the same translations. The MMU agrees with the model, and
 * a walk over physical memory with the walker. */
static void test_random_operations(void **state)
{
    static uint64_t digests[6];
    for (unsigned seed = 1; seed <= (kind == PAGING_RECURSIVE ? 5 : 2); seed++) {
        const struct virt_range all = model_range();
        start(state);
        srand(seed);
        for (int round = 0; round < 200; round++) {
            model_step();
            assert_true(model_agrees());
            if (round % 10 == 0)
                assert_true(world_visit_digest(&first_space, all) ==
                            world_digest_of(&first_space, all));
            if (round == 150 && kind == PAGING_RECURSIVE)
                digests[seed] = world_digest_of(&first_space, all);
            else if (round == 150)
                assert_true(digests[seed] == world_digest_of(&first_space, all));
        }
        model_unmap_all();
        assert_true(model_agrees());
        world_assert_no_tables();
    }
}

/* A test of the tests: without the flush of the window the wrong translation is noticed. */
static void test_missing_relink_is_seen(void **state)
{
    (void)state;
    if (kind != PAGING_RECURSIVE)
        return;
    sim_ignore_invlpg(recursive_base(WORLD_SLOT), recursive_base(WORLD_SLOT + 1));
    virt_t v = virt(0x400000);
    assert_int_equal(paging_map(space, v, phys(DATA), PAGE_SIZE, prot_rw()), E_OK);
    assert_int_equal(world_entry(1, v).v & PTE_ADDRESS, DATA);
    paging_unmap(space, virt_range(v.v, v.v + PAGE_SIZE), NULL, NULL);
    assert_true(paging_trim(space));
    phys_t other; /* takes the frame of the freed table */
    assert_true(paging->access->alloc(&other));
    assert_int_equal(paging_map(space, v, phys(DATA), PAGE_SIZE, prot_rw()), E_OK);
    assert_true(sim_access(v.v, SIM_READ).fault);
}

/* A table that is replaced by one in another frame, seen through the program window; with the flush, and
 * without it as a test of the test. */
static void test_program_window(void **state)
{
    for (int flush = 0; flush < 2; flush++) {
        start(state);
        if (!flush)
            sim_ignore_invlpg(recursive_base(WORLD_PROGRAM), recursive_base(WORLD_PROGRAM + 1));
        virt_t v = virt(0x400000);
        uint64_t seen = recursive_entry(WORLD_PROGRAM, 1, v);
        phys_t other;
        assert_int_equal(paging_map(space, v, phys(DATA), PAGE_SIZE, prot_ro()), E_OK);
        assert_int_equal(sim_load(seen) & PTE_ADDRESS, DATA);
        assert_true(sim_access(seen, SIM_WRITE).fault);
        assert_true(sim_access(seen, SIM_EXECUTE).fault);
        paging_unmap(space, virt_range(v.v, v.v + PAGE_SIZE), NULL, NULL);
        assert_true(paging_trim(space));
        assert_int_equal(sim_access(seen, SIM_READ).fault, flush);
        assert_true(paging->access->alloc(&other));
        assert_int_equal(paging_map(space, v, phys(DATA + PAGE_SIZE), PAGE_SIZE, prot_ro()), E_OK);
        assert_int_equal((sim_load(seen) & PTE_ADDRESS) == DATA + PAGE_SIZE, flush);
    }
}

/* The tables that the last unmap emptied are kept for the next map; a later unmap or a trim frees them. */
static void test_trim_gives_emptied_tables_back(void **state)
{
    (void)state;
    uint64_t none = world_tables();
    assert_false(paging_trim(space));
    for (unsigned i = 0; i < 40; i++) {
        virt_t v = virt(0x40000000 + i * (LARGE_SIZE + PAGE_SIZE) + (i / 20) * HUGE_SIZE);
        assert_int_equal(paging_map(space, v, phys(DATA), PAGE_SIZE, prot_rw()), E_OK);
        uint64_t made = world_tables();
        paging_unmap(space, virt_range(v.v, v.v + PAGE_SIZE), NULL, NULL);
        assert_true(world_tables() <= made && world_tables() <= none + 3);
        made = world_tables();
        assert_int_equal(paging_map(space, v, phys(DATA), PAGE_SIZE, prot_rw()), E_OK);
        assert_int_equal(world_tables(), made);
        paging_unmap(space, virt_range(v.v, v.v + PAGE_SIZE), NULL, NULL);
    }
    assert_true(paging_trim(space));
    assert_false(paging_trim(space));
    world_assert_no_tables();
    virt_t v = virt(0x40000000);
    assert_int_equal(paging_map(space, v, phys(DATA), PAGE_SIZE, prot_rw()), E_OK);
    paging_unmap(space, virt_range(v.v, v.v + PAGE_SIZE), NULL, NULL);
    assert_int_equal(paging_map(space, v, phys(DATA), LARGE_SIZE, prot_rw()), E_OK);
    assert_true(world_entry(2, v).v & PTE_PS);
    paging_unmap(space, virt_range(v.v, v.v + LARGE_SIZE), NULL, NULL);
    world_assert_no_tables();
}

static void test_map_takes_the_largest_pages(void **state)
{
    (void)state;
    struct pt_walk walk;
    assert_int_equal(
        paging_map(space, virt(0x40000000), phys(DATA), 0x40000000 + 0x200000 + 0x1000, prot_rw()),
        E_OK);
    paging_walk(space, virt(0x40123456), &walk);
    assert_int_equal(walk.leaf_level, 3);
    assert_int_equal(walk.phys.v, DATA + 0x123456);
    paging_walk(space, virt(0x80100000), &walk);
    assert_int_equal(walk.leaf_level, 2);
    paging_walk(space, virt(0x80200000), &walk);
    assert_int_equal(walk.leaf_level, 1);
    assert_int_equal(walk.phys.v, DATA + 0x40200000);
    /* Unmap 4 KiB in the middle of the page of 1 GiB. */
    paging_unmap(space, virt_range(0x50000000, 0x50001000), NULL, NULL);
    paging_walk(space, virt(0x50000000), &walk);
    assert_int_equal(walk.leaf_level, 0);
    paging_walk(space, virt(0x50001000), &walk);
    assert_int_equal(walk.leaf_level, 1);
    assert_int_equal(walk.phys.v, DATA + 0x10001000);
    paging_unmap(space, virt_range(0x40000000, 0x90000000), NULL, NULL);
    world_assert_no_tables();
}

static void test_no_memory_leaves_nothing(void **state)
{
    (void)state;
    for (long allowed = 0; allowed < 4; allowed++) {
        world_limit(allowed);
        assert_int_equal(paging_map(space, virt(0x7ffff000), phys(DATA), 0x2000, prot_rw()),
                         E_NOMEM);
        assert_true(sim_access(0x7ffff000, SIM_READ).fault);
        world_limit(-1);
        world_assert_no_tables();
    }
}

static void test_walk_of_odd_addresses(void **state)
{
    (void)state;
    struct pt_walk walk;
    paging_walk(space, virt(0x0000800000000000), &walk);
    assert_int_equal(walk.last_level, 5);
    assert_int_equal(walk.leaf_level, 0);
    paging_walk(space, virt(UINT64_MAX), &walk);
    assert_int_equal(walk.last_level, 4);
    paging_walk(space, virt(recursive_table(WORLD_PROGRAM, 4, virt(0))),
                &walk); /* the level-4 table, as a page */
    assert_int_equal(walk.leaf_level, 1);
    assert_int_equal(walk.phys.v, sim_root());
    assert_false(walk.executable);
}

static void test_replace_ends_copy_on_write(void **state)
{
    (void)state;
    virt_t v = virt(0x400000);
    assert_int_equal(paging_map(space, v, phys(DATA), PAGE_SIZE, prot_copy_on_write(prot_rw())),
                     E_OK);
    assert_true(sim_access(v.v, SIM_WRITE).fault);
    assert_int_equal(sim_access(v.v, SIM_READ).physical, DATA);
    paging_replace(space, v, phys(DATA + PAGE_SIZE), prot_rw());
    assert_int_equal(sim_access(v.v, SIM_WRITE).physical, DATA + PAGE_SIZE);
}

static unsigned visited;

static void count_visit(void *context, virt_t at, int level, pte_t entry)
{
    (void)context;
    (void)entry;
    visited++;
    assert_true(is_aligned(at.v, pt_span(level)));
}

static void test_visit_sees_each_leaf_once(void **state)
{
    (void)state;
    assert_int_equal(paging_map(space, virt(0x1ff000), phys(DATA + 0x1ff000), 0x400000, prot_ro()),
                     E_OK);
    visited = 0;
    paging_visit(space, virt_range(0, 0x800000), count_visit, NULL);
    assert_int_equal(visited, 1 + 1 + 511);
    uint64_t end = kind == PAGING_IDENTITY ? WORLD_POOL : UINT64_C(0x800000000000);
    paging_unmap(space, virt_range(0, end), NULL, NULL);
    visited = 0;
    paging_visit(space, virt_range(0, end), count_visit, NULL);
    assert_int_equal(visited, 0);
    world_assert_no_tables();
}

/* After paging_split_at() at both ends of a range, protect and unmap need no memory. */
static void test_prepared_split_needs_no_memory(void **state)
{
    (void)state;
    struct pt_walk walk;
    struct virt_range range = virt_range(0x40000000 + 0x1ff000, 0x7fe01000);
    assert_int_equal(paging_map(space, virt(0x40000000), phys(DATA), HUGE_SIZE, prot_rw()), E_OK);
    assert_false(sim_access(range.start.v, SIM_WRITE).fault);
    uint64_t before = paging_counters.tables;
    assert_int_equal(paging_split_at(space, virt(0x40000000)), E_OK);
    assert_int_equal(paging_counters.tables, before);
    world_limit(1); /* of the two tables that it needs */
    assert_int_equal(paging_split_at(space, range.start), E_NOMEM);
    assert_int_equal(sim_access(range.start.v, SIM_READ).physical, DATA + 0x1ff000);
    world_limit(-1);
    assert_int_equal(paging_split_at(space, range.start), E_OK);
    assert_int_equal(paging_split_at(space, range.end), E_OK);
    assert_int_equal(paging_counters.tables, before + 3);
    paging_walk(space, virt(range.start.v - 1), &walk);
    assert_int_equal(walk.leaf_level, 1);
    assert_true(walk.dirty); /* inherited from the large page */
    paging_walk(space, range.end, &walk);
    assert_int_equal(walk.leaf_level, 1);
    paging_walk(space, virt(0x50000000), &walk);
    assert_int_equal(walk.leaf_level, 2);
    world_limit(0);
    assert_int_equal(paging_protect(space, range, prot_ro()), E_OK);
    assert_true(sim_access(range.start.v, SIM_WRITE).fault);
    assert_false(sim_access(range.start.v - 1, SIM_WRITE).fault);
    assert_true(sim_access(range.end.v - 1, SIM_WRITE).fault);
    assert_false(sim_access(range.end.v, SIM_WRITE).fault);
    paging_unmap(space, range, NULL, NULL);
    assert_true(sim_access(range.start.v, SIM_READ).fault);
    assert_true(sim_access(range.end.v - 1, SIM_READ).fault);
    assert_int_equal(sim_access(range.end.v, SIM_READ).physical, DATA + 0x3fe01000);
    world_limit(-1);
    paging_unmap(space, virt_range(0x40000000, 0x80000000), NULL, NULL);
    world_assert_no_tables();
}

/* Accesses every page of 4 KiB of the range, so that its translation is in the TLB. */
static void touch(uint64_t start, uint64_t end, enum sim_access access)
{
    for (uint64_t at = start; at < end; at += PAGE_SIZE)
        assert_false(sim_access(at, access).fault);
}

static void test_promote_2m(void **state)
{
    (void)state;
    struct pt_walk walk;
    const uint64_t at = 0x40200000;
    for (uint64_t i = 0; i < PT_ENTRIES; i++)
        assert_int_equal(paging_map(space, virt(at + i * PAGE_SIZE), phys(DATA + i * PAGE_SIZE),
                                    PAGE_SIZE, prot_rw()),
                         E_OK);
    touch(at, at + LARGE_SIZE, SIM_READ);
    touch(at + 0x5000, at + 0x6000, SIM_WRITE);
    /* Caches the translation of the table in the program window, before the table is freed. */
    sim_load(recursive_entry(WORLD_PROGRAM, 1, virt(at)));
    assert_int_equal(paging_protect(space, virt_range(at + 0x7000, at + 0x8000), prot_ro()), E_OK);
    assert_false(paging_promote(space, virt(at + 0x1000)));
    assert_int_equal(paging_protect(space, virt_range(at + 0x7000, at + 0x8000), prot_rw()), E_OK);
    uint64_t before = paging_counters.tables;
    assert_true(paging_promote(space, virt(at + 0x1234)));
    assert_int_equal(paging_counters.tables, before - 1);
    assert_false(paging_promote(space, virt(at + 0x1234)));
    paging_walk(space, virt(at + 0x1234), &walk);
    assert_int_equal(walk.leaf_level, 2);
    assert_int_equal(walk.phys.v, DATA + 0x1234);
    assert_true(walk.writable && walk.accessed && walk.dirty && !walk.executable);
    /* No translation of the small pages is left: every part has the large page's new permissions. */
    touch(at, at + LARGE_SIZE, SIM_WRITE);
    assert_int_equal(paging_protect(space, virt_range(at, at + LARGE_SIZE), prot_ro()), E_OK);
    for (uint64_t v = at; v < at + LARGE_SIZE; v += PAGE_SIZE)
        assert_true(sim_access(v, SIM_WRITE).fault);
    paging_unmap(space, virt_range(at, at + LARGE_SIZE), NULL, NULL);
    world_assert_no_tables();
}

static void test_no_promotion_of_what_differs(void **state)
{
    (void)state;
    const uint64_t at = 0x40200000, size = LARGE_SIZE;
    assert_false(paging_promote(space, virt(at)));
    /* A hole; then frames that are not contiguous; then not aligned. */
    assert_int_equal(paging_map(space, virt(at), phys(DATA), size - PAGE_SIZE, prot_rw()), E_OK);
    assert_false(paging_promote(space, virt(at)));
    assert_int_equal(
        paging_map(space, virt(at + size - PAGE_SIZE), phys(DATA), PAGE_SIZE, prot_rw()), E_OK);
    assert_false(paging_promote(space, virt(at)));
    paging_unmap(space, virt_range(at, at + size), NULL, NULL);
    assert_int_equal(paging_map(space, virt(at), phys(DATA + PAGE_SIZE), size, prot_rw()), E_OK);
    assert_false(paging_promote(space, virt(at)));
    paging_unmap(space, virt_range(at, at + size), NULL, NULL);
    /* One copy-on-write page among them. */
    assert_int_equal(
        paging_map(space, virt(at), phys(DATA), PAGE_SIZE, prot_copy_on_write(prot_ro())), E_OK);
    assert_int_equal(paging_map(space, virt(at + PAGE_SIZE), phys(DATA + PAGE_SIZE),
                                size - PAGE_SIZE, prot_ro()),
                     E_OK);
    assert_false(paging_promote(space, virt(at)));
    paging_unmap(space, virt_range(at, at + size), NULL, NULL);
    world_assert_no_tables();
}

static void test_promote_1g(void **state)
{
    (void)state;
    struct pt_walk walk;
    const struct virt_range range = virt_range(0x40000000, 0x80000000);
    uint64_t before = paging_counters.tables, first = kind == PAGING_IDENTITY ? 0 : 1;
    assert_int_equal(paging_map(space, range.start, phys(DATA), HUGE_SIZE, prot_ro()), E_OK);
    assert_int_equal(paging_split_at(space, virt(0x40001000)), E_OK);
    assert_int_equal(paging_counters.tables, before + first + 2);
    touch(range.start.v, range.start.v + 2 * LARGE_SIZE, SIM_READ);
    paging_huge = false;
    assert_true(paging_promote(space, range.start));
    paging_walk(space, range.start, &walk);
    assert_int_equal(walk.leaf_level, 2);
    paging_huge = true;
    assert_true(paging_promote(space, range.start));
    paging_walk(space, virt(0x7fffffff), &walk);
    assert_int_equal(walk.leaf_level, 3);
    assert_int_equal(walk.phys.v, DATA + HUGE_SIZE - 1);
    assert_int_equal(paging_counters.tables, before + first);
    paging_unmap(space, range, NULL, NULL);
    world_assert_no_tables();
}

/* Random pages are written, then harvested: each is found once. Without a flush by the harvest, later
 * writes would not set D again. */
static void test_harvest_finds_each_write_once(void **state)
{
    (void)state;
    enum {
        COUNT = 1200
    };
    const uint64_t at = BASE, end = BASE + COUNT * PAGE_SIZE;
    uint64_t bitmap[COUNT / 64 + 1];
    srand(7);
    assert_int_equal(paging_map(space, virt(at), phys(DATA + PAGE_SIZE), end - at, prot_rw()),
                     E_OK);
    for (int round = 0; round < 20; round++) {
        uint8_t dirty[COUNT] = {0};
        unsigned writes = round % 2 ? 10 : 400, expected = 0;
        for (unsigned i = 0; i < writes; i++) {
            unsigned page = (unsigned)rand() % COUNT;
            expected += !dirty[page];
            dirty[page] = 1;
            touch(at + page * PAGE_SIZE, at + page * PAGE_SIZE + 1, SIM_WRITE);
        }
        memset(bitmap, 0, sizeof bitmap);
        assert_int_equal(paging_harvest(space, virt_range(at, end), PTE_D, PTE_D, bitmap),
                         expected);
        for (unsigned i = 0; i < COUNT; i++)
            assert_int_equal(bitmap[i / 64] >> i % 64 & 1, dirty[i]);
        assert_int_equal(paging_harvest(space, virt_range(at, end), PTE_D, 0, NULL), 0);
    }
    /* Clearing A leaves D unchanged. */
    touch(at, at + 5 * PAGE_SIZE, SIM_WRITE);
    paging_harvest(space, virt_range(at, end), PTE_A, PTE_A, NULL);
    assert_int_equal(paging_harvest(space, virt_range(at, end), PTE_D, 0, NULL), 5);
    assert_int_equal(paging_harvest(space, virt_range(at, end), PTE_A, 0, NULL), 0);
    touch(at + 3 * PAGE_SIZE, at + 4 * PAGE_SIZE, SIM_READ);
    assert_int_equal(paging_harvest(space, virt_range(at, end), PTE_A, 0, NULL), 1);
    /* A part of the range, with different bits to look for and to clear. */
    memset(bitmap, 0, sizeof bitmap);
    assert_int_equal(
        paging_harvest(space, virt_range(at + 3 * PAGE_SIZE, end), PTE_A | PTE_D, PTE_D, bitmap),
        2);
    assert_int_equal(bitmap[0], 3);
    assert_int_equal(paging_harvest(space, virt_range(at, end), PTE_D, PTE_D, NULL), 3);
    /* A page that is now PROT_NONE counts as written if it was before. */
    touch(at, at + 1, SIM_WRITE);
    assert_int_equal(paging_protect(space, virt_range(at, at + PAGE_SIZE), prot_none()), E_OK);
    assert_int_equal(paging_harvest(space, virt_range(at, end), PTE_D, PTE_D, NULL), 1);
    paging_mark(space, virt_range(at, at + 4 * PAGE_SIZE), PTE_D);
    assert_int_equal(paging_harvest(space, virt_range(at, end), PTE_D, PTE_D, NULL), 3);
    paging_unmap(space, virt_range(at, end), NULL, NULL);
    world_assert_no_tables();
}

/* MADV_FREE: a page is clean until it is written, is harvested once as dirty, and loses the mark with a
 * change of its permissions. */
static void test_lazyfree_is_clean_until_written(void **state)
{
    (void)state;
    const uint64_t at = BASE, end = at + 8 * PAGE_SIZE;
    assert_int_equal(paging_map(space, virt(at), phys(DATA + PAGE_SIZE), end - at, prot_rw()),
                     E_OK);
    paging_replace(space, virt(at + 6 * PAGE_SIZE), phys(DATA), prot_copy_on_write(prot_rw()));
    touch(at, at + 6 * PAGE_SIZE, SIM_WRITE);
    paging_mark_lazyfree(space, virt_range(at + PAGE_SIZE, end));
    touch(at + 2 * PAGE_SIZE, at + 3 * PAGE_SIZE, SIM_WRITE); /* fails without the flush */
    assert_int_equal(
        paging_protect(space, virt_range(at + 3 * PAGE_SIZE, at + 4 * PAGE_SIZE), prot_ro()), E_OK);
    for (unsigned i = 0; i < 8; i++) {
        pte_t e = world_entry(1, virt(at + i * PAGE_SIZE));
        assert_int_equal(paging_is_lazyfree(e), i == 1 || i == 4 || i == 5 || i == 7);
        assert_int_equal(!!(e.v & PTE_D), i == 0 || i == 2);
    }
    assert_int_equal(paging_harvest(space, virt_range(at, end), PTE_A, 0, NULL), 2);
    assert_int_equal(paging_harvest(space, virt_range(at, end), PTE_D, PTE_D, NULL), 6);
    assert_int_equal(paging_harvest(space, virt_range(at, end), PTE_D, PTE_D, NULL), 0);
    for (unsigned i = 0; i < 8; i++)
        assert_false(paging_is_lazyfree(world_entry(1, virt(at + i * PAGE_SIZE))));
    paging_unmap(space, virt_range(at, end), NULL, NULL);
    world_assert_no_tables();
}

static void test_harvest_large(void **state)
{
    (void)state;
    const uint64_t at = 0x40000000, middle = at + LARGE_SIZE, end = at + 2 * LARGE_SIZE;
    uint64_t bitmap[16] = {0};
    assert_int_equal(paging_map(space, virt(at), phys(DATA), 2 * LARGE_SIZE, prot_rw()), E_OK);
    touch(middle + 0x5000, middle + 0x6000, SIM_WRITE);
    /* A range that ends within a large page: reported, but not cleared. */
    assert_int_equal(
        paging_harvest(space, virt_range(at + 0x1ff000, middle + 0x2000), PTE_D, PTE_D, bitmap), 2);
    assert_int_equal(bitmap[0], 6);
    assert_int_equal(
        paging_harvest(space, virt_range(middle + 0x1ff000, end), PTE_D, PTE_D, bitmap), 1);
    memset(bitmap, 0, sizeof bitmap);
    assert_int_equal(paging_harvest(space, virt_range(at, end), PTE_D, PTE_D, bitmap), 512);
    for (unsigned i = 0; i < 16; i++)
        assert_true(bitmap[i] == (i < 8 ? 0 : UINT64_MAX));
    assert_int_equal(paging_harvest(space, virt_range(at, end), PTE_D, PTE_D, NULL), 0);
    touch(middle + 0x5000, middle + 0x6000, SIM_WRITE);
    assert_int_equal(paging_harvest(space, virt_range(middle, end), PTE_D, PTE_D, NULL), 512);
    paging_unmap(space, virt_range(at, end), NULL, NULL);
    world_assert_no_tables();
}

/* Up to TLB_BATCH_PAGES pages are flushed one by one, more by a full flush. */
static void test_flush_counts(void **state)
{
    (void)state;
    const uint64_t at = 0x40000000;
    assert_int_equal(
        paging_map(space, virt(at), phys(DATA + PAGE_SIZE), 100 * PAGE_SIZE, prot_rw()), E_OK);
    struct paging_counters before = paging_counters;
    assert_int_equal(
        paging_protect(space, virt_range(at, at + TLB_BATCH_PAGES * PAGE_SIZE), prot_ro()), E_OK);
    assert_int_equal(paging_counters.page_flushes - before.page_flushes, TLB_BATCH_PAGES);
    assert_int_equal(paging_counters.full_flushes, before.full_flushes);
    assert_int_equal(
        paging_protect(space, virt_range(at, at + (TLB_BATCH_PAGES + 1) * PAGE_SIZE), prot_rw()),
        E_OK);
    assert_int_equal(paging_counters.page_flushes - before.page_flushes, TLB_BATCH_PAGES);
    assert_int_equal(paging_counters.full_flushes - before.full_flushes, 1);
    if (kind != PAGING_TEMPORARY)
        assert_int_equal(paging_counters.table_flushes, before.table_flushes);
    paging_unmap(space, virt_range(at, at + 100 * PAGE_SIZE), NULL, NULL);
    world_assert_no_tables();
}

static void set_entry(int level, virt_t v, uint64_t bits, bool on)
{
    uint64_t e = world_entry(level, v).v;
    world_set_entry(level, v, (pte_t){on ? e | bits : e & ~bits});
}

/* The walk reports each level that denies an access, and the attributes of the leaf. */
static void test_walk_names_levels(void **state)
{
    (void)state;
    struct pt_walk walk;
    virt_t v = virt(0x40000000);
    assert_int_equal(paging_map(space, v, phys(DATA + PAGE_SIZE), PAGE_SIZE, prot_rw()), E_OK);
    set_entry(4, v, PTE_W, false);
    set_entry(2, v, PTE_W, false);
    set_entry(3, v, PTE_NX, true);
    set_entry(4, v, PTE_U, true);
    set_entry(1, v, PTE_PAT | PTE_PWT | PTE_D, true);
    paging_walk(space, v, &walk);
    assert_int_equal(walk.no_write, 1 << 4 | 1 << 2);
    assert_int_equal(pt_first_level(walk.no_write), 4);
    assert_int_equal(walk.no_execute, 1 << 3 | 1 << 1);
    assert_int_equal(walk.no_user, 1 << 3 | 1 << 2 | 1 << 1);
    assert_int_equal(walk.absent | walk.reserved, 0);
    assert_int_equal(pt_first_level(walk.absent), 0);
    assert_true(!walk.writable && !walk.executable && !walk.user && walk.dirty && !walk.accessed);
    assert_int_equal(walk.memory_type, 5);
    set_entry(3, v, PTE_P, false);
    paging_walk(space, v, &walk);
    assert_int_equal(walk.absent, 1 << 3);
    assert_int_equal(walk.last_level, 3);
    set_entry(3, v, PTE_P, true);
    /* Reserved: PS at level 4, an address that is not aligned, bits that the CPU lacks. */
    set_entry(4, v, PTE_PS, true);
    paging_walk(space, v, &walk);
    assert_int_equal(walk.reserved, 1 << 4);
    assert_int_equal(walk.leaf_level, 0);
    set_entry(4, v, PTE_PS, false);
    virt_t large = virt(0x40200000);
    assert_int_equal(paging_map(space, large, phys(DATA), LARGE_SIZE, prot_device()), E_OK);
    set_entry(2, large, PTE_PAT_BIG, true);
    paging_walk(space, virt(large.v + 0x1fffff), &walk);
    assert_int_equal(walk.memory_type, 7);
    assert_int_equal(walk.phys.v, DATA + 0x1fffff);
    set_entry(2, large, 1 << 13, true);
    paging_walk(space, large, &walk);
    assert_int_equal(walk.reserved, 1 << 2);
    paging_reserved = PTE_ADDRESS & ~((UINT64_C(1) << 30) - 1);
    paging_walk(space, v, &walk);
    assert_int_equal(walk.reserved, 1 << 1);
    paging_reserved = 0;
    paging_huge = false;
    set_entry(3, v, PTE_PS, true);
    paging_walk(space, v, &walk);
    assert_int_equal(walk.reserved, 1 << 3);
}

/* A split keeps the PAT bit, which is bit 12 in a large leaf and bit 7 in a small one. */
static void test_split_keeps_memory_type(void **state)
{
    (void)state;
    struct pt_walk walk;
    virt_t v = virt(0x40000000);
    assert_int_equal(paging_map(space, v, phys(DATA), HUGE_SIZE, prot_device()), E_OK);
    set_entry(3, v, PTE_PAT_BIG, true);
    for (int level = 3; level >= 1; level--) {
        paging_walk(space, virt(v.v + 0x1000), &walk);
        assert_int_equal(walk.leaf_level, level);
        assert_int_equal(walk.memory_type, 7);
        assert_int_equal(walk.phys.v, DATA + 0x1000);
        assert_int_equal(walk.reserved, 0);
        if (level > 1)
            assert_int_equal(pt_split(space, v, level), E_OK);
    }
}

/* Error code and result for each kind of access, entry and mode, computed from the rules of the SDM. */
static void test_access_matrix(void **state)
{
    (void)state;
    virt_t v = virt(0x7000);
    assert_int_equal(paging_map(space, v, phys(DATA), PAGE_SIZE, prot_rw()), E_OK);
    for (unsigned bits = 0; bits < 16; bits++) {
        bool present = bits & 1, write = bits & 2, nx = bits & 4, wp = bits & 8;
        sim_set_modes(wp, true);
        pte_t e = {DATA | (present ? PTE_P : 0) | (write ? PTE_W : 0) | (nx ? PTE_NX : 0)};
        world_set_entry(1, v, e);
        sim_flush_all();
        for (int access = SIM_READ; access <= SIM_EXECUTE; access++) {
            bool ok =
                present && (access != SIM_WRITE || write || !wp) && (access != SIM_EXECUTE || !nx);
            struct sim_result r = sim_access(v.v, (enum sim_access)access);
            struct pt_walk walk;
            assert_int_equal(r.fault, !ok);
            paging_walk(space, v, &walk);
            assert_int_equal(walk.leaf_level != 0, present);
            if (present) {
                assert_int_equal(walk.writable, write);
                assert_int_equal(walk.executable, !nx);
            }
            if (r.fault)
                assert_int_equal(r.error, (present ? 1 : 0) | (access == SIM_WRITE ? 2 : 0) |
                                              (access == SIM_EXECUTE ? 16 : 0));
        }
    }
}

/* ---- single back ends ---- */

/* The addresses from pte_of() to pml4e_of() translate to the entries. */
static void test_recursive_entries(void **state)
{
    (void)state;
    virt_t v = virt(UINT64_C(0x0000123456789000));
    assert_int_equal(paging_map(space, v, phys(DATA), PAGE_SIZE, prot_ro()), E_OK);
    const uint64_t addresses[] = {pte_of(WORLD_PROGRAM, v), pde_of(WORLD_PROGRAM, v),
                                  pdpte_of(WORLD_PROGRAM, v), pml4e_of(WORLD_PROGRAM, v)};
    uint64_t table = sim_root();
    for (int level = 4; level >= 1; level--) {
        uint64_t entry = table + (v.v >> (12 + 9 * (level - 1)) & 511) * 8;
        assert_int_equal(addresses[level - 1], recursive_entry(WORLD_PROGRAM, level, v));
        assert_int_equal(sim_access(addresses[level - 1], SIM_READ).physical, entry);
        table = sim_physical_read(entry) & PTE_ADDRESS;
    }
    assert_int_equal(table, DATA);
}

/* The physical map has all RAM, writable except the sealed part of the image, and not executable. */
static void test_physmap_shows_all_but_sealed_memory(void **state)
{
    (void)state;
    if (kind != PAGING_PHYSMAP)
        return;
    for (uint64_t at = 0; at < SIM_FRAMES << 12; at += PAGE_SIZE) {
        bool sealed = at >= WORLD_SEALED && at < WORLD_SEALED + 10 * PAGE_SIZE;
        assert_int_equal(sim_access(LAYOUT_PHYSICAL_START + at, SIM_READ).physical, at);
        assert_int_equal(sim_access(LAYOUT_PHYSICAL_START + at, SIM_WRITE).fault, sealed);
        assert_true(sim_access(LAYOUT_PHYSICAL_START + at, SIM_EXECUTE).fault);
    }
    assert_true(sim_access(LAYOUT_PHYSICAL_START + (SIM_FRAMES << 12), SIM_READ).fault);
}

/* 150 tables are made and freed, with the arenas that hold them: no table is left. */
static void test_tables_by_the_hundred_leave_nothing(void **state)
{
    (void)state;
    enum {
        COUNT = 150
    };
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < COUNT; i++)
            assert_int_equal(paging_map(space, virt(0x40000000 + i * LARGE_SIZE),
                                        phys(DATA + i * PAGE_SIZE), PAGE_SIZE, prot_rw()),
                             E_OK);
        for (uint64_t i = 0; i < COUNT; i++)
            assert_int_equal(sim_access(0x40000000 + i * LARGE_SIZE, SIM_WRITE).physical,
                             DATA + i * PAGE_SIZE);
        for (uint64_t n = 0; n < COUNT; n++) { /* in a different order */
            uint64_t at = 0x40000000 + n * 77 % COUNT * LARGE_SIZE;
            paging_unmap(space, virt_range(at, at + PAGE_SIZE), NULL, NULL);
        }
        world_assert_no_tables();
    }
}

/* Unused slots are cleared in the tables, though not yet in the TLB. */
static void test_temporary_slots(void **state)
{
    (void)state;
    if (kind != PAGING_TEMPORARY)
        return;
    for (unsigned i = 0; i < PT_ENTRIES - 1; i++)
        assert_int_equal(world_entry(1, virt(LAYOUT_TEMPORARY_START + i * PAGE_SIZE)).v &
                             ~PTE_ADDRESS & (i == 0 ? 0 : UINT64_MAX),
                         0); /* slot 0 maps the table being read */
    world_start_with(kind, 3);
    assert_true(
        NATIVE_PANICS(must(paging_map(space, virt(0x400000), phys(DATA), PAGE_SIZE, prot_ro()))));
    assert_non_null(strstr(native_panic_text(), "raise pagetables.slots="));
    struct pt_walk walk; /* a walk works after the panic, for the report */
    paging_walk(space, virt(LAYOUT_SCRATCH_PIN), &walk);
    assert_int_equal(walk.phys.v, DATA);
}

int main(void)
{
    int failed = 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_random_operations, start),
        cmocka_unit_test_setup(test_missing_relink_is_seen, start),
        cmocka_unit_test_setup(test_program_window, start),
        cmocka_unit_test_setup(test_recursive_entries, start),
        cmocka_unit_test_setup(test_physmap_shows_all_but_sealed_memory, start),
        cmocka_unit_test_setup(test_tables_by_the_hundred_leave_nothing, start),
        cmocka_unit_test_setup(test_temporary_slots, start),
        cmocka_unit_test_setup(test_map_takes_the_largest_pages, start),
        cmocka_unit_test_setup(test_no_memory_leaves_nothing, start),
        cmocka_unit_test_setup(test_walk_of_odd_addresses, start),
        cmocka_unit_test_setup(test_replace_ends_copy_on_write, start),
        cmocka_unit_test_setup(test_visit_sees_each_leaf_once, start),
        cmocka_unit_test_setup(test_prepared_split_needs_no_memory, start),
        cmocka_unit_test_setup(test_promote_2m, start),
        cmocka_unit_test_setup(test_no_promotion_of_what_differs, start),
        cmocka_unit_test_setup(test_promote_1g, start),
        cmocka_unit_test_setup(test_trim_gives_emptied_tables_back, start),
        cmocka_unit_test_setup(test_harvest_finds_each_write_once, start),
        cmocka_unit_test_setup(test_lazyfree_is_clean_until_written, start),
        cmocka_unit_test_setup(test_harvest_large, start),
        cmocka_unit_test_setup(test_flush_counts, start),
        cmocka_unit_test_setup(test_walk_names_levels, start),
        cmocka_unit_test_setup(test_split_keeps_memory_type, start),
        cmocka_unit_test_setup(test_access_matrix, start),
    };
    for (kind = 0; kind < PAGING_KINDS; kind++)
        failed += cmocka_run_group_tests_name(world_names[kind], tests, NULL, NULL);
    return failed;
}
