/* SPDX-License-Identifier: MIT */
#include "net_card.h"

#include "native.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

enum {
    QUEUE = 4096
};

uint8_t net_card_last[NETDEV_FRAME_MAX];
unsigned net_card_last_size, net_card_sent, net_card_room = UINT32_MAX;
void (*net_card_on_send)(void);

static struct net_buffer *queue[QUEUE];
static unsigned queue_first, queue_count;
uint16_t net_card_checksum_from, net_card_checksum_at;
static bool listens, opened;
static uint32_t buffers;
static uint8_t *frame_out;
static size_t frame_out_size;

struct net_buffer *net_buffer_alloc(void)
{
    struct net_buffer *buffer = malloc(sizeof *buffer);
    assert(buffer != NULL);
    memset(buffer, 0xa5, sizeof *buffer);
    buffer->next = NULL;
    buffers++;
    return buffer;
}

void net_buffer_free(struct net_buffer *buffer)
{
    buffers--;
    free(buffer);
}

uint32_t net_buffers_used(void)
{
    return buffers;
}

uint32_t net_buffers_most_value = 4096;

uint32_t net_buffers_most(void)
{
    return net_buffers_most_value;
}

static bool open(struct netdev *netdev)
{
    (void)netdev;
    opened = true;
    return true;
}

static void *frame(struct netdev *netdev, size_t size)
{
    (void)netdev;
    assert(opened && size > 0 && size <= NETDEV_FRAME_MAX && frame_out == NULL);
    if (net_card_room == 0)
        return NULL;
    /* Of just this size, so that AddressSanitizer reports more. */
    frame_out = malloc(size);
    frame_out_size = size;
    return frame_out;
}

static void transmit(struct netdev *netdev, size_t size, uint16_t checksum_from,
                     uint16_t checksum_at, bool more)
{
    (void)netdev;
    (void)more;
    net_card_checksum_from = checksum_from;
    net_card_checksum_at = checksum_at;
    assert(frame_out != NULL && size == frame_out_size);
    memcpy(net_card_last, frame_out, size);
    free(frame_out);
    frame_out = NULL;
    net_card_last_size = (unsigned)size;
    net_card_sent++;
    net_card_room--;
    if (net_card_on_send != NULL)
        net_card_on_send();
}

static unsigned poll(struct netdev *netdev, unsigned most)
{
    unsigned count = 0;
    assert(!listens);
    for (; count < most && queue_count > 0; count++) {
        struct net_buffer *buffer = queue[queue_first];
        queue_first = (queue_first + 1) % QUEUE;
        queue_count--;
        netdev->receive(netdev, buffer);
    }
    return count;
}

static bool listen(struct netdev *netdev)
{
    (void)netdev;
    listens = queue_count == 0;
    return listens;
}

static const struct netdev_ops net_card_ops = {
    .open = open, .frame = frame, .send = transmit, .poll = poll, .listen = listen};

struct netdev net_card = {.ops = &net_card_ops,
                          .driver = "test",
                          .address = {0x52, 0x54, 0, 0x12, 0x34, 0x56},
                          .mtu = 1500,
                          .features = NETDEV_CHECKSUM_OUT,
                          .link = true};

void net_card_interrupt(void)
{
    listens = false;
    net_card.wake(&net_card);
}

bool net_card_frame(const void *bytes, unsigned size, unsigned piece)
{
    struct net_buffer *first = NULL, **last = &first;
    for (unsigned at = 0; at < size || at == 0; at += piece) {
        struct net_buffer *buffer = net_buffer_alloc();
        buffer->size = (uint16_t)(size - at < piece ? size - at : piece);
        buffer->start =
            (uint16_t)(NET_BUFFER_DATA - buffer->size); /* against the end, for AddressSanitizer */
        buffer->checked = false;
        memcpy(buffer->data + buffer->start, (const uint8_t *)bytes + at, buffer->size);
        *last = buffer;
        last = &buffer->next;
    }
    assert(queue_count < QUEUE);
    queue[(queue_first + queue_count++) % QUEUE] = first;
    if (listens)
        net_card_interrupt();
    return true;
}

unsigned net_card_waiting(void)
{
    return queue_count;
}
