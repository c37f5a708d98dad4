/* SPDX-License-Identifier: MIT */
/*
 * The walker over the recursive window of a simulated MMU. Each step touches all pages before and
 * after, so that every translation that a missing flush would leave behind is in the TLB and shows.
 */
#include "unit.h"

#include "base/err.h"
#include "base/str.h"
#include "mm/pt_access_recursive.h"
#include "sim_mmu.h"

#include <stdlib.h>

const struct paging_ops *paging;
bool paging_nx = true, paging_huge = true;
uint64_t paging_program_window;

#define ROOT       1
#define SLOT       300
#define FIRST_FREE 2
#define LAST_TABLE 1024
/* Frames that are mapped, not read: outside simulated memory. */
#define DATA UINT64_C(0x40000000)

static uint8_t table_used[LAST_TABLE];
static unsigned tables;
static long fail_after; /* allocations until there are no more; negative: never */
static bool forget_relink;

typedef uint64_t pt_table_t;

static pt_table_t pt_table(int level, virt_t v, pte_t parent)
{
    (void)parent;
    return recursive_table(SLOT, level, v);
}

static pte_t pt_load(pt_table_t table, unsigned index)
{
    return (pte_t){sim_load(table + index * 8)};
}

static void pt_store(pt_table_t table, unsigned index, pte_t e)
{
    sim_store(table + index * 8, e.v);
}

static void pt_relinked(int level, virt_t v)
{
    if (!forget_relink)
        sim_invlpg(recursive_table(SLOT, level, v));
}

static void pt_flush_page(virt_t v)
{
    sim_invlpg(v.v);
}

static void pt_flush_all(void)
{
    sim_flush_all();
}

static bool pt_alloc(phys_t *out)
{
    if (fail_after == 0)
        return false;
    if (fail_after > 0)
        fail_after--;
    for (unsigned i = FIRST_FREE; i < LAST_TABLE; i++) {
        if (table_used[i])
            continue;
        table_used[i] = 1;
        tables++;
        for (unsigned w = 0; w < 512; w++) /* what an earlier owner left */
            sim_physical_write((uint64_t)i << 12 | w * 8, UINT64_C(0xdeadbeef00000fff));
        *out = phys((uint64_t)i << 12);
        return true;
    }
    return false;
}

static void pt_free(phys_t frame)
{
    assert_true(table_used[frame.v >> 12]);
    table_used[frame.v >> 12] = 0;
    tables--;
}

static void pt_fill(phys_t frame, const pte_t *entries)
{
    for (unsigned i = 0; i < PT_ENTRIES; i++)
        sim_physical_write(frame.v + i * 8, entries[i].v);
}

#include "mm/paging_walker.inc"

/* ---- the model: what each page of a small world is */

#define BASE  UINT64_C(0x00000000ffe00000) /* crosses a 1 GiB and so a level-2 border */
#define PAGES 2048                         /* 8 MiB */

struct page {
    bool there;
    uint64_t frame;
    prot_t prot;
};
static struct page model[PAGES];

static virt_t page_at(unsigned i)
{
    return virt(BASE + (uint64_t)i * PAGE_SIZE);
}

/* Does the hardware see what the model says? */
static bool page_agrees(unsigned i)
{
    for (int access = SIM_READ; access <= SIM_EXECUTE; access++) {
        struct sim_result r = sim_access(page_at(i).v, (enum sim_access)access);
        const struct page *p = &model[i];
        bool readable = p->there && (p->prot.bits & 7);
        bool allowed = readable;
        if (access == SIM_WRITE)
            allowed = readable && prot_can_write(p->prot) && !(p->prot.bits & PROT_BIT_COPY);
        if (access == SIM_EXECUTE)
            allowed = readable && prot_can_execute(p->prot);
        if (r.fault == allowed || (allowed && r.physical != p->frame << 12))
            return false;
    }
    return true;
}

static bool world_agrees(void)
{
    for (unsigned i = 0; i < PAGES; i++)
        if (!page_agrees(i))
            return false;
    return true;
}

static int start(void **state)
{
    (void)state;
    sim_reset(ROOT);
    memset(table_used, 0, sizeof table_used);
    memset(model, 0, sizeof model);
    tables = 0;
    fail_after = -1;
    forget_relink = false;
    sim_physical_write(ROOT << 12 | SLOT * 8, ROOT << 12 | PTE_P | PTE_W | PTE_NX);
    return 0;
}

static prot_t random_prot(void)
{
    switch (rand() % 5) {
    case 0:
        return prot_ro();
    case 1:
        return prot_rw();
    case 2:
        return prot_rx();
    case 3:
        return prot_copy_on_write(prot_rw());
    default:
        return prot_none();
    }
}

static void model_map(unsigned first, unsigned count, uint64_t frame, prot_t prot)
{
    for (unsigned i = 0; i < count; i++)
        model[first + i] = (struct page){true, frame + i, prot};
}

static unsigned released;

static void count_released(void *context, phys_t frame, uint64_t size)
{
    (void)context;
    (void)frame;
    released += (unsigned)(size >> PAGE_SHIFT);
}

static struct virt_range pages(unsigned first, unsigned count)
{
    return (struct virt_range){page_at(first), page_at(first + count)};
}

static void step_map(unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        if (model[i].there)
            return;
    uint64_t frame =
        (DATA >> 12) + (uint64_t)(rand() % 2 ? first : first + 7); /* congruent or not */
    prot_t prot = random_prot();
    assert_int_equal(op_map(page_at(first), phys(frame << 12), (uint64_t)count << 12, prot), E_OK);
    model_map(first, count, frame, prot);
}

static void step_unmap(unsigned first, unsigned count)
{
    unsigned expected = 0;
    for (unsigned i = first; i < first + count; i++)
        expected += model[i].there;
    released = 0;
    op_unmap(pages(first, count), count_released, NULL);
    assert_int_equal(released, expected);
    memset(&model[first], 0, count * sizeof model[0]);
}

static void step_protect(unsigned first, unsigned count)
{
    prot_t prot = random_prot();
    prot.bits &= (uint8_t)~PROT_BIT_COPY;
    assert_int_equal(op_protect(pages(first, count), prot), E_OK);
    for (unsigned i = first; i < first + count; i++)
        model[i].prot.bits = (uint8_t)(prot.bits | (model[i].prot.bits & PROT_BIT_COPY));
}

static void random_step(void)
{
    unsigned first = (unsigned)rand() % PAGES;
    unsigned most = rand() % 4 ? 16 : PAGES;
    unsigned count = 1 + (unsigned)rand() % most;
    if (rand() % 4 == 0) { /* whole large pages */
        first &= ~511u;
        count = 512;
    }
    if (count > PAGES - first)
        count = PAGES - first;
    switch (rand() % 3) {
    case 0:
        step_map(first, count);
        break;
    case 1:
        step_unmap(first, count);
        break;
    default:
        step_protect(first, count);
    }
}

static void test_random_operations(void **state)
{
    for (unsigned seed = 1; seed <= 8; seed++) {
        start(state);
        srand(seed);
        for (int round = 0; round < 200; round++) {
            random_step();
            assert_true(world_agrees());
        }
        step_unmap(0, PAGES);
        assert_true(world_agrees());
        assert_int_equal(tables, 0);
    }
}

/* The tests themselves: without the flush of the window the same operations must be found out. */
static void test_missing_relink_is_seen(void **state)
{
    (void)state;
    forget_relink = true;
    virt_t v = virt(0x400000);
    assert_int_equal(op_map(v, phys(DATA), PAGE_SIZE, prot_rw()), E_OK);
    assert_int_equal(pt_load(pt_table(1, v, (pte_t){0}), 0).v & PTE_ADDRESS, DATA);
    op_unmap(virt_range(v.v, v.v + PAGE_SIZE), NULL, NULL);
    phys_t other; /* someone else gets the frame of the table that was freed */
    assert_true(pt_alloc(&other));
    assert_int_equal(op_map(v, phys(DATA), PAGE_SIZE, prot_rw()), E_OK);
    assert_true(sim_access(v.v, SIM_READ).fault);
}

static void test_large_pages(void **state)
{
    (void)state;
    struct pt_walk walk;
    assert_int_equal(
        op_map(virt(0x40000000), phys(DATA), 0x40000000 + 0x200000 + 0x1000, prot_rw()), E_OK);
    op_walk(virt(0x40123456), &walk);
    assert_int_equal(walk.leaf_level, 3);
    assert_int_equal(walk.phys.v, DATA + 0x123456);
    op_walk(virt(0x80100000), &walk);
    assert_int_equal(walk.leaf_level, 2);
    op_walk(virt(0x80200000), &walk);
    assert_int_equal(walk.leaf_level, 1);
    assert_int_equal(walk.phys.v, DATA + 0x40200000);
    /* Cut a page out of the middle of each. */
    op_unmap(virt_range(0x50000000, 0x50001000), NULL, NULL);
    op_walk(virt(0x50000000), &walk);
    assert_int_equal(walk.leaf_level, 0);
    op_walk(virt(0x50001000), &walk);
    assert_int_equal(walk.leaf_level, 1);
    assert_int_equal(walk.phys.v, DATA + 0x10001000);
    op_unmap(virt_range(0x40000000, 0x90000000), NULL, NULL);
    assert_int_equal(tables, 0);
}

static void test_no_memory_leaves_nothing(void **state)
{
    (void)state;
    for (long allowed = 0; allowed < 4; allowed++) {
        fail_after = allowed;
        assert_int_equal(op_map(virt(0x3ffff000), phys(DATA), 0x2000, prot_rw()), E_NOMEM);
        assert_int_equal(tables, 0);
        assert_true(sim_access(0x3ffff000, SIM_READ).fault);
    }
}

static void test_walk_of_odd_addresses(void **state)
{
    (void)state;
    struct pt_walk walk;
    op_walk(virt(0x0000800000000000), &walk);
    assert_int_equal(walk.last_level, 5);
    assert_int_equal(walk.leaf_level, 0);
    op_walk(virt(UINT64_MAX), &walk);
    assert_int_equal(walk.last_level, 4);
    op_walk(virt(recursive_table(SLOT, 4, virt(0))), &walk); /* the level-4 table, as a page */
    assert_int_equal(walk.leaf_level, 1);
    assert_int_equal(walk.phys.v, ROOT << 12);
    assert_false(walk.executable);
}

static void test_replace(void **state)
{
    (void)state;
    virt_t v = virt(0x400000);
    assert_int_equal(op_map(v, phys(DATA), PAGE_SIZE, prot_copy_on_write(prot_rw())), E_OK);
    assert_true(sim_access(v.v, SIM_WRITE).fault);
    assert_int_equal(sim_access(v.v, SIM_READ).physical, DATA);
    op_replace(v, phys(DATA + PAGE_SIZE), prot_rw());
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

static void test_visit(void **state)
{
    (void)state;
    assert_int_equal(op_map(virt(0x1ff000), phys(DATA + 0x1ff000), 0x400000, prot_ro()), E_OK);
    visited = 0;
    op_visit(virt_range(0, 0x800000), count_visit, NULL);
    assert_int_equal(visited, 1 + 1 + 511);
    op_unmap(virt_range(0, UINT64_C(0x800000000000)), NULL, NULL);
    visited = 0;
    op_visit(virt_range(0, UINT64_C(0x800000000000)), count_visit, NULL);
    assert_int_equal(visited, 0);
    assert_int_equal(tables, 0);
}

/* Error code and verdict for each kind of access, entry and mode, computed from the rules alone. */
static void test_access_matrix(void **state)
{
    (void)state;
    virt_t v = virt(0x7000);
    assert_int_equal(op_map(v, phys(DATA), PAGE_SIZE, prot_rw()), E_OK);
    for (unsigned bits = 0; bits < 16; bits++) {
        bool present = bits & 1, write = bits & 2, nx = bits & 4, wp = bits & 8;
        sim_set_modes(wp, true);
        pte_t e = {DATA | (present ? PTE_P : 0) | (write ? PTE_W : 0) | (nx ? PTE_NX : 0)};
        pt_store(pt_table(1, v, (pte_t){0}), pt_index(v, 1), e);
        sim_flush_all();
        for (int access = SIM_READ; access <= SIM_EXECUTE; access++) {
            bool ok =
                present && (access != SIM_WRITE || write || !wp) && (access != SIM_EXECUTE || !nx);
            struct sim_result r = sim_access(v.v, (enum sim_access)access);
            struct pt_walk walk;
            assert_int_equal(r.fault, !ok);
            op_walk(v, &walk);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_random_operations, start),
        cmocka_unit_test_setup(test_missing_relink_is_seen, start),
        cmocka_unit_test_setup(test_large_pages, start),
        cmocka_unit_test_setup(test_no_memory_leaves_nothing, start),
        cmocka_unit_test_setup(test_walk_of_odd_addresses, start),
        cmocka_unit_test_setup(test_replace, start),
        cmocka_unit_test_setup(test_visit, start),
        cmocka_unit_test_setup(test_access_matrix, start),
    };
    return RUN_TESTS(tests);
}
