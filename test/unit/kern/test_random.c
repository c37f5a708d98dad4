/* SPDX-License-Identifier: MIT */
/* The generator is included in the test, which checks its block function against RFC 8439. */
#include "kern/random.h"

#include "cpu/entropy.h"
#include "unit.h"

#include <string.h>

/* Hardware without randomness: the output depends on the key alone. */
bool cpu_random(uint64_t *out)
{
    (void)out;
    return false;
}

uint64_t cpu_jitter(void)
{
    return 0;
}

#include "../../../src/kern/random.c"

static void test_block_of_the_rfc(void **state)
{
    (void)state;
    /* RFC 8439 A.1: key and nonce zero, block counters 0 and 1 */
    static const uint8_t first[16] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
                                      0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28};
    static const uint8_t second[16] = {0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a,
                                       0x98, 0xba, 0x97, 0x7c, 0x73, 0x2d, 0x08, 0x0d};
    uint32_t out[16];
    memset(key, 0, sizeof key);
    block(out, 0);
    assert_memory_equal(out, first, sizeof first);
    block(out, 1);
    assert_memory_equal(out, second, sizeof second);
}

/* The key of an output is erased after the call, and is no part of the output. */
static void test_key_is_erased(void **state)
{
    (void)state;
    uint8_t out[96];
    uint32_t before[8];
    for (unsigned i = 0; i < 8; i++)
        key[i] = i * 1000003;
    memcpy(before, key, sizeof key);
    random_fill(out, sizeof out);
    assert_memory_not_equal(key, before, sizeof key);
    for (size_t i = 0; i + sizeof key <= sizeof out; i++) {
        assert_memory_not_equal(out + i, before, sizeof key);
        assert_memory_not_equal(out + i, key, sizeof key);
    }
}

static void test_fill_writes_its_length(void **state)
{
    (void)state;
    uint8_t out[300];
    for (size_t size = 0; size < 280; size++) {
        memset(out, 0xcc, sizeof out);
        random_fill(out, size);
        for (size_t i = size; i < sizeof out; i++)
            assert_int_equal(out[i], 0xcc);
        if (size >= 16) { /* the chance that 16 random bytes stay 0xcc is 2^-128 */
            uint8_t same[16];
            memset(same, 0xcc, sizeof same);
            assert_memory_not_equal(out + size - 16, same, sizeof same);
        }
    }
}

/* Output of any length is the blocks of one key in order, without the 32 bytes of the next key. */
static void test_fill_is_the_key_stream(void **state)
{
    (void)state;
    uint8_t expected[64 * 6], out[1 + 64 * 6];
    for (size_t size = 0; size <= sizeof expected - 32; size++) {
        memset(key, 3, sizeof key);
        for (uint64_t i = 0; i < sizeof expected / 64; i++)
            block(expected + 64 * i, 100 + i);
        counter = 100;
        random_fill(out + 1, size);
        assert_memory_equal(out + 1, expected + 32, size);
        assert_memory_equal(key, expected, sizeof key);
    }
}

/* No two outputs are equal, and about half of the bits are set. */
static void test_no_number_comes_twice(void **state)
{
    (void)state;
    uint64_t seen[1000], ones = 0;
    for (unsigned i = 0; i < 1000; i++) {
        seen[i] = random_u64();
        ones += (uint64_t)__builtin_popcountll(seen[i]);
        for (unsigned j = 0; j < i; j++)
            assert_true(seen[i] != seen[j]);
    }
    assert_true(ones > 31000 && ones < 33000);
}

/* Stirring in the same bytes twice does not cancel out, and different bytes give different output. */
static void test_stirring_twice_does_not_cancel(void **state)
{
    (void)state;
    uint32_t start[8], once[8], twice[8];
    static const char text[100] = "some bytes from outside";
    memset(key, 7, sizeof key);
    memcpy(start, key, sizeof key);
    random_stir(text, sizeof text);
    memcpy(once, key, sizeof key);
    random_stir(text, sizeof text);
    memcpy(twice, key, sizeof key);
    assert_memory_not_equal(once, start, sizeof key);
    assert_memory_not_equal(twice, start, sizeof key);
    assert_memory_not_equal(twice, once, sizeof key);
    memcpy(key, start, sizeof key);
    counter = 0;
    random_stir("a", 1);
    memcpy(once, key, sizeof key);
    memcpy(key, start, sizeof key);
    counter = 0;
    random_stir("b", 1);
    assert_memory_not_equal(once, key, sizeof key);
}

/* random_init() does not hang on a machine without any source. */
static void test_init_without_hardware(void **state)
{
    (void)state;
    random_init();
    assert_true(random_u64() != random_u64());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block_of_the_rfc),
        cmocka_unit_test(test_key_is_erased),
        cmocka_unit_test(test_fill_writes_its_length),
        cmocka_unit_test(test_fill_is_the_key_stream),
        cmocka_unit_test(test_no_number_comes_twice),
        cmocka_unit_test(test_stirring_twice_does_not_cancel),
        cmocka_unit_test(test_init_without_hardware),
    };
    return RUN_TESTS(tests);
}
