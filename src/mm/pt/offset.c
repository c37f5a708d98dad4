/* SPDX-License-Identifier: MIT */
/*
 * Only the frames of tables are mapped, each at base + its physical address.
 *
 *   physical   |  ..  |TTTTTTTTTTTT|   ..   |  ..  |TTTTTTTTTTTT|  ..  |
 *                      arena 1                      arena 2
 *   virtual      hole |hT..T.TTTTTT|      hole     |hTTTT.......| hole      at LAYOUT_PHYSICAL_START
 *
 * A new table needs a mapping, and a mapping may need a new table. Arenas break this circle: blocks
 * of 2^n frames, aligned to their size, mapped at once. An arena lies in one level-1 table, so
 * mapping it takes three tables at most, one of each level below 4; and three frames of the mapped
 * arenas are reserved for mapping the next one.
 *
 * The first frame of an arena is its header (h). Freed frames form a list through their first
 * words. An arena without tables is unmapped and freed, as long as three free frames remain
 * elsewhere. The frames that arenas use themselves, headers and tables that map them, thus depend
 * on the history of allocations: offset_overhead() returns their number.
 *
 * Cost: an addition, as with the physical map, but over small pages, so more TLB entries; at most
 * an arena of memory reserved; the time to map an arena when one is added or removed. It cannot
 * reach a table that was allocated elsewhere: those of boot are moved.
 */
#include "base/panic.h"
#include "mm/layout.h"
#include "mm/phys/frames.h"
#include "mm/pt/backend.h"
#include "mm/pt/walker.h"

#define RESERVE 3

static pt_table_t offset_unlinked(phys_t frame)
{
    return ptr_of(virt(LAYOUT_PHYSICAL_START + frame.v));
}

static pt_table_t offset_table(const struct address_space *space, int level, virt_t v, pte_t parent)
{
    (void)v;
    return offset_unlinked(level == PT_LEVELS ? space->root : phys(parent.v & PTE_ADDRESS));
}

/* Words of an arena's header, and of a free frame; addresses are physical, 0 ends a list. */
enum {
    ARENA_NEXT, /* next arena in one of the lists below */
    ARENA_PREVIOUS,
    ARENA_FREE,  /* list of free frames */
    ARENA_FRESH, /* index of the first frame that was never allocated */
    ARENA_USED,  /* frames in use as tables */
    FREE_NEXT = 0,
};

RO_AFTER_INIT static unsigned arena_order;
static phys_t part_used; /* arenas with tables and free frames; full ones are in no list */
static phys_t empty;     /* arenas without a table, kept as reserve */
static uint64_t idle_frames;
static uint64_t headers, mapping_tables; /* number of arenas, and of tables that map them */
static bool growing, shrinking;

static uint64_t arena_get(phys_t frame, unsigned word)
{
    return pt_load(offset_unlinked(frame), word).v;
}

static void arena_set(phys_t frame, unsigned word, uint64_t value)
{
    pt_store(offset_unlinked(frame), word, (pte_t){value});
}

static uint64_t arena_frames(void)
{
    return UINT64_C(1) << arena_order;
}

static struct virt_range arena_range(phys_t arena)
{
    uint64_t start = LAYOUT_PHYSICAL_START + arena.v;
    return virt_range(start, start + (arena_frames() << PAGE_SHIFT));
}

static void list_arena(phys_t *list, phys_t arena)
{
    arena_set(arena, ARENA_NEXT, list->v);
    arena_set(arena, ARENA_PREVIOUS, 0);
    if (list->v != 0)
        arena_set(*list, ARENA_PREVIOUS, arena.v);
    *list = arena;
}

static void unlist_arena(phys_t *list, phys_t arena)
{
    phys_t next = phys(arena_get(arena, ARENA_NEXT)),
           previous = phys(arena_get(arena, ARENA_PREVIOUS));
    if (next.v != 0)
        arena_set(next, ARENA_PREVIOUS, previous.v);
    if (previous.v != 0)
        arena_set(previous, ARENA_NEXT, next.v);
    else
        *list = next;
}

/* Adds an arena; the reserve supplies the tables that map it. */
static bool offset_grow(void)
{
    phys_t arena;
    if (frames_alloc(&machine_frames, arena_order, &arena) != E_OK)
        return false;
    if (arena.v >= LAYOUT_PHYSICAL_END - LAYOUT_PHYSICAL_START) {
        frames_put(&machine_frames, arena);
        return false;
    }
    growing = true;
    enum err e = paging_map(&kernel_space, arena_range(arena).start, arena,
                            arena_frames() << PAGE_SHIFT, prot_rw());
    growing = false;
    if (e != E_OK) {
        frames_put(&machine_frames, arena);
        return false;
    }
    arena_set(arena, ARENA_FREE, 0);
    arena_set(arena, ARENA_FRESH, 1);
    arena_set(arena, ARENA_USED, 0);
    list_arena(&empty, arena);
    idle_frames += arena_frames() - 1;
    headers++;
    return true;
}

static bool offset_alloc(phys_t *out)
{
    if (idle_frames <= RESERVE && !growing && !offset_grow())
        return false;
    if (part_used.v == 0) {
        phys_t begun = empty;
        unlist_arena(&empty, begun);
        list_arena(&part_used, begun);
    }
    phys_t arena = part_used, frame = phys(arena_get(arena, ARENA_FREE));
    uint64_t used = arena_get(arena, ARENA_USED) + 1;
    if (frame.v != 0) {
        arena_set(arena, ARENA_FREE, arena_get(frame, FREE_NEXT));
    } else {
        uint64_t fresh = arena_get(arena, ARENA_FRESH);
        frame = phys(arena.v + (fresh << PAGE_SHIFT));
        arena_set(arena, ARENA_FRESH, fresh + 1);
    }
    arena_set(arena, ARENA_USED, used);
    idle_frames--;
    mapping_tables += growing;
    if (used == arena_frames() - 1)
        unlist_arena(&part_used, arena);
    *out = frame;
    return true;
}

/* Frees empty arenas while others hold the reserve. The tables that mapped one are freed by the
 * walker into other arenas and may empty the next, hence a loop rather than a recursion. */
static void offset_shrink(void)
{
    if (shrinking)
        return;
    shrinking = true;
    while (empty.v != 0 && idle_frames - (arena_frames() - 1) >= RESERVE) {
        phys_t arena = empty;
        unlist_arena(&empty, arena);
        idle_frames -= arena_frames() - 1;
        headers--;
        paging_unmap(&kernel_space, arena_range(arena), NULL, NULL);
        frames_put(&machine_frames, arena);
    }
    shrinking = false;
}

static void offset_free(phys_t frame)
{
    phys_t arena = phys(align_down(frame.v, arena_frames() << PAGE_SHIFT));
    uint64_t used = arena_get(arena, ARENA_USED) - 1;
    arena_set(frame, FREE_NEXT, arena_get(arena, ARENA_FREE));
    arena_set(arena, ARENA_FREE, frame.v);
    arena_set(arena, ARENA_USED, used);
    idle_frames++;
    mapping_tables -= shrinking || growing;
    if (used == arena_frames() - 2)
        list_arena(&part_used, arena);
    if (used == 0) {
        unlist_arena(&part_used, arena);
        list_arena(&empty, arena);
    }
    offset_shrink();
}

static uint64_t offset_idle(void)
{
    return idle_frames;
}

static uint64_t offset_overhead(void)
{
    return headers + mapping_tables;
}

/* Makes enough arenas for all existing tables and for those that map the arenas. */
INIT_CODE static enum err offset_start(struct pt_setup *setup)
{
    assert(setup->arena >= 8 && setup->arena <= PT_ENTRIES);
    arena_order = (unsigned)__builtin_ctz(setup->arena);
    idle_frames = headers = 0;
    part_used = empty = phys(0);
    uint64_t tables = paging_counters.tables;
    for (uint64_t needed = setup->tables; idle_frames < needed + 2 * RESERVE; needed += RESERVE)
        if (!offset_grow())
            return E_NOMEM;
    /* The recursive back end allocated these; they move to the arenas. */
    mapping_tables = paging_counters.tables - tables;
    return E_OK;
}

static const struct pt_access offset_access = {
    .table = offset_table,
    .relinked = pt_flush_program_window,
    .alloc = offset_alloc,
    .free = offset_free,
    .unlinked = offset_unlinked,
    .start = offset_start,
    .reach = {{LAYOUT_PHYSICAL_START}, {LAYOUT_PHYSICAL_END}},
    .own_frames = true,
    .idle = offset_idle,
    .overhead = offset_overhead,
};

PT_BACK_END(offset);
