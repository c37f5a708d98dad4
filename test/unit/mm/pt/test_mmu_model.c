/* SPDX-License-Identifier: MIT */
/*
 * The model of the MMU (test/guest/mmu_model.h) against the walker's result for each path, and against
 * the simulated MMU of the page-table tests. The guest compares it with the CPU's.
 */
#include "unit.h"

#include "../../../guest/mmu_model.h"
#include "base/str.h"
#include "mm/pt/entry.h"
#include "sim_mmu.h"

#define SLOT  77
#define ROOT  1
#define MODES 64
#define DATA  UINT64_C(0x40000000)

const struct paging_ops *paging;
bool paging_nx, paging_huge;
uint64_t paging_reserved;

static const uint64_t table_frames[5] = {0, 0, 5 << 12, 4 << 12, 3 << 12};
static const uint64_t pages[4] = {0, DATA + 0x5000, DATA, DATA};
static const struct mmu_mode *mode;
static unsigned long cases;

static struct mmu_mode mode_of(unsigned bits)
{
    return (struct mmu_mode){
        .write_protect = bits & 1,
        .no_execute = bits & 2,
        .smep = bits & 4,
        .smap = bits & 8,
        .ac = bits & 16,
        .huge = bits & 32,
        .address_bits = 40,
    };
}

static void say(const struct mmu_path *path, enum mmu_access access, const char *what)
{
    fail_msg(
        "access %d wp=%d nxe=%d smep=%d smap=%d, entries 4: 0x%llx 3: 0x%llx 2: 0x%llx 1: 0x%llx: %s",
        access, mode->write_protect, mode->no_execute, mode->smep, mode->smap,
        (unsigned long long)path->entry[4], (unsigned long long)path->entry[3],
        (unsigned long long)path->entry[2], (unsigned long long)path->entry[1], what);
}

/* ---- the walker ---- */

/* True if by the walker's result an access by ring 0 faults in this mode. */
static bool walk_denies(const struct pt_walk *w, enum mmu_access access)
{
    bool closed = w->user && mode->smap && !mode->ac;
    if (access == MMU_FETCH)
        return !w->executable || (w->user && mode->smep);
    return closed || (access == MMU_WRITE && !w->writable && mode->write_protect);
}

static void check_walk(void *context, const struct mmu_path *path)
{
    (void)context;
    struct pt_walk walk = {.last_level = PT_LEVELS + 1};
    for (int level = PT_LEVELS; level >= 1; level--) {
        walk.entry[level].v = path->entry[level];
        walk.last_level = level;
        if (pt_walk_entry(&walk, walk.entry[level], level))
            break;
    }
    for (enum mmu_access access = MMU_READ; access < MMU_ACCESSES; access++) {
        struct mmu_verdict v;
        mmu_judge(mode, path, access, &v);
        cases++;
        bool absent = walk.absent != 0, reserved = walk.reserved != 0;
        if (v.level != walk.last_level)
            say(path, access, "the walker stops at another level");
        if (v.fault != (absent || reserved || walk_denies(&walk, access)))
            say(path, access, "the walker does not agree on the fault");
        if (v.fault && absent != !(v.error & 1))
            say(path, access, "the walker does not agree on P");
        if (v.fault && reserved != ((v.error & 8) != 0))
            say(path, access, "the walker does not agree on RSVD");
        if (!absent && !reserved && walk.leaf_level != v.level)
            say(path, access, "the walker sees no leaf");
        if (absent && pt_first_level(walk.absent) != v.level)
            say(path, access, "the walker names another level as not present");
        if (walk.leaf_level != 0 && (walk.accessed != ((path->entry[v.level] >> 5 & 1) != 0) ||
                                     walk.dirty != ((path->entry[v.level] >> 6 & 1) != 0)))
            say(path, access, "the walker does not agree on A and D");
    }
}

static void test_walker_agrees(void **state)
{
    (void)state;
    cases = 0;
    for (unsigned bits = 0; bits < MODES; bits++) {
        struct mmu_mode m = mode_of(bits);
        mode = &m;
        paging_nx = m.no_execute;
        paging_huge = m.huge;
        paging_reserved =
            (PTE_ADDRESS & ~((UINT64_C(1) << m.address_bits) - 1)) | (m.no_execute ? 0 : PTE_NX);
        mmu_each_path(&m, table_frames, pages, true, check_walk, NULL);
    }
    print_message("%lu cases\n", cases);
    assert_true(cases > 1000000);
}

/* ---- the simulated MMU: no user pages, no reserved address bits ---- */

static bool simulated(const struct mmu_path *path)
{
    for (int level = PT_LEVELS; level >= path->leaf; level--)
        if (path->entry[level] & UINT64_C(1) << 51 ||
            (path->entry[level] & PTE_PS && path->entry[level] & UINT64_C(1) << 13))
            return false;
    return true;
}

static uint64_t cell_of(int level)
{
    return level == PT_LEVELS ? ROOT << 12 | SLOT * 8 : table_frames[level + 1];
}

static void check_simulation(void *context, const struct mmu_path *path)
{
    (void)context;
    if (!simulated(path))
        return;
    for (enum mmu_access access = MMU_READ; access < MMU_ACCESSES; access++) {
        struct mmu_verdict v;
        mmu_judge(mode, path, access, &v);
        for (int level = PT_LEVELS; level >= path->leaf; level--)
            sim_physical_write(cell_of(level), path->entry[level]);
        sim_flush_all();
        struct sim_result r = sim_access((uint64_t)SLOT << 39, (enum sim_access)access);
        cases++;
        if (r.fault != v.fault || (r.fault && r.error != v.error))
            say(path, access, "the simulated MMU does not agree");
        for (int level = PT_LEVELS; level >= path->leaf; level--) {
            uint64_t set = sim_physical_read(cell_of(level)) ^ path->entry[level];
            uint64_t must = v.must[level] & ~path->entry[level];
            if ((set & must) != must || set & ~v.may[level])
                say(path, access, "the simulated MMU does not agree on A and D");
        }
    }
}

static void test_simulation_agrees(void **state)
{
    (void)state;
    cases = 0;
    sim_reset(ROOT);
    for (unsigned bits = 0; bits < MODES; bits++) {
        struct mmu_mode m = mode_of(bits);
        mode = &m;
        if (m.smep || m.smap || m.ac || !m.huge)
            continue;
        sim_set_modes(m.write_protect, m.no_execute);
        mmu_each_path(&m, table_frames, pages, true, check_simulation, NULL);
    }
    print_message("%lu cases\n", cases);
    assert_true(cases > 100000);
}

/* A few hand-written results, as a check of the model. */
static void test_model_by_hand(void **state)
{
    (void)state;
    const uint64_t all = 7, nx = UINT64_C(1) << 63;
    const struct {
        struct mmu_mode mode;
        uint64_t e4, e3, e2, e1;
        enum mmu_access access;
        uint32_t error; /* 0x100: no fault */
        int level;
    } rows[] = {
        {{.write_protect = true}, all, all, all, 5, MMU_WRITE, 3, 1},
        {{.write_protect = false}, all, all, all, 5, MMU_WRITE, 0x100, 1},
        {{.write_protect = true}, all, 5, all, all, MMU_WRITE, 3, 1},
        {{.no_execute = true}, all, all, all, all | nx, MMU_FETCH, 0x11, 1},
        {{.no_execute = true}, all, all | nx, all, all, MMU_FETCH, 0x11, 1},
        {{.no_execute = true}, all, all, all, all | nx, MMU_READ, 0x100, 1},
        {{.no_execute = false}, all, all, all | nx, all, MMU_READ, 9, 2},
        {{.no_execute = true}, all, 0, all, all, MMU_FETCH, 0x10, 3},
        {{.no_execute = false}, all, 0, all, all, MMU_FETCH, 0, 3},
        {{.smep = true}, all, all, all, all, MMU_FETCH, 0x11, 1},
        {{.smep = true}, all, 3, all, all, MMU_FETCH, 0x100, 1},
        {{.smap = true}, all, all, all, all, MMU_READ, 1, 1},
        {{.smap = true, .ac = true}, all, all, all, all, MMU_WRITE, 0x100, 1},
        {{.smap = true}, all, all, 3, all, MMU_WRITE, 0x100, 1},
        {{.huge = true}, all, all | 0x80, all, all, MMU_WRITE, 0x100, 3},
        {{.huge = false}, all, all | 0x80, all, all, MMU_READ, 9, 3},
        {{.huge = true}, all | 0x80, all, all, all, MMU_WRITE, 0xb, 4},
        {{.huge = true}, all, all, all | 0x2080, all, MMU_READ, 9, 2},
        {{.huge = true}, all, all, all | 0x1080, all, MMU_READ, 0x100, 2},
        {{.huge = true}, all, all, all, all | UINT64_C(1) << 45, MMU_READ, 9, 1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct mmu_mode m = rows[i].mode;
        struct mmu_path path = {1, {0, rows[i].e1, rows[i].e2, rows[i].e3, rows[i].e4}};
        struct mmu_verdict v;
        m.address_bits = 40;
        mmu_judge(&m, &path, rows[i].access, &v);
        if (v.fault != (rows[i].error != 0x100) || (v.fault && v.error != rows[i].error) ||
            v.level != rows[i].level)
            fail_msg("row %zu: fault %d error 0x%x level %d", i, v.fault, v.error, v.level);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_by_hand),
        cmocka_unit_test(test_walker_agrees),
        cmocka_unit_test(test_simulation_agrees),
    };
    return RUN_TESTS(tests);
}
