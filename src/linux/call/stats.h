/* SPDX-License-Identifier: MIT */
/*
 * Statistics (kernel command line: `stats`): counts events and reports them when the program has
 * ended. Off by default; costs nothing unless enabled.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "linux/abi/trace.h"

#include <stdint.h>

struct syscall_count {
    uint64_t calls;
    uint64_t ns;         /* from call to return: in the kernel, asleep, and preempted */
    uint64_t longest_ns; /* its longest path without a preemption point */
};

/* Starts counting. E_NOMEM. Caller: boot. */
MUST_CHECK enum err stats_start(void);
/* A system call begins in the calling thread, or returns: both end the path of the kernel that is
 * timed. O(1). Stats is on. */
void stats_call_begins(uint64_t now);
void stats_call_ends(struct syscall_count *count);
/* The counter of that system call; NULL if stats is off. */
struct syscall_count *stats_of_syscall(uint32_t number);
