/* SPDX-License-Identifier: MIT */
#include "dev/virtio/console.h"

#include "base/checked.h"
#include "base/str.h"
#include "cpu/x86.h"
#include "kern/console_frame.h"
#include "parse/load.h"

#define F_MULTIPORT (UINT64_C(1) << 1)

enum { /* VIRTIO 1.1, 5.3.6.2 */
    EVENT_DEVICE_READY = 0,
    EVENT_PORT_ADD = 1,
    EVENT_PORT_REMOVE = 2,
    EVENT_PORT_READY = 3,
    EVENT_PORT_OPEN = 6,
    EVENT_PORT_NAME = 7,

    MESSAGE_HEAD = 8,  /* id 4, event 2, value 2 */
    MESSAGE_SIZE = 64, /* with the longest name that matters */
    PORT = 1,
    PORT_NONE = 0xffffffff,
    QUEUE_CONTROL_IN = 2,
    QUEUE_IN_1 = 4, /* of port 1 */

    CONFIG_PORTS = 4, /* max_nr_ports, 4 bytes */
    PAGE = 4096,
};

static const uint16_t numbers[CONSOLE_QUEUES] = {
    [CONSOLE_CONTROL_IN] = QUEUE_CONTROL_IN,
    [CONSOLE_CONTROL_OUT] = QUEUE_CONTROL_IN + 1,
    [CONSOLE_IN] = QUEUE_IN_1,
    [CONSOLE_OUT] = QUEUE_IN_1 + 1,
};

static void console_fail(struct virtio_console *c, const char *why)
{
    if (c->failed == NULL)
        c->failed = why;
}

static void console_notify(struct virtio_console *c, enum virtio_console_queue q)
{
    if (virtio_ring_notifies(&c->ring[q]))
        c->device->ops->notify(c->device, numbers[q]);
}

/* A request of one buffer, named by a number. */
static void console_add(struct virtio_console *c, enum virtio_console_queue q, phys_t at,
                        uint32_t size, unsigned number)
{
    const struct virtio_buffer buffer = {at, size};
    bool writable = q == CONSOLE_CONTROL_IN || q == CONSOLE_IN;
    if (virtio_ring_add_one(&c->ring[q], &buffer, writable, (void *)(uintptr_t)number) != E_OK)
        console_fail(c, "a queue is full of requests that it does not have");
}

/* --- memory --- */

static enum err make_queues(struct virtio_console *c, uint8_t *bytes, phys_t at)
{
    uint32_t used = 0;
    for (unsigned q = 0; q < CONSOLE_QUEUES; q++) {
        uint16_t wanted = q == CONSOLE_OUT  ? VIRTIO_CONSOLE_OUT
                          : q == CONSOLE_IN ? VIRTIO_CONSOLE_IN_MAX
                                            : VIRTIO_CONSOLE_CONTROL;
        struct virtio_ring_options options;
        struct virtio_ring_layout layout;
        enum err e = virtio_queue_options(c->device, numbers[q], wanted, 0, &options);
        if (e == E_OK && options.size < wanted)
            e = E_NODEV;
        if (e != E_OK)
            return e;
        virtio_ring_layout(&options, &layout);
        virtio_ring_init(&c->ring[q], &options, bytes + used, phys(at.v + used), c->slots[q]);
        e = virtio_set_queue(c->device, numbers[q], &c->ring[q]);
        if (e != E_OK)
            return e;
        used += (uint32_t)align_up(layout.total, 16);
    }
    c->messages = bytes + used;
    c->messages_at = phys(at.v + used);
    return E_OK;
}

/* Half for output, then a quarter for input; the queues are in the last page. */
static enum err divide(struct virtio_console *c, const struct virtio_console_memory *m)
{
    uint8_t *bytes = m->start;
    uint32_t half = m->size / 2, last = m->size - PAGE;
    c->output = (struct block_ring){.bytes = bytes, .size = half};
    c->output_at = m->at;
    c->input = bytes + half;
    c->input_at = phys(m->at.v + half);
    c->input_size = PAGE;
    c->input_count = (uint16_t)(half / 2 / PAGE);
    return make_queues(c, bytes + last, phys(m->at.v + last));
}

/* --- messages --- */

static void offer_message(struct virtio_console *c, unsigned i)
{
    console_add(c, CONSOLE_CONTROL_IN, phys(c->messages_at.v + i * MESSAGE_SIZE), MESSAGE_SIZE, i);
}

/* Sends a message and waits until the device has read it. */
static void say(struct virtio_console *c, uint32_t port, uint16_t event, uint16_t value)
{
    struct virtio_done done;
    size_t at = VIRTIO_CONSOLE_CONTROL * MESSAGE_SIZE;
    const uint8_t message[MESSAGE_HEAD] = {
        (uint8_t)port,  (uint8_t)(port >> 8),  (uint8_t)(port >> 16), (uint8_t)(port >> 24),
        (uint8_t)event, (uint8_t)(event >> 8), (uint8_t)value,        (uint8_t)(value >> 8),
    };
    memcpy(c->messages + at, message, sizeof message);
    console_add(c, CONSOLE_CONTROL_OUT, phys(c->messages_at.v + at), sizeof message, 0);
    console_notify(c, CONSOLE_CONTROL_OUT);
    for (unsigned i = 0; i < c->polls && c->failed == NULL; i++) {
        if (virtio_ring_take(&c->ring[CONSOLE_CONTROL_OUT], &done))
            return;
        cpu_pause();
    }
    console_fail(c, "the device does not read messages");
}

static void console_hear(struct virtio_console *c, const uint8_t *message, uint32_t size)
{
    static const char name[] = FRAME_PORT_NAME;
    uint16_t event = load16(message + 4), value = load16(message + 6);
    if (size < MESSAGE_HEAD || load32(message) != PORT)
        return;
    if (event == EVENT_PORT_ADD && !c->added) {
        c->added = true;
        say(c, PORT, EVENT_PORT_READY, 1);
    } else if (event == EVENT_PORT_NAME) { /* with or without a NUL */
        const uint8_t *is = message + MESSAGE_HEAD;
        size_t length = size - MESSAGE_HEAD;
        if (length > 0 && is[length - 1] == '\0')
            length--;
        c->named = length == sizeof name - 1 && memcmp(is, name, length) == 0;
    } else if (event == EVENT_PORT_OPEN) {
        if (c->host_open && value != 1)
            console_fail(c, "the host has closed the port");
        c->host_open = value == 1;
    } else if (event == EVENT_PORT_REMOVE) {
        console_fail(c, "the port was removed");
    }
}

static void hear_all(struct virtio_console *c)
{
    struct virtio_ring *ring = &c->ring[CONSOLE_CONTROL_IN];
    struct virtio_done done;
    bool quiet = false;
    /* A message is answered at once, and the answer may bring others: bounded. */
    for (unsigned n = 0; n < VIRTIO_CONSOLE_CONTROL && c->failed == NULL && !quiet; n++) {
        if (!virtio_ring_take(ring, &done)) {
            quiet = virtio_ring_listen(ring);
            continue;
        }
        unsigned i = (unsigned)(uintptr_t)done.token;
        uint8_t copy[MESSAGE_SIZE]; /* the device may change its own */
        memcpy(copy, c->messages + i * MESSAGE_SIZE, sizeof copy);
        console_hear(c, copy, done.written);
        offer_message(c, i);
    }
    console_notify(c, CONSOLE_CONTROL_IN);
}

/* --- start --- */

static enum err find_port(struct virtio_console *c)
{
    uint8_t ports[4];
    enum err e = virtio_read_config(c->device, CONFIG_PORTS, ports, sizeof ports);
    if (e != E_OK || load32(ports) <= PORT)
        return E_NODEV;
    e = virtio_go(c->device);
    if (e != E_OK)
        return e;
    for (unsigned i = 0; i < VIRTIO_CONSOLE_CONTROL; i++)
        offer_message(c, i);
    console_notify(c, CONSOLE_CONTROL_IN);
    say(c, PORT_NONE, EVENT_DEVICE_READY, 1);
    for (unsigned i = 0; i < c->polls && c->failed == NULL && !(c->named && c->host_open); i++) {
        hear_all(c);
        cpu_pause();
    }
    if (c->failed != NULL)
        return E_IO;
    if (!c->named || !c->host_open)
        return E_NODEV;
    for (uint16_t i = 0; i < c->input_count; i++)
        console_add(c, CONSOLE_IN, phys(c->input_at.v + i * c->input_size), c->input_size, i);
    virtio_console_listen(c);
    say(c, PORT, EVENT_PORT_OPEN, 1);
    return c->failed == NULL ? E_OK : E_IO;
}

enum err virtio_console_start(struct virtio_console *c, struct virtio_device *device,
                              const struct virtio_console_memory *memory, unsigned polls)
{
    *c = (struct virtio_console){.device = device, .polls = polls};
    enum err e = virtio_start(device, F_MULTIPORT | VIRTIO_F_EVENT_IDX);
    if (e != E_OK)
        return e;
    e = device->features & F_MULTIPORT ? divide(c, memory) : E_NODEV;
    if (e == E_OK)
        e = find_port(c);
    if (e != E_OK)
        virtio_stop(device, e != E_NODEV);
    return e;
}

/* --- traffic --- */

static bool take_sent(struct virtio_console *c)
{
    struct virtio_done done;
    bool any = false;
    while (virtio_ring_take(&c->ring[CONSOLE_OUT], &done)) {
        c->sent_done[(uintptr_t)done.token % VIRTIO_CONSOLE_OUT] = true;
        any = true;
    }
    while (c->sent_count > 0 && c->sent_done[c->sent_first]) {
        c->output.out += c->sent_size[c->sent_first];
        c->sent_first = (c->sent_first + 1) % VIRTIO_CONSOLE_OUT;
        c->sent_count--;
    }
    return any;
}

static bool take_received(struct virtio_console *c)
{
    struct virtio_done done;
    bool any = false;
    while (virtio_ring_take(&c->ring[CONSOLE_IN], &done)) {
        unsigned last = (c->received_first + c->received_count++) % VIRTIO_CONSOLE_IN_MAX;
        c->received[last] =
            (struct virtio_console_received){(uint16_t)(uintptr_t)done.token, done.written};
        if (done.written == 0)
            console_fail(c, "the device says that nothing came");
        any = true;
    }
    return any;
}

bool virtio_console_poll(struct virtio_console *c)
{
    if (c->failed != NULL)
        return false;
    hear_all(c);
    bool sent = take_sent(c), received = take_received(c);
    for (unsigned q = 0; q < CONSOLE_QUEUES; q++)
        if (c->ring[q].broken != NULL)
            console_fail(c, c->ring[q].broken);
    return sent || received;
}

void virtio_console_send(struct virtio_console *c)
{
    uint32_t at, size;
    while (c->failed == NULL && c->sent_count < VIRTIO_CONSOLE_OUT &&
           (size = block_ring_next(&c->output, &at)) > 0) {
        if (size > c->output.size / 4) /* so that the rest is free before all of it has gone */
            size = c->output.size / 4;
        unsigned i = (c->sent_first + c->sent_count++) % VIRTIO_CONSOLE_OUT;
        c->sent_size[i] = size;
        c->sent_done[i] = false;
        c->output.sent += size;
        console_add(c, CONSOLE_OUT, phys(c->output_at.v + at), size, i);
    }
    virtio_ring_ignore(&c->ring[CONSOLE_OUT]); /* most of it is taken during the notification */
    console_notify(c, CONSOLE_OUT);
    (void)take_sent(c);
    while (c->sent_count > 0 && c->failed == NULL && !virtio_ring_listen(&c->ring[CONSOLE_OUT])) {
        if (!take_sent(c))
            console_fail(c, "the device says that it has sent, and has not");
    }
}

const uint8_t *virtio_console_input(const struct virtio_console *c, size_t *size)
{
    const struct virtio_console_received *r = &c->received[c->received_first];
    *size = c->received_count > 0 ? r->size - c->input_taken : 0;
    return c->input + (size_t)r->buffer * c->input_size + c->input_taken;
}

void virtio_console_take(struct virtio_console *c, size_t size)
{
    const struct virtio_console_received r = c->received[c->received_first];
    c->input_taken += (uint32_t)size;
    if (c->received_count == 0 || c->input_taken < r.size)
        return;
    c->input_taken = 0;
    c->received_first = (c->received_first + 1) % VIRTIO_CONSOLE_IN_MAX;
    c->received_count--;
    console_add(c, CONSOLE_IN, phys(c->input_at.v + (uint64_t)r.buffer * c->input_size),
                c->input_size, r.buffer);
}

bool virtio_console_listen(struct virtio_console *c)
{
    console_notify(c, CONSOLE_IN);
    return virtio_ring_listen(&c->ring[CONSOLE_IN]);
}
