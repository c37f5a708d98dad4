/* SPDX-License-Identifier: MIT */
/*
 * Signals of processes and threads (signal(7)).
 *
 *      raise, kill, timer, fault                              the program's handler
 *                |                                                     ^
 *                v                                                     |
 *   pending sets (process, thread) --> thread->signal_pending --> signal_deliver(), on every way
 *                                                                 back to the program
 *
 * A standard signal is pending once, with the information of its first sending; real-time signals
 * (32 and up) queue in order. A signal that is ignored at the time of sending is dropped unless it
 * is blocked. thread->signal_pending is true if a set holds an unblocked signal; the paths back to
 * the program test only this flag.
 *
 * class_signal guards the pending sets and all other data that interrupts (timers, the power
 * button) read to raise a signal. Data that only threads write and interrupts read (blocked masks,
 * the list of a process's threads, the table of tids) is written under kernel_lock and
 * class_signal, and read under either.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/list.h"
#include "cpu/lock.h"
#include "cpu/trap_frame.h"
#include "kern/wait.h"
#include "linux/abi/siginfo.h"

struct linux_thread;
struct process;
struct signal_pending;

/* The only lock of class_signal. */
extern struct spin_lock signal_spin;

static ALWAYS_INLINE uint64_t signal_lock(void) ACQUIRE(class_signal)
{
    return spin_lock_irq(&signal_spin, &class_signal);
}

static ALWAYS_INLINE void signal_unlock(uint64_t flags) RELEASE(class_signal)
{
    spin_unlock_irq(&signal_spin, &class_signal, flags);
}

/* The target of a signal: one thread, or (NULL) any thread of the process that does not block
 * it: the running thread if `running_first`, else the leader, else another. */
struct signal_target {
    struct process *process;
    struct linux_thread *thread;
    bool running_first;
};

/* A queued real-time signal, or a timer's preallocated signal. */
struct signal_entry {
    struct list link GUARDED_BY(class_signal); /* in signal_pending.queue; empty if not queued */
    struct signal_pending *queue GUARDED_BY(class_signal); /* the set that holds it; NULL: none */
    struct siginfo info;
    /* A timer of timer_create(): queued even if its signal, a standard one, is pending already. */
    bool always;
    /* Called when the program takes the entry, class_signal held; the entry remains its owner's.
     * NULL: the entry is freed. */
    void (*taken)(struct signal_entry *entry);
};

struct signal_pending {
    uint64_t set GUARDED_BY(class_signal); /* bit n-1: signal n is pending */
    /* Bit n-1: standard[n] is valid, the information of a signal of [1, 31]. */
    uint64_t plain GUARDED_BY(class_signal);
    struct siginfo standard[SIGNAL_REALTIME] GUARDED_BY(class_signal);
    struct list queue GUARDED_BY(class_signal); /* struct signal_entry: real-time ones, in order */
    uint32_t queued GUARDED_BY(class_signal);   /* entries that count against RLIMIT_SIGPENDING */
};

enum signal_restart {         /* effect on a call that returns E_INTR */
    SIGNAL_RESTART_NOTHING,   /* EINTR */
    SIGNAL_RESTART_SA,        /* restarted unless a handler without SA_RESTART ran */
    SIGNAL_RESTART_UNHANDLED, /* restarted unless any handler ran */
    SIGNAL_RESTART_RESUME,    /* as that, by restart_syscall(), which knows the deadline */
    SIGNAL_RESTART_ALWAYS,    /* restarted always */
};

void signal_pending_init(struct signal_pending *pending);

/* Sends a signal. Real-time signals need memory: E_AGAIN if there is none or RLIMIT_SIGPENDING is
 * reached, except that one with SI_USER loses its information. Callers: threads. */
MUST_CHECK enum err signal_send(const struct signal_target *to, const struct siginfo *info);
/* Sends a standard signal from the kernel (SI_KERNEL) to a process. Callers: any, interrupts
 * too. */
void signal_raise(struct process *process, int signal);
/* As signal_send(), for a standard signal. Callers: any, interrupts too. */
void signal_send_standard(const struct signal_target *to, const struct siginfo *info)
    REQUIRES(class_signal);
/* Queues `entry` with the signal in its info, to the process or a thread. False if the entry is
 * still pending (an overrun). Callers: any, interrupts too. */
bool signal_send_entry(const struct signal_target *to, struct signal_entry *entry)
    REQUIRES(class_signal);
/* Removes the entry from its queue, if any. Callers: threads. */
void signal_entry_cancel(struct signal_entry *entry);

/* Sends the signal of an unresolved fault of the program at `address`. If the signal is blocked or
 * has no handler, the program ends, and this does not return. Called from the exception, with its
 * frame. */
void signal_from_fault(struct trap_frame *frame, int signal, int code, uint64_t address);

/* Sends SIGSEGV from the kernel to the calling thread. */
void signal_force_segv(void);

/* Prints the report of a fault that ends the program. Defined above, in linux/fault/crash.c. */
void signal_fault_report(const struct trap_frame *frame, int signal, int code, uint64_t address);

/* Delivers all pending signals: changes the frame, which is about to return to the program, to run
 * their handlers, or ends the program. Interrupts on at entry, off on return, when none is
 * pending. */
void signal_deliver(struct trap_frame *frame);

/* Drops the pending signals of a thread that has left its process, and leaves those of the process
 * to its other threads. */
void signal_thread_ended(struct linux_thread *lt);

/* Sets the calling thread's signal_pending by what is pending. */
void signal_update_pending(void);

/* Blocked signals of the current thread. */
uint64_t signal_blocked(void);
void signal_set_blocked(uint64_t set);
uint64_t signal_pending_set(void); /* of the thread and the process, blocked or not */
/* As signal_pending_set(), for another thread. */
uint64_t signal_pending_of(const struct linux_thread *lt);
/* The signals that are queued for the thread and its process (RLIMIT_SIGPENDING). */
uint32_t signal_queued_of(const struct linux_thread *lt);
/* The sets of signals that a process ignores and catches. */
void signal_dispositions(const struct process *process, uint64_t *ignored, uint64_t *caught);

/* For calls that wait with a temporary mask (sigsuspend, ppoll, pselect, epoll_pwait). `mask` is
 * the program's pointer, 0 leaves the mask unchanged; E_INVAL unless size is 8. The new mask is in
 * force between begin and end; a handler that interrupts the wait runs with it and returns to the
 * old one. */
MUST_CHECK enum err signal_wait_mask_begin(virt_t mask, uint64_t size);
void signal_wait_mask_end(bool interrupted);

/* Takes the next pending signal in `set`, blocked or not; false if there is none. Callers:
 * threads. */
bool signal_take(uint64_t set, struct siginfo *out);

/* Sets an action; drops pending signals that are now ignored. signal in [1, 64]. */
void signal_set_action(int signal, const struct signal_action *action);
/* execve: resets caught signals to their default action, and forgets the alternate stack. */
void signal_exec(void);

/* The name, such as "SIGSEGV"; NULL for real-time signals. */
const char *signal_name(int signal);
