/* SPDX-License-Identifier: MIT */
/* The driver of virtio network cards against a card, honest and lying, that works when it is notified. */
#include "unit.h"

#include "dev/nic/virtio_net.h"
#include "dev/virtio/mmio.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"
#include "mm/phys/shrinker.h"
#include "native.h"
#include "virtio_mmio_model.h"

#include <stdlib.h>
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
        f->size = chain.segment[0].size - HEADER;
        f->pieces = chain.count;
        memcpy(f->header, chain.segment[0].bytes, HEADER);
        memcpy(f->bytes, chain.segment[0].bytes + HEADER, f->size);
        for (unsigned i = 0; i < chain.count; i++)
            assert_false(chain.segment[i].writable);
        for (unsigned i = 1; i < chain.count; i++) {
            assert_true(f->size + chain.segment[i].size <= sizeof f->bytes);
            memcpy(f->bytes + f->size, chain.segment[i].bytes, chain.segment[i].size);
            f->size += chain.segment[i].size;
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

static void free_chain(struct net_buffer *buffer)
{
    while (buffer != NULL) {
        struct net_buffer *next = buffer->next;
        net_buffer_free(buffer);
        buffer = next;
    }
}

/* Frees all that the driver and the card have. */
static void close_card(void)
{
    for (unsigned q = 0; q < 2; q++) {
        struct virtio_ring *ring = &net.ring[q];
        for (unsigned i = 0; ring->slots != NULL && i < ring->options.size; i++)
            if (ring->slots[i].count > 0 && q == OUT)
                free_chain(ring->slots[i].token);
            else if (ring->slots[i].count > 0)
                net_buffer_free(ring->slots[i].token);
        if (ring->slots != NULL)
            kpage_free((void *)(uintptr_t)ring->descriptors);
    }
    free_chain(net.sending);
    free_chain(net.spares);
    if (net.slots != NULL)
        kpage_free(net.slots);
    net = (struct virtio_net){0};
    while (shrinkers_run())
        ;
}

/* After a test: nothing was lost. */
static int close_test(void **state)
{
    (void)state;
    close_card();
    assert_int_equal(net_buffers_used(), 0);
    assert_int_equal(native_heap_live(), 0);
    return 0;
}

static void make_card(uint64_t features)
{
    enum virtio_device_id id;
    close_card();
    memset(&model, 0, sizeof model);
    lie = CARD_HONEST;
    holds = keeps = false;
    sent_count = leaves = wakes = got = 0;
    pieces = 1;
    volatile void *registers = mmio_model_open(&model, &shared);
    model.id = VIRTIO_NET;
    model.queues = 2;
    model.most = 256;
    model.offered = VIRTIO_F_EVENT_IDX | features;
    memcpy(model.config, "\x52\x54\x00\x12\x34\x56\x01\x00\x01\x00\xd4\x05", 12);
    model.on_notify = work;
    assert_int_equal(virtio_mmio_open(&mmio, registers, 0x100 + MODEL_CONFIG, &id), E_OK);
    net = (struct virtio_net){
        .netdev = {.ops = &virtio_net_ops,
                   .address = {2, 1, 1, 1, 1, 1},
                   .receive = receive,
                   .wake = wake},
        .device = &mmio.device,
        .leave = leave,
        .ring_size = RING,
    };
}

static bool open_card(uint64_t features)
{
    make_card(features);
    return virtio_net_ops.open(&net.netdev);
}

static unsigned poll_card(unsigned most)
{
    return virtio_net_ops.poll(&net.netdev, most);
}

static bool listen_card(void)
{
    return virtio_net_ops.listen(&net.netdev);
}

static struct wire_frame random_frame(uint32_t size)
{
    struct wire_frame f = {.size = size};
    for (uint32_t i = 0; i < size; i++)
        f.bytes[i] = (uint8_t)random();
    return f;
}

static bool send_card(const struct wire_frame *f, uint16_t from, uint16_t at, bool more)
{
    void *room = virtio_net_ops.frame(&net.netdev, f->size);
    if (room == NULL)
        return false;
    memcpy(room, f->bytes, f->size);
    const struct netdev_send how = {
        .size = f->size, .checksum_from = from, .checksum_at = at, .more = more};
    virtio_net_ops.send(&net.netdev, &how);
    return true;
}

static void test_the_card_opens(void **state)
{
    (void)state;
    uint32_t before = net_buffers_used();
    assert_true(open_card(FEATURES));
    assert_int_equal(model.accepted, FEATURES | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1);
    assert_memory_equal(net.netdev.address, "\x52\x54\x00\x12\x34\x56", 6);
    assert_int_equal(net.netdev.mtu, 1492);
    assert_true(net.netdev.link);
    assert_int_equal(net.netdev.features, NETDEV_CHECKSUM_OUT | NETDEV_CHECKSUM_IN);
    assert_int_equal(net_buffers_used() - before, 2 * RING);
    assert_int_equal(model.notified[IN], 1);
}

static void test_a_plain_card_opens(void **state)
{
    (void)state;
    assert_true(open_card(0));
    assert_memory_equal(net.netdev.address, "\x02\x01\x01\x01\x01\x01", 6);
    assert_int_equal(net.netdev.mtu, 1500);
    assert_true(net.netdev.link);
    assert_int_equal(net.netdev.features, 0);
    struct wire_frame f = random_frame(60);
    f.header[0] = 2; /* not agreed on */
    put_frame(&f);
    assert_int_equal(poll_card(64), 1);
    assert_false(got_checked);
}

static void test_cards_that_do_not_start(void **state)
{
    (void)state;
    static const enum model_lie lies[] = {LIE_NO_RESET,    LIE_LEGACY,     LIE_REFUSES_FEATURES,
                                          LIE_NEEDS_RESET, LIE_QUEUE_BUSY, LIE_CONFIG_CHANGES};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        make_card(FEATURES);
        model.lie = lies[i];
        assert_false(virtio_net_ops.open(&net.netdev));
        assert_non_null(net.netdev.failed);
        assert_int_equal(leaves, 1);
        virtio_net_interrupt(&net, true);
        assert_int_equal(wakes, 0);
        assert_null(virtio_net_ops.frame(&net.netdev, 60));
        assert_int_equal(poll_card(64), 0);
        assert_true(listen_card());
    }
}

static void test_bad_configurations(void **state)
{
    (void)state;
    make_card(FEATURES);
    model.config[CONFIG_MTU] = 67;
    model.config[CONFIG_MTU + 1] = 0;
    assert_false(virtio_net_ops.open(&net.netdev));
    make_card(FEATURES);
    model.config[0] = 1;                 /* a group's address */
    model.config[CONFIG_MTU + 1] = 0xff; /* larger than ours */
    assert_true(virtio_net_ops.open(&net.netdev));
    assert_int_equal(net.netdev.address[0], 2);
    assert_int_equal(net.netdev.mtu, 1500);
}

static void test_no_memory_to_open(void **state)
{
    (void)state;
    for (long n = 0; n < 3 + RING / 2; n += 1 + n / 4) {
        make_card(FEATURES);
        native_heap_fail_after(n);
        bool opened = virtio_net_ops.open(&net.netdev);
        native_heap_fail_after(-1);
        assert_false(opened);
        assert_int_equal(leaves, 1);
    }
}

static void test_frames_in(void **state)
{
    (void)state;
    srandom(1);
    assert_true(open_card(FEATURES));
    uint32_t before = net_buffers_used();
    for (unsigned i = 0; i < 1000; i++) {
        struct wire_frame f = random_frame(14 + (uint32_t)random() % 1505);
        pieces = 1 + (unsigned)random() % 2;
        f.header[0] = (uint8_t)(random() % 4);
        assert_true(listen_card());
        unsigned woken = wakes;
        put_frame(&f);
        assert_true(wakes > woken);
        assert_int_equal(poll_card(64), 1);
        assert_int_equal(got_size, f.size);
        assert_memory_equal(got_bytes, f.bytes, f.size);
        assert_int_equal(got_checked, f.header[0] != 0);
    }
    assert_int_equal(net_buffers_used(), before);
    assert_int_equal(net.netdev.in.packets, 1000);
    assert_null(net.netdev.failed);
}

/* While frames are polled for, the card is quiet; a frame that comes before listen() is not missed. */
static void test_no_interrupts_while_busy(void **state)
{
    (void)state;
    assert_true(open_card(FEATURES));
    struct wire_frame f = random_frame(100);
    assert_true(listen_card());
    put_frame(&f);
    assert_int_equal(wakes, 1);
    for (unsigned i = 0; i < 20; i++)
        put_frame(&f);
    assert_int_equal(wakes, 1);
    assert_int_equal(poll_card(8), 8);
    assert_int_equal(poll_card(64), 13);
    put_frame(&f);
    assert_int_equal(wakes, 1);
    assert_false(listen_card());
    assert_int_equal(poll_card(64), 1);
    assert_true(listen_card());
    put_frame(&f);
    assert_int_equal(wakes, 2);
}

static void test_bad_frames_are_dropped(void **state)
{
    (void)state;
    assert_true(open_card(FEATURES));
    uint32_t before = net_buffers_used();
    static const uint32_t sizes[] = {0, 13, 1519};
    for (size_t i = 0; i < 3; i++) {
        struct wire_frame f = random_frame(sizes[i]);
        put_frame(&f);
        assert_int_equal(poll_card(64), 1);
        assert_int_equal(net.netdev.in.errors, i + 1);
    }
    assert_int_equal(got, 0);
    assert_null(net.netdev.failed);
    assert_int_equal(net_buffers_used(), before);
}

/* A stack that keeps all frames: the card's queue stays full, the rest is dropped and counted. */
static void test_no_buffers_left(void **state)
{
    (void)state;
    assert_true(open_card(FEATURES));
    keeps = true;
    struct wire_frame f = random_frame(100);
    unsigned dropped = 0;
    for (unsigned i = 0; i < 3000 && dropped < 3 * RING; i++) {
        pieces = 1 + i % 2;
        put_frame(&f);
        assert_int_equal(poll_card(64), 1);
        dropped = (unsigned)net.netdev.in.dropped;
    }
    assert_int_equal(dropped, 3 * RING);
    assert_int_equal(net_buffers_used(), net_buffers_most());
    keeps = false;
    while (kept_count > 0)
        net_buffer_free(kept[--kept_count]);
    unsigned before = got;
    pieces = 1;
    put_frame(&f);
    assert_int_equal(poll_card(64), 1);
    assert_int_equal(got, before + 1);
    assert_null(net.netdev.failed);
}

static void test_frames_out(void **state)
{
    (void)state;
    srandom(2);
    assert_true(open_card(FEATURES));
    for (unsigned i = 0; i < 1000; i++) {
        const struct wire_frame f = random_frame(1 + (uint32_t)random() % NETDEV_FRAME_MAX);
        bool offload = random() % 2;
        assert_true(send_card(&f, offload ? 34 : 0, offload ? 16 : 0, false));
        assert_int_equal(sent_count, i + 1);
        assert_int_equal(sent[i].size, f.size);
        assert_memory_equal(sent[i].bytes, f.bytes, f.size);
        assert_int_equal(sent[i].header[0], offload);
        assert_int_equal(sent[i].header[6], offload ? 34 : 0);
        assert_int_equal(sent[i].header[8], offload ? 16 : 0);
    }
    assert_int_equal(net.netdev.out.packets, 1000);
    assert_int_equal(wakes, 0); /* what was sent makes no interrupt */
}

/* Frames that the card cuts: of several pieces, while there is room in the queue, and as it says that it can. */
static void test_frames_to_cut(void **state)
{
    (void)state;
    srandom(3);
    assert_true(open_card(FEATURES & ~1u | 1 << 11 | 1 << 12));
    assert_int_equal(net.netdev.features, NETDEV_CHECKSUM_IN); /* not without its checksums */
    assert_true(open_card(FEATURES | 1 << 11));
    assert_int_equal(net.netdev.features,
                     NETDEV_CHECKSUM_OUT | NETDEV_CHECKSUM_IN | NETDEV_SEGMENT4);
    assert_true(open_card(FEATURES | 1 << 11 | 1 << 12));
    assert_int_equal(net.netdev.features,
                     NETDEV_CHECKSUM_OUT | NETDEV_CHECKSUM_IN | NETDEV_SEGMENT4 | NETDEV_SEGMENT6);
    for (unsigned i = 0; i < 1000; i++) {
        const struct wire_frame f = random_frame(300);
        struct netdev_send how = {.size = 300,
                                  .checksum_from = 34,
                                  .checksum_at = 16,
                                  .segment = 100,
                                  .headers = 54,
                                  .v6 = i & 1};
        unsigned count = 1 + (unsigned)random() % 3, at = 0;
        for (unsigned piece = 0; piece < count; piece++) {
            unsigned size = piece + 1 < count ? 100 : 300 - at;
            uint8_t *room = piece == 0 ? virtio_net_ops.frame(&net.netdev, size)
                                       : virtio_net_ops.extend(&net.netdev, size);
            assert_non_null(room);
            memcpy(room, f.bytes + at, size);
            at += size;
        }
        virtio_net_ops.send(&net.netdev, &how);
        assert_int_equal(sent_count, i + 1);
        assert_int_equal(sent[i].pieces, count);
        assert_int_equal(sent[i].size, 300);
        assert_memory_equal(sent[i].bytes, f.bytes, 300);
        const uint8_t header[HEADER] = {1, i & 1 ? 4 : 1, 54, 0, 100, 0, 34, 0, 16};
        assert_memory_equal(sent[i].header, header, HEADER);
    }
    /* As many pieces as find room, and all come back. */
    holds = true;
    unsigned pieces_left = 0;
    for (unsigned round = 0; round < 2; round++) {
        if (virtio_net_ops.frame(&net.netdev, 60) == NULL)
            break;
        uint32_t size = 60;
        for (unsigned i = 1; i < NETDEV_PIECES && virtio_net_ops.extend(&net.netdev, 10); i++)
            size += 10;
        pieces_left += (size - 50) / 10;
        const struct netdev_send how = {
            .size = size, .checksum_from = 34, .segment = 10, .headers = 50};
        virtio_net_ops.send(&net.netdev, &how);
    }
    assert_int_equal(pieces_left, RING);
    holds = false;
    work(OUT);
    const struct wire_frame f = random_frame(60);
    for (unsigned i = 0; i < 2 * RING; i++)
        assert_true(send_card(&f, 0, 0, false));
    assert_null(net.netdev.failed);
}

static void test_more_frames_follow(void **state)
{
    (void)state;
    assert_true(open_card(FEATURES));
    const struct wire_frame f = random_frame(60);
    for (unsigned i = 0; i < 5; i++)
        assert_true(send_card(&f, 0, 0, i < 4));
    assert_int_equal(sent_count, 5);
    assert_int_equal(model.notified[OUT], 1);
    assert_non_null(
        virtio_net_ops.frame(&net.netdev, 60)); /* asked for, and not sent: nothing is lost */
    assert_true(send_card(&f, 0, 0, false));
    assert_int_equal(sent_count, 6);
}

static void test_the_queue_is_full(void **state)
{
    (void)state;
    assert_true(open_card(FEATURES));
    const struct wire_frame f = random_frame(60);
    for (unsigned round = 0; round < 3; round++) {
        holds = true;
        unsigned n = 0;
        wakes = sent_count = 0;
        while (send_card(&f, 0, 0, true)) /* the card is told at last, all the same */
            n++;
        assert_int_equal(n, RING);
        assert_int_equal(wakes, 0);
        holds = false;
        work(OUT);
        assert_int_equal(sent_count, RING);
        assert_true(wakes > 0);
        assert_true(send_card(&f, 0, 0, false));
    }
}

static void test_the_link(void **state)
{
    (void)state;
    assert_true(open_card(FEATURES));
    assert_true(listen_card());
    model.config[CONFIG_STATUS] = 0;
    virtio_net_interrupt(&net, true);
    assert_int_equal(wakes, 1);
    assert_int_equal(poll_card(64), 0);
    assert_false(net.netdev.link);
    model.config[CONFIG_STATUS] = 3;
    virtio_net_interrupt(&net, true);
    assert_false(listen_card());
    assert_int_equal(poll_card(64), 0);
    assert_true(net.netdev.link);
    assert_true(listen_card());
    model.lie = LIE_CONFIG_CHANGES;
    virtio_net_interrupt(&net, true);
    (void)poll_card(64);
    assert_non_null(net.netdev.failed);
    assert_int_equal(leaves, 1);
}

static void test_lies_about_frames(void **state)
{
    (void)state;
    static const enum lie lies[] = {OTHER_HEAD, TWICE, TOO_MUCH, TOO_LITTLE,
                                    NO_BUFFERS, MANY,  MISSING,  EMPTY};
    const struct wire_frame f = random_frame(100);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        assert_true(open_card(FEATURES));
        lie = lies[i];
        put_frame(&f);
        (void)poll_card(64);
        assert_non_null(net.netdev.failed);
        assert_false(net.netdev.link);
        assert_int_equal(leaves, 1);
        assert_int_equal(poll_card(64), 0); /* a failed one does nothing more */
        assert_true(listen_card());
        assert_null(virtio_net_ops.frame(&net.netdev, 60));
    }
}

static void test_lies_about_sending(void **state)
{
    (void)state;
    static const enum lie lies[] = {SENT_OTHER, SENT_WROTE};
    const struct wire_frame f = random_frame(100);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        assert_true(open_card(FEATURES));
        lie = lies[i];
        for (unsigned n = 0; n < 2 * RING && net.netdev.failed == NULL; n++)
            (void)send_card(&f, 0, 0, false);
        assert_non_null(net.netdev.failed);
        assert_int_equal(leaves, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_the_card_opens, close_test),
        cmocka_unit_test_teardown(test_a_plain_card_opens, close_test),
        cmocka_unit_test_teardown(test_cards_that_do_not_start, close_test),
        cmocka_unit_test_teardown(test_bad_configurations, close_test),
        cmocka_unit_test_teardown(test_no_memory_to_open, close_test),
        cmocka_unit_test_teardown(test_frames_in, close_test),
        cmocka_unit_test_teardown(test_no_interrupts_while_busy, close_test),
        cmocka_unit_test_teardown(test_bad_frames_are_dropped, close_test),
        cmocka_unit_test_teardown(test_no_buffers_left, close_test),
        cmocka_unit_test_teardown(test_frames_out, close_test),
        cmocka_unit_test_teardown(test_frames_to_cut, close_test),
        cmocka_unit_test_teardown(test_more_frames_follow, close_test),
        cmocka_unit_test_teardown(test_the_queue_is_full, close_test),
        cmocka_unit_test_teardown(test_the_link, close_test),
        cmocka_unit_test_teardown(test_lies_about_frames, close_test),
        cmocka_unit_test_teardown(test_lies_about_sending, close_test),
    };
    return RUN_TESTS(tests);
}
