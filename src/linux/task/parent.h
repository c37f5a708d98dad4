/* SPDX-License-Identifier: MIT */
/* Parents waiting for children: wait(2), vfork(2). */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "linux/abi/siginfo.h"
#include "linux/abi/wait.h"
#include "linux/task/usage.h"

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

/* A state change of a child: exit or, depending on the options, stop or continue. pid 0: none
 * yet (WNOHANG). */
struct family_news {
    int pid, status;       /* as wait4() shows it */
    struct usage usage;    /* of the child and its children */
    struct siginfo notice; /* siginfo of SIGCHLD */
};

/* Waits for a state change of a selected child and, unless WNOWAIT, consumes it. E_CHILD,
 * E_INTR. */
MUST_CHECK enum err family_wait(const struct family_wait *w, struct family_news *out);
/* vfork(2): the calling thread will wait until `child` exits or calls execve(); it waits. */
void process_begin_vfork(struct linux_thread *child);
void process_wait_vfork(void);
/* Notifies the parent of a zombie, or removes a zombie for which no parent waits. A tracer that is not the parent comes first. */
void process_tell_parent(struct process *process);
