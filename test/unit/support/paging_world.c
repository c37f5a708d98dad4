/* SPDX-License-Identifier: MIT */
#include "paging_world.h"

#include "unit.h"

#include "mm/phys/frames.h"
#include "mm/layout.h"
#include "mm/init/memory.h"
#include "mm/pt/backend.h"
#include "mm/pt/recursive_boot.h"

#include <string.h>

#define ROOT        1
#define FIRST_FREE  2
#define LAST_TABLE  1024
#define ARENA       16 /* frames */
#define PLACES      4  /* of machine_frames, each mapped by a table of its own */
#define PLACE_FIRST 1024
#define PLACE_STEP  512
#define PLACE_SIZE  64
#define POOL_FRAMES 256
#define HELD_MAX    512

const char *const world_names[PAGING_KINDS] = {"recursive", "physmap", "offset", "identity",
                                               "temporary"};

struct frames machine_frames;
static struct frame metadata[FRAMES_METADATA(SIM_FRAMES)];
static uint64_t described[FRAMES_DESCRIBED(SIM_FRAMES)];

static uint8_t table_used[LAST_TABLE];
static uint64_t tables, tables_at_start, counted_at_start;
static long fail_after; /* allocations until they fail; negative: never */

static phys_t held_tables[HELD_MAX], held_frames[HELD_MAX];
static size_t held_table_count, held_frame_count;

bool memory_table_alloc(phys_t *out)
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
        for (unsigned w = 0; w < 512; w++) /* contents left by an earlier owner */
            sim_physical_write((uint64_t)i << 12 | w * 8, UINT64_C(0xdeadbeef00000fff));
        *out = phys((uint64_t)i << 12);
        return true;
    }
    return false;
}

void memory_table_free(phys_t frame)
{
    if (frame.v == ROOT << 12)
        return; /* the boot's root table, which was moved */
    assert_true(table_used[frame.v >> 12]);
    table_used[frame.v >> 12] = 0;
    tables--;
}

phys_t memory_zero_frame(void)
{
    return phys(WORLD_DATA);
}

static void reset(void)
{
    sim_reset(ROOT);
    memset(table_used, 0, sizeof table_used);
    memset(metadata, 0xaa, sizeof metadata);
    memset(described, 0, sizeof described);
    memset(&paging_counters, 0, sizeof paging_counters);
    frames_init(&machine_frames, metadata, described, SIM_FRAMES);
    for (uint64_t i = 0; i < PLACES; i++) {
        uint64_t start = (PLACE_FIRST + i * PLACE_STEP) << PAGE_SHIFT;
        frames_add(&machine_frames, phys_range(start, start + (PLACE_SIZE << PAGE_SHIFT)));
    }
    tables = 0;
    fail_after = -1;
    held_table_count = held_frame_count = 0;
    paging_nx = paging_huge = true;
    paging_reserved = 0;
    paging_reserved_range = virt_range(0, 0);
    pt_program_slot = 0;
    first_space = kernel_space = (struct address_space){.root = {0}};
    running_space = &first_space;
}

static void count_from_here(void)
{
    tables_at_start = world_tables();
    counted_at_start = paging_counters.tables;
}

void world_start_with(enum paging_kind kind, unsigned slots)
{
    static const struct paging_ops *const kinds[PAGING_KINDS] = {
        &paging_recursive, &paging_physmap, &paging_offset, &paging_identity, &paging_temporary};
    static unsigned slot = LAYOUT_WINDOW_SLOT_DEFAULT; /* the window's present slot */
    static struct boot_info boot = {
        .memory = {{.range = {{0}, {SIM_FRAMES << 12}}, .kind = BOOT_MEMORY_RAM}},
        .memory_count = 1,
    };
    reset();
    paging = &paging_recursive;
    sim_physical_write(ROOT << 12 | slot * 8, ROOT << 12 | PTE_P | PTE_W);
    recursive_move_window(WORLD_SLOT);
    recursive_add_program_window(WORLD_PROGRAM);
    slot = WORLD_SLOT;
    assert_int_equal(paging_map(&kernel_space, virt(LAYOUT_SCRATCH_PIN), memory_zero_frame(),
                                PAGE_SIZE, prot_ro()),
                     E_OK);
    if (kinds[kind] != paging) {
        struct pt_setup setup = {
            .boot = &boot,
            .sealed = phys_range(WORLD_SEALED, WORLD_SEALED + 10 * PAGE_SIZE),
            .pool = phys_range(WORLD_POOL, WORLD_POOL + POOL_FRAMES * PAGE_SIZE),
            .arena = ARENA,
            .slots = slots,
            .tables = pt_count_tables(),
        };
        assert_int_equal(setup.tables, 4);
        assert_int_equal(kinds[kind]->access->start(&setup), E_OK);
        if (kinds[kind]->access->own_frames)
            assert_int_equal(pt_move_tables(kinds[kind]->access, memory_table_free), E_OK);
        paging = kinds[kind];
        recursive_close_window();
        assert_true(sim_access(recursive_base(WORLD_SLOT), SIM_READ).fault);
    }
    kernel_space.root = first_space.root = pt_root();
    count_from_here();
    if (paging->access->own_frames)
        assert_int_equal(tables, 0); /* all have moved */
}

void world_start(enum paging_kind kind)
{
    world_start_with(kind, 6);
}

/* The kernel's half shares the tables; the entries of both windows point to the new level-4 table. */
struct address_space *world_second_space(void)
{
    static struct address_space second;
    phys_t root;
    assert_true(paging->access->alloc(&root));
    for (unsigned i = 0; i < PT_ENTRIES; i++) {
        uint64_t e = i < PT_ENTRIES / 2 ? 0 : sim_physical_read(sim_root() | i * 8);
        if ((e & PTE_ADDRESS) == sim_root())
            e = (e & ~PTE_ADDRESS) | root.v;
        sim_physical_write(root.v | i * 8, e);
    }
    second = (struct address_space){.root = root};
    if (paging == &paging_identity) /* its tables are in the program's half */
        assert_int_equal(paging_map(&second, virt(WORLD_POOL), phys(WORLD_POOL),
                                    POOL_FRAMES * PAGE_SIZE, prot_rw()),
                         E_OK);
    count_from_here();
    return &second;
}

void world_run(struct address_space *space)
{
    if (running_space == space)
        return;
    running_space = space;
    sim_set_root(space->root.v);
}

uint64_t world_tables(void)
{
    if (paging == &paging_offset)
        return machine_frames.total_frames - machine_frames.free_frames - paging->access->idle() -
               paging->access->overhead();
    if (paging == &paging_identity)
        return POOL_FRAMES - paging->access->idle();
    return tables;
}

void world_assert_no_tables(void)
{
    paging_trim(running_space);
    assert_int_equal(world_tables(), tables_at_start);
    assert_int_equal(paging_counters.tables, counted_at_start);
    if (paging == &paging_offset)
        frames_check(&machine_frames);
}

/* If tables have frames of their own, takes all and frees `more`. */
void world_limit(long more)
{
    phys_t frame;
    fail_after = more;
    if (!paging->access->own_frames)
        return;
    if (more < 0) {
        while (held_table_count > 0)
            paging->access->free(held_tables[--held_table_count]);
        while (held_frame_count > 0)
            frames_put(&machine_frames, held_frames[--held_frame_count]);
        return;
    }
    while (frames_alloc(&machine_frames, 0, &frame) == E_OK)
        held_frames[held_frame_count++] = frame;
    while (paging->access->alloc(&frame))
        held_tables[held_table_count++] = frame;
    while (more-- > 0 && held_table_count > 0)
        paging->access->free(held_tables[--held_table_count]);
}

static pt_table_t reach(int level, virt_t v)
{
    struct pt_walk walk;
    paging_walk(running_space, v, &walk);
    return paging->access->table(running_space, level, v,
                                 level == 4 ? (pte_t){0} : walk.entry[level + 1]);
}

static void put(pt_table_t table)
{
    if (paging->access->put != NULL)
        paging->access->put(table);
}

pte_t world_entry(int level, virt_t v)
{
    pt_table_t table = reach(level, v);
    pte_t e = pt_load(table, pt_index(v, level));
    put(table);
    return e;
}

void world_set_entry(int level, virt_t v, pte_t e)
{
    pt_table_t table = reach(level, v);
    pt_store(table, pt_index(v, level), e);
    put(table);
}

static void mix(uint64_t *digest, uint64_t value)
{
    *digest = (*digest ^ value) * UINT64_C(0x100000001b3);
    *digest ^= *digest >> 29;
}

static void mix_leaf(uint64_t *digest, uint64_t at, int level, uint64_t entry)
{
    mix(digest, at);
    mix(digest, (uint64_t)level);
    mix(digest, entry & ~(PTE_A | PTE_D));
}

static void digest_below(uint64_t *digest, uint64_t table, int level, uint64_t at,
                         struct virt_range range)
{
    uint64_t span = UINT64_C(1) << (12 + 9 * (level - 1));
    for (unsigned i = 0; i < 512; i++, at += span) {
        uint64_t e = sim_physical_read(table + i * 8);
        if (!(e & 1) || at >= range.end.v || at + span <= range.start.v)
            continue;
        if (level == 1 || (e & 0x80))
            mix_leaf(digest, at, level, e);
        else
            digest_below(digest, e & UINT64_C(0x000ffffffffff000), level - 1, at, range);
    }
}

uint64_t world_digest_of(const struct address_space *space, struct virt_range range)
{
    uint64_t digest = 1;
    digest_below(&digest, space->root.v, 4, 0, range);
    return digest;
}

static void visit(void *context, virt_t at, int level, pte_t entry)
{
    mix_leaf(context, at.v, level, entry.v);
}

uint64_t world_visit_digest(const struct address_space *space, struct virt_range range)
{
    uint64_t digest = 1;
    paging_visit(space, range, visit, &digest);
    return digest;
}
