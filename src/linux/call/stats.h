/* SPDX-License-Identifier: MIT */
/*
 * The word `stats` on the kernel command line: what happened is counted and told when the program
 * has ended. Without the word nothing is counted that is not counted anyway.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "linux/abi/trace.h"

#include <stdint.h>

struct syscall_count {
    uint64_t calls;
    uint64_t ns; /* from the call to its answer: in the kernel, asleep, and while others ran */
};

/* Starts counting. E_NOMEM. Caller: boot. */
MUST_CHECK enum err stats_start(void);
/* Where calls of that number are counted; NULL: nobody counts. */
struct syscall_count *stats_of_syscall(uint32_t number);
