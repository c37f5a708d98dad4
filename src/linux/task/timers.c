/* SPDX-License-Identifier: MIT */
#include "linux/task/timers.h"

#include "base/compiler.h"
#include "kern/thread.h"
#include "linux/task/process.h"

#define OVERRUN_MAX INT32_MAX /* DELAYTIMER_MAX */

/* Polling period of a periodic timer whose signal is ignored and hence never taken. */
#define IGNORED_PERIOD_NS UINT64_C(10000000)

/* The shortest time after which a process that sleeps just below RLIMIT_CPU is looked at again. */
#define LIMIT_PERIOD_NS UINT64_C(4000000)

static uint64_t clock_locked(const struct interval_timer *t) REQUIRES(class_signal)
{
    const struct linux_thread *lt;
    switch (t->clock) {
    case TIMER_CLOCK_CPU:
        if (t->clock_tid == 0)
            return process_cpu_ns_locked(t->process);
        lt = linux_thread_find(t->clock_tid);
        return lt != NULL ? process_cpu_ns_locked(lt->process) : 0;
    case TIMER_CLOCK_THREAD: /* the clock of an ended thread or process stands still */
        lt = linux_thread_find(t->clock_tid);
        return lt != NULL && lt->thread != NULL ? thread_cpu_ns(lt->thread) : 0;
    case TIMER_CLOCK_REAL:
        return time_realtime_ns();
    default:
        return time_now_ns();
    }
}

uint64_t interval_timer_clock(const struct interval_timer *t)
{
    uint64_t irq = signal_lock(), now = clock_locked(t);
    signal_unlock(irq);
    return now;
}

static void arm(struct interval_timer *t) REQUIRES(class_signal)
{
    bool real = t->clock == TIMER_CLOCK_REAL;
    uint64_t now = clock_locked(t), wall = real ? now : time_now_ns(), deadline;
    uint64_t left = t->deadline_ns > now ? t->deadline_ns - now : 0;
    if (__builtin_add_overflow(wall, left, &deadline))
        deadline = UINT64_MAX;
    timer_cancel(&t->timer);
    t->timer.realtime = real;
    timer_start(&t->timer, deadline);
}

/* Moves the deadline past now; returns the number of expiries skipped. */
static uint64_t forward(struct interval_timer *t) REQUIRES(class_signal)
{
    uint64_t now = clock_locked(t);
    if (t->deadline_ns > now)
        return 0;
    uint64_t periods = (now - t->deadline_ns) / t->interval_ns + 1;
    t->deadline_ns += periods * t->interval_ns;
    return periods;
}

static void timers_send(struct interval_timer *t) REQUIRES(class_signal)
{
    struct signal_target to = {.process = t->process, .running_first = !t->leader_first};
    if (t->target_tid != 0) {
        to.thread = linux_thread_find(t->target_tid);
        if (to.thread == NULL || to.thread->thread == NULL)
            return; /* the target has ended, and there is no other */
    }
    signal_send_entry(&to, &t->entry);
}

static void timers_expire(struct interval_timer *t) REQUIRES(class_signal)
{
    if (clock_locked(t) < t->deadline_ns) {
        arm(t); /* CPU time has advanced less than real time */
        return;
    }
    timers_send(t);
    if (t->interval_ns == 0) {
        t->deadline_ns = 0;
        return;
    }
    if (!list_empty(&t->entry.link))
        return; /* timers_taken() arms it again */
    forward(t);
    uint64_t soonest = clock_locked(t) + IGNORED_PERIOD_NS;
    if (t->deadline_ns < soonest)
        t->deadline_ns += (soonest - t->deadline_ns) / t->interval_ns * t->interval_ns;
    arm(t);
}

static void timers_fire(struct timer *timer)
{
    spin_lock(&signal_spin, &class_signal);
    timers_expire(CONTAINER_OF(timer, struct interval_timer, timer));
    spin_unlock(&signal_spin, &class_signal);
}

static void timers_taken(struct signal_entry *entry) REQUIRES(class_signal)
{
    struct interval_timer *t = CONTAINER_OF(entry, struct interval_timer, entry);
    uint64_t skipped = 0;
    if (t->deadline_ns != 0 && t->interval_ns != 0) {
        skipped = forward(t);
        skipped -= skipped != 0; /* minus the expiry that the signal reports */
        arm(t);
    }
    t->overrun = (uint32_t)(skipped < OVERRUN_MAX ? skipped : OVERRUN_MAX);
    if (t->counts_overruns)
        entry->info.timer.overrun = (int32_t)t->overrun;
}

void interval_timer_init(struct interval_timer *t, struct process *process, enum timer_clock clock,
                         const struct siginfo *info)
{
    *t = (struct interval_timer){.clock = clock, .process = process};
    timer_init(&t->timer, timers_fire);
    list_init(&t->entry.link);
    t->entry.info = *info;
    t->entry.taken = timers_taken;
}

void interval_timer_start(struct interval_timer *t, uint64_t deadline_ns, uint64_t interval_ns)
{
    uint64_t irq = signal_lock();
    t->deadline_ns = deadline_ns != 0 ? deadline_ns : 1;
    t->interval_ns = interval_ns;
    t->overrun = 0;
    if (!t->silent)
        arm(t);
    signal_unlock(irq);
}

void interval_timer_stop(struct interval_timer *t)
{
    uint64_t irq = signal_lock();
    timer_cancel(&t->timer);
    t->deadline_ns = 0;
    signal_unlock(irq);
}

uint64_t interval_timer_left(struct interval_timer *t)
{
    uint64_t irq = signal_lock();
    uint64_t left = 0;
    if (t->deadline_ns != 0) {
        if (t->interval_ns != 0 && (t->silent || !list_empty(&t->entry.link)))
            (void)forward(t);
        uint64_t now = clock_locked(t);
        left = t->deadline_ns > now ? t->deadline_ns - now : 1;
        if (t->silent && t->interval_ns == 0 && t->deadline_ns <= now)
            left = 0;
    }
    signal_unlock(irq);
    return left;
}

static void limit_cpu(struct process *process) REQUIRES(class_signal)
{
    struct rlimit *limit = &process->rlimits[RLIMIT_CPU];
    const struct signal_target to = {.process = process};
    uint64_t used = process_cpu_ns_locked(process), seconds = used / NS_PER_SECOND;
    int signal = seconds >= limit->hard ? SIGNAL_KILL : seconds >= limit->soft ? SIGNAL_XCPU : 0;
    const struct siginfo info = {.signal = signal, .code = SI_KERNEL};
    if (signal != 0)
        signal_send_standard(&to, &info);
    if (signal == SIGNAL_KILL)
        return;
    if (signal == SIGNAL_XCPU)
        limit->soft = seconds + 1;
    uint64_t next = limit->soft < limit->hard ? limit->soft : limit->hard, ns, deadline;
    if (__builtin_mul_overflow(next, NS_PER_SECOND, &ns))
        return; /* RLIM_INFINITY, and what is as good */
    uint64_t left = ns - used > LIMIT_PERIOD_NS ? ns - used : LIMIT_PERIOD_NS;
    if (!__builtin_add_overflow(time_now_ns(), left, &deadline))
        timer_start(&process->timers.cpu_limit, deadline);
}

static void limit_fire(struct timer *timer)
{
    spin_lock(&signal_spin, &class_signal);
    limit_cpu(CONTAINER_OF(timer, struct process, timers.cpu_limit));
    spin_unlock(&signal_spin, &class_signal);
}

void timers_limit_cpu(struct process *process)
{
    uint64_t irq = signal_lock();
    timer_cancel(&process->timers.cpu_limit);
    timer_init(&process->timers.cpu_limit, limit_fire);
    process->timers.cpu_limit.background = true; /* nothing comes of it while all threads sleep */
    limit_cpu(process);
    signal_unlock(irq);
}
