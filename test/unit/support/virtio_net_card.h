/* SPDX-License-Identifier: MIT */
/* A virtio network card, honest and lying, that works when it is notified, and the stack above its driver. One for each test
 * program. */
#pragma once

#include "dev/nic/virtio_net.h"
#include "dev/virtio/mmio.h"
#include "mm/phys/frames.h"
#include "unit.h"
#include "virtio_mmio_model.h"

#include <string.h>

enum {
    IN,
    OUT,
    RING = 32,
    HEADER = 12,
    FRAMES = 4096,
    FEATURES = 1 | 2 | 8 | 32 | 1 << 15 | 1 << 16,
    CONFIG_STATUS = 6,
    CONFIG_MTU = 10,
};

enum lie {
    CARD_HONEST,
    OTHER_HEAD, /* finishes a buffer that it does not have */
    TWICE,      /* finishes it twice */
    TOO_MUCH,   /* says that more came than there is room for */
    TOO_LITTLE, /* less than a header */
    NO_BUFFERS, /* a frame in 0 buffers */
    MANY,       /* in more than there are */
    MISSING,    /* in two, of which one is finished */
    EMPTY,      /* in two, of which the second is empty */
    SENT_OTHER, /* has sent what it did not get */
    SENT_WROTE, /* has written into a frame to send */
};

struct frames machine_frames = {.total_frames = 4096};

struct wire_frame {
    uint32_t size;
    uint8_t header[HEADER], bytes[1600];
    unsigned pieces;
};

static struct mmio_model model;
static struct virtio_mmio mmio;
static struct virtio_net net;
static const struct model_memory shared = {(uint8_t *)1, 1, UINT64_MAX - 1};

static enum lie lie;
static bool holds; /* the card sends nothing for a while */
static struct wire_frame sent[FRAMES];
static unsigned sent_count, leaves, wakes, got;
static unsigned pieces; /* of a frame that comes */
static uint8_t got_bytes[1600];
static uint32_t got_size;
static bool got_checked, keeps;
static struct net_buffer *kept[FRAMES];
static unsigned kept_count;

static void receive(struct netdev *netdev, struct net_buffer *frame)
{
    assert_ptr_equal(netdev, &net.netdev);
    got_checked = frame->checked;
    got_size = 0;
    while (frame != NULL) {
        struct net_buffer *next = frame->next;
        assert_true((size_t)frame->start + frame->size <= NET_BUFFER_DATA);
        assert_true(got_size + frame->size <= sizeof got_bytes);
        memcpy(got_bytes + got_size, frame->data + frame->start, frame->size);
        got_size += frame->size;
        if (keeps)
            kept[kept_count++] = frame;
        else
            net_buffer_free(frame);
        frame = next;
    }
    got++;
}

static void wake(struct netdev *netdev)
{
    assert_ptr_equal(netdev, &net.netdev);
    wakes++;
}

static void leave(struct virtio_net *n)
{
    assert_ptr_equal(n, &net);
    virtio_stop(n->device, true);
    leaves++;
}

/* The interrupt comes at once. */
static void return_chain(unsigned queue, uint32_t head, uint32_t written)
{
    if (model_return(&model.queue[queue], head, written)) {
        model.interrupt |= 1;
        uint32_t why = net.device->ops->interrupt(net.device);
        virtio_net_interrupt(&net, why & 2);
    }
}

static void send_frames(void)
{
    struct model_chain chain;
    while (!holds && model_take(&model.queue[OUT], &chain)) {
        assert_true(chain.segment[0].size > HEADER && sent_count < FRAMES);
        struct wire_frame *f = &sent[sent_count++];
        *f = (struct wire_frame){.pieces = chain.count};
        memcpy(f->header, chain.segment[0].bytes, HEADER);
        for (unsigned i = 0; i < chain.count; i++) {
            uint32_t skip = i == 0 ? HEADER : 0, size = chain.segment[i].size - skip;
            assert_true(!chain.segment[i].writable && f->size + size <= sizeof f->bytes);
            memcpy(f->bytes + f->size, chain.segment[i].bytes + skip, size);
            f->size += size;
        }
        return_chain(OUT, lie == SENT_OTHER ? chain.head + RING : chain.head, lie == SENT_WROTE);
    }
}

/* In one buffer, or the second piece in another. */
static void put_frame(const struct wire_frame *f)
{
    struct model_chain first, second;
    uint32_t part = pieces == 2 ? f->size / 2 : f->size;
    assert_true(model_take(&model.queue[IN], &first));
    assert_true(first.count == 1 && first.segment[0].writable);
    assert_true(first.segment[0].size >= HEADER + f->size);
    memcpy(first.segment[0].bytes, f->header, HEADER);
    first.segment[0].bytes[10] = lie == NO_BUFFERS                ? 0
                                 : lie == MANY                    ? 200
                                 : lie == MISSING || lie == EMPTY ? 2
                                                                  : (uint8_t)pieces;
    memcpy(first.segment[0].bytes + HEADER, f->bytes, part);
    if (pieces == 2 || lie == EMPTY) {
        assert_true(model_take(&model.queue[IN], &second));
        memcpy(second.segment[0].bytes, f->bytes + part, f->size - part);
    }
    uint32_t written = lie == TOO_MUCH     ? first.segment[0].size + 1
                       : lie == TOO_LITTLE ? 11
                                           : HEADER + part;
    return_chain(IN, lie == OTHER_HEAD ? RING + 3 : first.head, written);
    if (lie == TWICE)
        return_chain(IN, first.head, written);
    if (pieces == 2 || lie == EMPTY)
        return_chain(IN, second.head, f->size - part);
}

static void work(uint32_t queue)
{
    (void)queue;
    send_frames();
    for (unsigned q = 0; q < 2; q++)
        if (model.ready[q])
            (void)model_listen(&model.queue[q]);
}
