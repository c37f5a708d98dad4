/* SPDX-License-Identifier: MIT */
/*
 * The machine's network card, by its driver: ARP requests to QEMU's user network, whose router answers. Run by
 * name, on machines with a card.
 */
#include "guest.h"

#include "cpu/lock.h"
#include "kern/console.h"
#include "kern/deferred.h"
#include "kern/machine.h"
#include "kern/netdev.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "kern/wait.h"

enum {
    FRAME = 60,
    MAC = 6,
    TYPE = 12,
    OPERATION = 20,
    SENDER = 22,
    SENDER_IP = 28,
    TARGET_IP = 38,
    ROUNDS = 100,
    BURST = 20,
};

static const uint8_t own_ip[] = {10, 0, 2, 15}, router_ip[] = {10, 0, 2, 2};
static const uint8_t arp[] = {8, 6, 0, 1, 8, 0, 6, 4, 0};

static struct deferred card_work;
static struct wait_queue answered;
static volatile unsigned answers, wakes;
static uint8_t router[MAC];

static void card_receive(struct netdev *netdev, struct net_buffer *frame)
{
    (void)netdev;
    const uint8_t *bytes = frame->data + frame->start;
    if (frame->size >= TARGET_IP + 4 && memcmp(bytes + TYPE, arp, sizeof arp) == 0 &&
        bytes[OPERATION + 1] == 2 && memcmp(bytes + SENDER_IP, router_ip, 4) == 0 &&
        memcmp(bytes + TARGET_IP, own_ip, 4) == 0) {
        memcpy(router, bytes + SENDER, MAC);
        answers++;
        wait_queue_wake(&answered);
    }
    while (frame != NULL) {
        struct net_buffer *next = frame->next;
        net_buffer_free(frame);
        frame = next;
    }
}

static void card_wake(struct netdev *netdev)
{
    (void)netdev;
    wakes++;
    deferred_raise(&card_work);
}

static void card_serve(struct deferred *work)
{
    struct netdev *card = netdev_first();
    kernel_lock_assert();
    if (card->ops->poll(card, 64) == 64 || !card->ops->listen(card))
        deferred_raise(work);
}

static bool ask_router(struct netdev *card, bool more)
{
    uint8_t *frame = card->ops->frame(card, FRAME);
    if (frame == NULL)
        return false;
    memset(frame, 0, FRAME);
    memset(frame, 0xff, MAC);
    memcpy(frame + MAC, card->address, MAC);
    memcpy(frame + TYPE, arp, sizeof arp);
    frame[OPERATION + 1] = 1;
    memcpy(frame + SENDER, card->address, MAC);
    memcpy(frame + SENDER_IP, own_ip, 4);
    memcpy(frame + TARGET_IP, router_ip, 4);
    card->ops->send(card, &(const struct netdev_send){.size = FRAME, .more = more});
    return true;
}

/* The deferred work runs in the idle CPU, or at preemption points. */
static void wait_for_answers(unsigned want, bool sleeps) REQUIRES(kernel_lock)
{
    uint64_t until = time_now_ns() + 5 * NS_PER_SECOND;
    if (sleeps)
        CHECK_EQUAL(WAIT_EVENT(&answered, answers >= want, until), E_OK);
    while (answers < want && time_now_ns() < until)
        thread_give_way();
    CHECK_EQUAL(answers, want);
}

static void ask_and_wait(struct netdev *card, unsigned count, bool sleeps) REQUIRES(kernel_lock)
{
    unsigned want = answers + count, asked = 0;
    uint64_t until = time_now_ns() + 5 * NS_PER_SECOND;
    while (asked < count && time_now_ns() < until) {
        if (ask_router(card, asked + 1 < count))
            asked++;
        else
            thread_give_way();
    }
    wait_for_answers(want, sleeps);
    CHECK(card->failed == NULL);
}

GUEST_FATAL(card_answers)
{
    static const char mac[MAC] = {0x52, 0x55, 10, 0, 2, 2};
    struct netdev *card = netdev_first();
    CHECK(card != NULL);
    if (card == NULL)
        return;
    deferred_init(&card_work, card_serve);
    wait_queue_init(&answered);
    answered.outside = true;
    card->receive = card_receive;
    card->wake = card_wake;
    CHECK(card->ops->open(card));
    CHECK(card->link);
    CHECK(!(card->address[0] & 1));
    CHECK(card->ops->listen(card));
    ask_and_wait(card, 1, true);
    CHECK(memcmp(router, mac, MAC) == 0);
    uint32_t buffers = net_buffers_used();
    for (unsigned i = 0; i < ROUNDS && guest_test_passed(); i++)
        ask_and_wait(card, BURST, i % 2);
    CHECK_EQUAL(net_buffers_used(), buffers);
    CHECK_EQUAL(answers, 1 + ROUNDS * BURST);
    CHECK_EQUAL(card->in.dropped + card->in.errors + card->out.errors, 0);
    CHECK(wakes > 0);
    if (guest_test_passed()) {
        console_write(CONSOLE_STDOUT, "answered\n", 9);
        machine_exit(0);
    }
}
