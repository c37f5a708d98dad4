/* SPDX-License-Identifier: MIT */
#include "kern/block_ring.h"
#include "kern/console_frame.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

static uint8_t bytes[64];
static struct block_ring ring;

static void reset(uint32_t at)
{
    ring = (struct block_ring){bytes, sizeof bytes, at, at, at};
}

static void test_a_block_is_a_head_and_its_bytes(void **state)
{
    (void)state;
    uint32_t at;
    reset(0);
    assert_int_equal(block_ring_put(&ring, '1', "hello", 5), 5);
    assert_int_equal(block_ring_used(&ring), 9);
    assert_int_equal(block_ring_next(&ring, &at), 9);
    assert_int_equal(at, 0);
    assert_memory_equal(bytes, "1\5\0\0hello", 9);
}

static void test_put_nothing_or_without_room(void **state)
{
    (void)state;
    char many[100] = {0};
    reset(0);
    assert_int_equal(block_ring_put(&ring, '1', "", 0), 0);
    assert_int_equal(block_ring_put(&ring, '1', many, sizeof many), 60);
    assert_int_equal(block_ring_put(&ring, '1', "x", 1), 0);
    ring.sent += 4, ring.out += 4; /* a head alone would fit */
    assert_int_equal(block_ring_put(&ring, '1', "x", 1), 0);
    ring.sent++, ring.out++;
    assert_int_equal(block_ring_put(&ring, '1', "xy", 2), 1);
}

static void test_the_end_of_the_memory_parts_what_is_handed_over(void **state)
{
    (void)state;
    uint32_t at;
    reset(UINT32_MAX - 5); /* the counts wrap in the middle, too */
    assert_int_equal(block_ring_put(&ring, '2', "abcdef", 6), 6);
    assert_int_equal(block_ring_next(&ring, &at), 6);
    assert_int_equal(at, 58);
    ring.sent += 6;
    assert_int_equal(block_ring_next(&ring, &at), 4);
    assert_int_equal(at, 0);
    assert_memory_equal(bytes, "cdef", 4);
}

/* Blocks of any size arrive whole, whatever the portions of reading. */
static void test_what_is_put_is_read(void **state)
{
    (void)state;
    static uint8_t sent[4000], got[4000];
    srandom(1);
    for (int round = 0; round < 300; round++) {
        struct block_reader reader = {0};
        size_t in = 0, out = 0;
        reset((uint32_t)random());
        for (size_t i = 0; i < sizeof sent; i++)
            sent[i] = (uint8_t)random();
        while (out < sizeof sent) {
            size_t want = (size_t)random() % 40, left = sizeof sent - in;
            in += block_ring_put(&ring, '1', sent + in, want < left ? want : left);
            uint32_t at, size = block_ring_next(&ring, &at);
            if (size > 1)
                size = 1 + (uint32_t)random() % size;
            for (size_t i = 0; i < size;) {
                char kind;
                size_t count;
                i += block_reader_next(&reader, bytes + at + i, size - i, &kind, &count);
                assert_true(count == 0 || kind == '1');
                memcpy(got + out, bytes + at + i, count);
                block_reader_took(&reader, count);
                out += count;
                i += count;
            }
            ring.sent += size;
            ring.out += size;
        }
        assert_memory_equal(sent, got, sizeof sent);
        assert_int_equal(in, out);
    }
}

static void test_read_empty_blocks(void **state)
{
    (void)state;
    struct block_reader reader = {0};
    char kind;
    size_t count;
    static const uint8_t some[] = "!\0\0\0!\0\0\0i\1\0\0x";
    assert_int_equal(block_reader_next(&reader, some, 13, &kind, &count), 12);
    assert_int_equal(kind, 'i');
    assert_int_equal(count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_block_is_a_head_and_its_bytes),
        cmocka_unit_test(test_put_nothing_or_without_room),
        cmocka_unit_test(test_the_end_of_the_memory_parts_what_is_handed_over),
        cmocka_unit_test(test_what_is_put_is_read),
        cmocka_unit_test(test_read_empty_blocks),
    };
    return RUN_TESTS(tests);
}
