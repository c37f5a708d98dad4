/* SPDX-License-Identifier: MIT */
/*
 * Hooks of system-call tracing (the words `strace` and `stats`). Declared here because linux/task
 * calls them; defined in the higher folder linux/call, in strace.c and stats.c.
 */
#pragma once

#include "linux/abi/siginfo.h"

#include <stdbool.h>

extern bool strace_on;

/* strace_signal() traces the delivery of a signal to the calling thread, strace_exit() the end of
 * its process with a wait4() status. */
void strace_signal(const struct siginfo *info);
void strace_exit(int status);

/* All threads' calls go over the slow path, or not any more (linux/task/trace.h). */
void syscall_trace_all(bool on);

/* Prints the counters, if counting is enabled. */
void stats_report(void);
