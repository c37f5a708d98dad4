/* SPDX-License-Identifier: MIT */
#include "net/stack/stack.h"

#include "base/panic.h"
#include "kern/deferred.h"
#include "kern/netdev.h"
#include "kern/time.h"
#include "kern/wait.h"
#include "mm/init/memory.h"
#include "net/stack/card.h"
#include "net/stack/memory.h"
#include "net/stack/name_servers.h"
#include "net/stack/pcbs.h"
#include "net/stack/secret.h"
#include "net/stack/timers.h"

#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/sys.h>

#define ADDRESS_WAIT_NS (5 * NS_PER_SECOND)

static bool net_started GUARDED_BY(net_lock);
static struct net_options net_options;
/* Woken when the card has got an address. */
static struct wait_queue address_queue = {
    .all = LIST_INIT(address_queue.all), .one = LIST_INIT(address_queue.one), .outside = true};
static bool address_waits; /* read without a lock */
static uint64_t address_deadline;
static struct deferred net_work;
static struct timer net_timer;
static uint64_t net_timer_at GUARDED_BY(net_lock); /* NET_NEVER: not armed */

/* lwIP's time in milliseconds. */
u32_t sys_now(void)
{
    return (u32_t)(time_now_ns() / 1000000);
}

void net_assert(const char *sentence, const char *function)
{
    panic("lwIP: %s: %s", function, sentence);
}

static bool net_loops(void)
{
    struct netif *netif;
    NETIF_FOREACH(netif)
    if (netif->loop_first != NULL)
        return true;
    return false;
}

static void net_raise(void)
{
    deferred_raise(&net_work);
}

static void net_timer_fire(struct timer *timer)
{
    (void)timer;
    net_raise();
}

void net_kick(void)
{
    net_card_flush();
    uint64_t next = net_timers_next(time_now_ns());
    if (next < net_timer_at) {
        net_timer_at = next;
        timer_start(&net_timer, next);
    }
    if (net_loops())
        net_raise();
}

/* The deferred work. Interrupts on. */
static void net_serve(struct deferred *work)
{
    (void)work;
    kernel_lock_assert();
    net_lock_take();
    if (net_card_poll())
        net_raise();
    netif_poll_all();
    uint64_t now = time_now_ns();
    if (net_timers_run(now))
        net_raise();
    if (net_timer_at <= now)
        net_timer_at = NET_NEVER;
    net_kick();
    bool arrived = address_waits && !net_card_asks();
    net_lock_drop();
    if (arrived) {
        address_waits = false;
        wait_queue_wake_all(&address_queue);
    }
}

void net_configure(const struct net_options *options)
{
    net_options = *options;
    if (options->way == NET_STATIC) {
        net_lock_take();
        net_name_servers_set(options->dns, options->dns_count);
        net_lock_drop();
    }
}

static void stack_start_card(void) REQUIRES(net_lock)
{
    struct netdev *netdev = net_options.way == NET_OFF ? NULL : netdev_first();
    if (netdev == NULL || !net_card_start(netdev, &net_options, net_raise))
        return;
    address_waits = net_card_asks();
    address_deadline = time_now_ns() + ADDRESS_WAIT_NS;
    net_raise();
}

static enum err stack_init(void) REQUIRES(net_lock)
{
    net_secret_init();
    enum err e = net_pcbs_init(memory_total());
    if (e != E_OK)
        return e;
    net_memory_init(memory_total() / 4);
    deferred_init(&net_work, net_serve);
    timer_init(&net_timer, net_timer_fire);
    /* A program that only waits for itself is as stuck as ever. */
    net_timer.background = true;
    net_timer_at = NET_NEVER;
    lwip_init();
    stack_start_card();
    net_started = true;
    net_kick();
    return E_OK;
}

enum err net_start(void)
{
    kernel_lock_assert();
    net_lock_take();
    enum err e = net_started ? E_OK : stack_init();
    net_lock_drop();
    return e;
}

enum err net_await_address(bool wait)
{
    if (!wait || !address_waits)
        return E_OK;
    enum err e = WAIT_EVENT(&address_queue, !address_waits, address_deadline);
    return e == E_INTR ? E_INTR : E_OK;
}
