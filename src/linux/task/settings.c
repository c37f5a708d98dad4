/* SPDX-License-Identifier: MIT */
#include "linux/task/settings.h"

uint64_t pid_max = PID_MAX_MOST, threads_max = PID_MAX_MOST, randomize_va_space = 2,
         nr_open = 1 << 20, socket_backlog_max = 4096;
