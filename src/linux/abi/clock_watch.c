/* SPDX-License-Identifier: MIT */
#include "linux/abi/clock_watch.h"

#include "base/compiler.h"
#include "kern/time.h"

static struct list watches = LIST_INIT(watches);

void clock_watch_init(struct clock_watch *watch,
                      void (*changed)(struct clock_watch *watch, int64_t delta_ns))
{
    list_init(&watch->link);
    watch->changed = changed;
}

void clock_watch_join(struct clock_watch *watch)
{
    clock_watch_leave(watch);
    list_add_tail(&watches, &watch->link);
}

void clock_watch_leave(struct clock_watch *watch)
{
    list_remove(&watch->link);
}

COLD void clock_set_realtime_ns(uint64_t now_ns)
{
    int64_t delta = (int64_t)(now_ns - time_realtime_ns());
    time_set_realtime_ns(now_ns);
    list_for_each (it, &watches) {
        struct clock_watch *watch = CONTAINER_OF(it, struct clock_watch, link);
        watch->changed(watch, delta);
    }
}

static void sleep_ends(struct clock_watch *watch, int64_t delta_ns)
{
    (void)delta_ns;
    struct clock_sleep *sleep = CONTAINER_OF(watch, struct clock_sleep, watch);
    sleep->set = true;
    wait_queue_wake_all(sleep->queue);
}

void clock_sleep_begin(struct clock_sleep *sleep, struct wait_queue *queue)
{
    *sleep = (struct clock_sleep){.queue = queue};
    clock_watch_init(&sleep->watch, sleep_ends);
    clock_watch_join(&sleep->watch);
}

void clock_sleep_end(struct clock_sleep *sleep)
{
    clock_watch_leave(&sleep->watch);
}
