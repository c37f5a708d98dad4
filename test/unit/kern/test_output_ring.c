/* SPDX-License-Identifier: MIT */
/* Output in the ring: frames come out whole and in order, whatever the takers take. */
#include "unit.h"

#include "kern/console_frame.h"
#include "kern/output_ring.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>

enum {
    STDOUT = 1,
    STDERR = 2,
    LOG = 3,
};

static struct output_ring ring;

/* What came out of the ring, taken apart. */
static char seen[4][200000];
static size_t seen_size[4];
static unsigned stream;
static bool escaped;

static void restart(void)
{
    output_ring_init(&ring, LOG);
    memset(seen_size, 0, sizeof(seen_size));
    stream = LOG;
    escaped = false;
}

static void see(char byte)
{
    if (escaped) {
        escaped = false;
        if (byte != FRAME_DLE) {
            assert_true(byte >= FRAME_STDOUT && byte <= FRAME_LOG);
            stream = (unsigned)(byte - '0');
            return;
        }
    } else if (byte == FRAME_DLE) {
        escaped = true;
        return;
    }
    assert_true(seen_size[stream] < sizeof(seen[0]));
    seen[stream][seen_size[stream]++] = byte;
}

static size_t drain(size_t most)
{
    uint8_t byte;
    size_t n = 0;
    for (; n < most && output_ring_take(&ring, &byte); n++)
        see((char)byte);
    return n;
}

static void test_streams(void **state)
{
    (void)state;
    restart();
    assert_int_equal(output_ring_put(&ring, true, LOG, "log", 3), 3);
    assert_int_equal(output_ring_used(&ring), 3); /* the log was the stream already */
    assert_int_equal(output_ring_put(&ring, true, STDOUT, "\x10x", 2), 2);
    assert_int_equal(output_ring_used(&ring), 3 + 2 + 3);
    assert_int_equal(output_ring_put(&ring, true, STDOUT, "y", 1), 1);
    assert_int_equal(output_ring_put(&ring, true, STDERR, "e", 1), 1);
    drain(SIZE_MAX);
    assert_int_equal(output_ring_used(&ring), 0);
    assert_memory_equal(seen[LOG], "log", 3);
    assert_memory_equal(seen[STDOUT], "\x10xy", 3);
    assert_memory_equal(seen[STDERR], "e", 1);
}

static void test_plain(void **state)
{
    (void)state;
    uint8_t byte;
    restart();
    assert_int_equal(output_ring_put(&ring, false, STDOUT, "\x10", 1), 1);
    assert_true(output_ring_take(&ring, &byte));
    assert_int_equal(byte, 0x10);
    assert_false(output_ring_take(&ring, &byte));
}

/* A DLE and its second byte are both in, or neither; a switch of the stream is never alone. */
static void test_full(void **state)
{
    (void)state;
    static char bytes[OUTPUT_RING_SIZE], frame[OUTPUT_RING_SIZE];
    for (size_t left = 0; left < 5; left++) {
        restart();
        assert_int_equal(output_ring_put(&ring, true, LOG, bytes, OUTPUT_RING_SIZE - left),
                         OUTPUT_RING_SIZE - left);
        assert_int_equal(output_ring_put(&ring, true, STDOUT, "\x10", 1), left >= 4 ? 1 : 0);
        assert_int_equal(output_ring_put(&ring, true, left >= 4 ? STDOUT : LOG, "\x10", 1),
                         left == 2 || left == 3);
        assert_int_equal(output_ring_used(&ring), OUTPUT_RING_SIZE - left +
                                                      (left >= 4   ? 4
                                                       : left >= 2 ? 2
                                                                   : 0));
        drain(SIZE_MAX);
        assert_false(escaped);
    }
    restart();
    assert_true(output_ring_put_frame(&ring, frame, sizeof(frame)));
    assert_false(output_ring_put_frame(&ring, frame, 1));
    assert_int_equal(output_ring_put(&ring, true, LOG, "a", 1), 0);
}

/* More than once around, with takers of any size. */
static void test_in_order(void **state)
{
    (void)state;
    unsigned random = 1;
    char sent[3][100];
    size_t sums[4] = {0};
    restart();
    for (unsigned i = 0; i < 5000; i++) {
        random = random * 1664525 + 1013904223;
        unsigned to = 1 + (random >> 20) % 3;
        size_t size = (random >> 8) % 60, done = 0;
        for (size_t k = 0; k < size; k++)
            sent[to - 1][k] = (char)((sums[to] + k) % 23); /* some are 0x10 */
        while (done < size) {
            size_t n = output_ring_put(&ring, true, to, sent[to - 1] + done, size - done);
            if (n == 0)
                drain(random % 700 + 8);
            done += n;
        }
        sums[to] += size;
    }
    drain(SIZE_MAX);
    for (unsigned to = 1; to < 4; to++) {
        assert_int_equal(seen_size[to], sums[to]);
        for (size_t k = 0; k < sums[to]; k++)
            assert_int_equal(seen[to][k], (char)(k % 23));
    }
}

#define PAGE 4096

static char *pages;

/* What an NMI's report does, while a putter reads its bytes. */
static void report_now(int signal)
{
    (void)signal;
    mprotect(pages + PAGE, PAGE, PROT_READ | PROT_WRITE);
    assert_int_equal(output_ring_put(&ring, true, LOG, "report", 6), 6);
    drain(SIZE_MAX);
}

static void interrupt_put(unsigned before)
{
    const struct sigaction action = {.sa_handler = report_now};
    struct sigaction old;
    restart();
    memset(pages, 'p', PAGE + 8);
    assert_int_equal(output_ring_put(&ring, true, STDERR, "first", 5), 5);
    assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
    sigaction(SIGSEGV, &action, &old);
    assert_int_equal(output_ring_put(&ring, true, STDOUT, pages + PAGE - before, before + 8),
                     before + 8);
    sigaction(SIGSEGV, &old, NULL);
    drain(SIZE_MAX);
    assert_false(escaped);
    assert_int_equal(seen_size[STDERR], 5);
    assert_int_equal(seen_size[LOG], 6);
    assert_int_equal(seen_size[STDOUT], before + 8);
    assert_memory_equal(seen[LOG], "report", 6);
    assert_memory_equal(seen[STDOUT], pages + PAGE - before, before + 8);
}

/* The report comes when nothing, one byte and many have been stored. */
static void test_report_in_the_middle(void **state)
{
    (void)state;
    pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    interrupt_put(0);
    interrupt_put(1);
    interrupt_put(500);
    munmap(pages, 2 * PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_report_in_the_middle),
    };
    return RUN_TESTS(tests);
}
