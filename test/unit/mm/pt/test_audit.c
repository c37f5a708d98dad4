/* SPDX-License-Identifier: MIT */
/* The audit over hand-made tables: a correct machine passes, and each violated rule is reported. */
#include "unit.h"

#include "base/str.h"
#include "mm/pt/audit.h"
#include "mm/layout.h"
#include "mm/pt/recursive.h"

#include <stdio.h>
#include <stdlib.h>

#define TABLES     64
#define R          300
#define P          301
#define RW         (PTE_P | PTE_W | PTE_NX)
#define RO         (PTE_P | PTE_NX)
#define RX         PTE_P
#define LINK       (PTE_P | PTE_W)
#define TEXT       UINT64_C(0xffffffff80100000)
#define RODATA     UINT64_C(0xffffffff80140000)
#define DATA       UINT64_C(0xffffffff80160000)
#define TEXT_FRAME UINT64_C(0x600000)
#define DATA_FRAME UINT64_C(0x660000)
#define HEAP_FRAME UINT64_C(0x900000)
#define ARCHIVE    UINT64_C(0x4000000)
#define CODE_FRAME UINT64_C(0x5000000)
#define BOTH_AT    UINT64_C(0x0000000000700000)

/* Frame n of this machine's first frames is tables[n]; frame 1 is the root. */
static pte_t tables[TABLES][PT_ENTRIES];
static unsigned used;

static pte_t *entry_at(int level, uint64_t at)
{
    pte_t *table = tables[1];
    for (int l = PT_LEVELS; l > level; l--) {
        pte_t *e = &table[pt_index(virt(at), l)];
        if (e->v == 0) {
            assert_true(used < TABLES);
            e->v = (uint64_t)used++ << PAGE_SHIFT | LINK;
        }
        table = tables[(e->v & PTE_ADDRESS) >> PAGE_SHIFT];
    }
    return &table[pt_index(virt(at), level)];
}

static void map_pages(uint64_t at, uint64_t to, unsigned count, uint64_t flags)
{
    for (unsigned i = 0; i < count; i++)
        entry_at(1, at + i * PAGE_SIZE)->v = (to + i * PAGE_SIZE) | flags;
}

static const pte_t *table_of(void *context, int level, virt_t v)
{
    (void)context;
    return entry_at(level, v.v) - pt_index(v, level);
}

static const struct audit_place places[] = {
    {.range = {{LAYOUT_PROGRAM_START}, {BOTH_AT}}, .write = true, .execute = true, .program = true},
    {.range = {{BOTH_AT}, {BOTH_AT + PAGE_SIZE}},
     .write = true,
     .execute = true,
     .both = true,
     .program = true},
    {.range = {{BOTH_AT + PAGE_SIZE}, {LAYOUT_PROGRAM_END}},
     .write = true,
     .execute = true,
     .program = true},
    {.range = {{LAYOUT_HEAP_START}, {LAYOUT_HEAP_END}}, .write = true},
    {.range = {{LAYOUT_KSTACK_START}, {LAYOUT_KSTACK_END}},
     .write = true,
     .guarded = LAYOUT_KSTACK_SIZE},
    {.range = {{LAYOUT_DEVICE_START}, {LAYOUT_DEVICE_END}}, .write = true},
    {.range = {{LAYOUT_SCRATCH}, {LAYOUT_SCRATCH + PAGE_SIZE}}, .write = true, .back_end = true},
    {.range = {{TEXT}, {RODATA}}, .execute = true},
    {.range = {{RODATA}, {DATA}}},
    {.range = {{DATA}, {DATA + 0x10000}}, .write = true},
};
static const struct phys_range sealed[] = {{{TEXT_FRAME}, {DATA_FRAME}},
                                           {{ARCHIVE}, {ARCHIVE + 0x400000}}};
static struct audit_world world;

static int sound_machine(void **state)
{
    (void)state;
    memset(tables, 0, sizeof tables);
    used = 2;
    world = (struct audit_world){
        .table = table_of,
        .root = {1 << PAGE_SHIFT},
        .window = virt_range(recursive_base(R), recursive_base(R + 1)),
        .program_window = virt_range(recursive_base(P), recursive_base(P + 1)),
        .places = places,
        .place_count = ARRAY_LENGTH(places),
        .sealed = sealed,
        .sealed_count = ARRAY_LENGTH(sealed),
        .nx = true,
        .physical_bits = 40,
    };
    tables[1][R].v = world.root.v | RW;
    tables[1][P].v = world.root.v | RO;
    map_pages(TEXT, TEXT_FRAME, 64, RX);
    map_pages(RODATA, TEXT_FRAME + 0x40000, 32, RO);
    map_pages(DATA, DATA_FRAME, 16, RW);
    map_pages(LAYOUT_HEAP_START, HEAP_FRAME, 40, RW | PTE_A | PTE_D);
    map_pages(LAYOUT_HEAP_START + 100 * PAGE_SIZE, HEAP_FRAME - 0x100000, 7, RW);
    map_pages(LAYOUT_KSTACK_START + LAYOUT_KSTACK_SIZE, HEAP_FRAME + 0x100000, 4, RW);
    map_pages(LAYOUT_KSTACK_START + 3 * LAYOUT_KSTACK_SIZE, HEAP_FRAME + 0x110000, 4, RW);
    entry_at(2, LAYOUT_DEVICE_START)->v = ARCHIVE | RO | PTE_PS;
    entry_at(2, LAYOUT_DEVICE_START + LARGE_SIZE)->v = (ARCHIVE + LARGE_SIZE) | RO | PTE_PS;
    map_pages(LAYOUT_DEVICE_START + 4 * LARGE_SIZE, 0xfee00000, 1, RW | PTE_PCD | PTE_PWT);
    entry_at(3, LAYOUT_DEVICE_START + 8 * HUGE_SIZE)->v =
        UINT64_C(0x4000000000) | RW | PTE_PS | PTE_PAT_BIG;
    map_pages(LAYOUT_SCRATCH, HEAP_FRAME, 1, RW);
    map_pages(0x400000, ARCHIVE + 0x3000, 5, RX | PTE_COW);
    map_pages(0x405000, CODE_FRAME, 1, RX);
    map_pages(0x500000, 0xa00000, 3, RW);
    map_pages(BOTH_AT, 0xa80000, 1, PTE_P | PTE_W);
    map_pages(0x600000, 0xa90000, 1, PTE_W | PTE_U | PTE_G); /* PROT_NONE: the MMU ignores it */
    entry_at(2, 0x40000000)->v = 0x10000000 | RW | PTE_PS;
    map_pages(0x00007ffffffde000, 0xb00000, 33, RW);
    return 0;
}

static struct audit_finding audit(void)
{
    struct audit_item items[TABLES];
    struct audit_range ranges[TABLES];
    const struct audit_memory memory = {items, ranges, TABLES};
    struct audit_finding got = {.rule = (enum audit_rule) - 1};
    assert_int_equal(audit_tables(&world, &memory, &got), E_OK);
    return got;
}

static void test_sound_machine_passes(void **state)
{
    (void)state;
    struct audit_finding got = audit();
    if (got.rule != AUDIT_PASSED)
        fail_msg("0x%llx %s", (unsigned long long)got.at.v, audit_sentence(got.rule));
}

/* ---- seeded: one entry each ---- */

#define LOW_TABLE(at) (entry_at(2, at)->v & PTE_ADDRESS)
#define HEAP_PAGE(n)  (LAYOUT_HEAP_START + (n)*PAGE_SIZE)
#define SLOT_AT(n)    ((uint64_t)(n) << 39 | ((n) >= 256 ? ~ADDRESS_BITS : 0))
#define FREE_FRAME    UINT64_C(0xc00000)
#define KSTACK_TOP    (LAYOUT_KSTACK_START + 2 * LAYOUT_KSTACK_SIZE)
#define ANOTHER_TABLE (UINT64_C(60) << PAGE_SHIFT) /* used for nothing else */

static const struct seed {
    const char *what;
    int level;
    uint64_t at, entry;
    enum audit_rule rule;
} seeds[] = {
    {"W+X in the heap", 1, HEAP_PAGE(3), FREE_FRAME | LINK, AUDIT_WRITE_EXECUTE},
    {"W+X in the program", 1, 0x501000, FREE_FRAME | LINK, AUDIT_WRITE_EXECUTE},
    {"W+X text", 1, TEXT + 0x5000, (TEXT_FRAME + 0x5000) | LINK, AUDIT_WRITE_EXECUTE},
    {"W+X large", 2, 0x40200000, 0x10200000 | LINK | PTE_PS, AUDIT_WRITE_EXECUTE},
    {"W+X huge", 3, 0x80000000, 0x80000000 | LINK | PTE_PS, AUDIT_WRITE_EXECUTE},
    {"user page", 1, 0x502000, FREE_FRAME | RW | PTE_U, AUDIT_USER},
    {"user large page", 2, 0x40000000, 0x10000000 | RW | PTE_PS | PTE_U, AUDIT_USER},
    {"user level 4", 4, 0, 0 | LINK | PTE_U, AUDIT_USER},
    {"user window", 4, SLOT_AT(P), (1 << 12) | RO | PTE_U, AUDIT_USER},
    {"global page", 1, TEXT, TEXT_FRAME | RX | PTE_G, AUDIT_GLOBAL},
    {"global upper", 3, TEXT, 0 | LINK | PTE_G, AUDIT_GLOBAL},
    {"global window", 4, SLOT_AT(R), (1 << 12) | RW | PTE_G, AUDIT_GLOBAL},
    {"NX upper", 3, 0x40000000, ANOTHER_TABLE | LINK | PTE_NX, AUDIT_UPPER},
    {"uncached upper", 2, 0x80000000, ANOTHER_TABLE | LINK | PTE_PCD, AUDIT_UPPER},
    {"write-through upper", 2, 0x80000000, ANOTHER_TABLE | LINK | PTE_PWT, AUDIT_UPPER},
    {"read-only upper", 4, SLOT_AT(3), ANOTHER_TABLE | PTE_P, AUDIT_UPPER},
    {"address too wide", 1, 0x503000, UINT64_C(1) << 40 | RW, AUDIT_RESERVED},
    {"table too far", 2, 0x80000000, UINT64_C(1) << 51 | LINK, AUDIT_RESERVED},
    {"PS at level 4", 4, SLOT_AT(7), ANOTHER_TABLE | LINK | PTE_PS, AUDIT_RESERVED},
    {"crooked large page", 2, 0x40200000, 0x10202000 | RW | PTE_PS, AUDIT_RESERVED},
    {"crooked huge page", 3, 0xc0000000, 0x10200000 | RW | PTE_PS, AUDIT_RESERVED},
    {"page 0", 1, 0, FREE_FRAME | RO, AUDIT_STRAY},
    {"page 15", 1, 0xf000, FREE_FRAME | RO, AUDIT_STRAY},
    {"large page at 0", 2, 0, 0x200000 | RO | PTE_PS, AUDIT_STRAY},
    {"below the hole", 1, LAYOUT_PROGRAM_END, FREE_FRAME | RO, AUDIT_STRAY},
    {"boot code", 1, TEXT - PAGE_SIZE, (TEXT_FRAME - PAGE_SIZE) | RO, AUDIT_STRAY},
    {"behind the image", 1, DATA + 0x10000, FREE_FRAME | RW, AUDIT_STRAY},
    {"free kernel slot", 1, SLOT_AT(505), FREE_FRAME | RW, AUDIT_STRAY},
    {"free window slot", 4, SLOT_AT(256), ANOTHER_TABLE | LINK, AUDIT_STRAY},
    {"last window slot", 4, SLOT_AT(495), ANOTHER_TABLE | PTE_P, AUDIT_STRAY},
    {"third window", 4, SLOT_AT(400), (1 << 12) | RO, AUDIT_WINDOW},
    {"writable program window", 4, SLOT_AT(P), (1 << 12) | RW, AUDIT_WINDOW},
    {"executable program window", 4, SLOT_AT(P), (1 << 12) | PTE_P, AUDIT_WINDOW},
    {"executable window", 4, SLOT_AT(R), (1 << 12) | LINK, AUDIT_WINDOW},
    {"uncached window", 4, SLOT_AT(R), (1 << 12) | RW | PTE_PCD, AUDIT_WINDOW},
    {"window elsewhere", 4, SLOT_AT(R), ANOTHER_TABLE | RW, AUDIT_WINDOW},
    {"self-map below", 4, SLOT_AT(5), (1 << 12) | LINK, AUDIT_TABLE_TWICE},
    {"level 3 to level 4", 3, LAYOUT_HEAP_START + HUGE_SIZE, (1 << 12) | LINK, AUDIT_TABLE_TWICE},
    {"table in kernel text", 2, 0x80000000, TEXT_FRAME | LINK, AUDIT_TABLE_TWICE},
    {"table in the archive", 2, 0x80000000, (ARCHIVE + 0x1000) | LINK, AUDIT_TABLE_TWICE},
    {"executable heap", 1, HEAP_PAGE(3), FREE_FRAME | RX, AUDIT_EXCESS},
    {"executable kernel data", 1, DATA, DATA_FRAME | RX, AUDIT_EXCESS},
    {"executable constants", 1, RODATA, (TEXT_FRAME + 0x40000) | RX, AUDIT_EXCESS},
    {"executable kernel stack", 1, KSTACK_TOP - PAGE_SIZE, FREE_FRAME | RX, AUDIT_EXCESS},
    {"executable device", 2, LAYOUT_DEVICE_START, ARCHIVE | RX | PTE_PS, AUDIT_EXCESS},
    {"writable text", 1, TEXT + 0x6000, (TEXT_FRAME + 0x6000) | RW, AUDIT_EXCESS},
    {"writable sealed data", 1, DATA - PAGE_SIZE, (DATA_FRAME - PAGE_SIZE) | RW, AUDIT_EXCESS},
    {"first guard page", 1, LAYOUT_KSTACK_START, FREE_FRAME | RW, AUDIT_STACK_GUARD},
    {"guard between stacks", 1, KSTACK_TOP, FREE_FRAME | RO, AUDIT_STACK_GUARD},
    {"last guard page", 1, KSTACK_TOP + LAYOUT_KSTACK_SIZE - PAGE_SIZE, FREE_FRAME | RW,
     AUDIT_STACK_GUARD},
    {"text in the heap", 1, HEAP_PAGE(3), (TEXT_FRAME + 0x3000) | RW, AUDIT_SEALED_ALIAS},
    {"constants in the program", 1, 0x503000, (DATA_FRAME - PAGE_SIZE) | RW, AUDIT_SEALED_ALIAS},
    {"text in a large page", 2, 0x40000000, TEXT_FRAME | RW | PTE_PS, AUDIT_SEALED_ALIAS},
    {"tables in a huge page", 3, 0xc0000000, RW | PTE_PS, AUDIT_TABLE_ALIAS},
    {"text through the back end", 1, LAYOUT_SCRATCH, TEXT_FRAME | RW, AUDIT_SEALED_ALIAS},
    {"the archive", 1, 0x503000, (ARCHIVE + 0x2000) | RW, AUDIT_SEALED_ALIAS},
    {"the root table", 1, HEAP_PAGE(3), (1 << 12) | RW, AUDIT_TABLE_ALIAS},
    {"a table in the program", 1, 0x503000, (2 << 12) | RW, AUDIT_TABLE_ALIAS},
    {"code in the heap", 1, HEAP_PAGE(3), CODE_FRAME | RW, AUDIT_CODE_ALIAS},
    {"code twice in the program", 1, 0x503000, CODE_FRAME | RW, AUDIT_CODE_ALIAS},
    {"code in a large page", 2, 0x40000000, 0x5000000 | RW | PTE_PS, AUDIT_CODE_ALIAS},
};

/* Upper entries keep the address of their table, unless the seed has another. */
static void plant(const struct seed *seed)
{
    pte_t *e = entry_at(seed->level, seed->at);
    bool leaf = seed->level == 1 || seed->entry & PTE_PS;
    uint64_t frame = leaf || seed->entry & PTE_ADDRESS ? 0 : e->v & PTE_ADDRESS;
    e->v = seed->entry | frame;
}

static void test_seeded_violations_are_found(void **state)
{
    for (size_t i = 0; i < ARRAY_LENGTH(seeds); i++) {
        const struct seed *seed = &seeds[i];
        sound_machine(state);
        plant(seed);
        struct audit_finding got = audit();
        if (got.rule != seed->rule)
            fail_msg("%s: found \"%s\" at 0x%llx", seed->what, audit_sentence(got.rule),
                     (unsigned long long)got.at.v);
        assert_int_equal(got.at.v, align_down(seed->at, pt_span(seed->level)));
        assert_int_equal(got.level, seed->level);
        assert_int_equal(got.entry.v, entry_at(seed->level, seed->at)->v);
    }
}

/* In a run of equal pages the report names the page itself, not the first of the run. */
static void test_page_inside_a_run_is_named(void **state)
{
    (void)state;
    map_pages(HEAP_PAGE(200), TEXT_FRAME - 5 * PAGE_SIZE, 20, RW);
    struct audit_finding got = audit();
    assert_int_equal(got.rule, AUDIT_SEALED_ALIAS);
    assert_int_equal(got.at.v, HEAP_PAGE(205));
    assert_int_equal(got.entry.v, TEXT_FRAME | RW);
}

static void test_back_end_may_write_tables_and_code(void **state)
{
    (void)state;
    map_pages(LAYOUT_SCRATCH, 2 << 12, 1, RW);
    assert_int_equal(audit().rule, AUDIT_PASSED);
    map_pages(LAYOUT_SCRATCH, CODE_FRAME, 1, RW);
    assert_int_equal(audit().rule, AUDIT_PASSED);
}

/* With a back end without a window, no mapping of the tables may be writable. */
static void test_no_window(void **state)
{
    (void)state;
    world.window = virt_range(0, 0);
    assert_int_equal(audit().rule, AUDIT_WINDOW);
    tables[1][R].v = 0;
    assert_int_equal(audit().rule, AUDIT_PASSED);
}

/* Without NX all pages are executable: W^X is not checked, the other rules are. */
static void test_no_nx(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TABLES; i++)
        for (unsigned j = 0; j < PT_ENTRIES; j++)
            tables[i][j].v &= ~PTE_NX;
    world.nx = false;
    assert_int_equal(audit().rule, AUDIT_PASSED);
    map_pages(HEAP_PAGE(3), TEXT_FRAME, 1, PTE_P | PTE_W);
    assert_int_equal(audit().rule, AUDIT_SEALED_ALIAS);
    map_pages(HEAP_PAGE(3), FREE_FRAME, 1, RW);
    assert_int_equal(audit().rule, AUDIT_RESERVED);
}

static void test_too_little_room_is_said(void **state)
{
    (void)state;
    enum err e = E_NOMEM;
    for (size_t capacity = 0; e != E_OK; capacity++) {
        struct audit_item *items = malloc(capacity * sizeof *items + 1);
        struct audit_range *ranges = malloc(capacity * sizeof *ranges + 1);
        const struct audit_memory memory = {items, ranges, capacity};
        struct audit_finding got = {.rule = AUDIT_USER};
        e = audit_tables(&world, &memory, &got);
        assert_int_equal(got.rule, e == E_OK ? AUDIT_PASSED : AUDIT_USER);
        assert_true(e == E_OK || e == E_NOMEM);
        assert_true(capacity < TABLES);
        free(items);
        free(ranges);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_sound_machine_passes, sound_machine),
        cmocka_unit_test_setup(test_seeded_violations_are_found, sound_machine),
        cmocka_unit_test_setup(test_page_inside_a_run_is_named, sound_machine),
        cmocka_unit_test_setup(test_back_end_may_write_tables_and_code, sound_machine),
        cmocka_unit_test_setup(test_no_window, sound_machine),
        cmocka_unit_test_setup(test_no_nx, sound_machine),
        cmocka_unit_test_setup(test_too_little_room_is_said, sound_machine),
    };
    return RUN_TESTS(tests);
}
