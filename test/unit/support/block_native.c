/* SPDX-License-Identifier: MIT */
/* What kern/block.c and its drivers use of the kernel, for native tests: memory is at its own address, time stands still, and
 * timers are only set. */
#include "kern/time.h"
#include "kern/wait.h"
#include "mm/pt/paging.h"

struct address_space kernel_space;
int native_irq_depth;

void wait_queue_init(struct wait_queue *queue)
{
    (void)queue;
}

uint64_t time_now_ns(void)
{
    return 1;
}

void timer_init(struct timer *timer, void (*fire)(struct timer *timer))
{
    *timer = (struct timer){.fire = fire};
}

void timer_start(struct timer *timer, uint64_t deadline_ns)
{
    timer->deadline_ns = deadline_ns;
    timer->armed = true;
}

bool paging_translate(const struct address_space *space, virt_t v, phys_t *out)
{
    (void)space;
    *out = phys(v.v);
    return true;
}
