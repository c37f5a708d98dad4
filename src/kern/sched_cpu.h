/* SPDX-License-Identifier: MIT */
/* What the scheduler knows of each CPU, and its parts, for kern/thread.c, kern/thread_memory.c, kern/thread_times.c and, of several CPUs,
 * kern/sched_cpus.c. */
#pragma once

#include "base/compiler.h"
#include "kern/sched_lock.h"
#include "kern/thread.h"

struct sched_cpu {
    struct run_queue queue GUARDED_BY(class_sched);
    struct thread *ended GUARDED_BY(class_sched);     /* freed once its stack is not in use */
    struct thread *fpu_owner GUARDED_BY(class_sched); /* owner of the FPU registers */
    bool fpu_trap GUARDED_BY(class_sched);            /* CR0.TS */
    struct timer slice; /* fires at or after the end of the running thread's slice */
    uint64_t idle_ns;
    struct thread *idle;  /* of several CPUs: runs when no other can */
    bool begins;          /* the running thread is the first after the idle one */
    volatile bool kicked; /* VECTOR_KICK has arrived */
};
extern struct sched_cpu sched_cpus[CPUS_MAX];

/* That of this CPU. */
static ALWAYS_INLINE struct sched_cpu *own(void)
{
    return &sched_cpus[cpu_index()];
}

static inline struct thread *thread_of(struct run_entity *entity)
{
    return CONTAINER_OF(entity, struct thread, run);
}

static inline void arm_slice(uint64_t end_ns) REQUIRES(class_sched)
{
    if (own()->queue.count > 0 && !own()->slice.armed)
        timer_start(&own()->slice, end_ns);
}

/* Sums over all CPUs. */
struct sched_times {
    uint64_t switches;
    uint64_t idle_ns; /* of one CPU; of several see struct sched_cpu */
};
extern struct sched_times sched_times;

/* kern/thread_memory.c. A new thread without a function, in no queue; NULL: no memory. */
struct thread *thread_new(const char *name) REQUIRES(kernel_lock);
void thread_free(struct thread *t) REQUIRES(kernel_lock);
/* Takes a thread that has ended, to be used again or freed. */
void thread_keep(struct thread *t) REQUIRES(kernel_lock, class_sched);
/* Of a sleep_timer (kern/thread.c). */
void thread_sleep_ended(struct timer *timer);

/* kern/sched_cpus.c, of several CPUs: */

/* Puts a thread that does not run in the queue of a CPU: the one it ran on last, if that idles or no other does; else one that
 * idles. O(CPUs). */
void sched_enqueue(struct thread *t, enum run_place place) REQUIRES(class_sched);
/* Another thread is in this CPU's queue: the running one goes on until it is preempted or its slice is over. */
void sched_look(void) REQUIRES(class_sched);
/* Takes the thread that is to run: the first of this CPU's queue; a real-time thread that waits on another CPU and precedes it; if there is
 * none, the first of the longest queue; or the idle thread. O(CPUs). */
struct thread *sched_next(void) REQUIRES(class_sched);
/* Before this CPU switches to another thread: counts the busy CPUs, and sets SLICE_MOVED if rseq does not show this CPU to the thread yet. */
void sched_note_switch(struct thread *next) REQUIRES(class_sched);
/* True if a thread runs on another CPU. */
bool sched_others_run(void) REQUIRES(class_sched);
