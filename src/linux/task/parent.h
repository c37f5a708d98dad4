/* SPDX-License-Identifier: MIT */
/* What a parent learns of its children: wait(2), vfork(2). */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "linux/abi/siginfo.h"
#include "linux/abi/wait.h"

#include <stdint.h>

struct linux_thread;

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

/* Waits until a child that is meant has news, which is gone then unless WNOWAIT. E_CHILD, E_INTR. */
MUST_CHECK enum err family_wait(const struct family_wait *w, struct family_news *out);
/* vfork: the calling thread waits until the child's process ends or runs a program. */
void process_wait_vfork(struct linux_thread *child);
