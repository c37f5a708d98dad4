/* SPDX-License-Identifier: MIT */
#include "linux/task/scheduling.h"

#include "kern/thread.h"

/* SCHED_IDLE is treated as nice 19. */
void sched_apply(const struct linux_thread *lt)
{
    const struct scheduling *s = &lt->scheduling;
    int nice = s->policy == SCHED_IDLE ? NICE_MAX : s->nice;
    if (lt->thread != NULL)
        thread_set_schedule(lt->thread, (uint8_t)sched_priority(lt), s->policy == SCHED_RR,
                            run_weight_of_nice(nice));
}

void sched_set_inherited(struct linux_thread *lt, int priority)
{
    lt->scheduling.inherited = priority;
    sched_apply(lt);
}

void sched_inherit(struct linux_thread *to, const struct linux_thread *from)
{
    to->scheduling = from->scheduling;
    to->scheduling.inherited = 0;
    if (to->scheduling.reset_on_fork) {
        to->scheduling.reset_on_fork = false;
        if (sched_is_realtime(to->scheduling.policy))
            to->scheduling.policy = SCHED_OTHER;
        to->scheduling.priority = 0;
        if (to->scheduling.nice < 0)
            to->scheduling.nice = 0;
    }
    if (to->scheduling.priority != 0 || to->scheduling.nice != 0 ||
        to->scheduling.policy != SCHED_OTHER)
        sched_apply(to);
}
