/* SPDX-License-Identifier: MIT */
/*
 * What Linux keeps for a process and for a thread, as far as the system calls show it. There is one
 * process; its pid is 1, because it is what the machine was started for.
 *
 * struct process is touched by threads only (the kernel is not preempted), except for the fields
 * under "interrupts off".
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "linux/signal.h"
#include "linux/syscall.h"

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
    int nice;

    /* Of the program that exec started: */
    struct virt_range arguments,
        environment;         /* its strings on the stack: /proc/self/cmdline, environ */
    struct virt_range image; /* all segments */
    virt_t stack;            /* the first rsp */
    uint64_t auxv[64];       /* pairs, ending with AT_NULL: /proc/self/auxv */
    uint32_t auxv_words;
    uint64_t start_ns; /* time_now_ns() then */

    struct signal_action actions[SIGNAL_COUNT + 1]; /* [1, 64] */
    /* Interrupts off: */
    struct signal_pending pending; /* sent to the process */
};

struct linux_thread {
    uint64_t clear_tid;   /* set_tid_address */
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
    void *vectors;    /* one page: the vector registers on their way to and from a signal frame */
    /* Interrupts off: */
    uint64_t blocked;
    uint64_t awaited;              /* blocked signals that sigtimedwait waits for */
    struct signal_pending pending; /* sent to this thread */
};

extern struct process process;

/* Gives the process its limits and its first thread (the calling one) its signal state; `memory` is
 * the machine's RAM in bytes, from which Linux derives some limits. Caller: boot. */
void process_init(uint64_t memory);

/* The thread that signals to the process wake. Callers: any. */
struct thread *process_leader(void);
/* The Linux side of a thread, NULL for a thread of the kernel. Callers: any. */
struct linux_thread *linux_thread_of(struct thread *thread);
struct linux_thread *linux_current(void);

/* Ends the program: its files are closed, the console is flushed, the host gets the status. */
NORETURN void process_exit(int status);
/* The same for a death by signal: status 128 + signal. */
NORETURN void process_die(int signal);

static inline bool process_is_privileged(void)
{
    return process.uid.effective == 0;
}
