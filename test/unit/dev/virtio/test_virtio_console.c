/* SPDX-License-Identifier: MIT */
/* The port of a virtio console against a device, honest and lying, that works when it is notified. */
#include "unit.h"

#include "dev/virtio/console.h"
#include "dev/virtio/mmio.h"
#include "kern/console_frame.h"
#include "virtio_mmio_model.h"

#include <stdlib.h>
#include <string.h>

#define BUS UINT64_C(0x765400000000)

enum {
    BYTES = VIRTIO_CONSOLE_MEMORY_MIN,
    CONTROL_IN = 2,
    CONTROL_OUT,
    IN,
    OUT,
    MESSAGES = 16,
    STREAM = 1 << 20,
};

enum lie {
    CONSOLE_HONEST,
    NO_PORT,       /* announces none */
    OTHER_NAME,    /* a port of another name */
    CLOSED,        /* the host's end is closed */
    SHORT_MESSAGE, /* a message without all of its head */
    MANY_MESSAGES, /* announces the port again and again */
    DEAF,          /* does not read messages */
    OTHER_HEAD,    /* finishes output that it does not have */
    TWICE,         /* finishes output twice */
    TOO_MUCH,      /* says that more came than there is room for */
    NOTHING,       /* says that nothing came */
    CLOSES,        /* the host's end closes */
};

static struct mmio_model model;
static struct virtio_mmio mmio;
static _Alignas(4096) uint8_t memory[BYTES];
static const struct model_memory shared = {memory, BUS, BYTES};
static struct virtio_console console;

static enum lie lie;
static bool throttled, guest_open;
static uint8_t host_got[STREAM], host_sends[STREAM];
static size_t host_got_size, host_sends_size, host_sent;
static struct {
    uint8_t bytes[64];
    uint32_t size;
} messages[MESSAGES];
static unsigned message_count;

static void queue_message(uint16_t event, uint16_t value, const char *name)
{
    assert_true(message_count < MESSAGES);
    uint8_t *m = messages[message_count].bytes;
    memset(m, 0, 8);
    m[0] = 1;
    m[4] = (uint8_t)event;
    m[6] = (uint8_t)value;
    strcpy((char *)m + 8, name);
    messages[message_count++].size = lie == SHORT_MESSAGE ? 5 : 8 + (uint32_t)strlen(name);
}

static void return_chain(unsigned queue, uint32_t head, uint32_t written)
{
    if (model_return(&model.queue[queue], head, written))
        model.interrupt |= 1;
}

static void send_messages(void)
{
    struct model_chain chain;
    unsigned sent = 0;
    while (sent < message_count && model_take(&model.queue[CONTROL_IN], &chain)) {
        assert_true(chain.segment[0].writable && chain.segment[0].size >= messages[sent].size);
        memcpy(chain.segment[0].bytes, messages[sent].bytes, messages[sent].size);
        return_chain(CONTROL_IN, chain.head, messages[sent++].size);
    }
    memmove(messages, messages + sent, sizeof messages[0] * (message_count - sent));
    message_count -= sent;
}

static void hear(const uint8_t *m)
{
    if (m[4] == 0 && lie != NO_PORT) {
        queue_message(1, 1, "");
    } else if (m[4] == 3) {
        assert_int_equal(m[0], 1);
        queue_message(7, 1, lie == OTHER_NAME ? "org.ouro.consol" : FRAME_PORT_NAME);
        queue_message(6, lie != CLOSED, "");
    } else if (m[4] == 6) {
        guest_open = true;
    }
    for (int i = 0; lie == MANY_MESSAGES && i < 3; i++)
        queue_message(1, 1, "");
}

static void take_output(void)
{
    struct model_chain chain;
    while (!throttled && model_take(&model.queue[OUT], &chain)) {
        assert_int_equal(chain.count, 1);
        assert_true(host_got_size + chain.segment[0].size <= STREAM);
        memcpy(host_got + host_got_size, chain.segment[0].bytes, chain.segment[0].size);
        host_got_size += chain.segment[0].size;
        return_chain(OUT, lie == OTHER_HEAD ? chain.head ^ 1 : chain.head, 0);
        if (lie == TWICE)
            return_chain(OUT, chain.head, 0);
    }
}

static void give_input(void)
{
    struct model_chain chain;
    while (guest_open && host_sent < host_sends_size && model_take(&model.queue[IN], &chain)) {
        uint32_t size = chain.segment[0].size;
        if (size > host_sends_size - host_sent)
            size = (uint32_t)(host_sends_size - host_sent);
        if (size > 100 && random() % 2)
            size = 1 + (uint32_t)random() % size;
        memcpy(chain.segment[0].bytes, host_sends + host_sent, size);
        host_sent += size;
        return_chain(IN, chain.head,
                     lie == TOO_MUCH  ? chain.segment[0].size + 1
                     : lie == NOTHING ? 0
                                      : size);
    }
}

static void work(uint32_t queue)
{
    struct model_chain chain;
    if (queue == CONTROL_OUT && lie != DEAF) {
        while (model_take(&model.queue[CONTROL_OUT], &chain)) {
            assert_int_equal(chain.segment[0].size, 8);
            hear(chain.segment[0].bytes);
            return_chain(CONTROL_OUT, chain.head, 0);
        }
    }
    send_messages();
    take_output();
    give_input();
    for (unsigned q = CONTROL_IN; q <= OUT; q++)
        if (model.ready[q])
            (void)model_listen(&model.queue[q]);
}

static enum err start(enum lie how)
{
    enum virtio_device_id id;
    const struct virtio_console_memory m = {memory, phys(BUS), BYTES};
    memset(&model, 0, sizeof model);
    lie = how;
    throttled = guest_open = false;
    host_got_size = host_sends_size = host_sent = message_count = 0;
    volatile void *registers = mmio_model_open(&model, &shared);
    model.id = VIRTIO_CONSOLE;
    model.queues = 6;
    model.most = 128;
    model.offered = VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | 7;
    model.config[4] = 2; /* ports */
    model.on_notify = work;
    assert_int_equal(virtio_mmio_open(&mmio, registers, 0x100 + MODEL_CONFIG, &id), E_OK);
    return virtio_console_start(&console, &mmio.device, &m, 20000);
}

static void test_the_port_is_found_and_opened(void **state)
{
    (void)state;
    assert_int_equal(start(CONSOLE_HONEST), E_OK);
    assert_true(guest_open);
    assert_int_equal(console.output.size, BYTES / 2);
    assert_int_equal(console.input_count, 2);
}

static void test_no_such_port(void **state)
{
    (void)state;
    static const enum lie lies[] = {NO_PORT, OTHER_NAME, CLOSED, SHORT_MESSAGE};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        assert_int_equal(start(lies[i]), E_NODEV);
        assert_false(guest_open);
        assert_int_equal(model.status, 0); /* it was reset: it touches no memory any more */
    }
}

static void test_one_port_only(void **state)
{
    (void)state;
    static uint8_t one = 1;
    const struct virtio_console_memory m = {memory, phys(BUS), BYTES};
    assert_int_equal(start(CONSOLE_HONEST), E_OK);
    model.config[4] = one;
    assert_int_equal(virtio_console_start(&console, &mmio.device, &m, 20000), E_NODEV);
}

static void test_no_multiport(void **state)
{
    (void)state;
    const struct virtio_console_memory m = {memory, phys(BUS), BYTES};
    assert_int_equal(start(CONSOLE_HONEST), E_OK);
    model.offered &= ~UINT64_C(2);
    assert_int_equal(virtio_console_start(&console, &mmio.device, &m, 20000), E_NODEV);
}

static void test_small_queues_are_refused(void **state)
{
    (void)state;
    const struct virtio_console_memory m = {memory, phys(BUS), BYTES};
    assert_int_equal(start(CONSOLE_HONEST), E_OK);
    model.most = 4;
    assert_int_equal(virtio_console_start(&console, &mmio.device, &m, 20000), E_NODEV);
}

static void test_device_that_does_not_read(void **state)
{
    (void)state;
    assert_int_equal(start(DEAF), E_IO);
    assert_true(model.was_failed);
}

static void test_messages_without_end(void **state)
{
    (void)state;
    assert_int_equal(start(MANY_MESSAGES), E_OK);
}

/* A slow host takes nothing for a while: what is put waits, nothing more is accepted, all arrives. */
static void test_output_waits_for_the_host(void **state)
{
    (void)state;
    static const char text[1000] = "0123456789";
    assert_int_equal(start(CONSOLE_HONEST), E_OK);
    throttled = true;
    size_t put = 0, n;
    while ((n = block_ring_put(&console.output, '1', text, sizeof text)) > 0) {
        put += n;
        virtio_console_send(&console);
        assert_false(virtio_console_poll(&console));
    }
    assert_true(put > BYTES / 2 - 100 && put < BYTES / 2);
    assert_int_equal(host_got_size, 0);
    model.interrupt = 0;
    throttled = false;
    work(OUT);
    assert_int_equal(model.interrupt, 1);
    assert_true(virtio_console_poll(&console));
    virtio_console_send(&console);
    (void)virtio_console_poll(&console);
    assert_int_equal(block_ring_used(&console.output), 0);
    assert_int_equal(host_got_size, BYTES / 2);
    assert_null(console.failed);
}

/* Fast hosts take the bytes during the notification, and no interrupt is needed. */
static void test_output_without_interrupts(void **state)
{
    (void)state;
    assert_int_equal(start(CONSOLE_HONEST), E_OK);
    model.interrupt = 0;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(block_ring_put(&console.output, '1', "hello", 5), 5);
        virtio_console_send(&console);
    }
    assert_int_equal(host_got_size, 9000);
    assert_int_equal(model.interrupt, 0);
    assert_int_equal(block_ring_used(&console.output), 0);
}

/* Both directions at once, with a reader that takes parts and a host that stops at times. */
static void test_streams_are_exact(void **state)
{
    (void)state;
    static uint8_t got[STREAM];
    srandom(2);
    assert_int_equal(start(CONSOLE_HONEST), E_OK);
    for (size_t i = 0; i < STREAM; i++)
        host_sends[i] = (uint8_t)random();
    host_sends_size = STREAM / 2;
    size_t in = 0, out = 0, idle = 0;
    while ((in < host_sends_size || out < host_sends_size) && idle < 1000) {
        size_t size, before = in + out;
        throttled = random() % 4 == 0;
        (void)virtio_console_poll(&console);
        const uint8_t *bytes = virtio_console_input(&console, &size);
        if (size > 0 && random() % 3 == 0)
            size = 1 + (size_t)random() % size;
        memcpy(got + in, bytes, size);
        if (size > 0)
            virtio_console_take(&console, size);
        in += size;
        if (size == 0)
            (void)virtio_console_listen(&console);
        if (out < in)
            out += block_ring_put(&console.output, '1', got + out, in - out);
        virtio_console_send(&console);
        if (!throttled)
            work(OUT);
        idle = in + out == before ? idle + 1 : 0;
    }
    throttled = false;
    work(OUT);
    assert_null(console.failed);
    assert_int_equal(in, host_sends_size);
    assert_memory_equal(got, host_sends, in);
    struct block_reader reader = {0};
    size_t count, at = 0, total = 0;
    char kind;
    while (at < host_got_size) {
        at += block_reader_next(&reader, host_got + at, host_got_size - at, &kind, &count);
        assert_memory_equal(host_got + at, host_sends + total, count);
        block_reader_took(&reader, count);
        at += count;
        total += count;
    }
    assert_int_equal(total, host_sends_size);
}

static void test_lies_about_output(void **state)
{
    (void)state;
    static const enum lie lies[] = {OTHER_HEAD, TWICE};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        assert_int_equal(start(lies[i]), E_OK);
        assert_int_equal(block_ring_put(&console.output, '1', "x", 1), 1);
        virtio_console_send(&console);
        (void)virtio_console_poll(&console);
        assert_non_null(console.failed);
        virtio_console_send(&console); /* a failed one does nothing more */
        assert_false(virtio_console_poll(&console));
    }
}

static void test_lies_about_input(void **state)
{
    (void)state;
    static const enum lie lies[] = {TOO_MUCH, NOTHING};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        assert_int_equal(start(lies[i]), E_OK);
        host_sends_size = 5;
        give_input();
        (void)virtio_console_poll(&console);
        assert_non_null(console.failed);
    }
}

static void test_the_host_closes(void **state)
{
    (void)state;
    assert_int_equal(start(CONSOLE_HONEST), E_OK);
    queue_message(6, 0, "");
    send_messages();
    (void)virtio_console_poll(&console);
    assert_non_null(console.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_port_is_found_and_opened),
        cmocka_unit_test(test_no_such_port),
        cmocka_unit_test(test_one_port_only),
        cmocka_unit_test(test_no_multiport),
        cmocka_unit_test(test_small_queues_are_refused),
        cmocka_unit_test(test_device_that_does_not_read),
        cmocka_unit_test(test_messages_without_end),
        cmocka_unit_test(test_output_waits_for_the_host),
        cmocka_unit_test(test_output_without_interrupts),
        cmocka_unit_test(test_streams_are_exact),
        cmocka_unit_test(test_lies_about_output),
        cmocka_unit_test(test_lies_about_input),
        cmocka_unit_test(test_the_host_closes),
    };
    return RUN_TESTS(tests);
}
