/* SPDX-License-Identifier: MIT */
/* The source of random bytes against a device, honest and lying. */
#include "unit.h"

#include "dev/virtio/mmio.h"
#include "dev/virtio/random.h"
#include "virtio_mmio_model.h"

#include <string.h>

#define BUS UINT64_C(0x123000)

static _Alignas(4096) uint8_t memory[VIRTIO_RANDOM_PAGE];
static const struct model_memory shared = {memory, BUS, sizeof memory};
static struct mmio_model model;
static struct virtio_mmio mmio;
static struct virtio_random source;

static enum err ask(enum model_lie lie)
{
    enum virtio_device_id id;
    memset(&model, 0, sizeof model);
    memset(memory, 0xee, sizeof memory);
    volatile void *registers = mmio_model_open(&model, &shared);
    model.id = VIRTIO_RNG;
    model.queues = 1;
    model.most = 8;
    model.offered = VIRTIO_F_EVENT_IDX;
    assert_int_equal(virtio_mmio_open(&mmio, registers, 0x100, &id), E_OK);
    model.lie = lie;
    return virtio_random_ask(&source, &mmio.device, memory, phys(BUS));
}

/* The device says that it has written `written` bytes, into the request's `head`. */
static void answer(uint32_t head, uint32_t written)
{
    struct model_chain chain;
    assert_int_equal(model.notified[0], 1);
    assert_true(model_take(&model.queue[0], &chain));
    assert_int_equal(chain.count, 1);
    assert_true(chain.segment[0].writable);
    assert_int_equal(chain.segment[0].size, VIRTIO_RANDOM_BYTES);
    for (unsigned i = 0; i < VIRTIO_RANDOM_BYTES; i++)
        chain.segment[0].bytes[i] = (uint8_t)(i * 3 + 1);
    assert_true(model_return(&model.queue[0], head, written)); /* an interrupt is wanted */
}

static void test_bytes_come(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 40, VIRTIO_RANDOM_BYTES};
    for (size_t n = 0; n < sizeof sizes / sizeof sizes[0]; n++) {
        uint8_t out[VIRTIO_RANDOM_BYTES];
        size_t size = 0;
        assert_int_equal(ask(HONEST), E_OK);
        assert_int_equal(virtio_random_take(&source, out, &size), E_AGAIN);
        answer(0, sizes[n]);
        assert_int_equal(virtio_random_take(&source, out, &size), E_OK);
        assert_int_equal(size, sizes[n]);
        for (unsigned i = 0; i < size; i++)
            assert_int_equal(out[i], (uint8_t)(i * 3 + 1));
        for (unsigned i = 0; i < VIRTIO_RANDOM_BYTES; i++) /* nothing is left behind */
            assert_int_equal(source.bytes[i], 0);
        assert_int_equal(virtio_random_take(&source, out, &size), E_AGAIN);
    }
}

static void test_lies(void **state)
{
    (void)state;
    static const struct {
        uint32_t head, written;
    } lies[] = {{0, 0}, {0, VIRTIO_RANDOM_BYTES + 1}, {0, UINT32_MAX}, {1, 8}, {UINT32_MAX, 8}};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        uint8_t out[VIRTIO_RANDOM_BYTES];
        size_t size = 0;
        assert_int_equal(ask(HONEST), E_OK);
        answer(lies[i].head, lies[i].written);
        assert_int_equal(virtio_random_take(&source, out, &size), E_IO);
        assert_int_equal(size, 0);
    }
}

static void test_devices_that_do_not_start(void **state)
{
    (void)state;
    static const enum model_lie lies[] = {LIE_NO_RESET, LIE_LEGACY, LIE_REFUSES_FEATURES,
                                          LIE_NEEDS_RESET, LIE_QUEUE_BUSY};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++)
        assert_int_not_equal(ask(lies[i]), E_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_come),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_devices_that_do_not_start),
    };
    return RUN_TESTS(tests);
}
