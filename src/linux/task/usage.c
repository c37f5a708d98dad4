/* SPDX-License-Identifier: MIT */
#include "linux/task/usage.h"

#include "base/list.h"
#include "base/mul_div.h"
#include "kern/thread.h"
#include "linux/task/process.h"
#include "linux/task/signal.h"
#include "mm/vm/fault.h"

void usage_add_moved(struct io_counts *to, const struct io_counts *more)
{
    for (unsigned i = 0; i < 2; i++) {
        to->bytes[i] += more->bytes[i];
        to->calls[i] += more->calls[i];
        to->stored[i] += more->stored[i];
    }
}

static void count_thread(struct usage_counts *to, const struct thread *thread)
{
    if (thread == NULL)
        return;
    to->cpu_ns += thread_cpu_ns(thread);
    for (unsigned i = 0; i < 2; i++) {
        to->ticks[i] += thread->ticks[i];
        to->switches[i] += thread->switches[i];
        to->faults[i] += thread->faults[i];
    }
    usage_add_moved(&to->moved, &thread->moved);
}

static void usage_divide(const struct usage_counts *c, struct usage_shown *shown, struct usage *out)
{
    uint64_t ticks = c->ticks[0] + c->ticks[1];
    uint64_t system = ticks != 0 ? mul_div(c->cpu_ns, c->ticks[0], ticks) : 0;
    if (system < shown->system_ns)
        system = shown->system_ns;
    uint64_t user = c->cpu_ns > system ? c->cpu_ns - system : 0;
    if (user < shown->user_ns) {
        user = shown->user_ns;
        system = c->cpu_ns > user ? c->cpu_ns - user : 0;
    }
    if (system < shown->system_ns)
        system = shown->system_ns;
    *shown = (struct usage_shown){user, system};
    *out = (struct usage){
        user, system, {c->switches[0], c->switches[1]}, {c->faults[0], c->faults[1]}, c->moved};
}

void fault_was_resolved(bool waited)
{
    thread_current()->faults[waited]++;
}

void usage_of_thread(struct linux_thread *lt, struct usage *out)
{
    struct usage_counts counts = {0};
    count_thread(&counts, lt->thread);
    usage_divide(&counts, &lt->shown, out);
}

void usage_of_process_locked(struct process *process, struct usage *out)
{
    struct usage_counts counts = process->ended;
    list_for_each (it, &process->threads)
        count_thread(&counts, CONTAINER_OF(it, struct linux_thread, link)->thread);
    usage_divide(&counts, &process->shown, out);
}

void usage_of_process(struct process *process, struct usage *out)
{
    uint64_t irq = signal_lock();
    usage_of_process_locked(process, out);
    signal_unlock(irq);
}

void usage_of_family(struct process *process, struct usage *out)
{
    usage_of_process(process, out);
    usage_add(out, &process->children_usage);
}

void usage_thread_ends(struct linux_thread *lt)
{
    count_thread(&lt->process->ended, lt->thread);
}

void usage_add(struct usage *to, const struct usage *more)
{
    to->user_ns += more->user_ns;
    to->system_ns += more->system_ns;
    to->switches[0] += more->switches[0];
    to->switches[1] += more->switches[1];
    to->faults[0] += more->faults[0];
    to->faults[1] += more->faults[1];
    usage_add_moved(&to->moved, &more->moved);
}
