/* SPDX-License-Identifier: MIT */
/* The queues of several CPUs. */
#include "cpu/vectors.h"
#include "kern/sched_cpu.h"

static bool cpu_is_idle(unsigned cpu) REQUIRES(class_sched)
{
    return percpus[cpu].current == sched_cpus[cpu].idle && sched_cpus[cpu].queue.count == 0;
}

static unsigned choose_cpu(const struct thread *t) REQUIRES(class_sched)
{
    unsigned best = t->cpu;
    uint64_t may = t->allowed & cpus_all();
    if (t->fpu == NULL && t->run.priority != 0)
        return cpu_index(); /* a thread of the kernel that precedes the return of the call that wakes it */
    if (may == 0)
        may = cpus_all();
    if (!(may >> best & 1))
        best = (unsigned)__builtin_ctzll(may);
    if (cpu_is_idle(best))
        return best;
    for (unsigned cpu = 0; cpu < cpus_online; cpu++)
        if (may >> cpu & 1 && cpu_is_idle(cpu))
            return cpu;
    return best;
}

void sched_look(void)
{
    struct thread *self = thread_current();
    const struct run_entity *first = run_queue_first(&own()->queue);
    if (self->state == THREAD_RUNNABLE && !(self->allowed >> cpu_index() & 1))
        percpu()->slice |= SLICE_OVER;
    if (first == NULL || self->state != THREAD_RUNNABLE)
        return;
    if (run_queue_preempts(first, &self->run))
        percpu()->slice |= SLICE_OVER;
    else if (!own()->slice.armed)
        arm_slice(time_now_ns() + RUN_SLICE_NS);
}

void sched_enqueue(struct thread *t, enum run_place place)
{
    unsigned cpu = choose_cpu(t);
    struct run_queue *queue = &sched_cpus[cpu].queue;
    const struct thread *current = percpus[cpu].current;
    if (t->cpu != cpu)
        run_entity_move(&t->run, &sched_cpus[t->cpu].queue, queue);
    t->cpu = (uint8_t)cpu;
    if (place == RUN_WOKEN && current != NULL && current->state == THREAD_RUNNABLE)
        run_queue_advance(queue, &current->run);
    run_queue_add(queue, &t->run, place);
    if (cpu != cpu_index())
        cpu_send(cpu, VECTOR_KICK);
    else if (current != NULL)
        sched_look();
}

void thread_kicked(void)
{
    spin_lock(&sched_spin, &class_sched);
    sched_look();
    spin_unlock(&sched_spin, &class_sched);
}

struct thread *sched_steal(void)
{
    struct sched_cpu *from = NULL;
    for (unsigned cpu = 0; cpu < cpus_online; cpu++) {
        struct sched_cpu *other = &sched_cpus[cpu];
        if (other->queue.count > (from != NULL ? from->queue.count : 0) &&
            thread_of(run_queue_first(&other->queue))->allowed >> cpu_index() & 1)
            from = other;
    }
    if (from == NULL)
        return sched_cpus[cpu_index()].idle;
    struct run_entity *first = run_queue_first(&from->queue);
    run_queue_remove(&from->queue, first);
    run_entity_move(first, &from->queue, &own()->queue);
    return thread_of(first);
}

bool sched_others_run(void)
{
    for (unsigned cpu = 0; cpu < cpus_online; cpu++)
        if (cpu != cpu_index() && percpus[cpu].current != sched_cpus[cpu].idle)
            return true;
    return false;
}

COLD void thread_set_allowed(struct thread *t, uint64_t cpus)
{
    uint64_t flags = sched_lock();
    t->allowed = cpus;
    if (t->run.queued && !(cpus >> t->cpu & 1)) {
        run_queue_remove(&sched_cpus[t->cpu].queue, &t->run);
        sched_enqueue(t, RUN_PREEMPTED);
    } else if (percpus[t->cpu].current == t && t->cpu != cpu_index()) {
        cpu_send(t->cpu, VECTOR_KICK);
    } else if (t == thread_current()) {
        sched_look();
    }
    sched_unlock(flags);
}
