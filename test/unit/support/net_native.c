/* SPDX-License-Identifier: MIT */
#include "net_native.h"

#include "kern/deferred.h"
#include "kern/random.h"
#include "kern/netdev.h"
#include "kern/sched_lock.h"
#include "kern/time.h"
#include "kern/wait.h"
#include "mm/phys/frames.h"
#include "native.h"
#include "net/stack/hooks.h"
#include "net/stack/memory.h"
#include "net/stack/stack.h"

#include <lwip/tcp.h>

struct frames machine_frames = {.total_frames = UINT64_C(1) << 18};
int native_irq_depth;

static uint64_t now_ns = 1000000000;
static struct deferred *raised;
static struct timer *armed;
static uint64_t random_state = 1;

uint64_t time_now_ns(void)
{
    return now_ns;
}

unsigned net_native_urgent;

void net_urgent_comes(struct tcp_pcb *pcb, uint32_t sequence, uint32_t size, uint16_t pointer)
{
    (void)pcb;
    (void)sequence;
    (void)size;
    net_native_urgent = pointer;
}

/* splitmix64: the same numbers in each run. */
uint64_t random_u64(void)
{
    uint64_t x = random_state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void random_fill(void *to, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)to)[i] = (uint8_t)random_u64();
}

void deferred_init(struct deferred *work, void (*run)(struct deferred *work)) NO_LOCK_ANALYSIS
{
    work->run = run;
}

void deferred_raise(struct deferred *work)
{
    raised = work;
}

void timer_init(struct timer *timer, void (*fire)(struct timer *timer))
{
    timer->fire = fire;
}

void timer_start(struct timer *timer, uint64_t deadline_ns)
{
    timer->deadline_ns = deadline_ns;
    armed = timer;
}

uint64_t net_native_timer(void)
{
    return armed != NULL ? armed->deadline_ns : UINT64_MAX;
}

void net_native_start(void)
{
    (void)!net_start();
}

bool net_native_work(unsigned most)
{
    for (; raised != NULL && most > 0; most--) {
        struct deferred *work = raised;
        raised = NULL;
        work->run(work);
    }
    return raised == NULL;
}

void net_native_pass_to_timer(unsigned most)
{
    struct timer *timer = armed;
    if (now_ns < timer->deadline_ns)
        now_ns = timer->deadline_ns;
    armed = NULL;
    timer->fire(timer);
    net_native_work(most);
}

void net_native_pass(uint64_t ms)
{
    uint64_t end = now_ns + ms * 1000000;
    net_native_work(10000);
    while (armed != NULL && armed->deadline_ns <= end)
        net_native_pass_to_timer(10000);
    now_ns = end;
}

struct netdev *net_native_card;

struct netdev *netdev_first(void)
{
    return net_native_card;
}

struct spin_lock sched_spin;

/* The caller sleeps for a millisecond. */
enum err wait_queue_sleep(struct wait_queue *queue, uint64_t deadline_ns,
                          unsigned how) NO_LOCK_ANALYSIS
{
    (void)queue;
    (void)how;
    if (now_ns >= deadline_ns)
        return E_TIMEDOUT;
    net_native_pass(1);
    return E_OK;
}

void wait_queue_wake_all(struct wait_queue *queue)
{
    (void)queue;
}

uint64_t net_native_memory(void)
{
    return net_memory_used();
}
