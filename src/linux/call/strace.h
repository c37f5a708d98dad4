/* SPDX-License-Identifier: MIT */
/*
 * The word `strace` on the kernel command line: each system call becomes a line on the log's stream,
 * as strace(1) writes it with -f and -T:
 *
 *     openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3 <0.000021>
 *     [pid     7] wait4(9, 0x7ffe1000, 0, NULL)           = -1 ECHILD <0.000002>
 *
 * What the program hands over is shown as it was at the call, what it gets as it is at the answer;
 * a call that sleeps is shown when it is over, and one that never returns when it begins. Without
 * the word nothing is done for it: the switch is that of `stats` (syscall_count_all()).
 */
#pragma once

#include "base/err.h"
#include "linux/abi/trace.h"
#include "linux/call/syscall.h"

#include <stdbool.h>

struct strace_line;

/* From now on. Boot. */
void strace_start(void);
/* The first program was started. Boot. */
void strace_first(const char *path, const char *const *argv, const char *const *envp);

/* Around each call. NULL: there is no memory for the line. */
struct strace_line *strace_begin(uint32_t number, const struct syscall *call);
void strace_end(struct strace_line *line, const struct syscall *call, enum err e);
