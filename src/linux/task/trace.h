/* SPDX-License-Identifier: MIT */
/*
 * Traced threads (ptrace(2)): where they stop, what their tracer hears of it, how they go on. The requests are in
 * linux/process/sys_ptrace.c.
 *
 *      system call, signal, event, group stop
 *            |
 *       trace_stop() --> SIGCHLD, child_changed of the tracer --> wait4() takes the news
 *            | asleep in process.continued; registers in the frame, FPU registers in linux_thread.fpu
 *            |                                                        requests
 *       goes on, perhaps with a signal <-- trace_resume() <-----------  CONT, SYSCALL, SINGLESTEP, DETACH
 *
 * A thread that nobody traces has trace == NULL, and no system call costs more for it: the first tracer of the machine
 * sends all calls of all threads over the slow path (syscall_trace_all()), the last one that goes sends them back.
 *
 * The tracer is a process: each of its threads may wait and make requests, where Linux wants the one that attached.
 *
 * struct trace is guarded by kernel_lock; class_signal also guards linux_thread.trace and what interrupts read of it.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/list.h"
#include "linux/abi/siginfo.h"
#include "linux/task/process.h"

enum trace_event { /* PTRACE_EVENT_*; its option is bit n of the options */
    TRACE_FORK = 1,
    TRACE_VFORK,
    TRACE_CLONE,
    TRACE_EXEC,
    TRACE_VFORK_DONE,
    TRACE_EXIT,
    TRACE_STOP = 128,
};

#define TRACE_SYSGOOD  1u         /* PTRACE_O_TRACESYSGOOD */
#define TRACE_EXITKILL (1u << 20) /* PTRACE_O_EXITKILL */
#define TRACE_OPTIONS  (0xffu | TRACE_EXITKILL)

enum trace_mode { /* how a thread goes on until its next stop */
    TRACE_CONT,
    TRACE_CALLS,   /* stops at each system call, before and after */
    TRACE_EMULATE, /* stops before each system call, which is then left out */
    TRACE_STEP,
};

enum trace_kind { /* of a stop */
    TRACE_AT_EVENT,
    TRACE_AT_CALL,   /* PTRACE_SYSCALL_INFO_ENTRY */
    TRACE_AT_RETURN, /* PTRACE_SYSCALL_INFO_EXIT */
    TRACE_AT_SIGNAL,
    TRACE_AT_GROUP_STOP, /* without siginfo */
};

struct trace {
    struct list link; /* of process.tracees */
    struct process *tracer;
    struct linux_thread *
        tracee; /* NULL: a thread that was no leader has ended, which the tracer does not know yet: */
    int tid, group, status; /* ... of that one, as wait4() shows it */
    uint32_t options;
    bool seized;         /* PTRACE_SEIZE */
    bool stopped;        /* requests may be made */
    bool listening;      /* ... but not those: PTRACE_LISTEN */
    bool news;           /* a stop that nobody has waited for */
    bool trap_due;       /* PTRACE_EVENT_STOP */
    bool exit_due;       /* at the end of a system call */
    bool set_tf;         /* RFLAGS.TF of the frame is ours */
    uint8_t mode;        /* enum trace_mode */
    uint8_t kind;        /* enum trace_kind of the last stop */
    uint32_t code;       /* wait4()'s status >> 8, of the last stop */
    uint32_t stops_seen; /* of process.stops */
    int64_t number;      /* orig_rax: the system call, or -1 outside of one */
    uint64_t message;    /* PTRACE_GETEVENTMSG */
    uint64_t debug[8];   /* DR0 to DR7 of the thread */
    struct siginfo info; /* of the last stop */
};

/* The registers of a stopped thread. */
static inline struct trap_frame *trace_frame(const struct linux_thread *lt)
{
    return (struct trap_frame *)ptr_of(lt->thread->kstack.end) - 1;
}

/* ---- for the tracer ---- */

/* A trace for trace_begin(). NULL: no memory. */
struct trace *trace_new(void);
/* `lt`, which nobody traces, is traced by `tracer` from now on. Owns `t`. O(1). */
void trace_begin(struct trace *t, struct linux_thread *lt, struct process *tracer, bool seized,
                 uint32_t options);
/* A stopped thread goes on; signal 0: without one. O(1). */
void trace_resume(struct trace *t, enum trace_mode mode, int signal);
/* Ends the trace; a thread that is stopped goes on, with the signal. O(1). */
void trace_detach(struct trace *t, int signal);
/* A seized thread is to report PTRACE_EVENT_STOP. O(1). */
void trace_trap(struct trace *t);
/* A process ends: so do its traces. O(its tracees). */
void trace_detach_all(struct process *tracer);
/* True if the tracer may not trace what a set-user-ID program becomes. */
bool trace_forbids_rights(const struct linux_thread *lt);

/* Sets a debug register of a stopped thread. E_INVAL: what the CPU or Linux does not take; E_IO: there is none. O(1). */
MUST_CHECK enum err trace_set_debug(struct trace *t, unsigned number, uint64_t value);

/* ---- for the calling thread ---- */

/* #DB in the program, with these bits in DR6: those that are the thread's business. The CPU may still have breakpoints of
 * another thread, which end here. */
uint64_t trace_debug_causes(struct trap_frame *frame, uint64_t causes);

/* ---- for the calling thread, which is traced ---- */

/* A system call begins: stops if the tracer wants it. The tracer may change number (frame->error; -1: none) and arguments. */
void trace_call_begins(struct trap_frame *frame);
/* It has ended: signal_deliver() will stop. */
void trace_call_ends(void);
/* A signal is to be delivered. False: the tracer has dropped it, or it waits again. */
MUST_CHECK bool trace_signal(struct siginfo *info);
/* A handler was called: the next instruction is a step. */
void trace_handler_called(void);
/* Stops for the next thing that is due: the end of a call, PTRACE_EVENT_STOP, a group stop. False: nothing. */
MUST_CHECK bool trace_point(void);
/* True if there is such a stop. Callers: any that hold class_signal. */
static inline bool trace_is_due(const struct linux_thread *lt) REQUIRES(class_signal)
{
    const struct trace *t = lt->trace;
    return t != NULL && (t->exit_due || t->trap_due ||
                         (lt->process->stopped && t->stops_seen != lt->process->stops));
}
/* On the way back to the program, after all signals. */
void trace_return(struct trap_frame *frame);

/* Stops for an event, if the tracer has asked for it. */
void trace_event(enum trace_event event, uint64_t message);
/* The event of a clone() with these properties; 0: the tracer has not asked for it. */
enum trace_event trace_event_of_clone(bool vfork, bool untraced, int exit_signal);
/* A new thread or process, which does not run yet, has the caller's tracer. Owns `t`. */
void trace_child(struct trace *t, struct linux_thread *child);
/* execve() has succeeded; the thread was `tid`. */
void trace_exec(int tid);
/* A thread that was no leader has ended. */
void trace_thread_ended(struct linux_thread *lt, int status);
/* Forgets the trace of a thread that is about to be freed. */
void trace_forget(struct linux_thread *lt);
/* Sends SIGCHLD of a change of `t` to its tracer, and wakes it. */
void trace_tell(const struct trace *t, int code, int status);
