/* SPDX-License-Identifier: MIT */
#include "linux/abi/clock_watch.h"

#include "kern/time.h"

#define LATEST_NS ((INT64_MAX / NS_PER_SECOND - UINT64_C(30) * 365 * 24 * 3600) * NS_PER_SECOND)

static struct list watches = LIST_INIT(watches);

void clock_watch_init(struct clock_watch *watch, void (*changed)(struct clock_watch *watch))
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

COLD enum err clock_set_realtime_ns(uint64_t now_ns)
{
    if (now_ns < time_now_ns() || now_ns >= LATEST_NS)
        return E_INVAL;
    time_set_realtime_ns(now_ns);
    list_for_each (it, &watches) {
        struct clock_watch *watch = CONTAINER_OF(it, struct clock_watch, link);
        watch->changed(watch);
    }
    return E_OK;
}
