/* SPDX-License-Identifier: MIT */
/* Frames, heap, and operations with no memory left. */
#include "guest.h"

#include "kern/thread.h"
#include "mm/vm/areas.h"
#include "mm/heap/heap.h"
#include "mm/heap/kstack.h"
#include "mm/layout.h"
#include "mm/phys/shrinker.h"
#include "mm/init/memory.h"
#include "mm/pt/backend.h"

GUEST_TEST(test_random_frames)
{
    enum {
        HELD = 64,
        STEPS = 2000
    };
    static phys_t held[HELD];
    static unsigned orders[HELD];
    unsigned count = 0;
    guest_random_seed(12);
    for (unsigned step = 0; step < STEPS; step++) {
        if (count < HELD && guest_random() % 2) {
            unsigned order = (unsigned)(guest_random() % 6);
            if (frames_alloc(&machine_frames, order, &held[count]) != E_OK)
                continue;
            CHECK(is_aligned(held[count].v, PAGE_SIZE << order));
            guest_frame_set_word(held[count], held[count].v);
            orders[count++] = order;
        } else if (count > 0) {
            unsigned i = (unsigned)(guest_random() % count);
            CHECK_EQUAL(guest_frame_word(held[i]), held[i].v);
            CHECK_EQUAL(frames_references(&machine_frames, held[i]), 1);
            frames_put(&machine_frames, held[i]);
            held[i] = held[--count];
            orders[i] = orders[count];
        }
        if (step % 200 == 0)
            frames_check(&machine_frames);
    }
    while (count > 0)
        frames_put(&machine_frames, held[--count]);
}

struct block {
    uint8_t *bytes;
    size_t size;
    uint8_t poison;
};

static void poison(struct block *b, uint8_t value)
{
    b->poison = value;
    memset(b->bytes, value, b->size);
}

static void check_poison(const struct block *b, size_t size)
{
    size_t bad = 0;
    for (size_t i = 0; i < size; i++)
        bad += b->bytes[i] != b->poison;
    CHECK_EQUAL(bad, 0);
}

static size_t random_size(void)
{
    return (size_t)(guest_random() % (guest_random() % 16 == 0 ? 20000 : 2500));
}

static void heap_step(struct block *b)
{
    if (b->bytes == NULL) {
        b->size = random_size();
        b->bytes = guest_random() % 2 ? heap_alloc(b->size) : heap_alloc_zero(b->size);
    } else if (guest_random() % 3 == 0) {
        size_t size = random_size();
        uint8_t *moved = heap_resize(b->bytes, size);
        CHECK(moved != NULL);
        if (moved == NULL)
            return;
        b->bytes = moved;
        check_poison(b, size < b->size ? size : b->size);
        b->size = size;
    } else {
        check_poison(b, b->size);
        heap_free(b->bytes);
        b->bytes = NULL;
        return;
    }
    CHECK(b->bytes != NULL);
    CHECK(is_aligned(virt_of(b->bytes).v, 16));
    if (b->bytes != NULL)
        poison(b, (uint8_t)guest_random());
}

GUEST_TEST(test_random_heap)
{
    enum {
        BLOCKS = 100,
        STEPS = 5000
    };
    static struct block blocks[BLOCKS];
    guest_random_seed(13);
    for (unsigned step = 0; step < STEPS; step++)
        heap_step(&blocks[guest_random() % BLOCKS]);
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (blocks[i].bytes != NULL)
            check_poison(&blocks[i], blocks[i].size);
        heap_free(blocks[i].bytes);
        blocks[i].bytes = NULL;
    }
}

GUEST_TEST(test_heap_absurd_sizes)
{
    CHECK(heap_alloc(SIZE_MAX) == NULL);
    CHECK(heap_alloc(SIZE_MAX - 4096) == NULL);
    CHECK(heap_alloc((size_t)1 << 40) == NULL);
    CHECK(heap_alloc(machine_frames.total_frames << PAGE_SHIFT) == NULL);
    char *block = heap_alloc(100);
    CHECK(block != NULL);
    CHECK(heap_resize(block, SIZE_MAX / 2) == NULL);
    heap_free(block);
    heap_free(NULL);
}

GUEST_TEST(test_heap_zero_is_zero)
{
    for (size_t size = 1; size < 9000; size += 311) {
        uint8_t *dirty = heap_alloc(size);
        if (dirty != NULL)
            memset(dirty, 0xee, size);
        heap_free(dirty);
        uint8_t *block = heap_alloc_zero(size);
        CHECK(block != NULL);
        size_t bad = 0;
        for (size_t i = 0; block != NULL && i < size; i++)
            bad += block[i] != 0;
        CHECK_EQUAL(bad, 0);
        heap_free(block);
    }
}

/* The pages of a large block are unmapped when it is freed. */
GUEST_TEST(test_touch_freed_large_block)
{
    char *block = heap_alloc(100000);
    CHECK(block != NULL);
    if (block == NULL)
        return;
    virt_t inside = virt(align_down(virt_of(block).v + 50000, PAGE_SIZE));
    CHECK_NO_FAULT(guest_write(inside, 1));
    heap_free(block);
    CHECK_PAGE_FAULT(guest_write(inside, 1), inside, PF_WRITE);
}

/* A frame with a second reference survives kpage_free(), which unmaps it. */
GUEST_TEST(test_page_with_two_holders)
{
    uint64_t *page = kpage_alloc();
    CHECK(page != NULL);
    if (page == NULL)
        return;
    phys_t frame = kpage_phys(page);
    virt_t at = virt_of(page);
    frames_get(&machine_frames, frame);
    *page = 99;
    kpage_free(page);
    CHECK_PAGE_FAULT(guest_read(at, NULL), at, 0);
    CHECK_EQUAL(guest_frame_word(frame), 99);
    CHECK_EQUAL(frames_references(&machine_frames, frame), 1);
    frames_put(&machine_frames, frame);
}

static void never_runs(void *argument)
{
    (void)argument;
    guest_test_fail(__FILE__, __LINE__, "a thread without a stack ran");
}

static void check_nothing_to_be_had(phys_t frame) REQUIRES(kernel_lock)
{
    struct virt_range stack;
    struct thread *thread;
    uint64_t before = machine_frames.free_frames;
    virt_t at = GUEST_ARENA_PAGE(5);
    CHECK_EQUAL(paging_map(running_space, at, frame, PAGE_SIZE, prot_rw()), E_NOMEM);
    CHECK_PAGE_FAULT(guest_read(at, NULL), at, 0);
    CHECK_EQUAL(kstack_alloc(&stack), E_NOMEM);
    CHECK_EQUAL(thread_create("none", never_runs, NULL, &thread), E_NOMEM);
    CHECK(heap_alloc(100000) == NULL);
    CHECK_EQUAL(machine_frames.free_frames, before);
    frames_check(&machine_frames);
}

/* With 0, 1 and 2 frames left, operations that need more fail and change nothing. */
GUEST_TEST(test_out_of_frames)
{
    phys_t frame = guest_frame(1);
    for (uint64_t keep = 0; keep < 3; keep++) {
        phys_t all = guest_take_frames(keep);
        CHECK_EQUAL(machine_frames.free_frames, keep);
        check_nothing_to_be_had(frame);
        guest_give_frames(all);
    }
    frames_put(&machine_frames, frame);
}

/* A large block that does not fit, with one more free frame in each round, so that in some round the
 * allocation of a page table fails. Each round frees all that it took. */
GUEST_TEST(test_heap_with_few_frames)
{
    enum {
        ROUNDS = 600
    }; /* more than the entries of a table */
    if (paging->access->own_frames)
        return; /* tables take none of machine_frames */
    phys_t all = guest_take_frames(0), next;
    for (uint64_t round = 0; round < ROUNDS && all.v != 0; round++) {
        CHECK(heap_alloc(3 * LARGE_SIZE) == NULL);
        CHECK_EQUAL(machine_frames.free_frames, round);
        next = phys(guest_frame_word(all));
        frames_put(&machine_frames, all);
        all = next;
    }
    guest_give_frames(all);
}

/* 600 pages over two tables of level 1 need four tables: with fewer frames nothing stays mapped. */
GUEST_TEST(test_map_with_few_frames)
{
    enum {
        PAGES = 600,
        TABLES = 4
    };
    if (paging->access->own_frames)
        return;
    virt_t at = GUEST_ARENA_PAGE(300);
    phys_t frame = guest_frame(0);
    for (uint64_t keep = 0; keep <= TABLES; keep++) {
        phys_t all = guest_take_frames(keep);
        enum err e = paging_map(running_space, at, frame, PAGES * PAGE_SIZE, prot_ro());
        CHECK_EQUAL(e, keep < TABLES ? E_NOMEM : E_OK);
        if (e == E_OK)
            paging_unmap(running_space, virt_range(at.v, at.v + PAGES * PAGE_SIZE), NULL, NULL);
        paging_trim(running_space);
        CHECK_EQUAL(machine_frames.free_frames, keep);
        CHECK_PAGE_FAULT(guest_read(at, NULL), at, 0);
        guest_give_frames(all);
    }
    frames_put(&machine_frames, frame);
}

/* The first stack in a level-1 table needs that table, too. */
GUEST_TEST(test_kstack_with_few_frames)
{
    enum {
        STACKS_A_TABLE = LARGE_SIZE / (2 * LAYOUT_KSTACK_SIZE),
        NEEDED = LAYOUT_KSTACK_SIZE / PAGE_SIZE + 1
    };
    struct virt_range stacks[STACKS_A_TABLE], stack;
    unsigned n = 0;
    if (paging->access->own_frames)
        return;
    for (bool table_full = false; n < STACKS_A_TABLE && !table_full; n++) {
        if (kstack_alloc(&stacks[n]) != E_OK) {
            guest_test_fail(__FILE__, __LINE__, "only %u stacks could be had", n);
            break;
        }
        table_full = is_aligned(stacks[n].end.v, LARGE_SIZE);
    }
    for (uint64_t keep = 0; keep <= NEEDED; keep++) {
        phys_t all = guest_take_frames(keep);
        enum err e = kstack_alloc(&stack);
        CHECK_EQUAL(e, keep < NEEDED ? E_NOMEM : E_OK);
        if (e == E_OK)
            kstack_free(stack);
        CHECK_EQUAL(machine_frames.free_frames, keep);
        guest_give_frames(all);
    }
    while (n > 0)
        kstack_free(stacks[--n]);
}

/* The first access to a page with no frame left: the verdict differs from that of an unmapped address. */
GUEST_TEST(test_touch_without_frames)
{
    const struct area area = {
        .range = virt_range(GUEST_ARENA, GUEST_ARENA + 4 * PAGE_SIZE),
        .kind = AREA_ANONYMOUS,
        .prot = prot_rw(),
        .file_end = UINT64_MAX,
    };
    CHECK_EQUAL(areas_add(running_space, &area), E_OK);
    phys_t all = guest_take_frames(0);
    CHECK_EQUAL(fault_resolve(running_space, virt(GUEST_ARENA), PF_WRITE), FAULT_OUT_OF_MEMORY);
    CHECK_EQUAL(fault_resolve(running_space, virt(GUEST_ARENA), 0), FAULT_OUT_OF_MEMORY);
    CHECK_EQUAL(fault_resolve(running_space, virt(GUEST_ARENA - PAGE_SIZE), 0), FAULT_NOT_MAPPED);
    guest_give_frames(all);
    CHECK_EQUAL(fault_resolve(running_space, virt(GUEST_ARENA), PF_WRITE), FAULT_RESOLVED);
    CHECK_NO_FAULT(guest_write(virt(GUEST_ARENA), 1));
    areas_clear(running_space);
}

/* MADV_FREE pages are reclaimed in a shortage, except those written since. */
GUEST_TEST(test_reclaim_takes_clean_lazyfree_pages)
{
    enum {
        PAGES = 40
    };
    struct area area = {
        .range = virt_range(GUEST_ARENA, GUEST_ARENA + PAGES * PAGE_SIZE),
        .kind = AREA_ANONYMOUS,
        .prot = prot_rw(),
        .file_end = UINT64_MAX,
    };
    uint64_t value;
    CHECK_EQUAL(areas_add(running_space, &area), E_OK);
    for (unsigned i = 0; i < PAGES; i++) {
        CHECK_EQUAL(fault_resolve(running_space, GUEST_ARENA_PAGE(i), PF_WRITE), FAULT_RESOLVED);
        CHECK_NO_FAULT(guest_write(GUEST_ARENA_PAGE(i), i + 1));
    }
    CHECK_EQUAL(areas_lazyfree(running_space, area.range), E_OK);
    for (unsigned i = 0; i < PAGES; i += 2)
        CHECK_NO_FAULT(guest_write(GUEST_ARENA_PAGE(i), i + 2));
    area.range = virt_range(GUEST_ARENA + HUGE_SIZE, GUEST_ARENA + HUGE_SIZE + PAGES * PAGE_SIZE);
    CHECK_EQUAL(areas_add(running_space, &area), E_OK);
    CHECK_EQUAL(fault_resolve(running_space, area.range.start, PF_WRITE),
                FAULT_RESOLVED); /* its tables */
    phys_t all = guest_take_frames(0);
    unsigned more = 1;
    while (more < PAGES && fault_resolve(running_space, virt(area.range.start.v + more * PAGE_SIZE),
                                         PF_WRITE) == FAULT_RESOLVED)
        more++;
    CHECK_EQUAL(more, PAGES / 2 + 1);
    CHECK(!shrinkers_run());
    for (unsigned i = 0; i < PAGES; i += 2) {
        CHECK_NO_FAULT(guest_read(GUEST_ARENA_PAGE(i), &value));
        CHECK_EQUAL(value, i + 2);
        CHECK_PAGE_FAULT(guest_read(GUEST_ARENA_PAGE(i + 1), NULL), GUEST_ARENA_PAGE(i + 1), 0);
    }
    guest_give_frames(all);
    areas_clear(running_space);
}
