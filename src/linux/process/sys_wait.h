/* SPDX-License-Identifier: MIT */
/* Children, process groups and sessions: wait4(2), waitid(2), getppid(2), setpgid(2), setsid(2). */
#pragma once

#include "base/err.h"
#include "linux/abi/siginfo.h"
#include "linux/call/syscall.h"

#include <stdint.h>

struct linux_thread;

enum wait_option {
    WNOHANG = 1,
    WSTOPPED = 2, /* WUNTRACED */
    WEXITED = 4,
    WCONTINUED = 8,
    WNOWAIT = 0x01000000,
};
#define WNOTHREAD UINT32_C(0x20000000) /* __WNOTHREAD */
#define WALL      UINT32_C(0x40000000)
#define WCLONE    UINT32_C(0x80000000)

enum wait_kind {
    WAIT_ANY,
    WAIT_PID,
    WAIT_GROUP,
};

struct family_wait {
    enum wait_kind kind;
    int id;
    uint32_t options;
};

struct family_news { /* of a child that has ended or, as options say, stopped or gone on; pid 0:
                        there is none yet (WNOHANG) */
    int pid, status; /* as wait4() shows it */
    uint64_t cpu_ns;
    struct siginfo notice; /* what SIGCHLD says */
};

/* Waits until a child that is meant has news, which is gone then unless WNOWAIT. E_CHILD, E_INTR.
 * linux/task/parent.c */
MUST_CHECK enum err family_wait(const struct family_wait *w, struct family_news *out);
/* vfork: the calling thread waits until the child's process ends or runs a program. */
void process_wait_vfork(struct linux_thread *child);

enum err sys_getppid(struct syscall *call);
enum err sys_getpgrp(struct syscall *call);
enum err sys_getpgid(struct syscall *call);
enum err sys_setpgid(struct syscall *call);
enum err sys_getsid(struct syscall *call);
enum err sys_setsid(struct syscall *call);
enum err sys_wait4(struct syscall *call);
enum err sys_waitid(struct syscall *call);
