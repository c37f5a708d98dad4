/* SPDX-License-Identifier: MIT */
/*
 * What Linux keeps for a process and for a thread, as far as the system calls show it. The first
 * process has pid 1, because it is what the machine was started for; when it ends, the machine
 * does.
 *
 *   struct thread (kern/) <--> struct linux_thread --> struct process --> struct program
 *                                  ^ in process.threads while it lives, in the table of tids
 *
 * Others are made by vfork() and its kin (sys_clone.c) and are in their parent's `children`
 * (parent.c). A process whose last thread has ended is a zombie: what is left is its pid, its status
 * and its times, until the parent waits for it.
 *
 * A leader that ends before its other threads stays in the table, without a struct thread, until
 * the process ends, and that of a zombie until it is waited for: its tid is the process's pid.
 *
 * struct process is under kernel_lock; class_signal (linux/task/signal.h) guards besides what interrupts
 * look at.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/list.h"
#include "kern/thread.h"
#include "kern/wait.h"
#include "linux/abi/call.h"
#include "linux/task/program.h"
#include "linux/task/signal.h"
#include "linux/task/timers.h"
#include "mm/space.h"

#include <stdbool.h>
#include <stdint.h>

struct thread;

#define PROCESS_PID        1
#define PROCESS_GROUPS_MAX 65536 /* NGROUPS_MAX */

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

struct ids {
    uint32_t real, effective, saved, fs;
};

#define HOST_NAME_MAX    64
#define CAPABILITIES_ALL ((UINT64_C(1) << 41) - 1) /* CAP_LAST_CAP is 40 */

struct process {
    int pid, ppid;
    struct linux_thread *leader; /* its tid is pid; may have ended */
    struct program *program;
    struct fs_context *fs;

    struct process *parent; /* NULL: the first */
    struct list children;   /* struct process.sibling_link, zombies too */
    struct list sibling_link;
    struct wait_queue child_changed; /* woken when a child has ended, stopped or gone on */
    int exit_signal;                 /* that the parent gets; 0: none */
    bool zombie;
    bool unwanted; /* an orphan that nobody waits for: no zombie will be left of it */
    bool has_run_exec;
    uint8_t told; /* what the parent may still hear of: enum wait_option WSTOPPED or WCONTINUED */
    uint64_t children_cpu_ns; /* of those that were waited for, and theirs */

    uint32_t thread_count; /* that live */
    bool ending;           /* exit_group, or a deadly signal: all threads are on their way out */
    int exit_status;       /* as wait4() shows it; the leader's, or the group's while ending */
    struct wait_queue thread_left; /* woken when one of several threads has ended */
    uint64_t ended_cpu_ns;         /* of threads that ended */

    struct ids uid, gid;
    uint32_t *groups; /* supplementary, from the heap */
    uint32_t group_count;
    int pgid, sid;
    struct rlimit rlimits[RLIMIT_COUNT];
    uint64_t personality;
    uint64_t capabilities; /* effective, permitted and (after a PR_CAPBSET_DROP) bounding: one set
                              each */
    uint64_t capability_bounds;
    uint64_t keepcaps, dumpable, no_new_privs, pdeath_signal, timer_slack, child_subreaper,
        thp_disable;
    char host_name[HOST_NAME_MAX + 1], domain_name[HOST_NAME_MAX + 1];

    uint64_t start_ns; /* time_now_ns() when it was made */

    struct process_timers timers;
    struct list all_link;                           /* of all processes */
    struct signal_action actions[SIGNAL_COUNT + 1]; /* [1, 64] */
    struct wait_queue continued;   /* where its threads sleep while it is stopped */
    struct signal_pending pending; /* sent to the process */
    /* By that signal; 0: it runs. process_stop_signal(): a look at it. */
    uint8_t stopped GUARDED_BY(class_signal);
    /* Written under kernel_lock and class_signal, read under either: */
    struct list threads; /* struct linux_thread.link, those that live */
};

struct scheduling { /* sched(7): what the thread asked for */
    int policy;
    int priority; /* of SCHED_FIFO and SCHED_RR: 1 to 99 */
    int nice;
    int io_priority;
    bool reset_on_fork;
    int inherited; /* real-time priority that a waiter for one of its locks lends; 0: none */
};

struct linux_thread {
    struct thread *thread; /* NULL: an ended leader */
    struct process *process;
    int tid;
    bool must_exit;     /* the process ends, or another of its threads runs a new program */
    int vfork_child;    /* waits until that thread's process ends or runs a program; 0: does not */
    int vfork_parent;   /* the thread that waits so for this one; 0: none */
    uint64_t clear_tid; /* set_tid_address */
    uint64_t robust_list; /* set_robust_list, size 24 */
    uint64_t rseq;        /* address; 0 when not registered */
    uint32_t rseq_size, rseq_signature;

    struct syscall_record history[SYSCALL_HISTORY];
    uint32_t
        history_next; /* calls made so far; the record of call n is history[n % SYSCALL_HISTORY] */

    struct signal_stack alternate_stack;
    uint64_t saved_mask; /* valid while mask_saved: what sigsuspend and ppoll put aside */
    bool mask_saved;
    uint8_t restart; /* enum signal_restart of the call whose E_INTR is on its way out */
    uint64_t trap_number, trap_error,
        trap_address; /* of the last fault, as sigcontext shows them */
    void *fpu;        /* the FPU registers on their way to and from a signal frame; 64-byte
                         aligned, in fpu_block of the heap */
    void *fpu_block;
    struct scheduling scheduling;
    struct signal_pending pending; /* sent to this thread */
    /* Written under kernel_lock and class_signal, read under either: */
    struct list link;      /* of process.threads */
    struct list hash_link; /* of the table of tids */
    uint64_t blocked;
    uint64_t awaited; /* blocked signals that sigtimedwait waits for */
};

/* Makes the first process, with the calling thread; `memory` is the machine's RAM in bytes, from
 * which Linux derives some limits. Caller: boot. */
void process_init(uint64_t memory);

/* The Linux side of a thread, NULL for a thread of the kernel. Callers: any. */
struct linux_thread *linux_thread_of(struct thread *thread);
static inline struct linux_thread *linux_current(void)
{
    return thread_current()->linux_thread;
}
static inline struct process *process_current(void)
{
    return linux_current()->process;
}
/* process_current()->program->space, which is the one that runs: a single load. */
static inline struct address_space *space_current(void)
{
    return running_space;
}
struct process *process_first(void); /* pid 1 */
/* The one after it, NULL at the end: for loops over all. */
struct process *process_next(struct process *process);

/* The thread with that tid, NULL when there is none. Callers: threads, or class_signal is held. */
struct linux_thread *linux_thread_find(int tid);
/* The process with that pid, NULL. */
struct process *process_find(int pid);
/* The thread that a system call means by `tid`, 0 for the calling one; NULL. */
struct linux_thread *linux_thread_by_tid(int tid);

/* A thread of `process`, without its struct thread; in the table, not yet among process->threads.
 * E_AGAIN when there is no tid or RLIMIT_NPROC is reached, E_NOMEM. */
MUST_CHECK enum err linux_thread_new(struct process *process, struct linux_thread **out);
/* Takes it out of the table and frees it. */
void linux_thread_free(struct linux_thread *thread);
/* Joins the threads of its process. */
void linux_thread_join(struct linux_thread *lt, struct thread *thread);

/* A child of `parent` with one thread, which is not running yet and has no struct thread, and with
 * copies of what the parent has; the program is shared. E_AGAIN, E_NOMEM. */
struct process_sharing {
    bool cwd, files;  /* CLONE_FS, CLONE_FILES */
    bool no_handlers; /* CLONE_CLEAR_SIGHAND */
};
MUST_CHECK enum err process_new(struct process *parent, const struct process_sharing *share,
                                struct process **out);
/* Frees a process without threads: a zombie, or one that process_new() made. */
void process_free(struct process *process);

/* linux/task/parent.c: the last thread has left `process`, which is not the first: its orphans and its
 * parent hear of it. `process` may be gone afterwards. */
void process_make_zombie(struct process *process);
/* A stop signal's default action, for the calling thread's process; nothing when nobody could make
 * it go on. */
void process_stop(int signal);
/* The signal that it was stopped by a moment ago; 0: it runs. */
static inline uint8_t process_stop_signal(const struct process *process) NO_LOCK_ANALYSIS
{
    return process->stopped;
}
/* Sleeps while the calling thread's process is stopped and not to end. */
void process_wait_stopped(void);
/* SIGCONT was sent to it. Callers: any. */
void process_continue(struct process *process) REQUIRES(class_signal);
/* A thread that waits in vfork() for this one goes on. */
void process_release_vfork(struct linux_thread *lt);

/* CPU time of all its threads, those that ended too. */
uint64_t process_cpu_ns(const struct process *process);
/* The same for interrupts, which hold the lock. */
uint64_t process_cpu_ns_locked(const struct process *process) REQUIRES(class_signal);

/* Ends the calling thread, and with the last one the process. `status` as wait4() shows it. */
NORETURN void linux_thread_exit(int status);
/* The kernel checks areas and frames when the program is over, and panics when one is wrong. Boot. */
void process_check_at_end(void);
/* Ends the calling thread's process: all its threads. */
NORETURN void process_exit(int status);
/* The same for a death by signal. */
NORETURN void process_die(int signal);
/* execve: ends all other threads of the calling thread's process, and gives it the leader's tid.
 * E_INTR: it was told to end itself meanwhile. */
MUST_CHECK enum err process_be_only_thread(void);

/* comm, as PR_SET_NAME sets it: cut to 15 bytes. */
void process_rename(struct thread *thread, const char *name, size_t length);

static inline bool process_is_privileged(void)
{
    return process_current()->uid.effective == 0;
}
