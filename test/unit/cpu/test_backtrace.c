/* SPDX-License-Identifier: MIT */
#include "cpu/backtrace.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A simulated stack: words from `base` on; other addresses are not mapped. */
struct memory {
    uint64_t base, count, word[64];
};

static bool read_bytes(void *context, uint64_t at, void *to, size_t size)
{
    struct memory *m = context;
    if (at < m->base || at - m->base > m->count * 8 || size > m->count * 8 - (at - m->base))
        return false;
    memcpy(to, (const char *)m->word + (at - m->base), size);
    return true;
}

#define STACK UINT64_C(0xfffff88000010000)

/* Frame n is at word 2 n and links to the next; the last links to `end`. */
static struct memory chain(unsigned frames, uint64_t end)
{
    struct memory m = {.base = STACK, .count = 64};
    for (unsigned i = 0; i < frames; i++) {
        m.word[2 * i] = i + 1 < frames ? STACK + 16 * (i + 1) : end;
        m.word[2 * i + 1] = 0x1000 + i;
    }
    return m;
}

static unsigned walk(struct memory *m, uint64_t rbp)
{
    const struct byte_reader reader = {read_bytes, m};
    uint64_t rip = 1, rsp = STACK;
    unsigned n = 0;
    while (backtrace_step(&reader, &rip, &rsp, &rbp)) {
        assert_int_equal(rip, 0x1000 + n);
        assert_int_equal(rsp, STACK + 16 * (n + 1));
        assert_true(++n < 100);
    }
    return n;
}

static void test_chain_is_followed_to_its_end(void **state)
{
    (void)state;
    struct memory m = chain(10, 0);
    assert_int_equal(walk(&m, STACK), 10);
    assert_int_equal(walk(&m, 0), 0);
    m.word[2 * 2 + 1] = 0; /* no return address */
    assert_int_equal(walk(&m, STACK), 2);
}

static void test_bad_chains_end_the_walk(void **state)
{
    (void)state;
    const uint64_t links[] = {STACK, STACK - 16, STACK + 68, STACK + 4096, ~UINT64_C(0) - 7};
    const unsigned frames[] = {3, 3, 4, 4, 4};
    for (unsigned i = 0; i < sizeof links / sizeof links[0]; i++) {
        struct memory m = chain(4, links[i]);
        assert_int_equal(walk(&m, STACK), frames[i]);
    }
    struct memory m = chain(4, 0);
    assert_int_equal(walk(&m, STACK + 4), 0);
    assert_int_equal(walk(&m, STACK - 8), 0); /* below rsp */
    assert_int_equal(walk(&m, STACK + 8 * 63), 0);
}

/* Adds each letter as a frame. */
static struct trace trace_of(const char *letters)
{
    struct trace t;
    trace_start(&t);
    for (; *letters; letters++)
        trace_add(&t, (uint64_t)*letters, 'c');
    trace_end(&t);
    return t;
}

/* The list written as "ab(cd)3e". */
static void expect(const char *letters, const char *expected)
{
    struct trace t = trace_of(letters);
    char text[200];
    size_t n = 0;
    for (unsigned i = 0; i < t.used; i++) {
        unsigned period = t.frames[i].period;
        if (t.frames[i].repeat == 1) {
            text[n++] = (char)t.frames[i].rip;
            continue;
        }
        text[n++] = '(';
        for (unsigned k = 0; k < period; k++)
            text[n++] = (char)t.frames[i + k].rip;
        n += (size_t)sprintf(text + n, ")%u", t.frames[i].repeat);
        i += period - 1;
    }
    text[n] = '\0';
    assert_string_equal(text, expected);
    assert_int_equal(t.total, strlen(letters));
}

static void test_recursion_is_folded(void **state)
{
    (void)state;
    expect("", "");
    expect("abc", "abc");
    expect("aa", "(a)2");
    expect("baaaaac", "b(a)5c");
    expect("abababab", "(ab)4");
    expect("xabababay", "x(ab)3ay");
    expect("abcabcabcabd", "(abc)3abd");
    expect("abcdabcdx", "(abcd)2x");
    expect("abcdeabcde", "abcdeabcde");
    expect("aabb", "(a)2(b)2");
    expect("aaxaax", "(a)2x(a)2x");
    expect("abaabaaba", "ab(a)2b(a)2ba");
}

static void test_full_trace_counts_what_is_lost(void **state)
{
    (void)state;
    struct trace t;
    trace_start(&t);
    for (unsigned i = 0; i < 100; i++)
        trace_add(&t, 0x1000 + i, 'c');
    trace_end(&t);
    assert_int_equal(t.used, TRACE_LINES);
    assert_int_equal(t.lost, 100 - TRACE_LINES);
    trace_start(&t);
    for (unsigned i = 0; i < 100000; i++)
        trace_add(&t, 0x1000 + i % 3, 'c');
    trace_end(&t);
    assert_int_equal(t.frames[0].repeat, 33333);
    assert_int_equal(t.used, 4);
    assert_int_equal(t.total, 100000);
}

/* A random trace unfolds to the frames that were added. */
static void test_random_traces_unfold(void **state)
{
    (void)state;
    srand(1);
    for (unsigned round = 0; round < 20000; round++) {
        uint64_t added[TRACE_LINES];
        struct trace t;
        unsigned n = (unsigned)rand() % TRACE_LINES, at = 0;
        trace_start(&t);
        for (unsigned i = 0; i < n; i++) {
            added[i] = 1 + (uint64_t)rand() % (1 + round % 4);
            trace_add(&t, added[i], 'c');
        }
        trace_end(&t);
        assert_int_equal(t.lost, 0);
        for (unsigned i = 0; i < t.used; i += t.frames[i].period)
            for (unsigned r = 0; r < t.frames[i].repeat; r++)
                for (unsigned k = 0; k < t.frames[i].period; k++)
                    assert_int_equal(added[at++], t.frames[i + k].rip);
        assert_int_equal(at, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_is_followed_to_its_end),
        cmocka_unit_test(test_bad_chains_end_the_walk),
        cmocka_unit_test(test_recursion_is_folded),
        cmocka_unit_test(test_full_trace_counts_what_is_lost),
        cmocka_unit_test(test_random_traces_unfold),
    };
    return RUN_TESTS(tests);
}
