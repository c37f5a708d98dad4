/* SPDX-License-Identifier: MIT */
/* The driver of virtio disks, below the queue of block devices, against a disk that is honest or lies. */
#include "unit.h"

#include "dev/block/virtio_blk.h"
#include "dev/virtio/mmio.h"
#include "mm/heap/heap.h"
#include "mm/pt/paging.h"
#include "native.h"
#include "virtio_mmio_model.h"

#include <stdlib.h>
#include <string.h>

enum {
    SECTORS = 512,
    SIZE_MAX_BIT = 1 << 1,
    SEG_MAX_BIT = 1 << 2,
    RO = 1 << 5,
    BLK_SIZE = 1 << 6,
    FLUSH = 1 << 9,
    TOPOLOGY = 1 << 10,
    DISCARD = 1 << 13,
    FEATURES = SIZE_MAX_BIT | SEG_MAX_BIT | BLK_SIZE | FLUSH | TOPOLOGY | DISCARD,
};

#define INDIRECT (UINT64_C(1) << 28)

enum lie {
    DISK_HONEST,
    OTHER_HEAD,  /* finishes a request that it does not have */
    TWICE,       /* finishes it twice */
    TOO_MUCH,    /* says that it wrote more than there is room for */
    TOO_LITTLE,  /* says that it wrote less, but all is well */
    NO_STATUS,   /* finishes it without a status */
    ODD_STATUS,  /* a status that there is not */
    BAD_SECTORS, /* IOERR */
    NO_DISCARD,  /* UNSUPP */
};

/* --- the disk --- */

static struct mmio_model model;
static struct virtio_mmio mmio;
static struct virtio_blk blk[64]; /* one of each test: a registered disk stays */
static struct virtio_blk *b = blk;
static const struct model_memory shared = {(uint8_t *)1, 1, UINT64_MAX - 1};
static ALIGNED(4096) uint8_t memory[VIRTIO_BLK_MEMORY_MAX];
static uint8_t medium[SECTORS * 512];
static enum lie lie;
static bool holds, backwards;
static unsigned leaves, served, most_chain, flushes;

static void leave(struct virtio_blk *left)
{
    assert_ptr_equal(left, b);
    virtio_stop(left->device, true);
    leaves++;
}

static uint32_t serve(const struct model_chain *c)
{
    uint32_t type, written = 0;
    uint64_t sector;
    const struct model_segment *head = &c->segment[0], *last = &c->segment[c->count - 1];
    assert_true(c->count >= 2 && !head->writable && head->size == 16);
    assert_true(last->writable && last->size == 1);
    memcpy(&type, head->bytes, 4);
    memcpy(&sector, head->bytes + 8, 8);
    if (c->count > most_chain)
        most_chain = c->count;
    served++;
    for (unsigned i = 1; i + 1 < c->count; i++) {
        const struct model_segment *s = &c->segment[i];
        uint8_t *at = medium + sector * 512;
        assert_int_equal(s->writable, type == 0);
        if (type <= 1)
            assert_true(sector * 512 + s->size <= sizeof medium);
        if (type == 0 && lie != BAD_SECTORS)
            memcpy(s->bytes, at, s->size);
        else if (type == 1 && lie != BAD_SECTORS)
            memcpy(at, s->bytes, s->size);
        if (type == 11) {
            uint64_t from;
            uint32_t sectors;
            assert_int_equal(s->size, 16);
            memcpy(&from, s->bytes, 8);
            memcpy(&sectors, s->bytes + 8, 4);
            memset(medium + from * 512, 0, (size_t)sectors * 512);
        }
        sector += s->size / 512;
        written += type == 0 ? s->size : 0;
    }
    assert_true(type == 0 || type == 1 || type == 4 || type == 11);
    flushes += type == 4;
    if (lie != NO_STATUS)
        *last->bytes = lie == BAD_SECTORS ? 1 : lie == NO_DISCARD ? 2 : lie == ODD_STATUS ? 3 : 0;
    return lie == TOO_MUCH ? written + 2 : lie == TOO_LITTLE ? written : written + 1;
}

static void interrupt(void)
{
    model.interrupt |= 1;
    (void)b->device->ops->interrupt(b->device);
    block_interrupt(&b->disk, NULL);
}

/* All that is there, in order or backwards; the interrupt comes later. */
static void work(uint32_t queue)
{
    struct model_chain chain[64];
    unsigned count = 0;
    assert_int_equal(queue, 0);
    while (!holds && count < 64 && model_take(&model.queue[0], &chain[count]))
        count++;
    for (unsigned i = 0; i < count; i++) {
        const struct model_chain *c = &chain[backwards ? count - 1 - i : i];
        uint32_t written = serve(c);
        uint32_t head = lie == OTHER_HEAD ? (c->head + 1u) % 32 : c->head;
        (void)model_return(&model.queue[0], head, written);
        if (lie == TWICE)
            (void)model_return(&model.queue[0], head, written);
    }
    if (!holds)
        (void)model_listen(&model.queue[0]);
}

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
    if (!performed)
        interrupt();
    assert_true(performed);
    return request->result;
}

static void put32(unsigned at, uint32_t value)
{
    memcpy(model.config + at, &value, 4);
}

static void make_disk(uint64_t features)
{
    enum virtio_device_id id;
    memset(&model, 0, sizeof model);
    memset(memory, 0, sizeof memory);
    lie = DISK_HONEST;
    holds = backwards = false;
    leaves = served = most_chain = flushes = 0;
    for (size_t i = 0; i < sizeof medium; i++)
        medium[i] = (uint8_t)(i / 512 + i * 3);
    volatile void *registers = mmio_model_open(&model, &shared);
    model.id = VIRTIO_BLOCK;
    model.queues = 1;
    model.most = 256;
    model.offered = features | VIRTIO_F_EVENT_IDX;
    put32(0, SECTORS);
    put32(8, 1 << 20);
    put32(12, 126);
    put32(20, 512);
    model.config[24] = 3;
    model.config[26] = 8;
    put32(28, 64);
    put32(36, 100);
    put32(40, 1);
    put32(44, 8);
    model.on_notify = work;
    assert_int_equal(virtio_mmio_open(&mmio, registers, 0x100 + MODEL_CONFIG, &id), E_OK);
    b++;
    assert_true(b < blk + 64);
    *b = (struct virtio_blk){.disk = {.name = "vda"}, .device = &mmio.device, .leave = leave};
}

static enum err open_disk(uint32_t size)
{
    const struct virtio_blk_memory m = {memory, phys((uintptr_t)memory), size};
    enum err e = virtio_blk_open(b, &m);
    if (e == E_OK)
        block_register(&b->disk);
    return e;
}

static void open_good_disk(uint64_t features)
{
    make_disk(features);
    assert_int_equal(open_disk(sizeof memory), E_OK);
}

/* --- tests --- */

static void test_the_disk_opens(void **state)
{
    (void)state;
    open_good_disk(FEATURES | INDIRECT);
    const struct block_device *d = &b->disk;
    assert_int_equal(model.accepted, FEATURES | INDIRECT | VIRTIO_F_VERSION_1);
    assert_int_equal(d->sectors, SECTORS);
    assert_int_equal(d->logical_size, 512);
    assert_int_equal(d->physical_size, 4096);
    assert_int_equal(d->minimum_io, 8 * 512);
    assert_int_equal(d->optimal_io, 64 * 512);
    assert_int_equal(d->limits.segments, VIRTIO_BLK_SEGMENTS);
    assert_int_equal(d->limits.discard, 100);
    assert_int_equal(d->limits.discard_blocks, 8);
    assert_true(d->has_flush && !d->readonly && !d->has_fua);
    assert_ptr_equal(block_find("vda")->ops, d->ops);
}

static void test_a_plain_disk_opens(void **state)
{
    (void)state;
    open_good_disk(0);
    const struct block_device *d = &b->disk;
    assert_int_equal(d->logical_size, 512);
    assert_int_equal(d->physical_size, 512);
    assert_int_equal(d->limits.segments, 30);
    assert_false(d->has_flush || d->readonly);
    assert_int_equal(block_flush(&b->disk), E_OK);
    assert_int_equal(served, 0);
    assert_int_equal(block_discard(&b->disk, 0, 512), E_NOTSUP);
}

static void test_a_readonly_disk(void **state)
{
    (void)state;
    char bytes[512];
    open_good_disk(FEATURES | RO);
    assert_int_equal(block_read(&b->disk, 0, bytes, 512), E_OK);
    assert_int_equal(block_write(&b->disk, 0, bytes, 512), E_ROFS);
    assert_int_equal(block_discard(&b->disk, 0, 512), E_NOTSUP);
    assert_int_equal(served, 1);
}

static void test_blocks_of_4096(void **state)
{
    (void)state;
    make_disk(FEATURES);
    put32(0, SECTORS - 1);
    put32(20, 4096);
    assert_int_equal(open_disk(sizeof memory), E_OK);
    assert_int_equal(b->disk.logical_size, 4096);
    assert_int_equal(b->disk.physical_size, 4096);
    assert_int_equal(b->disk.sectors, SECTORS - 8);
    assert_int_equal(b->disk.limits.discard, 96);
}

static void test_disks_that_do_not_open(void **state)
{
    (void)state;
    static const enum model_lie lies[] = {LIE_NO_RESET,    LIE_LEGACY,     LIE_REFUSES_FEATURES,
                                          LIE_NEEDS_RESET, LIE_QUEUE_BUSY, LIE_CONFIG_CHANGES};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        make_disk(FEATURES);
        model.lie = lies[i];
        assert_int_not_equal(open_disk(sizeof memory), E_OK);
        assert_int_equal(model.status & 4, 0); /* it does not run */
    }
}

static void test_configurations_that_are_no_disk(void **state)
{
    (void)state;
    static const struct {
        unsigned at;
        uint32_t value;
    } bad[] = {{20, 0},   {20, 256}, {20, 513}, {20, 8192},     {20, UINT32_MAX},
               {8, 4095}, {8, 0},    {12, 0},   {4, 0x80000000}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        make_disk(FEATURES);
        put32(bad[i].at, bad[i].value);
        assert_int_equal(open_disk(sizeof memory), E_INVAL);
        assert_true(model.was_failed);
    }
    make_disk(FEATURES);
    model.config[24] = 200; /* only a hint */
    put32(28, UINT32_MAX);
    assert_int_equal(open_disk(sizeof memory), E_OK);
    assert_int_equal(b->disk.physical_size, 512);
    assert_int_equal(b->disk.optimal_io, 0);
    make_disk(0);
    model.most = 2; /* no request fits */
    assert_int_equal(open_disk(sizeof memory), E_NOTSUP);
    make_disk(INDIRECT);
    model.most = 1;
    assert_int_equal(open_disk(sizeof memory), E_OK);
}

/* Small and large, direct and indirect, in order and not: all bytes arrive. */
static void test_reads_and_writes(void **state)
{
    (void)state;
    static char bytes[40 * PAGE_SIZE], expected[sizeof bytes];
    for (unsigned kind = 0; kind < 4; kind++) {
        make_disk(FEATURES | (kind & 1 ? INDIRECT : 0));
        assert_int_equal(open_disk(kind & 2 ? VIRTIO_BLK_MEMORY_MIN : VIRTIO_BLK_MEMORY_MAX), E_OK);
        for (unsigned round = 0; round < 500; round++) {
            size_t blocks = (size_t)random() % 200 + 1, at = (size_t)random() % (SECTORS - blocks);
            size_t offset = (size_t)random() % 5000, size = blocks * 512;
            backwards = random() % 2;
            bool writes = random() % 2;
            for (size_t i = 0; i < size; i++)
                bytes[offset + i] = (char)random();
            memcpy(expected, writes ? bytes + offset : (char *)medium + at * 512, size);
            enum err e = writes ? block_write(&b->disk, at * 512, bytes + offset, size)
                                : block_read(&b->disk, at * 512, bytes + offset, size);
            assert_int_equal(e, E_OK);
            assert_memory_equal(bytes + offset, expected, size);
            assert_memory_equal(medium + at * 512, expected, size);
        }
    }
}

struct asked {
    struct block_request request;
    struct block_segment segment[40];
    unsigned done;
};

static void asked_done(struct block_request *request)
{
    CONTAINER_OF(request, struct asked, request)->done++;
}

static void ask(struct asked *a, enum block_operation operation, uint64_t sector, uint8_t *bytes,
                unsigned segments)
{
    memset(a, 0, sizeof *a);
    for (unsigned i = 0; i < segments; i++)
        a->segment[i] = (struct block_segment){phys((uintptr_t)bytes + i * 512), 512};
    a->request = (struct block_request){.operation = operation,
                                        .sector = sector,
                                        .segments = a->segment,
                                        .count = segments,
                                        .sectors = 1,
                                        .done = asked_done};
    block_submit(&b->disk, &a->request);
}

/* Many at once, more than there is room for; the disk finishes them backwards. */
static void test_many_under_way(void **state)
{
    (void)state;
    static struct asked asked[100];
    static uint8_t bytes[100][4 * 512];
    for (unsigned indirect = 0; indirect < 2; indirect++) {
        open_good_disk(FEATURES | (indirect ? INDIRECT : 0));
        memset(bytes, 0, sizeof bytes);
        holds = true;
        for (unsigned i = 0; i < 100; i++)
            ask(&asked[i], BLOCK_READ, i * 4, bytes[i], 4);
        assert_int_equal(b->ring.pending, indirect ? 32 : 5);
        holds = false;
        backwards = true;
        for (unsigned i = 0; i < 30; i++) {
            work(0);
            interrupt();
        }
        for (unsigned i = 0; i < 100; i++) {
            assert_int_equal(asked[i].done, 1);
            assert_int_equal(asked[i].request.result, E_OK);
            assert_memory_equal(bytes[i], medium + i * 4 * 512, 4 * 512);
        }
        assert_int_equal(most_chain, 6);
    }
}

static void test_flush_and_discard(void **state)
{
    (void)state;
    open_good_disk(FEATURES | INDIRECT);
    assert_int_equal(block_flush(&b->disk), E_OK);
    assert_int_equal(flushes, 1);
    assert_int_equal(block_discard(&b->disk, 512, 250 * 512), E_OK);
    assert_int_equal(served, 1 + 3);
    for (size_t i = 512; i < 251 * 512; i++)
        assert_int_equal(medium[i], 0);
    assert_int_equal(medium[251 * 512], 251);
    lie = NO_DISCARD;
    assert_int_equal(block_discard(&b->disk, 512, 512), E_NOTSUP);
    assert_false(block_has_gone(&b->disk));
}

static void test_bad_sectors(void **state)
{
    (void)state;
    uint8_t bytes[512];
    open_good_disk(FEATURES);
    lie = BAD_SECTORS;
    assert_int_equal(block_read(&b->disk, 0, bytes, 512), E_IO);
    assert_int_equal(block_write(&b->disk, 0, bytes, 512), E_IO);
    assert_int_equal(block_flush(&b->disk), E_IO);
    lie = DISK_HONEST;
    assert_int_equal(block_read(&b->disk, 0, bytes, 512), E_OK);
    lie = TOO_LITTLE; /* only READ: the memory is what it was */
    assert_int_equal(block_read(&b->disk, 0, bytes, 512), E_IO);
    assert_int_equal(block_write(&b->disk, 0, bytes, 512), E_OK);
    assert_false(block_has_gone(&b->disk));
}

static void test_disks_that_lie(void **state)
{
    (void)state;
    static const enum lie lies[] = {OTHER_HEAD, TWICE, TOO_MUCH, NO_STATUS, ODD_STATUS};
    static struct asked asked[10];
    static uint8_t bytes[10][512];
    for (size_t l = 0; l < sizeof lies / sizeof lies[0]; l++)
        for (unsigned indirect = 0; indirect < 2; indirect++) {
            open_good_disk(FEATURES | (indirect ? INDIRECT : 0));
            holds = true;
            for (unsigned i = 0; i < 10; i++)
                ask(&asked[i], BLOCK_READ, i, bytes[i], 1);
            lie = lies[l];
            holds = false;
            work(0);
            interrupt();
            assert_true(block_has_gone(&b->disk));
            assert_int_equal(leaves, 1);
            unsigned failed = 0;
            for (unsigned i = 0; i < 10; i++) {
                assert_int_equal(asked[i].done, 1);
                failed += asked[i].request.result == E_IO;
            }
            assert_true(failed > 0);
            assert_int_equal(block_read(&b->disk, 0, bytes[0], 512), E_IO);
        }
}

static void test_a_device_that_asks_for_a_reset(void **state)
{
    (void)state;
    open_good_disk(FEATURES);
    assert_false(virtio_blk_needs_reset(b));
    model.status |= 64;
    assert_true(virtio_blk_needs_reset(b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_disk_opens),
        cmocka_unit_test(test_a_plain_disk_opens),
        cmocka_unit_test(test_a_readonly_disk),
        cmocka_unit_test(test_blocks_of_4096),
        cmocka_unit_test(test_disks_that_do_not_open),
        cmocka_unit_test(test_configurations_that_are_no_disk),
        cmocka_unit_test(test_reads_and_writes),
        cmocka_unit_test(test_many_under_way),
        cmocka_unit_test(test_flush_and_discard),
        cmocka_unit_test(test_bad_sectors),
        cmocka_unit_test(test_disks_that_lie),
        cmocka_unit_test(test_a_device_that_asks_for_a_reset),
    };
    return RUN_TESTS(tests);
}
