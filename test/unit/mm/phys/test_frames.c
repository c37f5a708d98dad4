/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/str.h"
#include "mm/phys/frames.h"

#include <stdlib.h>

#define END 10000

static struct frame metadata[FRAMES_METADATA(END)];
static uint64_t described[FRAMES_DESCRIBED(END)];
static struct frames frames;

static int start(void **state)
{
    (void)state;
    memset(metadata, 0xaa, sizeof metadata);
    memset(described, 0, sizeof described);
    frames_init(&frames, metadata, described, END);
    frames_add(&frames, phys_range(0x10000, 0x9f000));
    frames_add(&frames, phys_range(0x100000, (END - 5) * PAGE_SIZE + 123));
    return 0;
}

static void test_all_can_be_had_once(void **state)
{
    (void)state;
    static uint8_t taken[END];
    memset(taken, 0, sizeof taken);
    uint64_t total = frames.free_frames;
    assert_int_equal(total, 0x8f + END - 5 - 0x100);
    phys_t frame;
    uint64_t got = 0;
    while (frames_alloc(&frames, 0, &frame) == E_OK) {
        assert_false(taken[frame.v >> 12]++);
        assert_true(frame.v < 0x9f000 || frame.v >= 0x100000);
        got++;
    }
    assert_int_equal(got, total);
    assert_int_equal(frames.free_frames, 0);
    for (uint64_t i = 0; i < END; i++)
        if (taken[i])
            frames_put(&frames, phys(i << 12));
    frames_check(&frames);
    assert_int_equal(frames.free_frames, total);
    assert_int_equal(frames_largest(&frames), 12);
}

/* Random blocks against a byte map. */
static void test_random_blocks_against_a_byte_map(void **state)
{
    (void)state;
    static uint8_t owner[END];
    struct {
        phys_t at;
        unsigned order, references;
    } held[300];
    unsigned count = 0;
    memset(owner, 0, sizeof owner);
    srand(2);
    uint64_t total = frames.free_frames;
    for (int step = 0; step < 20000; step++) {
        unsigned i = count > 0 ? (unsigned)rand() % count : 0;
        if (count < 300 && (count == 0 || rand() % 2)) {
            unsigned order = (unsigned)rand() % 7;
            phys_t at;
            if (frames_alloc(&frames, order, &at) != E_OK)
                continue;
            assert_true(is_aligned(at.v, PAGE_SIZE << order));
            for (uint64_t n = at.v >> 12; n < (at.v >> 12) + (UINT64_C(1) << order); n++)
                assert_false(owner[n]++);
            held[count].at = at;
            held[count].order = order;
            held[count++].references = 1;
        } else if (rand() % 3 == 0) {
            frames_get(&frames, held[i].at);
            held[i].references++;
            assert_int_equal(frames_references(&frames, held[i].at), held[i].references);
        } else {
            frames_put(&frames, held[i].at);
            if (--held[i].references == 0) {
                for (uint64_t n = 0; n < UINT64_C(1) << held[i].order; n++)
                    owner[(held[i].at.v >> 12) + n] = 0;
                held[i] = held[--count];
            }
        }
        if (step % 100 == 0)
            frames_check(&frames);
    }
    while (count > 0)
        for (count--; held[count].references > 0; held[count].references--)
            frames_put(&frames, held[count].at);
    frames_check(&frames);
    assert_int_equal(frames.free_frames, total);
}

static void test_foreign_frames_have_no_references(void **state)
{
    (void)state;
    phys_t image = phys(0xa0000);
    frames_mark_foreign(&frames, phys_range(0xa0000, 0xc0000));
    frames_get(&frames, image);
    frames_put(&frames, image);
    frames_put(&frames, image);
    assert_int_equal(frames_references(&frames, image), 0);
    frames_put(&frames, phys(UINT64_C(1) << 45)); /* device memory: above all RAM */
    uint64_t before = frames.free_frames;
    frames_release_foreign(&frames, phys_range(0xa0000, 0xc0000));
    assert_int_equal(frames.free_frames, before + 0x20);
    frames_check(&frames);
}

/* frames_mappings(), the divisor in /proc: all references to a file's page but the file's own. */
static void test_mappings_of_a_page_are_counted(void **state)
{
    (void)state;
    phys_t page, image = phys(0xa0000);
    frames_mark_foreign(&frames, phys_range(0xa0000, 0xc0000));
    assert_int_equal(frames_mappings(&frames, image), 0);
    assert_int_equal(frames_alloc(&frames, 0, &page), E_OK);
    assert_int_equal(frames_mappings(&frames, page), 0);
    for (unsigned i = 1; i < 4; i++) {
        frames_get(&frames, image);
        frames_get(&frames, page);
        assert_int_equal(frames_mappings(&frames, image), i);
        assert_int_equal(frames_mappings(&frames, page), i);
    }
    for (unsigned i = 0; i < 5; i++)
        frames_put(&frames, image); /* the zero page is put more often than got */
    assert_int_equal(frames_mappings(&frames, image), 0);
    frames_get(&frames, image);
    assert_int_equal(frames_mappings(&frames, image), 1);
    for (unsigned i = 0; i < 4; i++)
        frames_put(&frames, page);
    frames_check(&frames);
    assert_int_equal(frames_mappings(&frames, phys(UINT64_C(1) << 45)), 0);
}

/* The pieces of a split block are freed one by one, in any order, and merge. */
static void test_pieces_of_a_split_block_join_again(void **state)
{
    (void)state;
    uint64_t total = frames.free_frames;
    phys_t block;
    assert_int_equal(frames_alloc(&frames, 9, &block), E_OK);
    frames_split(&frames, block);
    frames_check(&frames);
    assert_int_equal(frames.free_frames, total - 512);
    for (unsigned i = 0; i < 512; i++)
        assert_int_equal(frames_references(&frames, phys(block.v + i * PAGE_SIZE)), 1);
    frames_get(&frames, phys(block.v + 5 * PAGE_SIZE));
    for (unsigned i = 0; i < 512; i++)
        frames_put(&frames, phys(block.v + i * 5 % 512 * PAGE_SIZE));
    assert_int_equal(frames.free_frames, total - 1);
    frames_put(&frames, phys(block.v + 5 * PAGE_SIZE));
    frames_check(&frames);
    assert_int_equal(frames.free_frames, total);
    assert_int_equal(frames_largest(&frames), 12);
    /* A single frame is a block, too. */
    assert_int_equal(frames_alloc(&frames, 0, &block), E_OK);
    frames_split(&frames, block);
    frames_put(&frames, block);
    assert_int_equal(frames.free_frames, total);
}

/* The frame that was released last comes back at once, and no block is split or merged for it; a block
 * that it completes can be had all the same. */
static void test_the_last_frame_is_kept(void **state)
{
    (void)state;
    uint32_t heads[ARRAY_LENGTH(frames.heads)];
    phys_t frame, again, all[8];
    frames_init(&frames, metadata, described, END);
    frames_add(&frames, phys_range(8 * PAGE_SIZE, 16 * PAGE_SIZE));
    assert_int_equal(frames_largest(&frames), 3);
    assert_int_equal(frames_alloc(&frames, 0, &frame), E_OK);
    memcpy(heads, frames.heads, sizeof heads);
    for (unsigned i = 0; i < 3; i++) {
        frames_put(&frames, frame);
        frames_check(&frames);
        assert_int_equal(frames.free_frames, 8);
        assert_memory_equal(heads, frames.heads, sizeof heads);
        assert_int_equal(frames_alloc(&frames, 0, &again), E_OK);
        assert_int_equal(again.v, frame.v);
    }
    frames_put(&frames, again);
    for (unsigned i = 0; i < ARRAY_LENGTH(all); i++)
        assert_int_equal(frames_alloc(&frames, 0, &all[i]), E_OK);
    assert_int_equal(frames_alloc(&frames, 0, &again), E_NOMEM);
    frames_put(&frames, all[0]);
    assert_int_equal(frames_largest(&frames), 0);
    for (unsigned i = 1; i < ARRAY_LENGTH(all); i++)
        frames_put(&frames, all[i]);
    assert_int_equal(frames_alloc(&frames, 3, &again), E_OK);
    assert_int_equal(frames.free_frames, 0);
    frames_check(&frames);
}

static void test_no_frames_no_block(void **state)
{
    (void)state;
    phys_t at = phys(77);
    frames_init(&frames, metadata, described, END);
    assert_int_equal(frames_alloc(&frames, 0, &at), E_NOMEM);
    assert_int_equal(at.v, 77);
    assert_int_equal(frames_largest(&frames), -1);
    frames_add(&frames, phys_range(0x1800, 0x2fff)); /* no whole frame */
    assert_int_equal(frames.free_frames, 0);
}

/* Metadata of 4 GiB with any contents: it is cleared where blocks begin, and not elsewhere. */
static void test_metadata_is_cleared_as_it_is_used(void **state)
{
    (void)state;
    const uint64_t many_end = 1 << 20;
    struct frame *many = malloc(FRAMES_METADATA(many_end) * sizeof *many);
    uint64_t bits[FRAMES_DESCRIBED(1 << 20)] = {0};
    assert_non_null(many);
    memset(many, 0xaa, FRAMES_METADATA(many_end) * sizeof *many);
    frames_init(&frames, many, bits, many_end);
    frames_add(&frames, phys_range(PAGE_SIZE, many_end * PAGE_SIZE));
    unsigned sections = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(bits); i++)
        sections += (unsigned)__builtin_popcountll(bits[i]);
    assert_in_range(sections, 1, 16); /* of 1024 */
    frames_check(&frames);
    frames_mark_foreign(&frames, phys_range(0, PAGE_SIZE));
    assert_int_equal(frames_references(&frames, phys(0)), 0);

    /* From the largest block down to single frames, and back. */
    static phys_t one[3 * FRAMES_SECTION + 5];
    phys_t huge, large;
    assert_int_equal(frames_alloc(&frames, FRAMES_ORDER_MAX, &huge), E_OK);
    assert_int_equal(frames_alloc(&frames, FRAMES_SECTION_ORDER + 1, &large), E_OK);
    for (size_t i = 0; i < ARRAY_LENGTH(one); i++)
        assert_int_equal(frames_alloc(&frames, 0, &one[i]), E_OK);
    frames_check(&frames);
    frames_split(&frames, large);
    frames_split(&frames, huge);
    for (uint64_t i = 0; i < 2 * FRAMES_SECTION; i++)
        frames_put(&frames, phys(large.v + i * PAGE_SIZE));
    for (size_t i = 0; i < ARRAY_LENGTH(one); i++)
        frames_put(&frames, one[i]);
    for (uint64_t i = 0; i < UINT64_C(1) << FRAMES_ORDER_MAX; i++)
        frames_put(&frames, phys(huge.v + i * PAGE_SIZE));
    frames_check(&frames);
    assert_int_equal(frames.free_frames, many_end - 1);
    assert_int_equal(frames_largest(&frames), FRAMES_ORDER_MAX);
    free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_all_can_be_had_once, start),
        cmocka_unit_test_setup(test_random_blocks_against_a_byte_map, start),
        cmocka_unit_test_setup(test_foreign_frames_have_no_references, start),
        cmocka_unit_test_setup(test_mappings_of_a_page_are_counted, start),
        cmocka_unit_test_setup(test_pieces_of_a_split_block_join_again, start),
        cmocka_unit_test_setup(test_the_last_frame_is_kept, start),
        cmocka_unit_test_setup(test_no_frames_no_block, start),
        cmocka_unit_test(test_metadata_is_cleared_as_it_is_used),
    };
    return RUN_TESTS(tests);
}
