/* SPDX-License-Identifier: MIT */
/*
 * Each operation with no frame left, then with one, and so on until it succeeds: each allocation in
 * it fails once. A failed operation keeps all invariants, and at the end all frames are free again
 * (boot/guest_test.c counts them).
 */
#include "guest.h"

#include "mm/vm/areas.h"
#include "mm/heap/heap.h"
#include "mm/heap/kstack.h"
#include "mm/layout.h"

#define FRAMES_MAX 64 /* more than any operation here needs */
#define BASE       GUEST_ARENA
#define MIDDLE     virt_range(BASE + 5 * PAGE_SIZE, BASE + LARGE_SIZE - 3 * PAGE_SIZE)
#define HEAP_SMALL 40000
#define HEAP_LARGE 90000

static uint8_t *block;
static struct virt_range stack;

/* ---- preparations ---- */

static void nothing(void)
{
}

static void map_large(void)
{
    CHECK_EQUAL(paging_map(running_space, virt(BASE), phys(0), LARGE_SIZE, prot_rw()), E_OK);
}

static void add_area(uint64_t size, uint32_t flags)
{
    const struct area area = {
        .range = virt_range(BASE, BASE + size),
        .kind = AREA_ANONYMOUS,
        .flags = flags,
        .prot = prot_rw(),
        .file_end = UINT64_MAX,
    };
    CHECK_EQUAL(areas_add(running_space, &area), E_OK);
}

static void add_small_area(void)
{
    add_area(4 * PAGE_SIZE, 0);
}

static void add_zero_page(void)
{
    add_small_area();
    CHECK_EQUAL(fault_resolve(running_space, virt(BASE), 0), FAULT_RESOLVED);
}

static void add_large_area(void)
{
    add_area(2 * LARGE_SIZE, 0);
}

/* Maps one leaf of 2 MiB, if memory allows it. */
static void touch_large_area(void)
{
    add_large_area();
    CHECK_EQUAL(fault_resolve(running_space, virt(BASE), PF_WRITE), FAULT_RESOLVED);
}

static void add_growing_area(void)
{
    add_area(PAGE_SIZE, AREA_GROWS_DOWN);
}

static void have_block(void)
{
    block = heap_alloc(HEAP_SMALL);
    CHECK(block != NULL);
    if (block != NULL)
        memset(block, 0x5a, HEAP_SMALL);
}

/* ---- the operations ---- */

static enum err of_verdict(enum fault_verdict verdict)
{
    CHECK(verdict == FAULT_RESOLVED || verdict == FAULT_OUT_OF_MEMORY);
    return verdict == FAULT_RESOLVED ? E_OK : E_NOMEM;
}

static enum err op_map_pages(void)
{
    return paging_map(running_space, GUEST_ARENA_PAGE(300), phys(PAGE_SIZE), 600 * PAGE_SIZE,
                      prot_ro());
}

static enum err op_map_large(void)
{
    return paging_map(running_space, virt(BASE), phys(0), LARGE_SIZE, prot_ro());
}

static enum err op_split(void)
{
    return paging_split_at(running_space, virt(BASE + PAGE_SIZE));
}

static enum err op_protect_part_of_leaf(void)
{
    return paging_protect(running_space, MIDDLE, prot_ro());
}

static enum err op_touch_write(void)
{
    return of_verdict(fault_resolve(running_space, virt(BASE), PF_WRITE));
}

static enum err op_touch_read(void)
{
    return of_verdict(fault_resolve(running_space, virt(BASE), 0));
}

static enum err op_copy_on_write(void)
{
    return of_verdict(fault_resolve(running_space, virt(BASE), PF_WRITE | PF_PRESENT));
}

static enum err op_remove(void)
{
    return areas_remove(running_space, MIDDLE);
}

static enum err op_protect(void)
{
    return areas_protect(running_space, MIDDLE, prot_ro());
}

static enum err op_change(void)
{
    return areas_change(running_space, MIDDLE, AREA_NO_HUGE, 0);
}

static enum err op_discard(void)
{
    return areas_discard(running_space, MIDDLE);
}

/* Moves by an odd number of pages, so that no large leaf stays. */
static enum err op_move(void)
{
    uint64_t to = MIDDLE.start.v + HUGE_SIZE + PAGE_SIZE;
    return areas_move(running_space, MIDDLE, virt_range(to, to + virt_range_size(MIDDLE)), false);
}

static enum err op_grow(void)
{
    virt_t below = virt(BASE - 3 * PAGE_SIZE);
    enum err e = areas_grow_down(running_space, below);
    if (e == E_FAULT && areas_find(running_space, below) != NULL)
        e = E_OK; /* it grew in an earlier round */
    return e == E_OK ? of_verdict(fault_resolve(running_space, below, PF_WRITE)) : e;
}

static enum err op_heap_page(void)
{
    block = kpage_alloc();
    return block != NULL ? E_OK : E_NOMEM;
}

static enum err op_heap_large(void)
{
    block = heap_alloc(HEAP_SMALL);
    return block != NULL ? E_OK : E_NOMEM;
}

static enum err op_heap_resize(void)
{
    uint8_t *moved = heap_resize(block, HEAP_LARGE);
    size_t bad = 0;
    if (moved != NULL)
        block = moved;
    for (size_t i = 0; i < HEAP_SMALL; i++)
        bad += block[i] != 0x5a;
    CHECK_EQUAL(bad, 0);
    return moved != NULL ? E_OK : E_NOMEM;
}

static enum err op_kstack(void)
{
    return kstack_alloc(&stack);
}

/* ---- their reversal ---- */

static void unmap(void)
{
    paging_unmap(running_space, virt_range(BASE, BASE + 2 * LARGE_SIZE), NULL, NULL);
}

static void clear_areas(void)
{
    areas_clear(running_space);
}

static void free_page(void)
{
    kpage_free(block);
}

static void free_block(void)
{
    heap_free(block);
}

static void free_stack(void)
{
    kstack_free(stack);
}

static const struct {
    const char *name;
    void (*prepare)(void);
    enum err (*operation)(void);
    void (*undo)(void);
    bool keeps_parts; /* splits and growth persist if a later step fails */
} sweeps[] = {
    {"map pages", nothing, op_map_pages, unmap, false},
    {"map 2 MiB", nothing, op_map_large, unmap, false},
    {"split", map_large, op_split, unmap, false},
    {"protect a part of 2 MiB", map_large, op_protect_part_of_leaf, unmap, true},
    {"first write", add_small_area, op_touch_write, clear_areas, false},
    {"first read", add_small_area, op_touch_read, clear_areas, false},
    {"copy on write", add_zero_page, op_copy_on_write, clear_areas, false},
    {"first write of 2 MiB", add_large_area, op_touch_write, clear_areas, false},
    {"remove", touch_large_area, op_remove, clear_areas, true},
    {"protect", touch_large_area, op_protect, clear_areas, true},
    {"change", touch_large_area, op_change, clear_areas, true},
    {"discard", touch_large_area, op_discard, clear_areas, true},
    {"move", touch_large_area, op_move, clear_areas, true},
    {"grow", add_growing_area, op_grow, clear_areas, true},
    {"heap: a page", nothing, op_heap_page, free_page, false},
    {"heap: large", nothing, op_heap_large, free_block, false},
    {"heap: resize", have_block, op_heap_resize, free_block, false},
    {"kernel stack", nothing, op_kstack, free_stack, false},
};

static void check_order(size_t i, enum err e, uint64_t before)
{
    if (e != E_NOMEM)
        guest_test_fail(__FILE__, __LINE__, "%s: error %d", sweeps[i].name, e);
    if (!sweeps[i].keeps_parts && machine_frames.free_frames != before)
        guest_test_fail(__FILE__, __LINE__, "%s: frames before %llu, after it failed %llu",
                        sweeps[i].name, ULL(before), ULL(machine_frames.free_frames));
    areas_check(running_space);
    frames_check(&machine_frames);
}

GUEST_TEST(test_fail_each_allocation)
{
    for (size_t i = 0; i < ARRAY_LENGTH(sweeps); i++) {
        heap_trim();
        sweeps[i].prepare();
        heap_trim();
        paging_trim(running_space);
        phys_t taken = guest_take_frames(0);
        unsigned frames = 0;
        for (; frames < FRAMES_MAX; frames++) {
            uint64_t before = machine_frames.free_frames;
            enum err e = sweeps[i].operation();
            if (e == E_OK)
                break;
            check_order(i, e, before);
            guest_give_frame(&taken);
        }
        if (frames == FRAMES_MAX)
            guest_test_fail(__FILE__, __LINE__, "%s: never succeeds", sweeps[i].name);
        else
            sweeps[i].undo();
        guest_give_frames(taken);
        areas_check(running_space);
        frames_check(&machine_frames);
    }
}
