/* SPDX-License-Identifier: MIT */
/* The start of a device, its queues and its configuration, by registers in memory. */
#include "unit.h"

#include "dev/virtio/mmio.h"
#include "virtio_mmio_model.h"

#include <string.h>

#define BUS UINT64_C(0x765400000000) /* above 4 GiB: both halves of addresses count */

enum {
    INDIRECT = 4,
    RING = 8,
    BYTES = 4096,
};

static struct mmio_model model;
static struct virtio_mmio mmio;
static _Alignas(16) uint8_t memory[BYTES];
static const struct model_memory shared = {memory, BUS, BYTES};
static struct virtio_slot slots[RING];
static struct virtio_ring ring;

static enum err open_model(enum model_lie lie)
{
    enum virtio_device_id id = 0;
    memset(&model, 0, sizeof(model));
    volatile void *registers = mmio_model_open(&model, &shared);
    model.lie = lie;
    model.id = VIRTIO_CONSOLE;
    model.queues = 2;
    model.most = 1024;
    model.status = 0xf; /* firmware has used it */
    model.offered = VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | 7;
    enum err e = virtio_mmio_open(&mmio, registers, 0x100 + MODEL_CONFIG, &id);
    assert_int_equal(id, e == E_OK ? VIRTIO_CONSOLE : 0);
    return e;
}

static void start(enum model_lie lie, uint64_t wanted)
{
    assert_int_equal(open_model(lie), E_OK);
    assert_int_equal(virtio_start(&mmio.device, wanted), E_OK);
}

static enum err set_queue(uint16_t queue)
{
    struct virtio_ring_options options;
    struct virtio_ring_layout layout;
    enum err e = virtio_queue_options(&mmio.device, queue, RING, INDIRECT, &options);
    if (e != E_OK)
        return e;
    virtio_ring_layout(&options, &layout);
    assert_true(layout.total <= BYTES);
    virtio_ring_init(&ring, &options, memory, phys(BUS), slots);
    return virtio_set_queue(&mmio.device, queue, &ring);
}

/* A request goes to the device and comes back, by notification and interrupt. */
static void test_request(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        uint64_t wanted =
            (kind & 1 ? VIRTIO_F_INDIRECT_DESC : 0) | (kind & 2 ? VIRTIO_F_EVENT_IDX : 0);
        start(HONEST, wanted);
        assert_int_equal(model.accepted, wanted | VIRTIO_F_VERSION_1);
        assert_int_equal(mmio.device.features, model.accepted);
        assert_int_equal(set_queue(1), E_OK);
        assert_true(model.ready[1] && !model.ready[0]);
        assert_int_equal(ring.options.indirect, kind & 1 ? INDIRECT : 0);
        assert_int_equal(ring.options.event_index, kind >> 1);
        assert_int_equal(virtio_go(&mmio.device), E_OK);

        struct virtio_done done;
        struct model_chain chain;
        const struct virtio_buffer b[2] = {{phys(BUS + 4000), 10}, {phys(BUS + 4010), 20}};
        assert_int_equal(virtio_ring_add(&ring, b, 1, 1, &model), E_OK);
        assert_true(virtio_ring_notifies(&ring));
        mmio.device.ops->notify(&mmio.device, 1);
        assert_int_equal(model.notified[1], 1);
        assert_true(model_take(&model.queue[1], &chain));
        assert_int_equal(chain.count, 2);
        assert_ptr_equal(chain.segment[1].bytes, memory + 4010);
        assert_true(model_return(&model.queue[1], chain.head, 20));
        model.interrupt = VIRTIO_INTERRUPT_QUEUE;
        assert_int_equal(mmio.device.ops->interrupt(&mmio.device), VIRTIO_INTERRUPT_QUEUE);
        assert_int_equal(model.interrupt, 0);
        assert_int_equal(mmio.device.ops->interrupt(&mmio.device), 0); /* another's */
        assert_true(virtio_ring_take(&ring, &done));
        assert_ptr_equal(done.token, &model);
        assert_int_equal(done.written, 20);
        virtio_stop(&mmio.device, false);
        assert_true(model.status == 0 && !model.ready[1] && !model.was_failed);
    }
}

static void test_queue_sizes(void **state)
{
    (void)state;
    struct virtio_ring_options options;
    start(HONEST, 0);
    model.most = 48; /* not a power of two: not more than half of it is used */
    assert_int_equal(virtio_queue_options(&mmio.device, 0, 256, 0, &options), E_OK);
    assert_int_equal(options.size, 32);
    model.most = UINT32_MAX;
    assert_int_equal(virtio_queue_options(&mmio.device, 0, 256, 0, &options), E_OK);
    assert_int_equal(options.size, 256);
    model.most = 0;
    assert_int_equal(virtio_queue_options(&mmio.device, 0, 256, 0, &options), E_NODEV);
    model.most = 8;
    assert_int_equal(set_queue(2), E_NODEV);
}

static void test_bad_devices(void **state)
{
    (void)state;
    static const struct {
        enum model_lie lie;
        enum err start;
        bool failed;
    } lies[] = {
        {LIE_NO_RESET, E_IO, false},
        {LIE_LEGACY, E_NOTSUP, true},
        {LIE_REFUSES_FEATURES, E_NOTSUP, true},
    };
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(open_model(lies[i].lie), E_OK);
        assert_int_equal(virtio_start(&mmio.device, 0), lies[i].start);
        assert_int_equal(model.was_failed, lies[i].failed);
    }
    start(LIE_QUEUE_BUSY, 0);
    assert_int_equal(set_queue(0), E_BUSY);
    start(LIE_NEEDS_RESET, 0);
    assert_int_equal(set_queue(0), E_OK);
    assert_int_equal(virtio_go(&mmio.device), E_IO);
}

static void test_no_device(void **state)
{
    (void)state;
    enum virtio_device_id id;
    assert_int_equal(open_model(HONEST), E_OK);
    volatile void *at = mmio.registers;
    model.id = 0;
    assert_int_equal(virtio_mmio_open(&mmio, at, 512, &id), E_NODEV);
    model.id = 3;
    model.version = 1;
    assert_int_equal(virtio_mmio_open(&mmio, at, 512, &id), E_NOTSUP);
    model.version = 2;
    model.magic = UINT32_MAX; /* no hardware answers */
    assert_int_equal(virtio_mmio_open(&mmio, at, 512, &id), E_NOTSUP);
    assert_int_equal(virtio_mmio_open(&mmio, at, 255, &id), E_NOTSUP);
}

static void test_config(void **state)
{
    (void)state;
    uint8_t bytes[MODEL_CONFIG], same[MODEL_CONFIG];
    start(HONEST, 0);
    for (unsigned i = 0; i < MODEL_CONFIG; i++)
        model.config[i] = (uint8_t)(i * 3);
    assert_int_equal(virtio_read_config(&mmio.device, 4, bytes, 4), E_OK);
    assert_memory_equal(bytes, model.config + 4, 4);
    assert_int_equal(virtio_read_config(&mmio.device, 0, bytes, MODEL_CONFIG), E_OK);
    assert_int_equal(virtio_read_config(&mmio.device, 1, bytes, MODEL_CONFIG), E_RANGE);
    assert_int_equal(virtio_read_config(&mmio.device, UINT32_MAX, bytes, 1), E_RANGE);
    start(LIE_CONFIG_ONCE, 0); /* never half of the old and half of the new */
    assert_int_equal(virtio_read_config(&mmio.device, 0, bytes, MODEL_CONFIG), E_OK);
    memset(same, 0x77, sizeof(same));
    assert_memory_equal(bytes, same, sizeof(same));
    start(LIE_CONFIG_CHANGES, 0);
    assert_int_equal(virtio_read_config(&mmio.device, 0, bytes, 4), E_IO);
}

static void test_words(void **state)
{
    (void)state;
    struct virtio_mmio_word word;
    assert_true(virtio_mmio_parse("512@0xfeb00e00:12", &word));
    assert_int_equal(word.range.start.v, 0xfeb00e00);
    assert_int_equal(word.range.end.v, 0xfeb01000);
    assert_int_equal(word.line, 12);
    assert_true(virtio_mmio_parse("0x100@4:0", &word));
    assert_true(virtio_mmio_parse("4K@0xffffffffffff0000:255", &word));
    static const char *const bad[] = {
        "",
        "512",
        "512@",
        "512@0xfeb00e00",
        "512@0xfeb00e00:",
        "@0xfeb00e00:12",
        "512@:12",
        "512@0xfeb00e00:12:",
        "512@0xfeb00e00:256",
        "512@0xfeb00e00:-1",
        "255@0xfeb00e00:12",
        "65537@0xfeb00e00:12",
        "512@0xfeb00e02:12",
        "512@0:12",
        "512@0xffffffffffffff00:12",
        "512@0x1ffffffffffffffff:12",
        "0000000000000000000000000000512@0xfeb00e00:12",
    };
    word.line = 99;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (virtio_mmio_parse(bad[i], &word))
            fail_msg("accepted: %s", bad[i]);
    assert_int_equal(word.line, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),     cmocka_unit_test(test_queue_sizes),
        cmocka_unit_test(test_bad_devices), cmocka_unit_test(test_no_device),
        cmocka_unit_test(test_config),      cmocka_unit_test(test_words),
    };
    return RUN_TESTS(tests);
}
