/* SPDX-License-Identifier: MIT */
/* A virtio network card that says and writes anything at any time: frames that the stack gets lie in buffers that the card
 * does not have any more, and no buffer is lost or used twice. */
#include "dev/nic/virtio_net.h"

#include "base/panic.h"
#include "mm/heap/heap.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    RING = 8,
    BUFFERS = 40,
    PAGES = 4,
    STEPS = 400,
};

struct input {
    const uint8_t *at, *end;
};

static struct input in;
static struct virtio_net net;
static struct net_buffer *all[BUFFERS];
static bool in_use[BUFFERS];
static void *pages[PAGES];
static unsigned page_count, held_count;
static struct net_buffer *held[BUFFERS];

static uint8_t byte(void)
{
    return in.at < in.end ? *in.at++ : 0;
}

static uint16_t word(void)
{
    return (uint16_t)(byte() | byte() << 8);
}

#include "virtio_fuzz.h"

/* --- memory --- */

struct net_buffer *net_buffer_alloc(void)
{
    for (unsigned i = 0; i < BUFFERS; i++) {
        if (in_use[i])
            continue;
        in_use[i] = true;
        all[i] = malloc(sizeof *all[i]);
        memset(all[i], 0x5a, sizeof *all[i]);
        all[i]->at = phys((uint64_t)(uintptr_t)all[i]->data);
        all[i]->next = NULL;
        return all[i];
    }
    return NULL;
}

void net_buffer_free(struct net_buffer *buffer)
{
    unsigned i = 0;
    while (i < BUFFERS && !(in_use[i] && all[i] == buffer))
        i++;
    assert(i < BUFFERS);
    in_use[i] = false;
    free(buffer);
}

void *kpage_alloc(void)
{
    if (page_count == PAGES)
        return NULL;
    pages[page_count] = aligned_alloc(4096, 4096);
    memset(pages[page_count], 0, 4096);
    return pages[page_count++];
}

void kpage_free(void *page)
{
    (void)page; /* all of them at the end */
}

phys_t kpage_phys(const void *page)
{
    return phys((uint64_t)(uintptr_t)page);
}

/* --- the device --- */

static uint8_t fuzz_config(struct virtio_device *d, uint32_t offset)
{
    (void)d;
    return fickle || offset < 6 ? byte() : 1;
}

/* Finishes a request, or says so. */
static void finish(struct virtio_ring *ring)
{
    uint16_t size = ring->options.size;
    uint16_t index = (uint16_t)(ring->used[1] % size);
    uint8_t how = byte();
    unsigned head = how < 200 ? byte() % size : word();
    if (head < size && ring->slots[head].count > 0 && how < 250) {
        struct net_buffer *buffer = ring->slots[head].token;
        for (unsigned i = 0; i < 30; i++)
            buffer->data[i] = byte();
        if (how < 150) {
            buffer->data[10] = (uint8_t)(1 + how / 140);
            buffer->data[11] = 0;
        }
    }
    ring->used_elements[index].head = head;
    ring->used_elements[index].written = how < 220 ? word() % 1600 : word();
    ring->used[1] = (uint16_t)(how == 255 ? word() : ring->used[1] + 1);
}

/* --- the stack --- */

static void fuzz_receive(struct netdev *netdev, struct net_buffer *frame)
{
    assert(netdev == &net.netdev);
    while (frame != NULL) {
        struct net_buffer *next = frame->next;
        assert((size_t)frame->start + frame->size <= NET_BUFFER_DATA);
        for (unsigned i = 0; i < net.ring[0].options.size; i++)
            assert(net.ring[0].slots[i].token != frame);
        frame->data[frame->start] ^= 1;
        if (held_count < BUFFERS && byte() % 2)
            held[held_count++] = frame;
        else
            net_buffer_free(frame);
        frame = next;
    }
}

static void fuzz_wake(struct netdev *netdev)
{
    assert(netdev == &net.netdev);
}

static void fuzz_leave(struct virtio_net *n)
{
    virtio_stop(n->device, true);
}

/* The frame that was begun, with more pieces if the card cuts. */
static void send_pieces(struct netdev *card, uint32_t size)
{
    struct netdev_send how = {.size = size, .more = byte() & 1};
    bool cuts = card->features & NETDEV_SEGMENT4;
    for (unsigned left = cuts ? byte() % NETDEV_PIECES : 0; left > 0; left--) {
        uint32_t more = 1u + byte() * 5u;
        void *room = virtio_net_ops.extend(card, more);
        if (room == NULL)
            break;
        memset(room, 1, more);
        how.size += more;
        how.checksum_from = how.segment = 34;
    }
    virtio_net_ops.send(card, &how);
}

static unsigned length_of(const struct net_buffer *buffer)
{
    unsigned count = 0;
    for (; buffer != NULL; buffer = buffer->next)
        count++;
    return count;
}

static void step(void)
{
    struct netdev *card = &net.netdev;
    uint8_t what = byte(), arg = byte();
    void *room;
    switch (what % 8) {
    case 0:
        assert(virtio_net_ops.poll(card, arg) <= arg);
        break;
    case 1:
        (void)virtio_net_ops.listen(card);
        break;
    case 2:
        room = virtio_net_ops.frame(card, 1u + arg * 5u);
        if (room == NULL)
            break;
        memset(room, what, 1u + arg * 5u);
        send_pieces(card, 1u + arg * 5u);
        break;
    case 3:
        virtio_net_interrupt(&net, arg & 1);
        break;
    case 4:
        if (held_count > 0)
            net_buffer_free(held[--held_count]);
        break;
    default:
        if (net.ring[arg & 1].used != NULL)
            finish(&net.ring[arg & 1]);
    }
}

/* Every buffer is with the card, to be sent, or with the stack. */
static void check(void)
{
    unsigned count = held_count, used = 0;
    for (unsigned q = 0; q < 2; q++)
        for (unsigned i = 0; net.ring[q].slots != NULL && i < net.ring[q].options.size; i++)
            if (net.ring[q].slots[i].count > 0)
                count += q == 0 ? 1 : length_of(net.ring[q].slots[i].token);
    count += length_of(net.spares) + length_of(net.sending);
    for (unsigned i = 0; i < BUFFERS; i++)
        used += in_use[i];
    assert(count == used);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct virtio_device device;
    in = (struct input){data, data + size};
    device = (struct virtio_device){.ops = &fuzz_ops, .config_bytes = 16};
    status = 0;
    page_count = held_count = 0;
    memset(in_use, 0, sizeof in_use);
    uint8_t how = byte();
    fickle = how & 1;
    net = (struct virtio_net){
        .netdev = {.ops = &virtio_net_ops, .receive = fuzz_receive, .wake = fuzz_wake},
        .device = &device,
        .leave = fuzz_leave,
        .ring_size = RING,
    };
    if (virtio_net_ops.open(&net.netdev))
        for (unsigned i = 0; i < STEPS && in.at < in.end; i++) {
            step();
            check();
        }
    for (unsigned i = 0; i < BUFFERS; i++)
        if (in_use[i])
            free(all[i]);
    while (page_count > 0)
        free(pages[--page_count]);
    return 0;
}
