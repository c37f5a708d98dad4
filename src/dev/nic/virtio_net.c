/* SPDX-License-Identifier: MIT */
#include "dev/nic/virtio_net.h"

#include "base/panic.h"
#include "base/str.h"
#include "mm/heap/heap.h"
#include "parse/load.h"

#define F_CHECKSUM_OUT (UINT64_C(1) << 0)
#define F_CHECKSUM_IN  (UINT64_C(1) << 1)
#define F_MTU          (UINT64_C(1) << 3)
#define F_ADDRESS      (UINT64_C(1) << 5)
#define F_SEGMENT4     (UINT64_C(1) << 11)
#define F_SEGMENT6     (UINT64_C(1) << 12)
#define F_MERGEABLE    (UINT64_C(1) << 15)
#define F_STATUS       (UINT64_C(1) << 16)

enum { /* VIRTIO 1.1, 5.1.4 and 5.1.6 */
    CONFIG_ADDRESS = 0,
    CONFIG_STATUS = 6,
    CONFIG_MTU = 10,
    STATUS_LINK = 1,
    HEADER_FLAGS = 0,
    HEADER_BUFFERS = 10,
    HEADER_BYTES = 12,
    FLAG_PARTIAL = 1, /* the checksum is to be completed */
    FLAG_VALID = 2,
    CUT_TCP4 = 1,
    CUT_TCP6 = 4,

    ETHERNET_HEADER = 14,
    FRAME_MAX = NETDEV_FRAME_MAX + 4, /* one that comes: with a VLAN tag */
    MTU = 1500,
    MTU_MIN = 68, /* RFC 791 */
};

/* What is before a frame that goes out. */
struct virtio_net_header {
    uint8_t flags, cut;
    uint16_t headers, segment, checksum_from, checksum_at, buffers;
};
_Static_assert(sizeof(struct virtio_net_header) == HEADER_BYTES, "the device's");
_Static_assert(HEADER_BYTES + FRAME_MAX <= NET_BUFFER_DATA, "a frame fits one buffer");

static struct virtio_net *net_of(struct netdev *netdev)
{
    return CONTAINER_OF(netdev, struct virtio_net, netdev);
}

static COLD void net_fail(struct virtio_net *n, const char *why)
{
    if (n->netdev.failed != NULL)
        return;
    n->netdev.failed = why;
    n->netdev.link = false;
    n->leave(n);
}

static void net_kick(struct virtio_net *n, enum virtio_net_queue q)
{
    if (virtio_ring_notifies(&n->ring[q]))
        n->device->ops->notify(n->device, (uint16_t)q);
}

/* --- start --- */

static COLD enum err make_ring(struct virtio_net *n, enum virtio_net_queue q)
{
    struct virtio_ring_options options;
    enum err e = virtio_queue_options(n->device, (uint16_t)q, n->ring_size, 0, &options);
    void *page = e == E_OK ? kpage_alloc() : NULL;
    if (page == NULL)
        return e == E_OK ? E_NOMEM : e;
    virtio_ring_init(&n->ring[q], &options, page, kpage_phys(page),
                     n->slots + (size_t)q * VIRTIO_NET_RING_MAX);
    return virtio_set_queue(n->device, (uint16_t)q, &n->ring[q]);
}

static COLD enum err read_config(struct virtio_net *n)
{
    uint8_t bytes[NETDEV_ADDRESS];
    struct netdev *netdev = &n->netdev;
    enum err e = E_OK;
    netdev->mtu = MTU;
    if (n->device->features & F_MTU) {
        e = virtio_read_config(n->device, CONFIG_MTU, bytes, sizeof(uint16_t));
        if (e == E_OK && load16(bytes) < MTU_MIN)
            return E_INVAL;
        if (e == E_OK && load16(bytes) < MTU)
            netdev->mtu = load16(bytes);
    }
    if (e == E_OK && n->device->features & F_ADDRESS) {
        e = virtio_read_config(n->device, CONFIG_ADDRESS, bytes, sizeof bytes);
        if (e == E_OK && !(bytes[0] & 1)) /* a group's address is none */
            memcpy(netdev->address, bytes, sizeof bytes);
    }
    return e;
}

static COLD void read_card_link(struct virtio_net *n)
{
    uint8_t status[2] = {STATUS_LINK};
    n->changed = false;
    if (n->device->features & F_STATUS &&
        virtio_read_config(n->device, CONFIG_STATUS, status, sizeof status) != E_OK)
        net_fail(n, "the card changes its status without end");
    else
        n->netdev.link = status[0] & STATUS_LINK;
}

static void free_frame(struct net_buffer *frame)
{
    while (frame != NULL) {
        struct net_buffer *next = frame->next;
        net_buffer_free(frame);
        frame = next;
    }
}

/* Hands an empty buffer to the card. */
static void offer_buffer(struct virtio_net *n, struct net_buffer *buffer)
{
    const struct virtio_buffer whole = {buffer->at, NET_BUFFER_DATA};
    if (virtio_ring_add_one(&n->ring[VIRTIO_NET_IN], &whole, true, buffer) != E_OK) {
        net_buffer_free(buffer);
        net_fail(n, "the card has more buffers than there are");
    }
}

/* Buffers of both queues: as many as they have descriptors. */
static COLD enum err fill_queues(struct virtio_net *n)
{
    for (unsigned i = n->ring[VIRTIO_NET_OUT].options.size; i > 0; i--) {
        struct net_buffer *buffer = net_buffer_alloc();
        if (buffer == NULL)
            return E_NOMEM;
        buffer->next = n->spares;
        n->spares = buffer;
    }
    for (unsigned i = n->ring[VIRTIO_NET_IN].options.size; i > 0; i--) {
        struct net_buffer *buffer = net_buffer_alloc();
        if (buffer == NULL)
            return E_NOMEM;
        offer_buffer(n, buffer);
    }
    return E_OK;
}

static COLD enum err net_start_card(struct virtio_net *n)
{
    enum err e =
        virtio_start(n->device, F_CHECKSUM_OUT | F_CHECKSUM_IN | F_SEGMENT4 | F_SEGMENT6 | F_MTU |
                                    F_ADDRESS | F_MERGEABLE | F_STATUS | VIRTIO_F_EVENT_IDX);
    if (e == E_OK)
        e = read_config(n);
    if (e != E_OK)
        return e;
    n->slots = kpage_alloc();
    if (n->slots == NULL)
        return E_NOMEM;
    e = make_ring(n, VIRTIO_NET_IN);
    if (e == E_OK)
        e = make_ring(n, VIRTIO_NET_OUT);
    if (e == E_OK)
        e = virtio_go(n->device);
    return e == E_OK ? fill_queues(n) : e;
}

static COLD bool virtio_net_open(struct netdev *netdev)
{
    _Static_assert(2 * VIRTIO_NET_RING_MAX * sizeof(struct virtio_slot) <= PAGE_SIZE, "one page");
    struct virtio_net *n = net_of(netdev);
    assert(!n->open && n->ring_size <= VIRTIO_NET_RING_MAX);
    n->open = true;
    enum err e = net_start_card(n);
    if (e != E_OK) {
        net_fail(n, e == E_NOMEM ? "there is no memory for the card's buffers"
                                 : "the card does not start");
        return false;
    }
    uint64_t features = n->device->features;
    netdev->features = features & F_CHECKSUM_IN ? NETDEV_CHECKSUM_IN : 0;
    if (features & F_CHECKSUM_OUT) /* without which no frame is cut */
        netdev->features |= NETDEV_CHECKSUM_OUT | (features & F_SEGMENT4 ? NETDEV_SEGMENT4 : 0) |
                            (features & F_SEGMENT6 ? NETDEV_SEGMENT6 : 0);
    read_card_link(n);
    virtio_ring_ignore(&n->ring[VIRTIO_NET_OUT]);
    net_kick(n, VIRTIO_NET_IN);
    return netdev->failed == NULL;
}

/* --- in --- */

static struct net_buffer *next_filled(struct virtio_net *n, uint32_t least)
{
    struct virtio_done done;
    if (!virtio_ring_take(&n->ring[VIRTIO_NET_IN], &done)) {
        if (n->ring[VIRTIO_NET_IN].broken != NULL)
            net_fail(n, n->ring[VIRTIO_NET_IN].broken);
        return NULL;
    }
    struct net_buffer *buffer = done.token;
    if (done.written < least) {
        net_buffer_free(buffer);
        net_fail(n, "the card wrote less than a frame's header");
        return NULL;
    }
    buffer->next = NULL;
    buffer->start = 0;
    buffer->size = (uint16_t)done.written; /* at most NET_BUFFER_DATA: the ring's check */
    return buffer;
}

/* The rest of a frame that fills `count` buffers. */
static COLD bool add_buffers(struct virtio_net *n, struct net_buffer *first, unsigned count)
{
    struct net_buffer *last = first;
    if (count > n->ring[VIRTIO_NET_IN].options.size) {
        net_fail(n, "a frame has more buffers than the card");
        return false;
    }
    while (--count > 0) {
        last->next = next_filled(n, 1);
        last = last->next;
        if (last == NULL) {
            net_fail(n, "the card finished fewer buffers than the frame has");
            return false;
        }
    }
    return true;
}

/* Takes the header off. False: the frame is no good. */
static bool take_header(const struct virtio_net *n, struct net_buffer *frame, uint8_t flags)
{
    uint32_t size = frame->size - HEADER_BYTES;
    frame->start = HEADER_BYTES;
    frame->size = (uint16_t)size;
    for (const struct net_buffer *b = frame->next; b != NULL; b = b->next)
        size += b->size;
    frame->checked = n->device->features & F_CHECKSUM_IN && flags & (FLAG_PARTIAL | FLAG_VALID);
    return size >= ETHERNET_HEADER && size <= FRAME_MAX;
}

/* Gives the card other buffers for those of the frame; false: there are none, and it has got the frame's own. */
static bool replace_buffers(struct virtio_net *n, struct net_buffer *frame)
{
    struct net_buffer *kept = frame, *fresh;
    while (kept != NULL && (fresh = net_buffer_alloc()) != NULL) {
        offer_buffer(n, fresh);
        kept = kept->next;
    }
    if (kept == NULL)
        return true;
    while (frame != NULL) {
        struct net_buffer *next = frame->next;
        if (frame == kept)
            kept = NULL;
        if (kept == NULL)
            offer_buffer(n, frame);
        else
            net_buffer_free(frame);
        frame = next;
    }
    return false;
}

static void drop_frame(struct virtio_net *n, struct net_buffer *frame)
{
    while (frame != NULL) {
        struct net_buffer *next = frame->next;
        offer_buffer(n, frame);
        frame = next;
    }
    n->netdev.in.errors++;
}

/* False if no frame is there. */
static bool receive_frame(struct virtio_net *n)
{
    struct netdev_counters *in = &n->netdev.in;
    struct net_buffer *frame = next_filled(n, HEADER_BYTES);
    if (frame == NULL)
        return false;
    /* The device may change them after the check: each is read once. */
    uint8_t flags = *(volatile uint8_t *)&frame->data[HEADER_FLAGS];
    unsigned count = n->device->features & F_MERGEABLE
                         ? *(volatile uint16_t *)(void *)&frame->data[HEADER_BUFFERS]
                         : 1;
    if (count != 1 && !add_buffers(n, frame, count)) {
        free_frame(frame);
        return false;
    }
    if (!take_header(n, frame, flags)) {
        drop_frame(n, frame);
        return true;
    }
    uint32_t size = frame->size;
    if (!replace_buffers(n, frame)) {
        in->dropped++;
        return true;
    }
    in->packets++;
    in->bytes += size;
    n->netdev.receive(&n->netdev, frame);
    return true;
}

static unsigned virtio_net_poll(struct netdev *netdev, unsigned most)
{
    struct virtio_net *n = net_of(netdev);
    unsigned frames = 0;
    n->interrupts = 0;
    if (n->changed && netdev->failed == NULL)
        read_card_link(n);
    while (frames < most && netdev->failed == NULL && receive_frame(n))
        frames++;
    if (frames > 0 && netdev->failed == NULL)
        net_kick(n, VIRTIO_NET_IN);
    return frames;
}

static bool virtio_net_listen(struct netdev *netdev)
{
    struct virtio_net *n = net_of(netdev);
    return netdev->failed != NULL || (virtio_ring_listen(&n->ring[VIRTIO_NET_IN]) && !n->changed);
}

void virtio_net_interrupt(struct virtio_net *n, bool changed)
{
    if (!n->open || n->netdev.failed != NULL)
        return;
    n->interrupts++;
    if (changed)
        n->changed = true;
    virtio_ring_ignore(&n->ring[VIRTIO_NET_IN]);
    n->netdev.wake(&n->netdev);
}

/* --- out --- */

/* Takes back the buffers of frames that the card has sent. O(buffers). */
static void reclaim_sent(struct virtio_net *n)
{
    struct virtio_done done;
    while (virtio_ring_take(&n->ring[VIRTIO_NET_OUT], &done)) {
        struct net_buffer *first = done.token, *last = first;
        while (last->next != NULL)
            last = last->next;
        last->next = n->spares;
        n->spares = first;
    }
    virtio_ring_ignore(&n->ring[VIRTIO_NET_OUT]);
    if (n->ring[VIRTIO_NET_OUT].broken != NULL)
        net_fail(n, n->ring[VIRTIO_NET_OUT].broken);
}

/* A buffer for `size` bytes that go out. */
static struct net_buffer *take_spare(struct virtio_net *n, size_t size)
{
    assert(size > 0 && size <= NETDEV_FRAME_MAX);
    if (n->netdev.failed != NULL)
        return NULL;
    if (n->spares == NULL)
        reclaim_sent(n);
    if (n->spares == NULL && n->netdev.failed == NULL) {
        net_kick(n, VIRTIO_NET_OUT);
        if (!virtio_ring_listen(&n->ring[VIRTIO_NET_OUT])) /* else an interrupt comes */
            reclaim_sent(n);
    }
    struct net_buffer *buffer = n->spares;
    if (n->netdev.failed != NULL || buffer == NULL)
        return NULL;
    n->spares = buffer->next;
    buffer->next = NULL;
    return buffer;
}

static void *virtio_net_frame(struct netdev *netdev, size_t size)
{
    struct virtio_net *n = net_of(netdev);
    if (n->sending == NULL)
        n->sending = n->sending_last = take_spare(n, size);
    return n->sending != NULL && netdev->failed == NULL ? n->sending->data + HEADER_BYTES : NULL;
}

static void *virtio_net_extend(struct netdev *netdev, size_t size)
{
    struct virtio_net *n = net_of(netdev);
    struct net_buffer *buffer = take_spare(n, size);
    if (buffer == NULL)
        return NULL;
    buffer->size = (uint16_t)size;
    n->sending_last->next = buffer;
    n->sending_last = buffer;
    return buffer->data;
}

static void virtio_net_send(struct netdev *netdev, const struct netdev_send *how)
{
    struct virtio_net *n = net_of(netdev);
    struct net_buffer *first = n->sending;
    struct virtio_buffer pieces[NETDEV_PIECES];
    unsigned count = 1;
    uint32_t size = how->size;
    if (netdev->failed != NULL)
        return;
    assert(how->checksum_from == 0 || netdev->features & NETDEV_CHECKSUM_OUT);
    assert(how->segment == 0 || netdev->features & (how->v6 ? NETDEV_SEGMENT6 : NETDEV_SEGMENT4));
    n->sending = NULL;
    for (const struct net_buffer *b = first->next; b != NULL; b = b->next) {
        assert(count < NETDEV_PIECES);
        pieces[count++] = (struct virtio_buffer){b->at, b->size};
        size -= b->size;
    }
    pieces[0] = (struct virtio_buffer){first->at, HEADER_BYTES + size};
    *(struct virtio_net_header *)(void *)first->data = (struct virtio_net_header){
        .flags = how->checksum_from != 0 ? FLAG_PARTIAL : 0,
        .cut = how->segment == 0 ? 0
               : how->v6         ? CUT_TCP6
                                 : CUT_TCP4,
        .headers = how->headers,
        .segment = how->segment,
        .checksum_from = how->checksum_from,
        .checksum_at = how->checksum_at,
    };
    struct virtio_ring *ring = &n->ring[VIRTIO_NET_OUT];
    enum err e = count == 1 ? virtio_ring_add_one(ring, pieces, false, first)
                            : virtio_ring_add(ring, pieces, count, 0, first);
    if (e != E_OK) {
        net_fail(n, "the card's queue is full of frames that it does not have");
        return;
    }
    netdev->out.packets++;
    netdev->out.bytes += how->size;
    if (!how->more)
        net_kick(n, VIRTIO_NET_OUT);
}

const struct netdev_ops virtio_net_ops = {
    .open = virtio_net_open,
    .frame = virtio_net_frame,
    .extend = virtio_net_extend,
    .send = virtio_net_send,
    .poll = virtio_net_poll,
    .listen = virtio_net_listen,
};
