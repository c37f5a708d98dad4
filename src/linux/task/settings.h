/* SPDX-License-Identifier: MIT */
/* What /proc/sys sets and linux/ obeys; linux/memory/range.h, mm/vm/areas.h, fs/pipe/pipe.h and net/inet/inet.h have others. */
#pragma once

#include <stdint.h>

/* kernel.pid_max: numbers are below it. */
#define PID_MAX_LEAST 301
#define PID_MAX_MOST  32768
extern uint64_t pid_max;
/* kernel.threads-max: of all processes. */
#define THREADS_LEAST 20
extern uint64_t threads_max;
/* kernel.randomize_va_space: 0, nothing is; 1, all but the heap. */
extern uint64_t randomize_va_space;
/* fs.nr_open: bound of RLIMIT_NOFILE. */
extern uint64_t nr_open;
/* net.core.somaxconn */
extern uint64_t socket_backlog_max;
