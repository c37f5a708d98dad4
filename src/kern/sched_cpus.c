/* SPDX-License-Identifier: MIT */
/* The queues of several CPUs. */
#include "cpu/vectors.h"
#include "cpu/x86.h"
#include "kern/sched_cpu.h"

#define MOVED 0xff /* thread.cpu_told: no CPU */

static bool cpu_is_idle(unsigned cpu) REQUIRES(class_sched)
{
    return percpus[cpu].current == sched_cpus[cpu].idle && sched_cpus[cpu].queue.count == 0;
}

/* A thread of the kernel that precedes the return of the call that wakes it stays on that call's CPU. */
static bool is_bound(const struct thread *t) REQUIRES(class_sched)
{
    return t->fpu == NULL && t->run.priority != 0;
}

/* The priority of what runs on a CPU or will next; -1: it idles. */
static int cpu_priority(unsigned cpu) REQUIRES(class_sched)
{
    const struct run_entity *first = run_queue_first(&sched_cpus[cpu].queue);
    const struct thread *current = percpus[cpu].current;
    int next = first != NULL ? first->priority : -1;
    int runs = current == NULL || current == sched_cpus[cpu].idle ? -1 : current->run.priority;
    return next > runs ? next : runs;
}

/* The CPU on which least would wait for a real-time thread: of equals that which it ran on. */
static unsigned choose_for_realtime(const struct thread *t, uint64_t may) REQUIRES(class_sched)
{
    unsigned best = t->cpu;
    int least = may >> best & 1 ? cpu_priority(best) : RUN_PRIORITY_MAX + 1;
    for (unsigned cpu = 0; cpu < cpus_online && least >= 0; cpu++) {
        int priority = may >> cpu & 1 ? cpu_priority(cpu) : least;
        if (priority < least) {
            least = priority;
            best = cpu;
        }
    }
    return best;
}

static unsigned choose_cpu(const struct thread *t) REQUIRES(class_sched)
{
    unsigned best = t->cpu;
    uint64_t may = t->allowed & cpus_all();
    if (is_bound(t))
        return cpu_index();
    if (may == 0)
        may = cpus_all();
    if (t->run.priority != 0)
        return choose_for_realtime(t, may);
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
    if (thread_current()->cpu_told != cpu_index())
        percpu_set_moved();
    own()->kicked = true;
    spin_unlock(&sched_spin, &class_sched);
}

void threads_interrupt_others(void)
{
    uint64_t flags = sched_lock();
    for (unsigned cpu = 0; cpu < cpus_online; cpu++) {
        struct thread *t = percpus[cpu].current;
        sched_cpus[cpu].kicked = cpu == cpu_index() || t == NULL || t->fpu == NULL;
        if (sched_cpus[cpu].kicked)
            continue;
        t->cpu_told = MOVED;
        cpu_send(cpu, VECTOR_KICK);
    }
    sched_unlock(flags);
    for (unsigned cpu = 0; cpu < cpus_online; cpu++)
        while (!sched_cpus[cpu].kicked)
            cpu_pause();
}

void sched_note_switch(struct thread *next)
{
    next->cpu = (uint8_t)cpu_index();
    if (next->cpu_told == next->cpu)
        percpu_clear_moved();
    else
        percpu_set_moved();
    own()->begins = thread_current() == own()->idle;
    if (own()->begins)
        cpus_count_busy(1);
    else if (next == own()->idle)
        cpus_count_busy(-1);
}

struct thread *sched_next(void)
{
    struct sched_cpu *from = own();
    struct run_entity *best = run_queue_first(&from->queue);
    for (unsigned cpu = 0; cpu < cpus_online; cpu++) {
        struct sched_cpu *other = &sched_cpus[cpu];
        struct run_entity *first = other == own() ? NULL : run_queue_first(&other->queue);
        if (first == NULL || is_bound(thread_of(first)) ||
            !(thread_of(first)->allowed >> cpu_index() & 1))
            continue;
        if (best == NULL || first->priority > best->priority ||
            (from != own() && best->priority == 0 && other->queue.count > from->queue.count)) {
            best = first;
            from = other;
        }
    }
    if (best == NULL)
        return own()->idle;
    run_queue_remove(&from->queue, best);
    if (from != own())
        run_entity_move(best, &from->queue, &own()->queue);
    return thread_of(best);
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
