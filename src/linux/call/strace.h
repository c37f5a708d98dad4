/* SPDX-License-Identifier: MIT */
/*
 * System-call tracing (kernel command line: `strace`): each system call becomes a line in the log,
 * in the format of strace(1) with -f and -T:
 *
 *     openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3 <0.000021>
 *     [pid     7] wait4(9, 0x7ffe1000, 0, NULL)           = -1 ECHILD <0.000002>
 *
 * Input arguments are shown as they were at the call, output arguments as they are at its return. A
 * call is printed when it returns; one that never returns, when it starts. Off by default; costs
 * nothing unless enabled: it shares the switch of `stats` (syscall_count_all()).
 */
#pragma once

#include "base/err.h"
#include "linux/abi/trace.h"
#include "linux/call/syscall.h"

#include <stdbool.h>

struct strace_line;

/* Starts tracing. Boot. */
void strace_start(void);
/* Prints the start of the first program. Boot. */
void strace_first(const char *path, const char *const *argv, const char *const *envp);

/* Called around each call. NULL: no memory for the line. */
struct strace_line *strace_begin(uint32_t number, const struct syscall *call);
void strace_end(struct strace_line *line, const struct syscall *call, enum err e);
