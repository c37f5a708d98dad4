/* SPDX-License-Identifier: MIT */
#include "kern/deferred.h"

#include "cpu/percpu.h"
#include "cpu/x86.h"
#include "kern/sched_lock.h"
#include "kern/time.h"

static struct list deferred_work GUARDED_BY(class_sched) = LIST_INIT(deferred_work);

void deferred_init(struct deferred *work, void (*run)(struct deferred *work)) NO_LOCK_ANALYSIS
{
    work->run = run;
    work->raised = false;
}

void deferred_raise(struct deferred *work)
{
    uint64_t flags = sched_lock();
    if (!work->raised) {
        work->raised = true;
        list_add_tail(&deferred_work, &work->link);
        percpu()->slice |= SLICE_DEFERRED;
    }
    sched_unlock(flags);
}

NOINLINE void deferred_run(void)
{
    struct list now = LIST_INIT(now);
    uint64_t flags = sched_lock();
    percpu()->slice &= (uint8_t)~SLICE_DEFERRED;
    list_splice_head(&now, &deferred_work);
    while (!list_empty(&now)) {
        struct deferred *work = CONTAINER_OF(now.next, struct deferred, link);
        list_remove(&work->link);
        work->raised = false;
        sched_unlock(flags);
        work->run(work);
        flags = sched_lock();
    }
    sched_unlock(flags);
}

/* kernel_lock precedes class_sched. */
uint64_t deferred_idle(void)
{
    uint64_t took = 0;
    bool any = !list_empty(&deferred_work);
    spin_unlock(&sched_spin, &class_sched);
    if (any) {
        uint64_t from = time_now_ns();
        cpus_count_busy(1);
        kernel_lock_take();
        __asm__ volatile("sti" : : : "memory");
        deferred_run();
        __asm__ volatile("cli" : : : "memory");
        kernel_lock_drop();
        cpus_count_busy(-1);
        took = time_now_ns() - from;
    } else {
        cpu_wait_for_interrupt();
    }
    spin_lock(&sched_spin, &class_sched);
    return took;
}
