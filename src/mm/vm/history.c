/* SPDX-License-Identifier: MIT */
#include "mm/vm/history.h"

#include "cpu/cpus.h"

#include <stddef.h>

static struct history_event events[HISTORY_SIZE];
static uint64_t total;

struct history_event *history_next(void)
{
    uint64_t number = total;
    if (SEVERAL_CPUS)
        number = __atomic_fetch_add(&total, 1, __ATOMIC_RELAXED);
    else
        total++;
    return &events[number % HISTORY_SIZE];
}

void history_clear(void)
{
    total = 0;
}

const struct history_event *history_find(virt_t v, const struct history_event *before)
{
    uint64_t kept = total < HISTORY_SIZE ? total : HISTORY_SIZE;
    bool skip = before != NULL;
    for (uint64_t n = 1; n <= kept; n++) {
        const struct history_event *e = &events[(total - n) % HISTORY_SIZE];
        if (!skip && virt_range_contains(e->range, v))
            return e;
        if (e == before)
            skip = false;
    }
    return NULL;
}
