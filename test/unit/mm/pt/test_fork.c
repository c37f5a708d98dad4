/* SPDX-License-Identifier: MIT */
/* fork()'s copy of an address space (mm/pt/spaces.h) in each of the five back ends, over a simulated MMU. */
#include "unit.h"

#include "base/err.h"
#include "base/panic.h"
#include "mm/layout.h"
#include "mm/pt/recursive.h"
#include "mm/pt/spaces.h"
#include "paging_world.h"

#include <stdlib.h>

#define DATA WORLD_DATA

static enum paging_kind kind; /* under test */
static struct address_space child;
static uint64_t leaves; /* that share() was called with, in pages */

static int start(void **state)
{
    (void)state;
    world_start(kind);
    child = (struct address_space){.root = {0}};
    leaves = 0;
    return 0;
}

static void share(void *context, pte_t leaf, uint64_t size)
{
    assert_ptr_equal(context, &leaves);
    assert_true(leaf.v & PTE_COW || !(leaf.v & PTE_W));
    leaves += size / PAGE_SIZE;
}

static enum err copy(struct virt_range range)
{
    struct pt_fork fork;
    paging_fork_begin(&fork, &child, share, &leaves);
    enum err e = paging_fork(&fork, range);
    paging_fork_end(&fork);
    return e;
}

static void map(uint64_t at, uint64_t size, prot_t prot)
{
    assert_int_equal(paging_map(running_space, virt(at), phys(DATA + at), size, prot), E_OK);
}

static void unmap_all(struct address_space *space, struct virt_range range)
{
    paging_run(space);
    paging_unmap(space, range, NULL, NULL);
    paging_trim(space);
}

/* Leaves of all kinds: writable ones become copy-on-write in both spaces, and no old translation is left in the parent. */
static void test_leaves_of_all_kinds(void **state)
{
    const struct virt_range all = virt_range(0x40000000, 0x80000000);
    const struct {
        uint64_t at, size;
        prot_t prot;
        bool forked;
    } kinds[] = {
        {0x40000000, PAGE_SIZE, prot_rw(), true},
        {0x40001000, PAGE_SIZE, prot_ro(), true},
        {0x40002000, PAGE_SIZE, prot_copy_on_write(prot_rw()), false},
        {0x40003000, PAGE_SIZE, prot_none(), true},
        {0x401ff000, 2 * PAGE_SIZE, prot_rw(), true}, /* in two tables */
        {0x40600000, LARGE_SIZE, prot_rw(), true},
        {0x7ffff000, PAGE_SIZE, prot_rx(), true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        map(kinds[i].at, kinds[i].size, kinds[i].prot);
    assert_false(sim_access(0x40000000, SIM_WRITE).fault); /* in the TLB, dirty */
    assert_false(sim_access(0x40601000, SIM_WRITE).fault);
    assert_int_equal(paging_space_make(&child), E_OK);
    assert_int_equal(copy(all), E_OK);
    assert_int_equal(leaves, 7 + LARGE_SIZE / PAGE_SIZE);
    for (unsigned side = 0; side < 4; side++) {
        struct address_space *space = side & 1 ? &child : &first_space;
        paging_run(space);
        for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
            struct pt_walk walk;
            uint64_t last = kinds[i].at + kinds[i].size - 8;
            paging_walk(space, virt(last), &walk);
            pte_t leaf = walk.entry[walk.last_level];
            assert_int_equal(pt_leaf_frame(leaf, pt_span(walk.last_level)).v,
                             DATA + (last & ~(pt_span(walk.last_level) - 1)));
            assert_true(leaf.v & PTE_COW && !(leaf.v & PTE_W));
            assert_int_equal(!!(leaf.v & PTE_FORKED), kinds[i].forked);
            assert_true(sim_access(last, SIM_WRITE).fault);
            bool reads = kinds[i].prot.bits != 0;
            assert_int_equal(sim_access(last, SIM_READ).fault, !reads);
            if (reads)
                assert_int_equal(sim_access(last, SIM_READ).physical, DATA + last);
        }
    }
    paging_run(&first_space);
    assert_true(world_digest_of(&child, all) == world_digest_of(&first_space, all));
    /* A change of rights keeps the mark. */
    assert_int_equal(paging_protect(&first_space, virt_range(0x40000000, 0x40004000), prot_rw()),
                     E_OK);
    assert_true(sim_access(0x40000000, SIM_WRITE).fault);
    assert_true(sim_access(0x40003000, SIM_WRITE).fault);
    assert_false(sim_access(0x40003000, SIM_READ).fault);
    paging_run(&child);
    assert_true(sim_access(0x40003000, SIM_READ).fault);
    unmap_all(&child, all);
    paging_run(&first_space);
    paging_space_free(&child);
    unmap_all(&first_space, all);
}

/* Marks of pages that may be reclaimed go: their contents count in both spaces. */
static void test_lazyfree_ends(void **state)
{
    const struct virt_range page = virt_range(0x40000000, 0x40001000);
    struct pt_walk walk;
    (void)state;
    map(page.start.v, PAGE_SIZE, prot_rw());
    paging_mark_lazyfree(&first_space, page);
    assert_int_equal(paging_space_make(&child), E_OK);
    assert_int_equal(copy(page), E_OK);
    paging_walk(&first_space, page.start, &walk);
    assert_false(paging_is_lazyfree(walk.entry[1]));
    assert_true(walk.entry[1].v & PTE_D);
    unmap_all(&child, page);
    paging_run(&first_space);
    paging_space_free(&child);
    unmap_all(&first_space, page);
}

/* The windows of each space show its own tables, and the copy of a copy is a space like the others. */
static void test_grandchild(void **state)
{
    static struct address_space grandchild;
    const struct virt_range page = virt_range(0x40000000, 0x40001000);
    struct pt_fork fork;
    (void)state;
    map(page.start.v, PAGE_SIZE, prot_rw());
    assert_int_equal(paging_space_make(&child), E_OK);
    assert_int_equal(copy(page), E_OK);
    paging_run(&child);
    assert_int_equal(paging_space_make(&grandchild), E_OK);
    paging_fork_begin(&fork, &grandchild, share, &leaves);
    assert_int_equal(paging_fork(&fork, page), E_OK);
    paging_fork_end(&fork);
    struct address_space *const spaces[] = {&grandchild, &first_space, &child};
    for (unsigned i = 0; i < 3; i++) {
        paging_run(spaces[i]);
        assert_int_equal(sim_access(recursive_table(WORLD_PROGRAM, 4, virt(0)), SIM_READ).physical,
                         spaces[i]->root.v);
        assert_int_equal(sim_access(page.start.v, SIM_READ).physical, DATA + page.start.v);
    }
    for (unsigned i = 0; i < 3; i++) {
        unmap_all(spaces[i], page);
        paging_run(&first_space);
        if (spaces[i] != &first_space)
            paging_space_free(spaces[i]);
    }
}

/* Without memory at every point: the parent keeps its pages, and nothing is lost. */
static void test_no_memory(void **state)
{
    const struct virt_range all = virt_range(0x40000000, 0x80000000);
    (void)state;
    map(0x40000000, PAGE_SIZE, prot_rw());
    map(0x7ffff000, PAGE_SIZE, prot_rw());
    assert_int_equal(paging_space_make(&child), E_OK); /* the kernel's tables exist from now on */
    paging_space_free(&child);
    uint64_t before = world_tables(), failures = 0;
    enum err e = E_NOMEM;
    for (long more = 0; e != E_OK; more++) {
        world_limit(more < 8 ? more : -1); /* offset: its arena has no room for all */
        e = paging_space_make(&child);
        bool made = e == E_OK;
        if (made)
            e = copy(all);
        world_limit(-1);
        failures += e != E_OK;
        if (made) {
            unmap_all(&child, all);
            paging_run(&first_space);
            paging_space_free(&child);
        }
        assert_int_equal(world_tables(), before);
        assert_int_equal(sim_access(0x7ffff000, SIM_READ).physical, DATA + 0x7ffff000);
    }
    assert_true(failures >= 5); /* root, one level-3, one level-2, two level-1 tables */
    unmap_all(&first_space, all);
}

int main(void)
{
    int failed = 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_leaves_of_all_kinds, start),
        cmocka_unit_test_setup(test_lazyfree_ends, start),
        cmocka_unit_test_setup(test_grandchild, start),
        cmocka_unit_test_setup(test_no_memory, start),
    };
    for (kind = 0; kind < PAGING_KINDS; kind++)
        failed += cmocka_run_group_tests_name(world_names[kind], tests, NULL, NULL);
    return failed;
}
