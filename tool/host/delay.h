/* SPDX-License-Identifier: MIT */
/* How long a process was kept from running because this computer was busy. */
#pragma once

#include <sys/types.h>

/* Seconds that the thread of the process that waited most was ready without a processor since its start (the run delay of
 * /proc/PID/task/TID/schedstat, proc(5)). 0 where Linux does not say. O(threads). */
double delay_of(pid_t process);
