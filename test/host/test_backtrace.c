/* SPDX-License-Identifier: MIT */
#include "cpu/backtrace.h"

#include "unit.h"

#include <stdlib.h>

/* A simulated stack: words from `base` on; all else is not mapped. */
struct memory {
    uint64_t base, count, word[64];
    unsigned reads;
};

static bool read_word(void *context, uint64_t address, uint64_t *out)
{
    struct memory *m = context;
    m->reads++;
    if (address < m->base || address - m->base >= m->count * 8 || address % 8 != 0)
        return false;
    *out = m->word[(address - m->base) / 8];
    return true;
}

#define KERNEL UINT64_C(0xfffff88000010000)

/* Frame n is at word 2 n and links to the next; the last links to `end`. */
static struct memory chain(uint64_t base, unsigned frames, uint64_t end)
{
    struct memory m = {.base = base, .count = 64};
    for (unsigned i = 0; i < frames; i++) {
        m.word[2 * i] = i + 1 < frames ? base + 16 * (i + 1) : end;
        m.word[2 * i + 1] = 0x1000 + i;
    }
    return m;
}

static void test_chain(void **state)
{
    (void)state;
    uint64_t out[40];
    struct memory m = chain(KERNEL, 10, 0);
    assert_int_equal(backtrace(KERNEL, read_word, &m, out, 40), 10);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(out[i], 0x1000 + i);
    assert_int_equal(backtrace(KERNEL, read_word, &m, out, 3), 3);
    assert_int_equal(backtrace(KERNEL, read_word, &m, out, 0), 0);
    assert_int_equal(backtrace(0, read_word, &m, out, 40), 0);
}

/* The first thread function is entered with rbp 0; a return address of 0 ends the chain, too. */
static void test_ends(void **state)
{
    (void)state;
    uint64_t out[40];
    struct memory m = chain(KERNEL, 5, 0);
    m.word[2 * 2 + 1] = 0;
    assert_int_equal(backtrace(KERNEL, read_word, &m, out, 40), 2);
}

static void test_bad_chains(void **state)
{
    (void)state;
    uint64_t out[40];
    struct memory m = chain(KERNEL, 5, KERNEL); /* back to the start */
    assert_int_equal(backtrace(KERNEL, read_word, &m, out, 40), 5);
    m = chain(KERNEL, 5, KERNEL + 64); /* to itself */
    assert_int_equal(backtrace(KERNEL, read_word, &m, out, 40), 5);
    m = chain(KERNEL, 5, KERNEL + 65); /* misaligned */
    assert_int_equal(backtrace(KERNEL, read_word, &m, out, 40), 5);
    m = chain(KERNEL, 5, UINT64_C(0x8000000000000000)); /* not canonical, and not mapped */
    assert_int_equal(backtrace(KERNEL, read_word, &m, out, 40), 5);
    m = chain(KERNEL, 5, KERNEL + 63 * 8); /* half a frame is mapped */
    assert_int_equal(backtrace(KERNEL, read_word, &m, out, 40), 5);
    assert_int_equal(backtrace(KERNEL + 4, read_word, &m, out, 40), 0);
    assert_int_equal(backtrace(UINT64_MAX - 7, read_word, &m, out, 40), 0);
}

/* From the kernel's stack down to the program's, once; never back up. */
struct two_stacks {
    struct memory kernel, program;
};

static bool read_either(void *context, uint64_t address, uint64_t *out)
{
    struct two_stacks *both = context;
    return read_word(address >> 63 ? &both->kernel : &both->program, address, out);
}

static void test_kernel_to_program(void **state)
{
    (void)state;
    const uint64_t program = 0x7ffff0000000;
    uint64_t out[40];
    struct two_stacks both = {chain(KERNEL, 3, program), chain(program, 4, 0)};
    assert_int_equal(backtrace(KERNEL, read_either, &both, out, 40), 7);
    assert_int_equal(out[3], 0x1000);
    /* A program that links back into the kernel: the chain rises once and then falls for the second
     * time. */
    both.program = chain(program, 4, KERNEL);
    unsigned n = backtrace(KERNEL, read_either, &both, out, 40);
    assert_true(n <= 40);
}

/* No chain, whatever is in it, yields more than `max`. */
static void test_random(void **state)
{
    (void)state;
    srand(3);
    for (int round = 0; round < 20000; round++) {
        struct memory m = {.base = KERNEL, .count = 64};
        uint64_t out[24];
        for (unsigned i = 0; i < 64; i++)
            m.word[i] = rand() % 4 ? KERNEL + (uint64_t)(rand() % 70) * 8 : (uint64_t)rand();
        assert_true(backtrace(KERNEL, read_word, &m, out, 24) <= 24);
        assert_true(m.reads <= 50);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain),      cmocka_unit_test(test_ends),
        cmocka_unit_test(test_bad_chains), cmocka_unit_test(test_kernel_to_program),
        cmocka_unit_test(test_random),
    };
    return RUN_TESTS(tests);
}
