/* SPDX-License-Identifier: MIT */
/*
 * The Linux state of processes and threads, as system calls show it. The machine runs for the first
 * process, pid 1, and ends with it.
 *
 *   struct thread (kern/) <--> struct linux_thread --> struct process --> struct program
 *                                  ^ in process.threads while it lives, in the table of tids
 *
 * vfork() and its kin (sys_clone.c) create other processes, which are in their parent's `children`
 * (parent.c). A process whose last thread has ended is a zombie: its pid, status and times remain
 * until its parent waits for it.
 *
 * A leader that ends before its other threads stays in the table, without a struct thread, until
 * the process ends, and a zombie's leader until it is waited for: its tid is the process's pid.
 *
 * struct process is guarded by kernel_lock; class_signal (linux/task/signal.h) also guards the
 * members that interrupts read.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/list.h"
#include "base/pqueue.h"
#include "fs/vfs/credentials.h"
#include "kern/thread.h"
#include "kern/wait.h"
#include "linux/abi/call.h"
#include "linux/task/program.h"
#include "linux/task/signal.h"
#include "linux/task/timers.h"
#include "linux/task/usage.h"
#include "linux/task/uts.h"
#include "mm/space.h"

#include <stdbool.h>
#include <stdint.h>

struct thread;

#define PROCESS_PID 1

enum rlimit_kind { /* RLIMIT_*, x86-64 */
    RLIMIT_CPU,
    RLIMIT_FSIZE,
    RLIMIT_DATA,
    RLIMIT_STACK,
    RLIMIT_CORE,
    RLIMIT_RSS,
    RLIMIT_NPROC,
    RLIMIT_NOFILE,
    RLIMIT_MEMLOCK,
    RLIMIT_AS,
    RLIMIT_LOCKS,
    RLIMIT_SIGPENDING,
    RLIMIT_MSGQUEUE,
    RLIMIT_NICE,
    RLIMIT_RTPRIO,
    RLIMIT_RTTIME,
    RLIMIT_COUNT,
};

#define RLIM_INFINITY UINT64_MAX

struct rlimit {
    uint64_t soft, hard;
};

#define ADDR_NO_RANDOMIZE UINT64_C(0x40000)  /* of struct process.personality */
#define PER_CLEAR_SETID   UINT64_C(0x740000) /* what a set-user-ID program drops of it */

struct process {
    int pid, ppid;
    struct linux_thread *leader; /* its tid is pid; may have ended */
    struct program *program;
    struct fs_context *fs;

    struct process *parent; /* NULL: the first process */
    struct list children;   /* struct process.sibling_link, zombies too */
    struct list sibling_link;
    struct wait_queue child_changed; /* woken when a child has ended, stopped or continued */
    int exit_signal;                 /* sent to the parent; 0: none */
    bool zombie;
    bool unwanted; /* an orphan that no parent waits for: leaves no zombie */
    bool has_run_exec;
    uint8_t
        wait_pending; /* WSTOPPED or WCONTINUED (enum wait_option): not yet waited for; 0: none */
    struct usage children_usage; /* of children that were waited for, and of their children */
    struct list tracees;         /* struct trace.link (linux/task/trace.h) */
    uint32_t stops;              /* how often it has been stopped */

    uint32_t thread_count; /* live threads */
    bool ending;           /* exit_group or a fatal signal: all threads are to exit */
    int exit_status;       /* as wait4() shows it; the leader's, or the group's while ending */
    struct wait_queue thread_left; /* woken when one of several threads has ended */
    struct usage_counts ended;     /* of threads that ended */
    struct usage_shown shown;
    int oom_score_adj;

    int pgid, sid;
    struct rlimit rlimits[RLIMIT_COUNT];
    uint64_t personality;
    uint64_t pdeath_signal, timer_slack, child_subreaper, thp_disable, io_flusher;
    struct uts_namespace *uts; /* one reference; NULL: a zombie */

    uint64_t start_ns; /* time_now_ns() at its creation */

    struct pidfd *pidfd; /* linux/task/pidfd.h; NULL: none */
    struct process_timers timers;
    struct list sem_undos;                          /* linux/ipc/sys_sem.c */
    struct list all_link;                           /* of all processes */
    struct signal_action actions[SIGNAL_COUNT + 1]; /* [1, 64] */
    struct wait_queue continued;      /* the process's threads sleep here while it is stopped */
    struct signal_pending pending;    /* sent to the process */
    struct wait_queue signal_arrived; /* for signalfd: woken by each new pending signal */
    /* The signal that stopped the process; 0: not stopped. Read without the lock:
     * process_stop_signal(). */
    uint8_t stopped GUARDED_BY(class_signal);
    /* Written under kernel_lock and class_signal, read under either: */
    struct list threads; /* live threads: struct linux_thread.link */
};

struct scheduling { /* sched(7): as set by the thread */
    int policy;
    int priority; /* of SCHED_FIFO and SCHED_RR: 1 to 99 */
    int nice;
    int io_priority;
    bool reset_on_fork;
    int inherited; /* real-time priority of waiters for its PI futexes; 0: none */
};

struct linux_thread {
    struct thread *thread; /* NULL: an ended leader */
    struct process *process;
    int tid;
    const struct credentials *credentials; /* one reference; thread->credentials is the same */
    bool over_user_limit; /* RLIMIT_NPROC was reached when it changed its real user */
    bool must_exit;       /* the process ends, or another of its threads calls execve() */
    uint8_t trace_signal; /* with which the tracer lets it go on */
    struct trace *trace;  /* NULL: not traced; written under class_signal, too */
    int vfork_child;      /* tid of the vfork() child that this thread waits for; 0: none */
    int vfork_parent;     /* tid of the thread that waits for this one in vfork(); 0: none */
    uint64_t clear_tid;   /* set_tid_address */
    uint64_t robust_list; /* set_robust_list, size 24 */
    uint64_t rseq;        /* address; 0 when not registered */
    uint32_t rseq_size, rseq_signature;

    struct syscall_record history[SYSCALL_HISTORY];
    uint32_t history_next; /* number of calls so far; call n is in history[n % SYSCALL_HISTORY] */
    uint32_t texts_next;
    struct syscall_text texts[SYSCALL_TEXTS]; /* the newest is before texts[texts_next % …] */

    struct signal_stack alternate_stack;
    uint64_t saved_mask; /* valid while mask_saved: the mask before sigsuspend() or ppoll() */
    bool mask_saved;
    uint8_t restart;    /* enum signal_restart of the call that is returning E_INTR */
    uint64_t resume_ns; /* struct syscall.deadline_ns for restart_syscall(); 0: nothing to resume */
    uint32_t resume_number;                         /* of the interrupted call */
    uint64_t trap_number, trap_error, trap_address; /* of the last fault, for sigcontext */
    /* FPU state on its way to or from a signal frame; 64-byte aligned, inside the heap block
     * fpu_block. */
    void *fpu;
    void *fpu_block;
    struct scheduling scheduling;
    struct usage_shown shown;
    uint16_t memory_policy;         /* MPOL_* of set_mempolicy(), with its flags */
    struct pqueue pi_locks;         /* PI futexes with waiters that it holds: linux/futex/pi.c */
    struct futex_waiter *pi_waiter; /* its place among those that wait for one; NULL: none */
    struct signal_pending pending;  /* sent to this thread */
    /* Written under kernel_lock and class_signal, read under either: */
    struct list link; /* of process.threads */
    uint64_t blocked;
    uint64_t awaited; /* blocked signals that sigtimedwait() waits for */
};

/* Makes the first process from the calling thread; `memory` is the machine's RAM in bytes, from
 * which some limits derive as in Linux. Caller: boot. */
void process_init(uint64_t memory);

/* The Linux state of a thread; NULL for a kernel thread. Callers: any. */
struct linux_thread *linux_thread_of(struct thread *thread);
static inline struct linux_thread *linux_current(void)
{
    return thread_current()->linux_thread;
}
static inline struct process *process_current(void)
{
    return linux_current()->process;
}
/* The running space, process_current()->program->space, by a single load. */
static inline struct address_space *space_current(void)
{
    return running_space;
}
extern uint32_t linux_threads;       /* live threads of all processes */
struct process *process_first(void); /* pid 1 */
/* The next process, or NULL: to visit all processes. */
struct process *process_next(struct process *process);

/* The thread with that tid, or NULL. Callers: threads, or holders of class_signal. O(1). */
struct linux_thread *linux_thread_find(int tid);
/* The process with that pid, or NULL. */
struct process *process_find(int pid);
/* The process of a system call's argument `pid`, as Linux takes it: the tid of any of its threads, 0
 * being the caller's; or NULL. */
struct process *process_by_tid(int tid);
/* The thread of a system call's argument `tid`, 0 being the calling thread; or NULL. */
struct linux_thread *linux_thread_by_tid(int tid);

/* Makes a thread of `process`, without a struct thread, with the caller's credentials; it is in the
 * table, but not yet in process->threads. `tid`: its tid (clone3(2)), 0: any. E_AGAIN if there is no tid or
 * RLIMIT_NPROC is reached, E_EXIST if it is taken, E_INVAL, E_NOMEM. */
MUST_CHECK enum err linux_thread_new(struct process *process, int tid, struct linux_thread **out);
/* Removes a thread from the table and frees it. */
void linux_thread_free(struct linux_thread *thread);
/* Adds a new thread to its process's threads. */
void linux_thread_join(struct linux_thread *lt, struct thread *thread);
/* Puts the calling process into the context, in place of one that other processes share. Takes over the reference. NULL:
 * it stays where it is. O(its threads). */
void process_take_context(struct fs_context *new);
/* Puts its context and namespaces, at its end. */
void process_leave_context(struct process *process);

/* Makes a child of `parent` with copies of the calling process's state and one thread, not running and
 * without a struct thread. E_AGAIN, E_NOMEM. */
struct process_sharing {
    int tid;                 /* of the child's thread; 0: any that is free */
    bool cwd, files;         /* CLONE_FS, CLONE_FILES */
    bool no_handlers;        /* CLONE_CLEAR_SIGHAND */
    struct program *program; /* of the child, which takes over a use of it; NULL: the caller's */
};
MUST_CHECK enum err process_new(struct process *parent, const struct process_sharing *share,
                                struct process **out);
/* Frees a process without threads: a zombie, or one from process_new(). */
void process_free(struct process *process);

/* Called when the last thread has left `process`, which is not the first: reparents its children
 * and notifies its parent. `process` may be freed on return (linux/task/parent.c). */
void process_make_zombie(struct process *process);
/* The default action of a stop signal, for the calling thread's process. No effect, except for
 * SIGSTOP, in an orphaned process group; a SIGTSTP of the first process there goes to the host. */
void process_stop(int signal);
/* True if the process's group is orphaned (POSIX 3.264). O(processes). */
bool process_group_is_orphaned(const struct process *process);
/* The signal that stopped the process, 0 if it is not stopped. Read without the lock: may be
 * stale. */
static inline uint8_t process_stop_signal(const struct process *process) NO_LOCK_ANALYSIS
{
    return process->stopped;
}
/* Sleeps while the calling thread's process is stopped and not about to end. */
void process_wait_stopped(void);
/* The effect of SIGCONT at its sending. Callers: any. */
void process_continue(struct process *process) REQUIRES(class_signal);
/* Wakes the thread that waits in vfork() for this one. */
void process_release_vfork(struct linux_thread *lt);

/* CPU time of all threads of the process, including those that have ended. O(threads). */
uint64_t process_cpu_ns(const struct process *process);
/* As process_cpu_ns(), for interrupt handlers. */
uint64_t process_cpu_ns_locked(const struct process *process) REQUIRES(class_signal);

/* Ends the calling thread and, if it is the last, the process. `status` is as in wait4(). */
NORETURN void linux_thread_exit(int status);
/* Enables a check of areas and frames when the program has ended; an error panics. Boot. */
void process_check_at_end(void);
/* Ends the calling thread's process, with all its threads. */
NORETURN void process_exit(int status);
/* Ends the process with a death by signal. */
NORETURN void process_die(int signal);
/* execve: ends all other threads of the calling thread's process, and gives it the leader's tid.
 * E_INTR if it must itself exit. */
MUST_CHECK enum err process_be_only_thread(void);

/* Sets comm, as PR_SET_NAME: cut to 15 bytes. */
void process_rename(struct thread *thread, const char *name, size_t length);

/* The leader's, for which the process is known to others. */
static inline const struct credentials *process_credentials(const struct process *process)
{
    return process->leader->credentials;
}
/* Ends a change: gives the calling thread these credentials if `e` is E_OK. Takes over the
 * reference. Returns `e`, or E_AGAIN. */
MUST_CHECK enum err credentials_commit(struct credentials *new, enum err e);
/* True if the calling thread may trace the other to read it: always if it is one of its own process
 * (rights_may_trace()). */
bool process_may_trace(const struct linux_thread *other, bool by_fs_ids);
/* True if RLIMIT_NPROC forbids one more thread of the calling thread's user. */
bool process_is_at_user_limit(uint64_t limit);
