/* SPDX-License-Identifier: MIT */
/* Block devices: the queue over a device in memory that finishes requests when the test says so, in any order. */
#include "unit.h"

#include "kern/block.h"
#include "mm/heap/heap.h"
#include "mm/pt/paging.h"
#include "native.h"

#include <stdlib.h>
#include <string.h>

enum {
    SECTORS = 256,
    ROOM = 4,
};

static uint64_t clock_ns;
static unsigned armed;
struct address_space kernel_space;
int native_irq_depth;

void wait_queue_init(struct wait_queue *queue)
{
    (void)queue;
}
uint64_t time_now_ns(void)
{
    return clock_ns;
}
void timer_init(struct timer *timer, void (*fire)(struct timer *timer))
{
    *timer = (struct timer){.fire = fire};
}
void timer_start(struct timer *timer, uint64_t deadline_ns)
{
    timer->deadline_ns = deadline_ns;
    timer->armed = true;
    armed++;
}

/* Memory of the test is where it is, or, unless `adjacent`, its pages are far from each other. */
#define FAR (UINT64_C(1) << 62)
static bool adjacent = true;
static uint64_t scatter(uint64_t at)
{
    return adjacent ? at : FAR | (at / PAGE_SIZE * 2 * PAGE_SIZE + at % PAGE_SIZE);
}
static char *gather(phys_t at)
{
    uint64_t v = at.v & ~FAR;
    return (char *)(at.v & FAR ? v / PAGE_SIZE / 2 * PAGE_SIZE + v % PAGE_SIZE : v);
}
bool paging_translate(const struct address_space *space, virt_t v, phys_t *out)
{
    assert_ptr_equal(space, &kernel_space);
    *out = phys(scatter(v.v));
    return true;
}

/* --- the device --- */

static struct block_device fake, part;
static uint8_t medium[SECTORS * BLOCK_SECTOR], cache[SECTORS * BLOCK_SECTOR];
static struct block_request *with_device[ROOM];
static unsigned held, kicks, leaves, starts, flushes, most_segments;
static bool finishes, newest_first;
static enum err start_error, result_of;
static const char *poll_fails;

static enum err fake_start(struct block_device *disk, struct block_request *request)
{
    assert_ptr_equal(disk, &fake);
    if (start_error != E_OK)
        return start_error;
    if (held == ROOM)
        return E_AGAIN;
    starts++;
    if (request->count > most_segments)
        most_segments = request->count;
    with_device[held++] = request;
    return E_OK;
}

static void fake_kick(struct block_device *disk)
{
    assert_ptr_equal(disk, &fake);
    kicks++;
}

static void do_request(struct block_request *request)
{
    uint8_t *at = cache + request->at * BLOCK_SECTOR;
    if (request->now == BLOCK_FLUSH) {
        memcpy(medium, cache, sizeof medium);
        flushes++;
    } else if (request->now == BLOCK_DISCARD) {
        memset(at, 0, request->sectors * BLOCK_SECTOR);
    }
    for (uint32_t i = 0; request->now <= BLOCK_WRITE && i < request->count; i++) {
        const struct block_segment *s = &request->segments[i];
        if (request->now == BLOCK_READ)
            memcpy(gather(s->at), at, s->bytes);
        else
            memcpy(at, gather(s->at), s->bytes);
        at += s->bytes;
    }
}

static void fake_poll(struct block_device *disk) REQUIRES(class_block)
{
    if (poll_fails != NULL)
        block_fail(disk, poll_fails);
    while (finishes && held > 0 && poll_fails == NULL) {
        struct block_request *request = with_device[newest_first ? held - 1 : 0];
        if (!newest_first)
            memmove(with_device, with_device + 1, (held - 1) * sizeof *with_device);
        held--;
        if (result_of == E_OK)
            do_request(request);
        block_finish(disk, request, result_of);
    }
}

static void fake_leave(struct block_device *disk)
{
    assert_ptr_equal(disk, &fake);
    leaves++;
    held = 0;
}

static const struct block_ops fake_ops = {fake_start, fake_kick, fake_poll, fake_leave};

/* A thread that waits: the device works until it is done. */
static bool performed;
static void perform_done(struct block_request *request)
{
    (void)request;
    performed = true;
}
enum err block_perform(struct block_device *device, struct block_request *request)
{
    performed = false;
    request->done = perform_done;
    block_submit(device, request);
    for (unsigned i = 0; i < 10 && !performed; i++)
        block_interrupt(device->disk, NULL);
    assert_true(performed);
    return request->result;
}

static int fresh(void **state)
{
    (void)state;
    if (fake.ops == NULL) {
        fake = (struct block_device){.name = "fake", .ops = &fake_ops};
        fake.sectors = SECTORS;
        fake.logical_size = fake.physical_size = BLOCK_SECTOR;
        fake.limits = (struct block_limits){8, 8192, 32768, 1, false, 0, 0};
        fake.major = 254;
        block_register(&fake);
        part = (struct block_device){.name = "fake1", .disk = &fake, .first = 64, .sectors = 128};
    }
    fake.gone = NULL;
    fake.left = fake.readonly = fake.has_fua = fake.told_late = false;
    fake.has_flush = true;
    fake.logical_size = BLOCK_SECTOR;
    fake.limits = (struct block_limits){8, 8192, 32768, 1, false, 64, 0};
    fake.vain = 0;
    fake.usage = part.usage = (struct block_usage){0};
    fake.late.armed = false;
    part.limits = fake.limits;
    part.logical_size = part.physical_size = BLOCK_SECTOR;
    part.ops = NULL;
    held = kicks = leaves = starts = flushes = most_segments = armed = 0;
    finishes = adjacent = true;
    newest_first = false;
    start_error = result_of = E_OK;
    poll_fails = NULL;
    native_log_last[0] = '\0';
    for (size_t i = 0; i < sizeof cache; i++)
        cache[i] = (uint8_t)(i / BLOCK_SECTOR + i * 7);
    memset(medium, 0, sizeof medium);
    return 0;
}

static int settled(void **state)
{
    (void)state;
    assert_int_equal(native_irq_depth, 0);
    assert_int_equal(fake.usage.under_way, 0);
    assert_int_equal(part.usage.under_way, 0);
    assert_true(list_empty(&fake.waiting) && list_empty(&fake.started) && list_empty(&fake.ended));
    assert_int_equal(native_heap_live(), 0);
    return 0;
}

/* --- tests --- */

static void test_found_by_name_and_number(void **state)
{
    (void)state;
    assert_ptr_equal(block_find("fake"), &fake);
    assert_null(block_find("fak"));
    assert_ptr_equal(block_find_number(254, 0), &fake);
    assert_null(block_find_number(254, 1));
    assert_ptr_equal(block_next(NULL), &fake);
    assert_null(block_next(&fake));
}

static void test_reads_and_writes_of_all_places(void **state)
{
    (void)state;
    static char bytes[20 * PAGE_SIZE], expected[sizeof bytes];
    for (unsigned round = 0; round < 2000; round++) {
        size_t blocks = (size_t)random() % 80 + 1, at = (size_t)random() % (SECTORS - blocks);
        size_t offset = (size_t)random() % 5000, size = blocks * BLOCK_SECTOR;
        adjacent = random() % 2;
        fake.limits.segments = 1 + (uint32_t)random() % 8;
        bool writes = random() % 2;
        for (size_t i = 0; i < size; i++)
            bytes[offset + i] = (char)random();
        memcpy(expected, writes ? bytes + offset : (char *)cache + at * BLOCK_SECTOR, size);
        enum err e = writes ? block_write(&fake, at * BLOCK_SECTOR, bytes + offset, size)
                            : block_read(&fake, at * BLOCK_SECTOR, bytes + offset, size);
        assert_int_equal(e, E_OK);
        assert_memory_equal(bytes + offset, expected, size);
        assert_memory_equal(cache + at * BLOCK_SECTOR, expected, size);
    }
    assert_true(most_segments > 4);
}

static void test_memory_out_of_reach_goes_by_a_page(void **state)
{
    (void)state;
    static ALIGNED(4096) char bytes[4 * PAGE_SIZE];
    fake.limits.alignment = 512;
    assert_int_equal(block_read(&fake, 0, bytes + 3, 3 * PAGE_SIZE), E_OK);
    assert_memory_equal(bytes + 3, cache, 3 * PAGE_SIZE);
    bytes[3] ^= 1;
    assert_int_equal(block_write(&fake, 0, bytes + 3, 2 * PAGE_SIZE + BLOCK_SECTOR), E_OK);
    assert_memory_equal(bytes + 3, cache, 3 * PAGE_SIZE);
    assert_int_equal(starts, 3 + 3);
    native_heap_fail_after(0);
    assert_int_equal(block_read(&fake, 0, bytes + 3, PAGE_SIZE), E_NOMEM);
    native_heap_fail_after(-1);
    assert_int_equal(block_read(&fake, 0, bytes, 4 * PAGE_SIZE), E_OK);
    assert_memory_equal(bytes, cache, 4 * PAGE_SIZE);
    assert_int_equal(starts, 3 + 3 + 1);
}

static void test_blocks_of_4096(void **state)
{
    (void)state;
    static ALIGNED(4096) char bytes[9 * PAGE_SIZE];
    fake.logical_size = 4096;
    adjacent = false;
    fake.limits.segments = 3; /* of 8 pages and a part, no request has more than 2 whole blocks */
    assert_int_equal(block_read(&fake, 8192, bytes + 100, 8 * PAGE_SIZE), E_OK);
    assert_memory_equal(bytes + 100, cache + 8192, 8 * PAGE_SIZE);
    assert_int_equal(starts, 4);
    assert_int_equal(block_read(&fake, 512, bytes, 4096), E_INVAL);
    assert_int_equal(block_read(&fake, 0, bytes, 512), E_INVAL);
}

struct asked {
    struct block_request request;
    struct block_segment segment;
    unsigned done;
    bool again;
};

static void asked_done(struct block_request *request)
{
    struct asked *a = CONTAINER_OF(request, struct asked, request);
    assert_int_equal(native_irq_depth, 1);
    assert_true(list_empty(&request->link));
    a->done++;
    if (a->again && a->done < 1000)
        block_submit(request->device, request);
}

static void ask(struct asked *a, struct block_device *device, enum block_operation operation,
                uint64_t sector, void *bytes)
{
    memset(a, 0, sizeof *a);
    a->segment = (struct block_segment){phys((uintptr_t)bytes), BLOCK_SECTOR};
    a->request = (struct block_request){.operation = operation,
                                        .sector = sector,
                                        .segments = &a->segment,
                                        .count = 1,
                                        .sectors = 1,
                                        .done = asked_done};
    block_submit(device, &a->request);
}

static void test_requests_wait_for_room(void **state)
{
    (void)state;
    static struct asked asked[3 * ROOM];
    static char bytes[3 * ROOM][BLOCK_SECTOR];
    finishes = false;
    for (unsigned i = 0; i < 3 * ROOM; i++)
        ask(&asked[i], &fake, BLOCK_READ, i, bytes[i]);
    assert_int_equal(starts, ROOM);
    assert_int_equal(fake.usage.under_way, 3 * ROOM);
    finishes = newest_first = true;
    for (unsigned i = 0; i < 3; i++)
        block_interrupt(&fake, NULL);
    for (unsigned i = 0; i < 3 * ROOM; i++) {
        assert_int_equal(asked[i].done, 1);
        assert_int_equal(asked[i].request.result, E_OK);
        assert_memory_equal(bytes[i], cache + i * BLOCK_SECTOR, BLOCK_SECTOR);
    }
    assert_int_equal(fake.usage.of[BLOCK_READ].requests, 3 * ROOM);
    assert_int_equal(fake.usage.of[BLOCK_READ].sectors, 3 * ROOM);
}

static void test_requests_that_are_no_good(void **state)
{
    (void)state;
    struct asked a;
    char bytes[BLOCK_SECTOR];
    ask(&a, &fake, BLOCK_READ, SECTORS, bytes);
    assert_int_equal(a.request.result, E_INVAL);
    ask(&a, &fake, BLOCK_READ, UINT64_MAX, bytes);
    assert_int_equal(a.request.result, E_INVAL);
    ask(&a, &part, BLOCK_READ, 128, bytes);
    assert_int_equal(a.request.result, E_INVAL);
    ask(&a, &fake, BLOCK_DISCARD, SECTORS, NULL);
    assert_int_equal(a.request.result, E_INVAL);
    fake.limits.discard = 0;
    ask(&a, &fake, BLOCK_DISCARD, 0, NULL);
    assert_int_equal(a.request.result, E_NOTSUP);
    fake.readonly = true;
    ask(&a, &fake, BLOCK_WRITE, 0, bytes);
    assert_int_equal(a.request.result, E_ROFS);
    fake.limits.alignment = 4;
    ask(&a, &fake, BLOCK_READ, 0, (char *)8 + 2);
    assert_int_equal(a.request.result, E_INVAL);
    struct block_segment many[9], large[5];
    const struct block_segment long_one = {phys(4096), 8192 + 512}, odd = {phys(4096), 100},
                               none = {phys(4096), 0};
    for (unsigned i = 0; i < 9; i++)
        many[i] = (struct block_segment){phys(4096), 512};
    for (unsigned i = 0; i < 5; i++)
        large[i] = (struct block_segment){phys(4096), 8192};
    const struct {
        const struct block_segment *segments;
        uint32_t count;
    } wrong[] = {{many, 9}, {&long_one, 1}, {&odd, 1}, {large, 5}, {&none, 1}, {NULL, 0}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct block_request r = {.segments = wrong[i].segments, .count = wrong[i].count};
        assert_int_equal(block_perform(&fake, &r), E_INVAL);
    }
    assert_int_equal(starts, 0);
}

static void test_partitions_are_ranges(void **state)
{
    (void)state;
    char bytes[BLOCK_SECTOR];
    assert_int_equal(block_read(&part, 10 * BLOCK_SECTOR, bytes, sizeof bytes), E_OK);
    assert_memory_equal(bytes, cache + 74 * BLOCK_SECTOR, sizeof bytes);
    assert_int_equal(block_read(&part, 127 * BLOCK_SECTOR, bytes, sizeof bytes), E_OK);
    assert_int_equal(block_read(&part, 128 * BLOCK_SECTOR, bytes, sizeof bytes), E_INVAL);
    assert_int_equal(part.usage.of[BLOCK_READ].requests, 2);
    assert_int_equal(fake.usage.of[BLOCK_READ].requests, 2);
}

static void test_flush_and_fua(void **state)
{
    (void)state;
    static char bytes[BLOCK_SECTOR] = "durable";
    struct asked a;
    ask(&a, &fake, BLOCK_WRITE, 5, bytes);
    block_interrupt(&fake, NULL);
    assert_int_equal(a.done, 1);
    assert_memory_not_equal(medium + 5 * BLOCK_SECTOR, bytes, 7);
    assert_int_equal(block_flush(&fake), E_OK);
    assert_memory_equal(medium + 5 * BLOCK_SECTOR, bytes, 7);
    struct block_segment s = {phys((uintptr_t)bytes), BLOCK_SECTOR};
    struct block_request fua = {
        .operation = BLOCK_WRITE, .fua = true, .sector = 9, .segments = &s, .count = 1};
    assert_int_equal(block_perform(&part, &fua), E_OK);
    assert_memory_equal(medium + 73 * BLOCK_SECTOR, bytes, 7);
    assert_int_equal(flushes, 2);
    fake.has_fua = true;
    assert_int_equal(block_perform(&part, &fua), E_OK);
    assert_int_equal(flushes, 2);
    fake.has_fua = fake.has_flush = false;
    assert_int_equal(block_perform(&part, &fua), E_OK);
    assert_int_equal(block_flush(&fake), E_OK);
    assert_int_equal(flushes, 2);
    assert_int_equal(fake.usage.of[BLOCK_WRITE].requests, 4);
    assert_int_equal(fake.usage.of[BLOCK_FLUSH].requests, 2);
}

static void test_discard_goes_by_pieces(void **state)
{
    (void)state;
    assert_int_equal(block_discard(&fake, 0, 150 * BLOCK_SECTOR), E_OK);
    assert_int_equal(starts, 3);
    for (size_t i = 0; i < 150 * BLOCK_SECTOR; i++)
        assert_int_equal(cache[i], 0);
    assert_int_equal(cache[150 * BLOCK_SECTOR], 150);
    assert_int_equal(fake.usage.of[BLOCK_DISCARD].sectors, 150);
}

static void test_errors_reach_the_caller_once(void **state)
{
    (void)state;
    char bytes[BLOCK_SECTOR];
    result_of = E_IO;
    assert_int_equal(block_read(&fake, 0, bytes, sizeof bytes), E_IO);
    struct block_segment s = {phys((uintptr_t)bytes), BLOCK_SECTOR};
    struct block_request fua = {.operation = BLOCK_WRITE, .fua = true, .segments = &s, .count = 1};
    assert_int_equal(block_perform(&fake, &fua), E_IO); /* no flush after it */
    assert_int_equal(flushes, 0);
    result_of = E_OK;
    assert_int_equal(block_read(&fake, 0, bytes, sizeof bytes), E_OK);
    start_error = E_NOMEM;
    assert_int_equal(block_read(&fake, 0, bytes, sizeof bytes), E_NOMEM);
    assert_false(block_has_gone(&fake));
}

static void test_a_device_that_goes(void **state)
{
    (void)state;
    static struct asked asked[2 * ROOM];
    static char bytes[BLOCK_SECTOR];
    finishes = false;
    for (unsigned i = 0; i < 2 * ROOM; i++)
        ask(&asked[i], i % 2 ? &part : &fake, BLOCK_READ, i, bytes);
    poll_fails = "it lies";
    block_interrupt(&fake, NULL);
    for (unsigned i = 0; i < 2 * ROOM; i++) {
        assert_int_equal(asked[i].done, 1);
        assert_int_equal(asked[i].request.result, E_IO);
    }
    assert_true(block_has_gone(&part));
    assert_string_equal(native_log_last, "fake has gone: it lies");
    assert_int_equal(block_read(&part, 0, bytes, sizeof bytes), E_IO);
    assert_int_equal(block_flush(&fake), E_IO);
    block_interrupt(&fake, "again");
    assert_int_equal(leaves, 1);
    assert_string_equal(fake.gone, "it lies");
}

static void test_endings_do_not_nest(void **state)
{
    (void)state;
    static struct asked a;
    static char bytes[BLOCK_SECTOR];
    finishes = false;
    ask(&a, &fake, BLOCK_READ, 0, bytes);
    a.again = true; /* submits itself again, a thousand times */
    block_interrupt(&fake, "unplugged");
    assert_int_equal(a.done, 1000);
    assert_int_equal(leaves, 1);
}

static void test_no_room_in_an_empty_device(void **state)
{
    (void)state;
    char bytes[BLOCK_SECTOR];
    start_error = E_AGAIN;
    assert_int_equal(block_read(&fake, 0, bytes, sizeof bytes), E_IO);
    assert_true(block_has_gone(&fake));
    assert_int_equal(leaves, 1);
}

static void test_interrupts_without_end(void **state)
{
    (void)state;
    struct asked a;
    static char bytes[BLOCK_SECTOR];
    finishes = false;
    ask(&a, &fake, BLOCK_READ, 0, bytes);
    for (unsigned i = 0; i < 100000; i++)
        block_interrupt(&fake, NULL);
    assert_int_equal(a.done, 0);
    block_interrupt(&fake, NULL);
    assert_int_equal(a.done, 1);
    assert_int_equal(a.request.result, E_IO);
}

static void test_a_late_answer_is_told_once(void **state)
{
    (void)state;
    struct asked a;
    static char bytes[BLOCK_SECTOR];
    finishes = false;
    clock_ns = 5 * NS_PER_SECOND;
    ask(&a, &fake, BLOCK_READ, 0, bytes);
    assert_int_equal(armed, 1);
    assert_true(fake.late.background);
    clock_ns = fake.late.deadline_ns;
    fake.late.armed = false;
    fake.late.fire(&fake.late);
    assert_string_equal(native_log_last, "fake does not answer: a request waits for 30 s");
    assert_true(fake.late.armed);
    native_log_last[0] = '\0';
    clock_ns = fake.late.deadline_ns;
    fake.late.armed = false;
    fake.late.fire(&fake.late);
    assert_string_equal(native_log_last, "");
    finishes = true;
    block_interrupt(&fake, NULL);
    assert_int_equal(a.request.result, E_OK);
    fake.late.armed = false;
    fake.late.fire(&fake.late);
    assert_false(fake.late.armed);
    assert_int_equal(fake.usage.busy_ns, 60 * NS_PER_SECOND);
    assert_int_equal(fake.usage.of[BLOCK_READ].ns, 60 * NS_PER_SECOND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, settled)
    const struct CMUnitTest tests[] = {
        TEST(test_found_by_name_and_number),
        TEST(test_reads_and_writes_of_all_places),
        TEST(test_memory_out_of_reach_goes_by_a_page),
        TEST(test_blocks_of_4096),
        TEST(test_requests_wait_for_room),
        TEST(test_requests_that_are_no_good),
        TEST(test_partitions_are_ranges),
        TEST(test_flush_and_fua),
        TEST(test_discard_goes_by_pieces),
        TEST(test_errors_reach_the_caller_once),
        TEST(test_a_device_that_goes),
        TEST(test_endings_do_not_nest),
        TEST(test_no_room_in_an_empty_device),
        TEST(test_interrupts_without_end),
        TEST(test_a_late_answer_is_told_once),
    };
    return RUN_TESTS(tests);
}
