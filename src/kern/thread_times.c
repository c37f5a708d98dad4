/* SPDX-License-Identifier: MIT */
/* The times of threads and CPUs, and how threads share them. */
#include "cpu/vectors.h"
#include "kern/sched_cpu.h"

struct sched_times sched_times;
static uint64_t busy_ns[2]; /* in the kernel, in programs */

#define LOAD_PERIOD_NS (5 * NS_PER_SECOND)
#define LOADS_IDLE     2048 /* periods after which nothing is left of any load */
static uint64_t loads[LOADS] GUARDED_BY(class_sched);

uint64_t thread_switch_count(void)
{
    return sched_times.switches;
}

/* At the end of a period the CPUs were idle unless this is the next tick. 2048 is one thread. */
static void loads_go_on(void) REQUIRES(class_sched)
{
    static uint64_t until;
    static const uint32_t part[LOADS] = {1884, 2014, 2037}; /* exp(-5 s / 1, 5 and 15 min) */
    uint64_t periods = (time_now_ns() - until) / LOAD_PERIOD_NS, running = 0;
    if (periods == 0)
        return;
    until += periods * LOAD_PERIOD_NS;
    bool ticks = time_now_ns() - until < 2 * THREAD_TICK_NS;
    for (unsigned cpu = 0; cpu < (SEVERAL_CPUS ? cpus_online : 1); cpu++)
        running += sched_cpus[cpu].queue.count + !thread_is_idle(cpu);
    for (uint64_t left = periods < LOADS_IDLE ? periods : LOADS_IDLE; left > 0; left--)
        for (unsigned i = 0; i < LOADS; i++) {
            uint64_t active = left == 1 && ticks ? running * 2048 : 0;
            loads[i] =
                (loads[i] * part[i] + active * (2048 - part[i]) + (active >= loads[i] ? 2047 : 0)) /
                2048;
        }
}

void thread_loads(uint64_t out[LOADS])
{
    uint64_t flags = sched_lock();
    loads_go_on();
    for (unsigned i = 0; i < LOADS; i++)
        out[i] = loads[i] * (65536 / 2048);
    sched_unlock(flags);
}

void thread_tick(bool in_program)
{
    uint64_t flags = sched_lock();
    loads_go_on();
    sched_unlock(flags);
    uint64_t busy = time_now_ns() * (SEVERAL_CPUS ? cpus_online : 1) - thread_idle_ns() -
                    busy_ns[0] - busy_ns[1];
    busy_ns[in_program] += (int64_t)busy > 0 ? busy : 0;
    thread_current()->ticks[in_program]++;
}

uint64_t thread_idle_ns(void)
{
    uint64_t sum = 0;
    for (unsigned cpu = 0; SEVERAL_CPUS && cpu < cpus_online; cpu++)
        sum += thread_idle_ns_of(cpu);
    return SEVERAL_CPUS ? sum : sched_times.idle_ns;
}

uint64_t thread_idle_ns_of(unsigned cpu)
{
    const struct thread *idle = sched_cpus[cpu].idle;
    if (!SEVERAL_CPUS)
        return sched_times.idle_ns;
    return sched_cpus[cpu].idle_ns +
           (percpus[cpu].current == idle ? time_now_ns() - idle->started_ns : 0);
}

uint64_t thread_busy_ns(bool in_program)
{
    return busy_ns[in_program];
}

COLD void thread_set_schedule(struct thread *t, uint8_t priority, bool round_robin, uint32_t weight)
{
    uint64_t flags = sched_lock();
    bool queued = t->run.queued;
    struct run_queue *queue = &sched_cpus[SEVERAL_CPUS ? t->cpu : 0].queue;
    if (queued)
        run_queue_remove(queue, &t->run);
    t->run.priority = priority;
    t->run.weight = weight;
    t->round_robin = round_robin;
    if (SEVERAL_CPUS && queued)
        sched_enqueue(t, RUN_PREEMPTED);
    else if (queued)
        run_queue_add(queue, &t->run, RUN_PREEMPTED);
    if (SEVERAL_CPUS) {
        if (t->cpu != cpu_index())
            cpu_send(t->cpu, VECTOR_KICK);
        else
            sched_look();
        sched_unlock(flags);
        return;
    }
    const struct run_entity *first = run_queue_first(&own()->queue);
    if (first != NULL && run_queue_preempts(first, &thread_current()->run))
        percpu()->slice |= SLICE_OVER;
    sched_unlock(flags);
}

/* A thread that is not running has its final count; the running thread reads its own. */
uint64_t thread_cpu_ns(const struct thread *t) NO_LOCK_ANALYSIS
{
    const struct thread *on_cpu = SEVERAL_CPUS ? percpus[t->cpu].current : thread_current();
    bool running = t == on_cpu && thread_state_now(t) == THREAD_RUNNABLE;
    return t->cpu_ns + (running ? time_now_ns() - t->started_ns : 0);
}
