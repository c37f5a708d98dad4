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
#include "virtio_net_card.h"

#include <stdlib.h>
#include <string.h>

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

/* A frame that the card cuts, in pieces as long as there is room. Returns their number; 0: there is no room at all. */
static unsigned send_in_pieces(const struct wire_frame *f, unsigned piece, bool v6)
{
    struct netdev_send how = {
        .checksum_from = 34, .checksum_at = 16, .segment = 100, .headers = 54, .v6 = v6};
    unsigned count = 0;
    for (; how.size < f->size; count++, how.size += piece) {
        void *room = count == 0 ? virtio_net_ops.frame(&net.netdev, piece)
                                : virtio_net_ops.extend(&net.netdev, piece);
        if (room == NULL)
            break;
        memcpy(room, f->bytes + how.size, piece);
    }
    if (count > 0)
        virtio_net_ops.send(&net.netdev, &how);
    return count;
}

/* As the card says that it can, and while there is room in the queue. */
static void test_frames_to_cut(void **state)
{
    (void)state;
    const struct wire_frame f = random_frame(300);
    const uint32_t cuts = 1 << 11 | 1 << 12;
    assert_true(open_card((FEATURES & ~1u) | cuts));
    assert_int_equal(net.netdev.features, NETDEV_CHECKSUM_IN); /* not without its checksums */
    assert_true(open_card(FEATURES | 1 << 11));
    assert_int_equal(net.netdev.features,
                     NETDEV_CHECKSUM_OUT | NETDEV_CHECKSUM_IN | NETDEV_SEGMENT4);
    assert_true(open_card(FEATURES | cuts));
    for (unsigned i = 0; i < 1000; i++) {
        const uint8_t header[HEADER] = {1, i & 1 ? 4 : 1, 54, 0, 100, 0, 34, 0, 16};
        assert_int_equal(send_in_pieces(&f, i & 2 ? 100 : 300, i & 1), i & 2 ? 3 : 1);
        assert_int_equal(sent[i].pieces, i & 2 ? 3 : 1);
        assert_int_equal(sent[i].size, 300);
        assert_memory_equal(sent[i].bytes, f.bytes, 300);
        assert_memory_equal(sent[i].header, header, HEADER);
    }
    holds = true;
    assert_int_equal(send_in_pieces(&f, 15, false), 20);
    assert_int_equal(send_in_pieces(&f, 15, false), RING - 20);
    assert_int_equal(send_in_pieces(&f, 15, false), 0);
    holds = false;
    work(OUT); /* all come back */
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
