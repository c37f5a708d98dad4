/* SPDX-License-Identifier: MIT */
/*
 * Threads and the scheduler: kern/run_queue.h says who is next, on one CPU. Program code is
 * preempted at the end of its slice, or when somebody wakes who is further behind; kernel code
 * never: it gives way only in wait queues.
 *
 * A thread costs its kernel stack (LAYOUT_KSTACK_SIZE), this structure and, when it runs program
 * code, an XSAVE area. The last few that ended are kept for the next to be made.
 *
 * Vector registers move late: a thread that comes back to the CPU finds them as another left them,
 * with CR0.TS set, and its first use of them traps (#NM) and swaps them. Most turns are short and
 * use none. A thread that used them in its last FPU_TURNS turns gets them at once.
 *
 * Locks: class_sched (kern/sched_lock.h) guards the run queue, the wait queues and the list of all
 * threads. kernel_lock is dropped where the CPU goes to another thread, and where there is none to run.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/list.h"
#include "cpu/lock.h"
#include "cpu/percpu.h"
#include "kern/run_queue.h"
#include "kern/time.h"
#include "kern/wait.h"

enum thread_state {
    THREAD_RUNNABLE = 1, /* running, or in the run queue */
    THREAD_ASLEEP,       /* in a wait queue */
    THREAD_ENDED,
};

struct thread {
    enum thread_state state GUARDED_BY(class_sched); /* thread_state_now(): a look at it */
    /* In the run queue while runnable and not running. */
    struct run_entity run GUARDED_BY(class_sched);
    /* SCHED_RR: takes turns with others of its real-time priority. */
    bool round_robin GUARDED_BY(class_sched);
    struct wait_entry wait GUARDED_BY(class_sched);            /* in a wait queue while asleep */
    struct list all_link GUARDED_BY(class_sched);              /* of all threads */
    const struct wait_queue *waits_on GUARDED_BY(class_sched); /* while asleep */
    enum err wake_reason GUARDED_BY(class_sched);              /* E_OK, E_TIMEDOUT, E_INTR */
    /* linux/: a signal waits to be delivered; ends interruptible sleeps. Set before
     * thread_wake_for_signal(), so that class_sched orders it with the sleep. */
    volatile bool signal_pending;

    /* The thread's own: */
    uint32_t id;
    char name[16];
    struct virt_range kstack;
    uint64_t rsp; /* while not running */
    uint64_t fs_base;
    void *fpu;           /* XSAVE area; NULL for a kernel thread, which owns no FPU register */
    void *fpu_block;     /* the heap block that holds it */
    uint8_t fpu_turns;   /* turns in a row in which it used the FPU registers, modulo 256 */
    void *linux_thread;  /* struct linux_thread, owned by linux/ */
    void *fs_context;    /* struct fs_context of its process; NULL: fs_first */
    uint64_t cpu_ns;     /* had before started_ns */
    uint64_t started_ns; /* when it was last switched to */
    uint64_t slice_end_ns;
    struct timer sleep_timer;
};

/* Makes the boot code the first thread, on a guarded stack: calls function(argument) there. Boot
 * only. */
NORETURN void thread_start_first(void (*function)(void *argument), void *argument)
    REQUIRES(kernel_lock);

/* A new kernel thread, runnable; `name` is cut to 15 bytes. The function runs with kernel_lock held, and
 * the thread ends when it returns.
 * E_NOMEM. */
MUST_CHECK enum err thread_create(const char *name, void (*function)(void *argument),
                                  void *argument, struct thread **out) REQUIRES(kernel_lock);
/* The same for a thread that will run program code: its FPU registers start as a copy of the
 * caller's, who runs program code too. E_NOMEM. */
MUST_CHECK enum err thread_create_program(const char *name, void (*function)(void *argument),
                                          void *argument, struct thread **out)
    REQUIRES(kernel_lock);
/* Ends the calling thread; its memory is freed by whoever runs next. */
NORETURN void thread_exit(void) REQUIRES(kernel_lock);

/* Callers: any; from an interrupt, who was interrupted. */
static inline struct thread *thread_current(void)
{
    return percpu_thread();
}

/* Gives the calling thread FPU registers in their initial state: it will run program code.
 * E_NOMEM. */
MUST_CHECK enum err thread_use_fpu(void) REQUIRES(kernel_lock);

/* Makes the FPU registers hold the calling thread's state, which has some: before the kernel
 * touches them on its behalf. Interrupts on. */
void thread_own_fpu(void);

void thread_set_fs_base(uint64_t base); /* of the calling thread */
uint64_t thread_get_fs_base(void);

/* How it shares the CPU: priority 1 to RUN_PRIORITY_MAX is real-time; 0 shares by weight. */
void thread_set_schedule(struct thread *thread, uint8_t priority, bool round_robin,
                         uint32_t weight);

/* Calls visit() with every thread that has not ended. Interrupts off, which on one CPU keeps the list as it
 * is; callers: any, a panic too. */
void thread_visit(void (*visit)(struct thread *thread, void *context), void *context);
/* Frees what ended threads left for new ones. Callers: threads. */
void thread_trim(void) REQUIRES(kernel_lock);

/* When all threads have slept for `after_ns` with no timer armed, calls threads_stuck(), on the stack of the
 * thread that ran last, interrupts off. Boot; 0: never. */
void thread_watch_idle(uint64_t after_ns);
/* Defined above, in linux/fault/deadlock.c: reports it and ends the machine, if no thread can be woken from outside. */
void threads_stuck(void);

/* Its state a moment ago. */
static inline enum thread_state thread_state_now(const struct thread *thread) NO_LOCK_ANALYSIS
{
    return thread->state;
}

/* CPU time it has had, in the program and the kernel. */
uint64_t thread_cpu_ns(const struct thread *thread);

/* From one thread to another, since boot. Callers: any. */
uint64_t thread_switch_count(void);

/* Lets the other runnable threads run once. */
void thread_yield(void) REQUIRES(kernel_lock);
/* Has somebody else waited long enough? Interrupts off for a lasting answer. */
static inline bool thread_slice_over(void)
{
    return percpu_slice_over();
}
/* Called on the way back to the program: gives way when the slice is over. */
void thread_preempt(void) REQUIRES(kernel_lock);

/* Ends an interruptible sleep with E_INTR. Callers: any. */
void thread_wake_for_signal(struct thread *thread);
/* For kern/wait.c: puts the calling thread to sleep until thread_wake(). Both locks are dropped meanwhile. */
void thread_block(void) REQUIRES(kernel_lock, class_sched);
void thread_wake(struct thread *thread, enum err reason) REQUIRES(class_sched);
/* The function of struct thread.wait (kern/wait.c). */
bool thread_wake_entry(struct wait_entry *entry) REQUIRES(class_sched);
