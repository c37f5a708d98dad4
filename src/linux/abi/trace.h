/* SPDX-License-Identifier: MIT */
/*
 * What tasks report to the tracing of system calls (the words `strace` and `stats`), which stands above them:
 * linux/call/strace.c and linux/call/stats.c define these.
 */
#pragma once

#include "linux/abi/siginfo.h"

#include <stdbool.h>

extern bool strace_on;

/* The calling thread takes the signal; its process ends, with a status as wait4() shows it. */
void strace_signal(const struct siginfo *info);
void strace_exit(int status);

/* Prints all counts, if counting was enabled. */
void stats_report(void);
