/* SPDX-License-Identifier: MIT */
/* Two address spaces at once in each of the five back ends, over a simulated MMU. */
#include "unit.h"

#include "base/err.h"
#include "base/panic.h"
#include "mm/layout.h"
#include "mm/pt/recursive.h"
#include "native.h"
#include "page_model.h"
#include "paging_world.h"

#include <stdlib.h>

#define DATA WORLD_DATA

static enum paging_kind kind; /* under test */
static struct address_space *spaces[MODEL_SPACES], *space;

/* Selects space n for the next steps. The recursive window shows only the running space's tables; the
 * other back ends change a space whether it runs or not. */
static void work_on(unsigned n)
{
    space = spaces[n];
    model_work_on(n, space);
    if (kind == PAGING_RECURSIVE)
        world_run(space);
}

static int start(void **state)
{
    (void)state;
    world_start(kind);
    spaces[0] = space = &first_space;
    spaces[1] = world_second_space();
    model_clear();
    return 0;
}

/* The MMU agrees with the model in each space, first in the running one, without a flush by CR3. */
static void assert_both_agree(void)
{
    unsigned running = running_space == spaces[1];
    for (unsigned i = 0; i < 2; i++) {
        unsigned n = running ^ i;
        world_run(spaces[n]);
        model_work_on(n, spaces[n]);
        assert_true(model_agrees());
    }
}

static void count_leaf(void *context, virt_t at, int level, pte_t entry)
{
    (void)entry;
    assert_true(is_aligned(at.v, pt_span(level)));
    ++*(unsigned *)context;
}

/* A leaf of prot_none() is not present; only paging_visit_kept() sees it, and in its own space. */
static void test_kept_leaves_are_visited(void **state)
{
    (void)state;
    struct virt_range all = virt_range(0x1ff000, 0x800000), none = virt_range(0x1ff000, 0x400000);
    unsigned present = 0, kept = 0, others = 0;
    assert_int_equal(paging_map(space, all.start, phys(DATA + 0x1ff000), 0x400000, prot_ro()),
                     E_OK);
    assert_int_equal(paging_protect(space, none, prot_none()), E_OK);
    paging_visit(space, all, count_leaf, &present);
    paging_visit_kept(space, all, count_leaf, &kept);
    assert_int_equal(present, 511);
    assert_int_equal(kept, 1 + 1 + 511);
    work_on(1);
    paging_visit_kept(space, all, count_leaf, &others);
    assert_int_equal(others, 0);
}

/* Each space has its own mappings at the same addresses; a change of one does not change the other. */
static void test_random_operations_in_two_spaces(void **state)
{
    const struct virt_range all = model_range();
    (void)state;
    srand(11);
    for (int round = 0; round < 100; round++) {
        work_on((unsigned)rand() % 2);
        struct address_space *other = spaces[space == spaces[0]];
        uint64_t before = world_digest_of(other, all);
        model_step();
        assert_true(world_digest_of(other, all) == before);
        assert_both_agree();
        work_on((unsigned)rand() % 2);
        if (round % 10 == 0)
            assert_true(world_visit_digest(space, all) == world_digest_of(space, all));
    }
    for (unsigned n = 0; n < 2; n++) {
        work_on(n);
        model_unmap_all();
        paging_trim(space);
    }
    assert_both_agree();
    world_assert_no_tables();
}

/* The tables that an unmap emptied are kept until the next trim of the same space. */
static void test_each_space_trims_its_own_tables(void **state)
{
    const virt_t at = virt(0x40000000), far = virt(0x80000000);
    (void)state;
    uint64_t none = world_tables(), made[2];
    for (unsigned n = 0; n < 2; n++) {
        work_on(n);
        uint64_t before = world_tables();
        assert_int_equal(paging_map(space, at, phys(DATA), PAGE_SIZE, prot_rw()), E_OK);
        made[n] = world_tables() - before;
        paging_unmap(space, virt_range(at.v, at.v + PAGE_SIZE), NULL, NULL);
        assert_int_equal(world_tables(), before + made[n]);
    }
    /* A trim of the second space frees its emptied tables and keeps those of the first. */
    assert_int_equal(paging_map(space, far, phys(DATA), PAGE_SIZE, prot_rw()), E_OK);
    paging_unmap(space, virt_range(far.v, far.v + PAGE_SIZE), NULL, NULL);
    assert_true(paging_trim(space));
    assert_false(paging_trim(space));
    assert_int_equal(world_tables(), none + made[0]);
    work_on(0);
    assert_true(paging_trim(space));
    assert_false(paging_trim(space));
    assert_int_equal(world_tables(), none);
}

/* A mapping in the kernel's half is made and removed in both spaces at once. The level-3 table exists
 * before the second space does, and stays when it is empty. */
static void test_kernel_half_is_one(void **state)
{
    const virt_t at = virt(LAYOUT_HEAP_START);
    const struct virt_range page = virt_range(at.v, at.v + PAGE_SIZE);
    (void)state;
    world_start(kind);
    assert_int_equal(paging_map(&kernel_space, at, phys(DATA), PAGE_SIZE, prot_rw()), E_OK);
    paging_unmap(&kernel_space, page, NULL, NULL);
    spaces[1] = world_second_space();
    for (unsigned n = 0; n < 2; n++) {
        world_run(spaces[n]);
        assert_int_equal(paging_map(&kernel_space, at, phys(DATA), PAGE_SIZE, prot_rw()), E_OK);
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(sim_access(at.v, SIM_WRITE).physical, DATA);
            world_run(spaces[n ^ 1 ^ (i & 1)]);
        }
        paging_unmap(&kernel_space, page, NULL, NULL);
        for (unsigned i = 0; i < 3; i++) {
            assert_true(sim_access(at.v, SIM_READ).fault);
            world_run(spaces[n ^ (i & 1)]);
        }
    }
}

/* The program window shows the running space's tables, at the same address in each space. */
static void test_program_window_shows_the_running_space(void **state)
{
    const virt_t v = virt(0x40000000);
    (void)state;
    for (unsigned n = 0; n < 2; n++) {
        work_on(n);
        assert_int_equal(paging_map(space, v, phys(DATA + n * PAGE_SIZE), PAGE_SIZE, prot_ro()),
                         E_OK);
    }
    for (unsigned i = 0; i < 4; i++) {
        world_run(spaces[i & 1]);
        assert_int_equal(sim_load(recursive_entry(WORLD_PROGRAM, 1, v)) & PTE_ADDRESS,
                         DATA + (i & 1) * PAGE_SIZE);
        assert_int_equal(sim_access(recursive_table(WORLD_PROGRAM, 4, virt(0)), SIM_READ).physical,
                         spaces[i & 1]->root.v);
    }
}

/* The recursive back end panics on a space that does not run: it would change the wrong tables. */
static void test_recursive_refuses_a_space_that_does_not_run(void **state)
{
    struct pt_walk walk;
    virt_t v = virt(0x40000000);
    (void)state;
    if (kind != PAGING_RECURSIVE)
        return;
    assert_true(NATIVE_PANICS(must(paging_map(spaces[1], v, phys(DATA), PAGE_SIZE, prot_ro()))));
    assert_true(NATIVE_PANICS(paging_walk(spaces[1], v, &walk)));
    world_run(spaces[1]);
    paging_walk(spaces[1], v, &walk);
    assert_int_equal(walk.last_level, 4);
    assert_true(NATIVE_PANICS(paging_walk(spaces[0], v, &walk)));
}

int main(void)
{
    int failed = 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_random_operations_in_two_spaces, start),
        cmocka_unit_test_setup(test_kept_leaves_are_visited, start),
        cmocka_unit_test_setup(test_each_space_trims_its_own_tables, start),
        cmocka_unit_test_setup(test_kernel_half_is_one, start),
        cmocka_unit_test_setup(test_program_window_shows_the_running_space, start),
        cmocka_unit_test_setup(test_recursive_refuses_a_space_that_does_not_run, start),
    };
    for (kind = 0; kind < PAGING_KINDS; kind++)
        failed += cmocka_run_group_tests_name(world_names[kind], tests, NULL, NULL);
    return failed;
}
