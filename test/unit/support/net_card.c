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
unsigned net_card_last_size, net_card_sent, net_card_cuts, net_card_told,
    net_card_room = UINT32_MAX;
void (*net_card_on_send)(void);

static struct net_buffer *queue[QUEUE];
static unsigned queue_first, queue_count;
uint16_t net_card_checksum_from, net_card_checksum_at;
static bool listens, opened;
static uint32_t buffers;
static uint8_t *frame_out, *pieces_out[NETDEV_PIECES];
static size_t frame_out_size, sizes_out[NETDEV_PIECES];
static unsigned more_pieces;

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

static void *extend(struct netdev *netdev, size_t size)
{
    (void)netdev;
    assert(frame_out != NULL && size > 0 && more_pieces < NETDEV_PIECES - 1);
    if (net_card_room == 0)
        return NULL;
    sizes_out[more_pieces] = size;
    return pieces_out[more_pieces++] = malloc(size);
}

static void show_sent(const uint8_t *bytes, size_t size)
{
    memcpy(net_card_last, bytes, size);
    net_card_last_size = (unsigned)size;
    net_card_sent++;
    if (net_card_on_send != NULL)
        net_card_on_send();
}

static unsigned word(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static void put_word(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* The headers of a segment that begins `at` bytes after the first one, as a card makes them: of an IPv4 packet. */
static void cut_headers(uint8_t *frame, const struct netdev_send *how, unsigned at, size_t size)
{
    uint8_t *ip = frame + 14, *tcp = frame + how->checksum_from;
    uint64_t low = (uint64_t)word(tcp + 6) + at;
    assert(word(ip + 2) == how->size - 14); /* of the whole */
    put_word(ip + 2, (unsigned)size - 14);
    put_word(ip + 4, word(ip + 4) + at / how->segment);
    put_word(tcp + 4, word(tcp + 4) + (unsigned)(low >> 16));
    put_word(tcp + 6, (unsigned)low);
    if (how->headers + at + how->segment < how->size)
        tcp[13] &= (uint8_t)~9; /* PSH and FIN are the last one's */
    /* The pseudo header's sum has the length of the whole. */
    unsigned sum = word(tcp + 16) + 2 * 0xffff -
                   (unsigned)(how->size - how->checksum_from) % 0xffff +
                   (unsigned)(size - how->checksum_from);
    put_word(tcp + 16, sum % 0xffff);
    put_word(ip + 10, 0);
    for (unsigned i = sum = 0; i < 20; i += 2)
        sum += word(ip + i);
    put_word(ip + 10, ~(sum % 0xffff));
}

static void cut(const uint8_t *all, const struct netdev_send *how)
{
    unsigned whole = how->size - how->headers;
    net_card_cuts++;
    for (unsigned at = 0; at < whole; at += how->segment) {
        uint8_t segment[NETDEV_FRAME_MAX];
        unsigned size = whole - at < how->segment ? whole - at : how->segment;
        assert(how->headers + size <= sizeof segment);
        memcpy(segment, all, how->headers);
        memcpy(segment + how->headers, all + how->headers + at, size);
        cut_headers(segment, how, at, how->headers + size);
        show_sent(segment, how->headers + size);
    }
}

static void transmit(struct netdev *netdev, const struct netdev_send *how)
{
    (void)netdev;
    uint8_t *all = malloc(how->size);
    size_t size = frame_out_size;
    net_card_checksum_from = how->checksum_from;
    net_card_checksum_at = how->checksum_at;
    net_card_told += !how->more;
    assert(frame_out != NULL && how->size >= size);
    memcpy(all, frame_out, size);
    free(frame_out);
    frame_out = NULL;
    for (unsigned i = 0; i < more_pieces; i++) {
        assert(size + sizes_out[i] <= how->size);
        memcpy(all + size, pieces_out[i], sizes_out[i]);
        size += sizes_out[i];
        free(pieces_out[i]);
    }
    more_pieces = 0;
    net_card_room--;
    assert(size == how->size);
    if (how->segment != 0)
        cut(all, how);
    else
        show_sent(all, size);
    free(all);
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

static const struct netdev_ops net_card_ops = {.open = open,
                                               .frame = frame,
                                               .extend = extend,
                                               .send = transmit,
                                               .poll = poll,
                                               .listen = listen};

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
