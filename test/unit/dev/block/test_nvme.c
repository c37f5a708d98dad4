/* SPDX-License-Identifier: MIT */
/* The driver of NVMe controllers against a controller, written from NVM Express 1.4, honest and lying. It judges the driver:
 * registers, queues and lists of pages that the specification forbids fail the test. */
#include "unit.h"

#include "dev/block/nvme.h"
#include "mm/heap/heap.h"
#include "mm/pt/paging.h"
#include "native.h"

#include <stdlib.h>
#include <string.h>

enum {
    SECTORS = 1024,
    ROUNDS = 600,
};

enum lie {
    HONEST_CONTROLLER,
    NOT_THERE, /* all ones */
    NEVER_READY,
    NEVER_OFF,
    FATAL,       /* when it is turned on */
    LARGE_PAGES, /* none of 4 KiB */
    WIDE_STRIDE,
    MUTE,     /* answers no command of the admin queue */
    REFUSES,  /* them */
    NO_SPACE, /* no namespace */
    METADATA,
    TINY_BLOCKS,
    HUGE_BLOCKS,
    OTHER_NUMBER, /* finishes a request that it does not have */
    TWICE,
    BAD_BLOCKS,
};

/* --- the controller --- */

static enum lie lie;
static uint8_t medium[SECTORS * 512];
static char registers[NVME_REGISTERS]; /* only for its addresses */
static ALIGNED(4096) char memory[NVME_MEMORY];
static uint32_t configuration, sizes, most, stride_log, block_shift, transfer;
static uint64_t admin_at[2];
static bool holds, backwards, with_fua;
static unsigned flushes, discards, lists, leaves;

struct model_pair {
    uint8_t *submitted, *completed;
    uint32_t size, completions;
    uint32_t head, tail, done, done_head; /* of the submission queue; of the completion queue */
    uint8_t phase;
};
static struct model_pair pair[2];

static void complete(struct model_pair *p, uint16_t number, uint16_t status)
{
    uint8_t *c = p->completed + p->done * 16;
    uint16_t head = (uint16_t)p->head, word = (uint16_t)(status << 1 | p->phase);
    assert_true((p->done + 1) % p->completions != p->done_head);
    memcpy(c + 8, &head, 2);
    memcpy(c + 12, &number, 2);
    memcpy(c + 14, &word, 2);
    p->done = (p->done + 1) % p->completions;
    p->phase ^= p->done == 0;
}

static uint64_t get64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, 8);
    return value;
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)get64(at);
}

/* Moves `size` bytes between the medium and the pages of the command (4.3). */
static void move_pages(const uint8_t *command, uint8_t *at, size_t size, bool to_memory)
{
    uint64_t first = get64(command + 24), second = get64(command + 32);
    size_t part = 4096 - first % 4096;
    const uint8_t *list = NULL;
    assert_int_equal(first % 4, 0);
    if (part < size && size - part > 4096) {
        list = (const uint8_t *)(uintptr_t)second;
        assert_true(second % 8 == 0 && second / 4096 == (second + (size - part) / 4096 * 8) / 4096);
        lists++;
    }
    for (uint64_t page = first; size > 0;) {
        part = part < size ? part : size;
        if (to_memory)
            memcpy((void *)(uintptr_t)page, at, part);
        else
            memcpy(at, (void *)(uintptr_t)page, part);
        at += part;
        size -= part;
        part = 4096;
        page = list != NULL ? get64(list) : second;
        list = list != NULL ? list + 8 : NULL;
        if (size > 0)
            assert_int_equal(page % 4096, 0);
    }
}

static void identify(const uint8_t *command)
{
    uint8_t *answer = (uint8_t *)(uintptr_t)get64(command + 24);
    uint64_t blocks = lie == NO_SPACE ? 0 : (uint64_t)SECTORS * 512 >> block_shift;
    uint32_t shift = lie == TINY_BLOCKS ? 8 : lie == HUGE_BLOCKS ? 13 : block_shift;
    uint32_t format = shift << 16 | (lie == METADATA ? 8 : 0);
    if (get32(command + 40) == 1) {
        answer[77] = (uint8_t)transfer;
        answer[520] = 4;
        answer[525] = 1;
        return;
    }
    assert_int_equal(get32(command + 4), 1);
    memcpy(answer, &blocks, 8);
    answer[26] = 2;
    memcpy(answer + 128 + 8, &format, 4);
}

static void administer(const uint8_t *command)
{
    uint32_t word = get32(command + 40), other = get32(command + 44);
    uint8_t *at = (uint8_t *)(uintptr_t)get64(command + 24);
    if (lie == MUTE)
        return;
    switch (command[0]) {
    case 0x06:
        identify(command);
        break;
    case 0x05:
        assert_true((word & 0xffff) == 1 && (word >> 16) + 1 <= most && other == 3);
        pair[1] = (struct model_pair){.completed = at, .completions = (word >> 16) + 1, .phase = 1};
        break;
    case 0x01:
        assert_true((word & 0xffff) == 1 && other == (1 | 1 << 16) && pair[1].completed != NULL);
        pair[1].submitted = at;
        pair[1].size = (word >> 16) + 1;
        break;
    default:
        fail_msg("command %x", command[0]);
    }
    complete(&pair[0], get32(command) >> 16, lie == REFUSES ? 2 : 0);
}

static void discard(const uint8_t *command)
{
    const uint8_t *range = (const uint8_t *)(uintptr_t)get64(command + 24);
    uint64_t count = get32(range + 4), first = get64(range + 8);
    assert_true(get32(command + 40) == 0 && get32(command + 44) == 4);
    assert_true((first + count) << block_shift <= sizeof medium);
    memset(medium + (first << block_shift), 0, count << block_shift);
    discards++;
}

static void do_io(const uint8_t *command)
{
    uint16_t number = (uint16_t)(get32(command) >> 16);
    uint64_t first = get64(command + 40), count = (get32(command + 48) & 0xffff) + 1;
    assert_int_equal(get32(command + 4), 1);
    if (command[0] == 1 || command[0] == 2) {
        assert_true((first + count) << block_shift <= sizeof medium);
        assert_true(count << block_shift <= (transfer > 0 ? 4096u << transfer : 128u << 10));
        with_fua = command[0] == 1 && get32(command + 48) >> 30;
        if (lie != BAD_BLOCKS)
            move_pages(command, medium + (first << block_shift), count << block_shift,
                       command[0] == 2);
    } else if (command[0] == 9) {
        discard(command);
    } else {
        assert_int_equal(command[0], 0);
        flushes++;
    }
    complete(&pair[1], lie == OTHER_NUMBER ? number ^ 16 : number, lie == BAD_BLOCKS ? 0x281 : 0);
    if (lie == TWICE)
        complete(&pair[1], number, 0);
}

static void work(void)
{
    struct model_pair *p = &pair[1];
    uint32_t count = (p->tail + p->size - p->head) % p->size;
    for (uint32_t i = 0; i < count && !holds; i++) {
        uint32_t which = (p->head + (backwards ? count - 1 - i : i)) % p->size;
        do_io(p->submitted + which * 64);
    }
    if (!holds)
        p->head = p->tail;
}

uint32_t mmio_read32(const volatile void *at)
{
    bool on = configuration & 1;
    if (lie == NOT_THERE)
        return UINT32_MAX;
    switch ((const volatile char *)at - registers) {
    case 0x00:
        return most - 1;
    case 0x04:
        return (lie == WIDE_STRIDE ? 15 : stride_log) | 1 << 5 | (lie == LARGE_PAGES ? 1 << 16 : 0);
    case 0x1c:
        return ((on && lie != NEVER_READY) || lie == NEVER_OFF) | (on && lie == FATAL ? 2 : 0);
    default:
        fail_msg("read of register %x", (unsigned)((const volatile char *)at - registers));
        return 0;
    }
}

static void turn_on(void)
{
    assert_int_equal(configuration, 1 | 6 << 16 | 4 << 20);
    assert_true(admin_at[0] % 4096 == 0 && admin_at[1] % 4096 == 0);
    assert_int_equal(sizes & 0xffff, sizes >> 16);
    pair[0] = (struct model_pair){.submitted = (uint8_t *)(uintptr_t)admin_at[0],
                                  .completed = (uint8_t *)(uintptr_t)admin_at[1],
                                  .size = (sizes & 0xfff) + 1,
                                  .completions = (sizes >> 16) + 1,
                                  .phase = 1};
    assert_true(pair[0].size >= 2 && pair[0].size <= most);
}

static void ring(uint32_t doorbell, uint32_t value)
{
    uint32_t index = doorbell >> (2 + stride_log);
    assert_int_equal(doorbell, index << (2 + stride_log));
    assert_true(index < 4 && configuration & 1);
    struct model_pair *p = &pair[index / 2];
    assert_true(p->size > 0 && value < p->size);
    if (index % 2) {
        p->done_head = value;
        return;
    }
    p->tail = value;
    for (; index == 0 && p->head != p->tail; p->head = (p->head + 1) % p->size)
        administer(p->submitted + p->head * 64);
    if (index == 2)
        work();
}

void mmio_write32(volatile void *at, uint32_t value)
{
    uint32_t offset = (uint32_t)((volatile char *)at - registers);
    if (offset >= 0x1000) {
        ring(offset - 0x1000, value);
        return;
    }
    switch (offset) {
    case 0x14:
        configuration = value;
        if (value & 1)
            turn_on();
        break;
    case 0x24:
        sizes = value;
        break;
    case 0x28:
    case 0x2c:
    case 0x30:
    case 0x34: {
        uint64_t *to = &admin_at[(offset - 0x28) / 8];
        *to = offset % 8 ? (*to & UINT32_MAX) | (uint64_t)value << 32 : (*to >> 32 << 32) | value;
        break;
    }
    default:
        fail_msg("write to register %x", offset);
    }
}

/* --- tests --- */

static struct nvme nvmes[64], *n = nvmes;
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
    block_interrupt(&n->disk, NULL);
    assert_true(performed);
    return request->result;
}

static void left(struct nvme *nvme)
{
    assert_ptr_equal(nvme, n);
    leaves++;
}

static enum err open_nvme(enum lie how, uint32_t entries, uint32_t shift)
{
    n++;
    assert_true(n < nvmes + 64);
    *n = (struct nvme){.registers = registers,
                       .leave = left,
                       .polls = 50,
                       .memory = memory,
                       .memory_at = phys((uintptr_t)memory)};
    lie = how;
    most = entries;
    block_shift = shift;
    stride_log = entries % 3;
    transfer = shift == 9 ? 0 : 3;
    holds = backwards = false;
    flushes = discards = lists = leaves = 0;
    memset(memory, 0, sizeof memory);
    memset(pair, 0, sizeof pair);
    configuration = 1; /* as firmware left it */
    for (size_t i = 0; i < sizeof medium; i++)
        medium[i] = (uint8_t)(i / 512 + i * 3);
    enum err e = nvme_open(n);
    if (e == E_OK)
        block_register(&n->disk);
    else
        assert_int_equal(configuration & 1, 0);
    return e;
}

static void test_it_opens(void **state)
{
    (void)state;
    assert_int_equal(open_nvme(HONEST_CONTROLLER, 1024, 9), E_OK);
    assert_int_equal(n->disk.sectors, SECTORS);
    assert_int_equal(n->disk.logical_size, 512);
    assert_int_equal(n->free_count, NVME_ROOM);
    assert_true(n->disk.has_flush && n->disk.has_fua && n->disk.limits.whole_pages);
    assert_int_equal(open_nvme(HONEST_CONTROLLER, 2, 12), E_OK);
    assert_int_equal(n->disk.sectors, SECTORS);
    assert_int_equal(n->disk.logical_size, 4096);
    assert_int_equal(n->disk.limits.bytes, 32768);
    assert_int_equal(n->free_count, 1);
}

static void test_controllers_that_do_not_open(void **state)
{
    (void)state;
    static const struct {
        enum lie lie;
        enum err error;
    } bad[] = {{NOT_THERE, E_NOTSUP}, {NEVER_READY, E_IO},     {NEVER_OFF, E_IO},
               {FATAL, E_IO},         {LARGE_PAGES, E_NOTSUP}, {WIDE_STRIDE, E_NOTSUP},
               {MUTE, E_IO},          {REFUSES, E_IO},         {NO_SPACE, E_NODEV},
               {METADATA, E_NOTSUP},  {TINY_BLOCKS, E_NOTSUP}, {HUGE_BLOCKS, E_NOTSUP}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(open_nvme(bad[i].lie, 64, 9), bad[i].error);
    assert_int_equal(open_nvme(HONEST_CONTROLLER, 1, 9), E_NOTSUP);
}

static void test_nvme_all_places(void **state)
{
    (void)state;
    static ALIGNED(4096) char bytes[80 * PAGE_SIZE], expected[sizeof bytes];
    for (unsigned kind = 0; kind < 3; kind++) {
        uint32_t shift = kind == 2 ? 12 : 9;
        assert_int_equal(open_nvme(HONEST_CONTROLLER, kind == 1 ? 3 : 256, shift), E_OK);
        for (unsigned round = 0; round < ROUNDS; round++) {
            size_t all = sizeof medium >> shift, blocks = (size_t)random() % (all / 2) + 1;
            size_t at = (size_t)random() % (all - blocks) << shift, size = blocks << shift;
            size_t offset = (size_t)random() % 5000 / 4 * 4;
            bool writes = random() % 2;
            for (size_t i = 0; i < size; i++)
                bytes[offset + i] = (char)random();
            memcpy(expected, writes ? bytes + offset : (char *)medium + at, size);
            enum err e = writes ? block_write(&n->disk, at, bytes + offset, size)
                                : block_read(&n->disk, at, bytes + offset, size);
            assert_int_equal(e, E_OK);
            assert_memory_equal(bytes + offset, expected, size);
            assert_memory_equal(medium + at, expected, size);
        }
        assert_true(lists > 0);
        assert_int_equal(block_flush(&n->disk), E_OK);
        assert_int_equal(block_discard(&n->disk, 4096, 8192), E_OK);
        assert_int_equal(flushes + discards, 2);
        assert_int_equal(medium[4096] | medium[12287], 0);
    }
}

static void test_segments_of_whole_pages(void **state)
{
    (void)state;
    static ALIGNED(4096) char bytes[8 * PAGE_SIZE];
    uint64_t at = (uintptr_t)bytes;
    assert_int_equal(open_nvme(HONEST_CONTROLLER, 64, 9), E_OK);
    struct block_segment good[] = {
        {phys(at + 512), 3584}, {phys(at + 16384), 8192}, {phys(at), 512}};
    struct block_segment bad[] = {{phys(at), 512}, {phys(at + 4096), 512}};
    struct block_segment worse[] = {{phys(at), 4096}, {phys(at + 8192 + 512), 512}};
    struct block_request r = {.operation = BLOCK_READ, .segments = good, .count = 3};
    assert_int_equal(block_perform(&n->disk, &r), E_OK);
    assert_memory_equal(bytes + 512, medium, 3584);
    assert_memory_equal(bytes + 16384, medium + 3584, 8192);
    assert_memory_equal(bytes, medium + 3584 + 8192, 512);
    r.count = 2;
    r.segments = bad;
    assert_int_equal(block_perform(&n->disk, &r), E_INVAL);
    r.segments = worse;
    assert_int_equal(block_perform(&n->disk, &r), E_INVAL);
    r = (struct block_request){.operation = BLOCK_WRITE, .fua = true, .segments = good, .count = 3};
    assert_int_equal(block_perform(&n->disk, &r), E_OK);
    assert_true(with_fua && flushes == 0);
}

static unsigned done, failed;
static void count_done(struct block_request *request)
{
    done++;
    failed += request->result != E_OK;
}

static void submit_many(struct block_request *requests, struct block_segment *segments,
                        char (*bytes)[512], unsigned count)
{
    done = failed = 0;
    holds = true;
    for (unsigned i = 0; i < count; i++) {
        segments[i] = (struct block_segment){phys((uintptr_t)bytes[i]), 512};
        requests[i] = (struct block_request){
            .sector = i, .segments = &segments[i], .count = 1, .done = count_done};
        block_submit(&n->disk, &requests[i]);
    }
    holds = false;
    work();
}

static void test_many_under_way(void **state)
{
    (void)state;
    static struct block_request requests[200];
    static struct block_segment segments[200];
    static ALIGNED(512) char bytes[200][512];
    for (uint32_t entries = 2; entries < 200; entries += 40) {
        assert_int_equal(open_nvme(HONEST_CONTROLLER, entries, 9), E_OK);
        memset(bytes, 0, sizeof bytes);
        backwards = true;
        submit_many(requests, segments, bytes, 200);
        for (unsigned i = 0; i < 200; i++)
            block_interrupt(&n->disk, NULL);
        assert_int_equal(done, 200);
        assert_int_equal(failed, 0);
        assert_memory_equal(bytes, medium, sizeof bytes);
    }
}

static void test_controllers_that_lie(void **state)
{
    (void)state;
    static struct block_request requests[8];
    static struct block_segment segments[8];
    static ALIGNED(512) char bytes[8][512];
    static const enum lie lies[] = {OTHER_NUMBER, TWICE};
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(open_nvme(HONEST_CONTROLLER, 64, 9), E_OK);
        lie = lies[i];
        submit_many(requests, segments, bytes, 8);
        block_interrupt(&n->disk, NULL);
        assert_int_equal(done, 8);
        assert_true(failed > 0 && block_has_gone(&n->disk));
        assert_int_equal(leaves, 1);
        assert_int_equal(configuration & 1, 0);
    }
    assert_int_equal(open_nvme(HONEST_CONTROLLER, 64, 9), E_OK);
    lie = BAD_BLOCKS;
    assert_int_equal(block_read(&n->disk, 0, bytes, 4096), E_IO);
    lie = HONEST_CONTROLLER;
    assert_int_equal(block_read(&n->disk, 0, bytes, 4096), E_OK);
    assert_false(block_has_gone(&n->disk));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_opens),        cmocka_unit_test(test_controllers_that_do_not_open),
        cmocka_unit_test(test_nvme_all_places), cmocka_unit_test(test_segments_of_whole_pages),
        cmocka_unit_test(test_many_under_way),  cmocka_unit_test(test_controllers_that_lie),
    };
    return RUN_TESTS(tests);
}
