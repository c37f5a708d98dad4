/* SPDX-License-Identifier: MIT */
/*
 * mm/heap/heap.c over real memory: mmap() and munmap() stand in for the page tables, so that an
 * access to a page that the heap freed crashes here, too.
 */
#include "mm/heap/heap.h"

#include "mm/vm/areas.h"
#include "mm/phys/frames.h"
#include "mm/layout.h"
#include "mm/pt/paging.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define FRAMES    4096
#define PAGES_MAX 65536 /* address space of the tests */
#define BLOCKS    300
#define STEPS     60000

struct frames machine_frames;
static struct frame metadata[FRAMES_METADATA(FRAMES)];
static uint64_t described[FRAMES_DESCRIBED(FRAMES)];
static phys_t mapped[PAGES_MAX]; /* 0: nothing */
static uint64_t mapped_count;
static long maps_left = -1; /* the next one fails; negative: none fails */

static phys_t *slot_of(uint64_t v)
{
    assert_true(v >= LAYOUT_HEAP_START && v < LAYOUT_HEAP_START + PAGES_MAX * PAGE_SIZE);
    return &mapped[(v - LAYOUT_HEAP_START) >> PAGE_SHIFT];
}

static enum err model_map(struct address_space *space, virt_t at, phys_t to, uint64_t size,
                          prot_t prot)
{
    assert_ptr_equal(space, &kernel_space);
    assert_int_equal(size, PAGE_SIZE);
    assert_true(prot_equal(prot, prot_rw()));
    if (maps_left >= 0 && maps_left-- == 0)
        return E_NOMEM;
    assert_int_equal(slot_of(at.v)->v, 0);
    *slot_of(at.v) = to;
    mapped_count++;
    void *got = mmap(ptr_of(at), PAGE_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    assert_ptr_equal(got, ptr_of(at));
    memset(got, 0xdb, PAGE_SIZE); /* a frame has its old contents */
    return E_OK;
}

static void model_unmap(struct address_space *space, struct virt_range range, pt_release release,
                        void *context)
{
    assert_ptr_equal(space, &kernel_space);
    for (uint64_t v = range.start.v; v < range.end.v; v += PAGE_SIZE) {
        phys_t frame = *slot_of(v);
        if (frame.v == 0)
            continue;
        *slot_of(v) = phys(0);
        mapped_count--;
        assert_int_equal(munmap(ptr_of(virt(v)), PAGE_SIZE), 0);
        release(context, (pte_t){frame.v}, PAGE_SIZE);
    }
}

static void model_walk(const struct address_space *space, virt_t at, struct pt_walk *out)
{
    assert_ptr_equal(space, &kernel_space);
    *out = (struct pt_walk){.address = at, .last_level = 1};
    out->phys = *slot_of(at.v);
    out->leaf_level = out->phys.v != 0;
}

static bool model_trim(struct address_space *space)
{
    (void)space;
    return false;
}

static const struct paging_ops model_paging = {
    .name = "model",
    .map = model_map,
    .unmap = model_unmap,
    .walk = model_walk,
    .trim = model_trim,
};

static void reset_frames(void)
{
    memset(metadata, 0xaa, sizeof metadata);
    memset(described, 0, sizeof described);
    frames_init(&machine_frames, metadata, described, FRAMES);
    frames_add(&machine_frames, phys_range(PAGE_SIZE, FRAMES * PAGE_SIZE));
}

static int start(void **state)
{
    (void)state;
    paging = &model_paging;
    if (machine_frames.total_frames == 0)
        reset_frames();
    maps_left = -1;
    return 0;
}

/* After a trim nothing is in use: all frames are free. */
static void check_empty(void)
{
    heap_trim();
    assert_int_equal(heap_used(), 0);
    assert_int_equal(mapped_count, 0);
    assert_int_equal(machine_frames.free_frames, machine_frames.total_frames);
    frames_check(&machine_frames);
}

struct block {
    uint8_t *bytes;
    size_t size;
    uint8_t poison;
};
static struct block blocks[BLOCKS];

static void poison(struct block *b)
{
    b->poison = (uint8_t)rand();
    memset(b->bytes, b->poison, b->size);
}

static void check_poison(const struct block *b, size_t size)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(b->bytes[i], b->poison);
}

static size_t random_size(void)
{
    static const size_t most[] = {20, 100, 700, 2100, 2100, 5000, 60000};
    return (size_t)rand() % most[rand() % 7];
}

static void step(struct block *b)
{
    if (b->bytes == NULL) {
        b->size = random_size();
        bool zero = rand() % 2;
        b->bytes = zero ? heap_alloc_zero(b->size) : heap_alloc(b->size);
        if (b->bytes == NULL)
            return;
        for (size_t i = 0; zero && i < b->size; i++)
            assert_int_equal(b->bytes[i], 0);
    } else if (rand() % 3 == 0) {
        size_t size = random_size();
        check_poison(b, b->size);
        uint8_t *moved = heap_resize(b->bytes, size);
        if (moved == NULL) { /* the old block is unchanged */
            check_poison(b, b->size);
            return;
        }
        b->bytes = moved;
        check_poison(b, size < b->size ? size : b->size);
        b->size = size;
    } else {
        check_poison(b, b->size);
        heap_free(b->bytes);
        b->bytes = NULL;
        return;
    }
    assert_true(is_aligned(virt_of(b->bytes).v, 16));
    poison(b);
}

static void free_all(void)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        if (blocks[i].bytes != NULL)
            check_poison(&blocks[i], blocks[i].size);
        heap_free(blocks[i].bytes);
        blocks[i].bytes = NULL;
    }
}

static void test_random_blocks_keep_their_bytes(void **state)
{
    (void)state;
    srand(5);
    for (int i = 0; i < STEPS; i++) {
        if (rand() % 50 == 0)
            maps_left = rand() % 8;
        step(&blocks[rand() % BLOCKS]);
        if (rand() % 4 == 0)
            maps_left = -1;
        if (i % 1000 == 0)
            heap_trim();
    }
    free_all();
    check_empty();
}

/* All sizes around each size class and around the limit to whole pages. */
static void test_every_size_is_usable(void **state)
{
    (void)state;
    for (size_t size = 0; size < 3 * PAGE_SIZE; size += size < 2100 ? 1 : 37) {
        uint8_t *a = heap_alloc(size), *b = heap_alloc(size);
        assert_non_null(a);
        assert_non_null(b);
        assert_true(a + size <= b || b + size <= a);
        memset(a, 1, size);
        memset(b, 2, size);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(a[i], 1);
        heap_free(a);
        heap_free(b);
    }
    check_empty();
}

static void test_absurd_sizes_are_refused(void **state)
{
    (void)state;
    static const size_t sizes[] = {SIZE_MAX,          SIZE_MAX - 15,   SIZE_MAX - 4096,
                                   SIZE_MAX / 2,      (size_t)1 << 40, (size_t)1 << 39,
                                   FRAMES * PAGE_SIZE};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (sizes[i] > (size_t)PAGES_MAX << PAGE_SHIFT && sizes[i] <= (size_t)1 << 40)
            continue; /* beyond the addresses of this test; covered by the guest's */
        assert_null(heap_alloc(sizes[i]));
        assert_null(heap_alloc_zero(sizes[i]));
    }
    char *block = heap_alloc(10);
    assert_non_null(block);
    memcpy(block, "unchanged", 10);
    assert_null(heap_resize(block, SIZE_MAX));
    assert_string_equal(block, "unchanged");
    heap_free(block);
    heap_free(NULL);
    check_empty();
}

/* Memory runs out at every step of a large allocation: each time all of it is freed. */
static void test_runs_out_midway(void **state)
{
    (void)state;
    for (long n = 0; n < 40; n++) {
        maps_left = n;
        assert_null(heap_alloc(40 * PAGE_SIZE));
        maps_left = -1;
        check_empty();
    }
    uint64_t taken = 0;
    phys_t frame, all[FRAMES];
    while (frames_alloc(&machine_frames, 0, &frame) == E_OK)
        all[taken++] = frame;
    for (unsigned few = 0; few < 5; few++) {
        assert_null(heap_alloc(10 * PAGE_SIZE));
        if (few == 0) {
            assert_null(heap_alloc(1));
            assert_null(kpage_alloc());
        }
        frames_put(&machine_frames, all[--taken]);
    }
    while (taken > 0)
        frames_put(&machine_frames, all[--taken]);
    check_empty();
}

static void test_kernel_pages_come_and_go(void **state)
{
    (void)state;
    uint8_t *page[40];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 40; i++) {
            page[i] = kpage_alloc();
            assert_non_null(page[i]);
            assert_true(is_aligned(virt_of(page[i]).v, PAGE_SIZE));
            for (size_t j = 0; j < PAGE_SIZE; j++)
                assert_int_equal(page[i][j], 0);
            memset(page[i], 0xff, PAGE_SIZE);
        }
        assert_int_equal(heap_used(), 40 * PAGE_SIZE);
        for (size_t i = 0; i < 40; i++)
            kpage_free(page[i * 7 % 40]);
    }
    /* A page whose frame has another reference is not allocated again. */
    page[0] = kpage_alloc();
    phys_t frame = kpage_phys(page[0]);
    frames_get(&machine_frames, frame);
    kpage_free(page[0]);
    for (size_t i = 0; i < 40; i++) {
        page[i] = kpage_alloc();
        assert_int_not_equal(kpage_phys(page[i]).v, frame.v);
    }
    for (size_t i = 0; i < 40; i++)
        kpage_free(page[i]);
    assert_int_equal(frames_references(&machine_frames, frame), 1);
    frames_put(&machine_frames, frame);
    check_empty();
}

/* More holes in the address space than table entries: addresses may be lost, memory not. */
static void test_many_holes_lose_no_memory(void **state)
{
    (void)state;
    enum {
        MANY = 1300
    };
    static void *block[MANY];
    for (size_t i = 0; i < MANY; i++) {
        block[i] = heap_alloc(2 * PAGE_SIZE);
        assert_non_null(block[i]);
    }
    for (size_t i = 0; i < MANY; i += 2)
        heap_free(block[i]);
    for (size_t i = 1; i < MANY; i += 2)
        heap_free(block[i]);
    check_empty();
    void *after = heap_alloc(100 * PAGE_SIZE);
    assert_non_null(after);
    heap_free(after);
    check_empty();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_size_is_usable, start),
        cmocka_unit_test_setup(test_absurd_sizes_are_refused, start),
        cmocka_unit_test_setup(test_runs_out_midway, start),
        cmocka_unit_test_setup(test_kernel_pages_come_and_go, start),
        cmocka_unit_test_setup(test_random_blocks_keep_their_bytes, start),
        cmocka_unit_test_setup(test_many_holes_lose_no_memory, start),
    };
    return RUN_TESTS(tests);
}
