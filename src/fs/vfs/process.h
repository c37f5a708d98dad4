/* SPDX-License-Identifier: MIT */
/*
 * The operations on processes that file systems use. The functions are defined above, in
 * linux/file/fs_process.c, and for native tests in test/unit/support/fs_native.c. The calling
 * process is that of the calling thread; kernel threads work for the first process.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "fs/vfs/io.h"
#include "kern/thread.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address_space;
struct area_owner;
struct credentials;
struct fs_context;
struct namespace;

/* A process as /proc shows it. Unknown: 0 or an empty range. */
struct fs_process {
    uint32_t pid, ppid, process_group, session, threads;
    uint32_t tid;                  /* of the thread that is described */
    uint32_t tracer;               /* pid of its tracer, 0: none */
    struct fs_context *context;    /* NULL: a zombie, which has no memory either */
    const struct namespace *names; /* of the machine (uts_namespaces(7)); valid as the context */
    struct address_space *space;   /* valid while there is a context */
    struct area_owner *memory;     /* of its areas in it; NULL: none */
    char state;                    /* 'R', 'S', 'T', 't', 'Z' */
    const char *name;              /* comm, at most 15 bytes; valid until the next call */
    struct virt_range arguments;   /* argv strings on the program's stack */
    struct virt_range environment;
    const void *auxv; /* as it lies on the stack; kernel copy */
    size_t auxv_size;
    struct virt_range code, data;
    virt_t heap_start, stack_start;
    uint64_t start_ns;           /* time_now_ns() at exec */
    uint64_t user_ns, system_ns; /* processor time */
    uint64_t children_user_ns, children_system_ns;
    uint64_t switches[2]; /* involuntary, voluntary */
    struct io_counts moved;
    int nice, oom_score_adj;
    uint32_t priority, policy; /* priority: 0, or that of real time */
    uint32_t exit_signal;      /* UINT32_MAX: none */
    uint32_t personality;
    uint64_t timer_slack;
    uint64_t faults[2], children_faults[2]; /* of pages: minor, major */
    uint64_t resident_pages;
    uint32_t signals_queued;
    uint64_t signals_pending, signals_blocked, signals_ignored, signals_caught; /* bit n-1 */
    const struct credentials *credentials; /* of the thread; valid until the caller sleeps */
    uint32_t owner_uid, owner_gid;         /* of the files of /proc/PID */
};

struct fs_credentials { /* laid out as Linux's struct ucred */
    int32_t pid;
    uint32_t uid, gid;
};

enum fs_owner_type { /* F_OWNER_TID and so on */
    FS_OWNER_THREAD,
    FS_OWNER_PROCESS,
    FS_OWNER_GROUP,
};

struct fs_owner { /* gets the signals of a file; `uid` and `euid` are of the process that set it */
    enum fs_owner_type type;
    uint32_t id; /* 0: none */
    uint32_t uid, euid;
};

enum { /* si_code of SIGIO: POLL_IN and so on */
    FS_IO_IN = 1,
    FS_IO_OUT = 2,
    FS_IO_MSG = 3,
    FS_IO_HUP = 6,
    FS_IO_URGENT = 0x80, /* SI_KERNEL */
};

struct fs_io_event {
    int signal; /* 0: SIGIO without the members below */
    int fd, code;
    uint32_t band; /* POLL_* */
};

#define FS_SIGHUP            1
#define FS_SIGINT            2
#define FS_SIGQUIT           3
#define FS_SIGPIPE           13
#define FS_SIGCONT           18
#define FS_SIGTSTP           20
#define FS_SIGTTIN           21
#define FS_SIGTTOU           22
#define FS_SIGURG            23
#define FS_SIGXFSZ           25
#define FS_SIGWINCH          28
#define FS_SI_KERNEL         0x80 /* si_code */

#define FS_RLIMIT_FSIZE      1
#define FS_RLIMIT_RSS        5
#define FS_RLIMIT_NOFILE     7
#define FS_RLIMIT_SIGPENDING 11
#define FS_RLIMIT_COUNT      16

/* Sends the signal to the calling process (SIGPIPE, SIGXFSZ). Only marks it pending. */
void fs_raise(int signal);
/* Sends the signal to a process group (SIGINT from the terminal); 0: the first process's. */
void fs_raise_group(int signal, uint32_t group);
/* A background process of a terminal reads (SIGTTIN) or changes (SIGTTOU) it: sends the signal to
 * the calling process's group and returns E_INTR, after which the call is restarted. Without a
 * signal: E_IO if the group is orphaned; if the signal is blocked or ignored, E_IO for SIGTTIN and
 * E_OK for SIGTTOU. O(processes). */
MUST_CHECK enum err fs_stop_group(int signal);
/* The machine ends: no other thread gets back to its program, whatever its call returns. O(threads). */
void fs_stop_others(void);
/* E_SRCH: no such process group. E_PERM: the group is not in the calling process's session. */
MUST_CHECK enum err fs_check_group(uint32_t group);
/* Soft limit of a resource by Linux's RLIMIT_* number; UINT64_MAX is infinity. */
uint64_t fs_limit(unsigned resource);
/* Both limits of a process, for /proc/PID/limits; unchanged when there is no such process. */
void fs_limits(uint32_t pid, unsigned resource, uint64_t *soft, uint64_t *hard);
/* The calling process's pid, and its real or effective user and group. */
void fs_caller_credentials(bool effective, struct fs_credentials *out);
/* True if a thread or process has the id, or a group has a member. O(1), groups: O(processes). */
bool fs_owner_exists(enum fs_owner_type type, uint32_t id);
/* Sends SIGIO, or the event's signal, to the owner if the process that set it may signal it. */
void fs_signal_owner(const struct fs_owner *owner, const struct fs_io_event *event);
/* The calling process in its session. O(1). */
struct fs_job {
    uint32_t pid, group, session;
};
struct fs_job fs_caller_job(void);
/* Describes process `pid` (0: the calling one), with name, times and signals of its thread `tid`
 * (0: the leader). False, with *out unchanged, if there is no such process or thread. `out` may be NULL. */
bool fs_describe(uint32_t pid, uint32_t tid, struct fs_process *out);
/* E_ACCES unless the calling thread may trace process `pid` to read it (ptrace(2), "access mode
 * checking"), by its fsuid. `memory`: to read its memory, which those that share it always may.
 * E_SRCH. */
MUST_CHECK enum err fs_check_trace(uint32_t pid, bool memory);
/* The system call in which the thread sleeps, or that it makes now; false: it runs. number -1: it sleeps in none. */
struct fs_call {
    int number;
    uint64_t arg[6], rsp, rip;
};
bool fs_call_of(uint32_t pid, uint32_t tid, struct fs_call *out);
void fs_set_oom_score_adj(uint32_t pid, int value);
/* The pid of the process that has the thread; 0: none. */
uint32_t fs_pid_of(uint32_t tid);
/* The tid of the calling thread; 0: it has none. */
uint32_t fs_own_tid(void);
/* The least pid above `pid`; 0: none. */
uint32_t fs_next_process(uint32_t pid);
/* The least tid of the process above `tid`; 0: none. */
uint32_t fs_next_thread(uint32_t pid, uint32_t tid);
/* Sets comm from /proc/PID/comm; tid 0 is the leader. */
void fs_rename_thread(uint32_t pid, uint32_t tid, const char *name, size_t length);
