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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address_space;
struct area_owner;
struct fs_context;

/* A process as /proc shows it. Unknown: 0 or an empty range. */
struct fs_process {
    uint32_t pid, ppid, process_group, session, threads;
    uint32_t tid;                     /* of the thread that is described */
    const struct fs_context *context; /* NULL: a zombie, which has no memory either */
    struct address_space *space;      /* valid while there is a context */
    struct area_owner *memory;        /* of its areas in it; NULL: none */
    char state;                       /* 'R', 'S', 'Z' */
    const char *name;                 /* comm, at most 15 bytes; valid until the next call */
    struct virt_range arguments;      /* argv strings on the program's stack */
    struct virt_range environment;
    const void *auxv; /* as it lies on the stack; kernel copy */
    size_t auxv_size;
    virt_t stack_start, image_start, image_end, data_start, data_end, heap_start;
    uint64_t start_ns;           /* time_now_ns() at exec */
    uint64_t user_ns, system_ns; /* processor time */
    uint64_t children_user_ns, children_system_ns;
    uint64_t switches[2]; /* involuntary, voluntary */
    int nice, oom_score_adj;
    uint32_t priority, policy; /* priority: 0, or that of real time */
    uint32_t exit_signal;      /* UINT32_MAX: none */
    uint32_t personality;
    uint64_t timer_slack;
    uint64_t page_faults;
    uint64_t resident_pages;
    uint64_t signals_pending, signals_blocked, signals_ignored, signals_caught; /* bit n-1 */
    uint32_t uid[4], gid[4]; /* real, effective, saved, file system */
};

struct fs_credentials { /* laid out as Linux's struct ucred */
    int32_t pid;
    uint32_t uid, gid;
};

#define FS_SIGHUP        1
#define FS_SIGINT        2
#define FS_SIGQUIT       3
#define FS_SIGPIPE       13
#define FS_SIGTSTP       20
#define FS_SIGXFSZ       25
#define FS_SIGWINCH      28

#define FS_RLIMIT_FSIZE  1
#define FS_RLIMIT_RSS    5
#define FS_RLIMIT_NOFILE 7
#define FS_RLIMIT_COUNT  16

/* Sends the signal to the calling process (SIGPIPE, SIGXFSZ). Only marks it pending. */
void fs_raise(int signal);
/* Sends the signal to a process group (SIGINT from the terminal); 0: the first process's. */
void fs_raise_group(int signal, uint32_t group);
/* E_SRCH: no such process group. E_PERM: the group is not in the calling process's session. */
MUST_CHECK enum err fs_check_group(uint32_t group);
/* Soft limit of a resource by Linux's RLIMIT_* number; UINT64_MAX is infinity. */
uint64_t fs_limit(unsigned resource);
/* Both limits of a process, for /proc/PID/limits; unchanged when there is no such process. */
void fs_limits(uint32_t pid, unsigned resource, uint64_t *soft, uint64_t *hard);
/* The calling process's pid, and its real or effective user and group. */
void fs_caller_credentials(bool effective, struct fs_credentials *out);
/* Describes process `pid` (0: the calling one), with name, times and signals of its thread `tid`
 * (0: the leader). False, with *out unchanged, if there is no such process or thread. */
bool fs_describe(uint32_t pid, uint32_t tid, struct fs_process *out);
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
