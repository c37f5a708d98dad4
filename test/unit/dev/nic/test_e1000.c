/* SPDX-License-Identifier: MIT */
/* The driver of Intel's cards against a model of the card's registers and rings, honest and lying. */
#include "unit.h"

#include "cpu/mmio.h"
#include "dev/nic/e1000.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"
#include "mm/phys/shrinker.h"
#include "native.h"

#include <stdlib.h>
#include <string.h>

enum {
    RING = 16,
    FRAMES = 4096,
    CONTROL = 0,
    STATUS = 8,
    CAUSE = 0xc0,
    MASK_SET = 0xd0,
    MASK_CLEAR = 0xd8,
    RECEIVE = 0x100,
    TRANSMIT = 0x400,
    IN = 0x2800,
    OUT = 0x3800,
    MISSED = 0x4010,
    ADDRESS = 0x5400,
    RESET = 1 << 26,
    SENT = 1,
    LINK = 4,
    LOST = 0x40,
    CAME = 0x80,
};

struct in_descriptor {
    uint64_t at;
    uint16_t size, checksum;
    uint8_t status, errors;
    uint16_t tag;
};

struct out_descriptor {
    uint64_t at;
    uint16_t size;
    uint8_t cso, command, status, css;
    uint16_t tag;
};

struct frames machine_frames = {.total_frames = 4096};

static char registers[E1000_REGISTERS]; /* only for its addresses */
static uint32_t reg[E1000_REGISTERS / 4];
static uint32_t cause, mask;
static bool never_resets, holds, keeps, clears_counters;
static struct e1000 card;
static unsigned leaves, wakes, got, sent_count, tail_writes;
static uint8_t got_bytes[2048], sent_bytes[FRAMES][1600];
static uint32_t got_size, sent_size[FRAMES];
static bool got_checked;
static struct net_buffer *kept[FRAMES];
static unsigned kept_count;

static uint32_t offset_of(const volatile void *at)
{
    ptrdiff_t offset = (const volatile char *)at - registers;
    assert_true(offset >= 0 && offset + 4 <= (ptrdiff_t)sizeof registers && offset % 4 == 0);
    return (uint32_t)offset;
}

/* An interrupt comes at once where it is wanted. */
static void raise_cause(uint32_t why)
{
    cause |= why;
    if (cause & mask)
        e1000_interrupt(&card);
}

static uint64_t ring_start(uint32_t ring)
{
    return reg[ring / 4] | (uint64_t)reg[ring / 4 + 1] << 32;
}

static uint32_t *head(uint32_t ring)
{
    return &reg[ring / 4 + 4];
}

static uint32_t tail(uint32_t ring)
{
    return reg[ring / 4 + 6];
}

static uint8_t bytes[1600];
static unsigned waiting; /* frames that came while the ring was full */
static bool put_frame(const uint8_t *data, uint16_t size);

static void send_all(void)
{
    if (!(reg[TRANSMIT / 4] & 2) || holds)
        return;
    struct out_descriptor *d = (struct out_descriptor *)ring_start(OUT);
    while (*head(OUT) != tail(OUT)) {
        struct out_descriptor *out = &d[*head(OUT)];
        assert_int_equal(out->command, 11);
        assert_int_equal(out->status, 0);
        assert_true(out->size > 0 && out->size <= 1514 && sent_count < FRAMES);
        memcpy(sent_bytes[sent_count], (void *)out->at, out->size);
        sent_size[sent_count++] = out->size;
        out->status = 1;
        *head(OUT) = (*head(OUT) + 1) % RING;
    }
    raise_cause(SENT);
}

void mmio_write32(volatile void *at, uint32_t value)
{
    uint32_t offset = offset_of(at);
    switch (offset) {
    case CONTROL:
        if (value & RESET && !never_resets) {
            memset(reg, 0, sizeof reg);
            cause = mask = 0;
            reg[STATUS / 4] = 2;
            value &= ~(uint32_t)RESET;
        }
        reg[CONTROL / 4] = value;
        break;
    case MASK_SET:
        mask |= value;
        raise_cause(0);
        break;
    case MASK_CLEAR:
        mask &= ~value;
        break;
    case OUT + 0x18:
        assert_true(value < RING);
        tail_writes++;
        reg[offset / 4] = value;
        send_all();
        break;
    case IN + 0x18:
        assert_true(value < RING);
        reg[offset / 4] = value;
        while (waiting > 0 && *head(IN) != tail(IN)) {
            waiting--;
            put_frame(bytes, 60);
        }
        waiting = 0; /* as QEMU's: what finds no room is dropped */
        break;
    case CAUSE:
        fail_msg("the cause is only read");
        break;
    default:
        reg[offset / 4] = value;
    }
}

uint32_t mmio_read32(const volatile void *at)
{
    uint32_t offset = offset_of(at), value = offset == CAUSE ? cause : reg[offset / 4];
    if (offset == CAUSE)
        cause = 0;
    if (offset == MISSED && clears_counters)
        reg[MISSED / 4] = 0;
    return value;
}

/* False: the card has no room for it. */
static bool put_descriptor(const uint8_t *data, uint16_t size, uint8_t status, uint8_t errors)
{
    assert_true(reg[RECEIVE / 4] & 2);
    if (*head(IN) == tail(IN)) {
        reg[MISSED / 4]++;
        raise_cause(LOST);
        return false;
    }
    struct in_descriptor *d = (struct in_descriptor *)ring_start(IN) + *head(IN);
    if (size <= 1522)
        memcpy((void *)d->at, data, size);
    d->size = size;
    d->errors = errors;
    d->status = status;
    *head(IN) = (*head(IN) + 1) % RING;
    raise_cause(CAME);
    return true;
}

static bool put_frame(const uint8_t *data, uint16_t size)
{
    return put_descriptor(data, size, 3, 0);
}

static void receive(struct netdev *netdev, struct net_buffer *frame)
{
    assert_ptr_equal(netdev, &card.netdev);
    assert_null(frame->next);
    got_size = frame->size;
    got_checked = frame->checked;
    memcpy(got_bytes, frame->data + frame->start, frame->size);
    got++;
    if (keeps)
        kept[kept_count++] = frame;
    else
        net_buffer_free(frame);
}

static void wake(struct netdev *netdev)
{
    assert_ptr_equal(netdev, &card.netdev);
    wakes++;
}

static void leave(struct e1000 *n)
{
    assert_ptr_equal(n, &card);
    e1000_stop(n);
    leaves++;
}

static int close_test(void **state)
{
    (void)state;
    for (unsigned i = 0; card.in_buffer != NULL && i < RING; i++) {
        if (card.in_buffer[i] != NULL)
            net_buffer_free(card.in_buffer[i]);
        if (card.out_buffer[i] != NULL)
            net_buffer_free(card.out_buffer[i]);
    }
    if (card.in != NULL)
        kpage_free((void *)(uintptr_t)card.in);
    card = (struct e1000){0};
    while (shrinkers_run())
        ;
    assert_int_equal(net_buffers_used(), 0);
    assert_int_equal(native_heap_live(), 0);
    return 0;
}

static void *memory(size_t size, phys_t *at)
{
    assert_true(size <= PAGE_SIZE);
    void *page = kpage_alloc();
    *at = page != NULL ? kpage_phys(page) : phys(0);
    return page;
}

static void make_card(void)
{
    (void)close_test(NULL);
    memset(reg, 0, sizeof reg);
    reg[RECEIVE / 4] = reg[TRANSMIT / 4] = 2; /* firmware has left it on */
    reg[ADDRESS / 4] = 0x12005452;
    reg[ADDRESS / 4 + 1] = 0x80005634;
    never_resets = holds = keeps = clears_counters = false;
    cause = mask = 0;
    leaves = wakes = got = sent_count = tail_writes = 0;
    card = (struct e1000){
        .netdev = {.ops = &e1000_ops,
                   .address = {2, 3, 4, 5, 6, 7},
                   .receive = receive,
                   .wake = wake},
        .registers = registers,
        .leave = leave,
        .memory = memory,
        .in_size = RING,
        .out_size = RING,
    };
}

static void open_card(void)
{
    make_card();
    assert_true(e1000_ops.open(&card.netdev));
}

static unsigned poll_card(void)
{
    return e1000_ops.poll(&card.netdev, 64);
}

static bool listen_card(void)
{
    return e1000_ops.listen(&card.netdev);
}

static bool send_card(const uint8_t *data, size_t size, bool more)
{
    void *room = e1000_ops.frame(&card.netdev, size);
    if (room == NULL)
        return false;
    memcpy(room, data, size);
    e1000_ops.send(&card.netdev, &(const struct netdev_send){.size = (uint32_t)size, .more = more});
    return true;
}

static void shuffle(void)
{
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)random();
}

static void test_the_card_opens(void **state)
{
    (void)state;
    open_card();
    assert_memory_equal(card.netdev.address, "\x52\x54\x00\x12\x34\x56", 6);
    assert_int_equal(reg[ADDRESS / 4], 0x12005452); /* the reset has cleared it */
    assert_int_equal(reg[ADDRESS / 4 + 1], 0x80005634);
    assert_true(card.netdev.link);
    assert_int_equal(card.netdev.mtu, 1500);
    assert_int_equal(net_buffers_used(), 2 * RING);
    assert_int_equal(tail(IN), RING - 1);
    assert_int_equal(mask, 0); /* quiet until listen() */
}

static void test_a_card_without_an_address(void **state)
{
    (void)state;
    make_card();
    reg[ADDRESS / 4 + 1] = 0x5634; /* not valid */
    assert_true(e1000_ops.open(&card.netdev));
    assert_memory_equal(card.netdev.address, "\x02\x03\x04\x05\x06\x07", 6);
    assert_int_equal(reg[ADDRESS / 4], 0x05040302);
    assert_int_equal(reg[ADDRESS / 4 + 1], 0x80000706);
}

static void test_a_card_that_never_resets(void **state)
{
    (void)state;
    make_card();
    never_resets = true;
    assert_false(e1000_ops.open(&card.netdev));
    assert_non_null(card.netdev.failed);
    assert_int_equal(leaves, 1);
    assert_int_equal(reg[RECEIVE / 4], 0);
    assert_int_equal(poll_card(), 0);
    assert_true(listen_card());
    assert_null(e1000_ops.frame(&card.netdev, 60));
    e1000_interrupt(&card);
    assert_int_equal(wakes, 0);
}

static void test_no_memory_to_open(void **state)
{
    (void)state;
    for (long n = 0; n < 1 + RING; n++) { /* two buffers a page */
        make_card();
        native_heap_fail_after(n);
        assert_false(e1000_ops.open(&card.netdev));
        native_heap_fail_after(-1);
        assert_int_equal(leaves, 1);
    }
}

static void test_frames_in(void **state)
{
    (void)state;
    srandom(4);
    open_card();
    for (unsigned i = 0; i < 1000; i++) {
        uint16_t size = (uint16_t)(14 + random() % 1505);
        bool checked = random() % 2;
        shuffle();
        assert_true(listen_card());
        unsigned woken = wakes;
        assert_true(put_descriptor(bytes, size, checked ? 0x23 : 3, 0));
        assert_int_equal(wakes, woken + 1);
        assert_int_equal(mask, 0); /* silenced */
        assert_int_equal(poll_card(), 1);
        assert_int_equal(got_size, size);
        assert_memory_equal(got_bytes, bytes, size);
        assert_int_equal(got_checked, checked);
    }
    assert_int_equal(net_buffers_used(), 2 * RING);
    assert_int_equal(card.netdev.in.packets, 1000);
}

static void test_checksums(void **state)
{
    (void)state;
    static const uint8_t unchecked[][2] = {{0x27, 0}, {0x23, 0x20}, {0x23, 0x40}, {3, 0}};
    open_card();
    for (size_t i = 0; i < 4; i++) {
        assert_true(put_descriptor(bytes, 100, unchecked[i][0], unchecked[i][1]));
        assert_int_equal(poll_card(), 1);
        assert_int_equal(got, i + 1);
        assert_false(got_checked);
    }
}

static void test_bursts(void **state)
{
    (void)state;
    open_card();
    assert_true(listen_card());
    for (unsigned round = 0; round < 50; round++) {
        unsigned n = 0;
        while (put_frame(bytes, 60))
            n++;
        assert_int_equal(n, RING - 1);
        assert_int_equal(e1000_ops.poll(&card.netdev, 5), 5);
        assert_false(listen_card());
        assert_int_equal(poll_card(), RING - 6);
        assert_true(listen_card());
    }
    assert_int_equal(got, 50 * (RING - 1));
}

/* A ring that was full goes back to the card when it is empty: what waits finds all the room that there can be. */
static void test_a_burst_larger_than_the_ring(void **state)
{
    (void)state;
    open_card();
    for (unsigned round = 1; round < 5; round++) {
        while (*head(IN) != tail(IN))
            assert_true(put_frame(bytes, 60));
        waiting = RING - 1;
        while (e1000_ops.poll(&card.netdev, 8) > 0)
            ;
        assert_int_equal(got, round * 2 * (RING - 1));
    }
}

/* The card's counter of frames that found no room, which begins anew when it is read, or does not (QEMU's). */
static void test_what_the_card_drops_is_counted(void **state)
{
    (void)state;
    for (unsigned clears = 0; clears < 2; clears++) {
        open_card();
        clears_counters = clears;
        for (unsigned round = 1; round < 4; round++) {
            assert_true(listen_card());
            while (put_frame(bytes, 60))
                ;
            assert_false(put_frame(bytes, 60));
            (void)poll_card();
            (void)listen_card(); /* a cause that came when the card was silent is heard now */
            (void)poll_card();
            assert_int_equal(card.netdev.in.dropped, 2 * round);
        }
    }
}

static void test_bad_frames_are_dropped(void **state)
{
    (void)state;
    open_card();
    static const struct {
        uint16_t size;
        uint8_t status, errors;
    } bad[] = {{60, 3, 1}, {60, 3, 0x80}, {13, 3, 0}, {1519, 3, 0}, {1000, 1, 0}, {60, 3, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) { /* the last two are one frame */
        assert_true(put_descriptor(bytes, bad[i].size, bad[i].status, bad[i].errors));
        assert_int_equal(poll_card(), 1);
        assert_int_equal(card.netdev.in.errors, i + 1);
    }
    assert_int_equal(got, 0);
    assert_null(card.netdev.failed);
    assert_true(put_frame(bytes, 60));
    assert_int_equal(poll_card(), 1);
    assert_int_equal(got, 1);
}

static void test_a_frame_that_is_too_long_to_be(void **state)
{
    (void)state;
    open_card();
    assert_true(put_descriptor(bytes, 1523, 3, 0));
    assert_int_equal(poll_card(), 0);
    assert_non_null(card.netdev.failed);
    assert_int_equal(leaves, 1);
    assert_int_equal(reg[RECEIVE / 4], 0);
}

static void test_no_buffers_left(void **state)
{
    (void)state;
    open_card();
    keeps = true;
    for (unsigned i = 0; i < FRAMES && card.netdev.in.dropped < 3 * RING; i++) {
        assert_true(put_frame(bytes, 60));
        assert_int_equal(poll_card(), 1);
    }
    assert_int_equal(card.netdev.in.dropped, 3 * RING);
    assert_int_equal(net_buffers_used(), net_buffers_most());
    keeps = false;
    while (kept_count > 0)
        net_buffer_free(kept[--kept_count]);
    unsigned before = got;
    assert_true(put_frame(bytes, 60));
    assert_int_equal(poll_card(), 1);
    assert_int_equal(got, before + 1);
}

static void test_frames_out(void **state)
{
    (void)state;
    srandom(5);
    open_card();
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t size = 1 + (uint32_t)random() % NETDEV_FRAME_MAX;
        shuffle();
        assert_true(send_card(bytes, size, false));
        assert_int_equal(sent_count, i + 1);
        assert_int_equal(sent_size[i], size);
        assert_memory_equal(sent_bytes[i], bytes, size);
    }
    assert_int_equal(tail_writes, 1000 + 1); /* and the first */
    assert_int_equal(wakes, 0);
}

static void test_the_ring_is_full(void **state)
{
    (void)state;
    open_card();
    for (unsigned round = 0; round < 5; round++) {
        unsigned n = 0;
        holds = true;
        wakes = sent_count = 0;
        while (send_card(bytes, 60, true)) /* the card is told at last, all the same */
            n++;
        assert_int_equal(n, RING - 1);
        assert_int_equal(wakes, 0);
        holds = false;
        send_all();
        assert_int_equal(sent_count, RING - 1);
        assert_int_equal(wakes, 1);
        assert_int_equal(poll_card(), 0);
        assert_true(listen_card());
        assert_true(send_card(bytes, 60, false));
        assert_int_equal(sent_count, RING);
    }
}

static void test_the_link(void **state)
{
    (void)state;
    open_card();
    assert_true(listen_card());
    reg[STATUS / 4] = 0;
    raise_cause(LINK);
    assert_int_equal(wakes, 1);
    assert_int_equal(poll_card(), 0);
    assert_false(card.netdev.link);
    e1000_interrupt(&card); /* another device's */
    assert_int_equal(wakes, 1);
    reg[STATUS / 4] = 2;
    cause |= LINK;
    (void)listen_card();
    assert_int_equal(wakes, 2);
    assert_false(listen_card());
    assert_int_equal(poll_card(), 0);
    assert_true(card.netdev.link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_the_card_opens, close_test),
        cmocka_unit_test_teardown(test_a_card_without_an_address, close_test),
        cmocka_unit_test_teardown(test_a_card_that_never_resets, close_test),
        cmocka_unit_test_teardown(test_no_memory_to_open, close_test),
        cmocka_unit_test_teardown(test_frames_in, close_test),
        cmocka_unit_test_teardown(test_checksums, close_test),
        cmocka_unit_test_teardown(test_bursts, close_test),
        cmocka_unit_test_teardown(test_a_burst_larger_than_the_ring, close_test),
        cmocka_unit_test_teardown(test_what_the_card_drops_is_counted, close_test),
        cmocka_unit_test_teardown(test_bad_frames_are_dropped, close_test),
        cmocka_unit_test_teardown(test_a_frame_that_is_too_long_to_be, close_test),
        cmocka_unit_test_teardown(test_no_buffers_left, close_test),
        cmocka_unit_test_teardown(test_frames_out, close_test),
        cmocka_unit_test_teardown(test_the_ring_is_full, close_test),
        cmocka_unit_test_teardown(test_the_link, close_test),
    };
    return RUN_TESTS(tests);
}
