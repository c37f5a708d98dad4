/* SPDX-License-Identifier: MIT */
/*
 * Threads and the scheduler, on one CPU; kern/run_queue.h chooses the next thread. Program code is
 * preempted at the end of its slice, or when a thread wakes that is further behind. Kernel code is
 * never preempted: it gives way in wait queues, and in long loops by thread_give_way().
 *
 * A thread costs its kernel stack (LAYOUT_KSTACK_SIZE), this structure and, if it runs program
 * code, an XSAVE area. The last few that ended are kept for reuse.
 *
 * FPU registers are switched lazily: a thread resumes with CR0.TS set, and its first use of them
 * raises #NM, which swaps them. Most turns are short and use none. A thread that used them in each
 * of its last FPU_TURNS turns gets them at once, and so does one with fpu_at_once that has ever used them. QEMU's TCG lets
 * XSAVE and XRSTOR pass with CR0.TS set: there the XRSTOR of a lazy binding in ld.so would load the registers of the thread
 * that owns them.
 *
 * Locks: class_sched (kern/sched_lock.h) guards the run queue, the wait queues and the list of all
 * threads. kernel_lock is dropped across a switch to another thread and while the CPU is idle.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/list.h"
#include "cpu/cpus.h"
#include "cpu/lock.h"
#include "cpu/percpu.h"
#include "kern/run_queue.h"
#include "kern/time.h"
#include "kern/wait.h"
#include "mm/space.h"

/* The last page that a copy of the thread did not find in memory (mm/vm/usercopy.h). */
struct missing_page {
    struct address_space *space; /* NULL: none */
    virt_t at;
    uint64_t error; /* of the fault */
    uint32_t call;  /* number of its system call */
};

enum thread_state {
    THREAD_RUNNABLE = 1, /* running, or in the run queue */
    THREAD_ASLEEP,       /* in a wait queue */
    THREAD_ENDED,
};

/* What a thread read and wrote, as /proc/PID/io shows it: [0] read, [1] written. */
struct io_counts {
    uint64_t bytes[2], calls[2]; /* of read(2), write(2) and their like */
    uint64_t stored[2];          /* bytes that came from a device, and that will go to one */
};

struct thread {
    enum thread_state state GUARDED_BY(class_sched); /* read without the lock: thread_state_now() */
    /* In the run queue while runnable and not running. */
    struct run_entity run GUARDED_BY(class_sched);
    /* SCHED_RR: yields to others of its real-time priority at the end of a slice. */
    bool round_robin GUARDED_BY(class_sched);
    uint8_t cpu GUARDED_BY(class_sched); /* runs there, or is in its queue, or ran there last */
    uint8_t fpu_cpu;  /* the last that loaded its FPU registers; CPUS_MAX: none */
    uint64_t allowed; /* the set of CPUs that it may run on */
    struct wait_entry wait GUARDED_BY(class_sched);            /* in a wait queue while asleep */
    struct list all_link GUARDED_BY(class_sched);              /* of all threads */
    const struct wait_queue *waits_on GUARDED_BY(class_sched); /* while asleep */
    enum err wake_reason GUARDED_BY(class_sched);              /* E_OK, E_TIMEDOUT, E_INTR */
    /* Set by linux/ when a signal awaits delivery; ends interruptible sleeps. Set before
     * thread_wake_for_signal(), so that class_sched orders it against the sleep. */
    volatile bool signal_pending;

    /* Used by the thread itself: */
    uint32_t id;
    char name[16];
    struct virt_range kstack;
    uint64_t rsp; /* while not running */
    uint64_t fs_base;
    struct address_space *space; /* that it runs in; NULL: a kernel thread, which runs in any */
    void *fpu;                   /* XSAVE area; NULL for a kernel thread */
    void *fpu_block;             /* the heap block around it */
    uint8_t fpu_turns;           /* turns in a row in which it used the FPU registers, modulo 256 */
    uint8_t cpu_told;            /* the CPU that its program has last been told of */
    bool fpu_at_once;            /* its program executes XSAVE and XRSTOR, which do not trap */
    void *linux_thread;          /* struct linux_thread, owned by linux/ */
    void *fs_context;            /* its process's struct fs_context; NULL: fs_first */
    /* DR0 to DR7, loaded when it runs; NULL: none. Those of another may stay in the CPU until they raise #DB. */
    const uint64_t *debug;
    /* Its struct credentials, of which linux/ has the reference; NULL: credentials_first. */
    const void *credentials;
    struct missing_page missing;
    uint64_t cpu_ns; /* CPU time before started_ns */
    /* Ticks that found it in the kernel and in the program: thread_tick(). */
    uint32_t ticks[2];
    /* Switches to another thread because its slice was over, and because it slept. */
    uint64_t switches[2];
    uint64_t faults[2]; /* of pages: minor, major */
    struct io_counts moved;
    uint64_t started_ns; /* time of the last switch to it */
    uint64_t slice_end_ns;
    struct timer sleep_timer;
};

/* Makes the boot code the first thread: calls function(argument) on a guarded stack. Boot. */
NORETURN void thread_start_first(void (*function)(void *argument), void *argument)
    REQUIRES(kernel_lock);

/* Creates a runnable kernel thread; `name` is cut to 15 bytes. The function runs with kernel_lock
 * held, and the thread ends when it returns. E_NOMEM. */
MUST_CHECK enum err thread_create(const char *name, void (*function)(void *argument),
                                  void *argument, struct thread **out) REQUIRES(kernel_lock);
/* Creates a thread that will run program code: its FPU state is a copy of the caller's, which must
 * have one. E_NOMEM. */
MUST_CHECK enum err thread_create_program(const char *name, void (*function)(void *argument),
                                          void *argument, struct thread **out)
    REQUIRES(kernel_lock);
/* Ends the calling thread; the next thread to run frees its memory. */
NORETURN void thread_exit(void) REQUIRES(kernel_lock);

/* The calling thread; in an interrupt, the interrupted thread. Callers: any. */
static inline struct thread *thread_current(void)
{
    return percpu_thread();
}

/* Gives the calling thread an initial FPU state: it will run program code. E_NOMEM. */
MUST_CHECK enum err thread_use_fpu(void) REQUIRES(kernel_lock);

/* Loads the calling thread's FPU state into the registers, before the kernel accesses them for it.
 * The thread must have an FPU state. Interrupts on. */
void thread_own_fpu(void);

void thread_set_fs_base(uint64_t base); /* of the calling thread */
static inline uint64_t thread_get_fs_base(void)
{
    return thread_current()->fs_base;
}

/* Sets the scheduling parameters: priority 1 to RUN_PRIORITY_MAX is real-time; 0 shares by
 * weight. */
void thread_set_schedule(struct thread *thread, uint8_t priority, bool round_robin,
                         uint32_t weight);

/* Calls visit() with every thread that has not ended. Interrupts off, which keeps the list
 * unchanged on one CPU. Callers: any, a panic too. O(threads). */
void thread_visit(void (*visit)(struct thread *thread, void *context), void *context);
/* Frees the ended threads kept for reuse. Callers: threads. */
void thread_trim(void) REQUIRES(kernel_lock);

/* Calls threads_stuck() when all threads have slept for `after_ns` with no timer armed, on the
 * stack of the thread that ran last, interrupts off. 0: never. Boot. */
void thread_watch_idle(uint64_t after_ns);
/* Reports a deadlock and ends the machine, unless a thread can be woken from outside. Defined
 * above, in linux/fault/deadlock.c. */
void threads_stuck(void);

/* The state, read without the lock: may be stale. */
static inline enum thread_state thread_state_now(const struct thread *thread) NO_LOCK_ANALYSIS
{
    return thread->state;
}

/* True if no thread runs on the CPU: it waits for an interrupt. May change at once. */
static inline bool thread_is_idle(unsigned cpu)
{
    const struct thread *current = percpus[cpu].current;
    return current == NULL || thread_state_now(current) != THREAD_RUNNABLE;
}

/* CPU time used, in the program and the kernel. */
uint64_t thread_cpu_ns(const struct thread *thread);

/* Switches between threads since boot. Callers: any. */
uint64_t thread_switch_count(void);

/* Between two ticks, while a CPU is not idle. */
#define THREAD_TICK_NS (40 * NS_PER_SECOND / 1000)
/* The tick's sample: it found the running thread in the program or in the kernel. Callers: interrupts. */
void thread_tick(bool in_program);
/* The number of runnable threads, averaged over 1, 5 and 15 minutes, in 65536ths (Linux: sysinfo(2)), every 5 seconds.
 * O(CPUS + periods without a tick, at most 2048). Callers: threads. */
#define LOADS 3
void thread_loads(uint64_t out[LOADS]);
/* Time that was spent idle; never decreases. */
uint64_t thread_idle_ns(void);
uint64_t thread_idle_ns_of(unsigned cpu);
/* Time that was not, up to the last tick: in programs or in the kernel, by the ticks; never decreases. */
uint64_t thread_busy_ns(bool in_program);

/* Moves the calling thread behind the other runnable threads. */
void thread_yield(void) REQUIRES(kernel_lock);
/* True if another thread or deferred work should run now. May change at once unless interrupts are off. */
static inline bool thread_slice_over(void)
{
    return percpu_slice_has(SLICE_OVER | SLICE_DEFERRED | SLICE_ROOM);
}
/* For a kernel for several CPUs. The set must have one that runs. O(log n). */
void thread_set_allowed(struct thread *thread, uint64_t cpus);
static inline uint64_t thread_allowed(const struct thread *thread)
{
    return thread->allowed & cpus_all();
}
/* The calling thread is on another CPU than when this was last called for it. */
static inline bool thread_has_moved(void)
{
    return SEVERAL_CPUS && percpu_slice_has(SLICE_MOVED);
}
/* Either, on the way back to the program. */
static inline bool thread_is_held_up(void)
{
    return percpu_slice_has(SLICE_OVER | SLICE_DEFERRED | SLICE_ROOM |
                            (SEVERAL_CPUS ? SLICE_MOVED : 0));
}
/* For a kernel for several CPUs: the programs' threads that run on others have entered the kernel before the return, and are on their
 * way back as if they had moved (thread_has_moved()). Interrupts on. O(CPUs). */
void threads_interrupt_others(void) REQUIRES(kernel_lock);
/* Creates the idle threads of the first CPU, or of the one that gets the next number: *stack is where it starts. E_NOMEM. Boot. */
MUST_CHECK enum err thread_create_idle(unsigned cpu, virt_t *stack) REQUIRES(kernel_lock);
/* The first code of another CPU: idles. */
NORETURN void thread_start_cpu(void);
/* Another CPU has something for this one (VECTOR_KICK). Callers: its interrupt. */
void thread_kicked(void);

/* Called on the way back to the program: does deferred work, then yields if the slice is over. */
void thread_preempt(void) REQUIRES(kernel_lock);
/* Lets the CPU have kernel_lock that waits for it. */
void thread_let_others(void) REQUIRES(kernel_lock);
/* The preemption point of long loops: as thread_preempt(), in the middle of a system call. No path
 * of the kernel runs for more than 2,000,000 instructions without one, except boot, panic and
 * reports. kernel_lock is dropped meanwhile, so what it guards may have changed: the caller reads it
 * again, and holds a reference to what it points to. Interrupts on, no spin lock held; not in a page
 * fault, which may be in a restartable sequence. O(1); a load and a branch unless another
 * thread waits for its turn. */
static inline void thread_give_way(void)
{
    kernel_lock_assert_any();
    if (unlikely(percpu_slice() != 0))
        thread_preempt();
    else if (SEVERAL_CPUS && unlikely(cpu_kernel_is_wanted()))
        thread_let_others();
}

/* From now on each preemption point calls thread_point_passed(). Boot. */
void thread_count_points(void);
/* The running thread is at a preemption point. Defined above, in linux/call/stats.c. */
void thread_point_passed(void);

/* Ends an interruptible sleep with E_INTR. Callers: any. */
void thread_wake_for_signal(struct thread *thread);
/* For kern/wait.c: puts the calling thread to sleep until thread_wake(). Drops both locks
 * meanwhile. */
void thread_block(void) REQUIRES(kernel_lock, class_sched);
void thread_wake(struct thread *thread, enum err reason) REQUIRES(class_sched);
/* The function of struct thread.wait (kern/wait.c). */
bool thread_wake_entry(struct wait_entry *entry) REQUIRES(class_sched);
