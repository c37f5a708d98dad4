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
 * (32 and up) queue in order. What is ignored at the time of sending is dropped unless it is
 * blocked. thread->signal_pending says that a set holds something that is not blocked; it is all
 * that the paths back to the program look at.
 *
 * class_signal guards the pending sets, and whatever else an interrupt looks at to raise a signal: timers
 * and the power button do. What only threads write and interrupts read (blocked masks, the list of a
 * process's threads, the table of tids) is written under kernel_lock and class_signal, and read under
 * either.
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

/* The one of class_signal. */
extern struct spin_lock signal_spin;

static ALWAYS_INLINE uint64_t signal_lock(void) ACQUIRE(class_signal)
{
    return spin_lock_irq(&signal_spin, &class_signal);
}

static ALWAYS_INLINE void signal_unlock(uint64_t flags) RELEASE(class_signal)
{
    spin_unlock_irq(&signal_spin, &class_signal, flags);
}

/* Whom a signal is for: one thread, or (NULL) whichever of the process's threads does not block it.
 */
struct signal_target {
    struct process *process;
    struct linux_thread *thread;
};

/* One queued real-time signal, or a timer's own signal, which must not fail for want of memory. */
struct signal_entry {
    struct list link GUARDED_BY(class_signal); /* of signal_pending.queue; empty when not queued */
    struct signal_pending *queue GUARDED_BY(class_signal); /* that holds it; NULL: none */
    struct siginfo info;
    /* The entry left the queue for the program, class_signal held; its owner keeps it. NULL: it is
     * freed. */
    void (*taken)(struct signal_entry *entry);
};

struct signal_pending {
    uint64_t set GUARDED_BY(class_signal); /* bit n-1: signal n is pending */
    /* Information of signals [1, 31]. */
    struct siginfo standard[SIGNAL_REALTIME] GUARDED_BY(class_signal);
    struct list queue GUARDED_BY(class_signal); /* struct signal_entry: real-time ones, in order */
    uint32_t queued GUARDED_BY(class_signal);   /* entries that count against RLIMIT_SIGPENDING */
};

enum signal_restart {         /* what becomes of a call that answered E_INTR */
    SIGNAL_RESTART_NOTHING,   /* EINTR */
    SIGNAL_RESTART_SA,        /* made again unless a handler without SA_RESTART ran */
    SIGNAL_RESTART_UNHANDLED, /* made again unless any handler ran */
    SIGNAL_RESTART_ALWAYS,    /* made again */
};

void signal_pending_init(struct signal_pending *pending);

/* Woken whenever a signal has become pending for anybody, while somebody watches: for signalfd. */
extern struct wait_queue signal_arrived;
extern unsigned signal_arrived_watched; /* by how many */

/* Real-time signals need memory: E_AGAIN when there is none or RLIMIT_SIGPENDING is reached. Callers:
 * threads. */
MUST_CHECK enum err signal_send(const struct signal_target *to, const struct siginfo *info);
/* Sends a standard signal of the kernel's own (SI_KERNEL) to a process. Callers: any, interrupts
 * too. */
void signal_raise(struct process *process, int signal);
/* As signal_send(), for a standard signal. Callers: any, interrupts too. */
void signal_send_standard(const struct signal_target *to, const struct siginfo *info)
    REQUIRES(class_signal);
/* Queues `entry` with the signal in its info, to the process or a thread; false when that same
 * entry is still pending (an overrun). Callers: any, interrupts too. */
bool signal_send_entry(const struct signal_target *to, struct signal_entry *entry)
    REQUIRES(class_signal);
/* Takes the entry out of whatever queue holds it. Callers: threads. */
void signal_entry_cancel(struct signal_entry *entry);

/* A fault of the program at `address` that nothing else wanted. The handler runs next, or, when
 * there is none or the signal is blocked, the program ends. Called on the way of an exception, with
 * its frame; may not return. */
void signal_from_fault(struct trap_frame *frame, int signal, int code, uint64_t address);

/* SIGSEGV of the kernel's own for the calling thread. */
void signal_force_segv(void);

/* A fault is about to end the program: prints the report. Defined above, in linux/fault/crash.c. */
void signal_fault_report(const struct trap_frame *frame, int signal, int code, uint64_t address);

/* Lets the frame, which is about to go back to the program, run the handlers of all that is
 * pending, or ends the program. Interrupts on at entry; off when it returns, with nothing left to
 * deliver. */
void signal_deliver(struct trap_frame *frame);

/* A thread has left its process: what was pending for it is dropped, and what is pending for the
 * process is another's to take. */
void signal_thread_ended(struct linux_thread *lt);

/* Blocked signals of the current thread. */
uint64_t signal_blocked(void);
void signal_set_blocked(uint64_t set);
uint64_t signal_pending_set(void); /* of the thread and the process, blocked or not */
/* The same of another thread. */
uint64_t signal_pending_of(const struct linux_thread *lt);
/* What a process ignores and what it catches. */
void signal_dispositions(const struct process *process, uint64_t *ignored, uint64_t *caught);

/* For calls that wait with another mask (sigsuspend, ppoll, pselect, epoll_pwait): `mask` is the
 * program's pointer, 0 leaves the mask alone; E_INVAL unless size is 8. Between begin and end the
 * new mask is in force; a handler that interrupts the wait runs with it, and returns to the old
 * one. */
MUST_CHECK enum err signal_wait_mask_begin(virt_t mask, uint64_t size);
void signal_wait_mask_end(bool interrupted);

/* Takes the next pending signal in `set` away, blocked or not; false when there is none. Callers:
 * threads. */
bool signal_take(uint64_t set, struct siginfo *out);

/* Sets an action and drops what is pending but now ignored. signal in [1, 64]. */
void signal_set_action(int signal, const struct signal_action *action);
/* exec: caught signals get their default action back, the alternate stack is forgotten. */
void signal_exec(void);

/* "SIGSEGV"; NULL for real-time ones. */
const char *signal_name(int signal);
