/* SPDX-License-Identifier: MIT */
/* Clocks and sleeping: clock_gettime(2), clock_nanosleep(2), gettimeofday(2), times(2). */
#pragma once

#include "linux/abi/call.h"

enum err sys_clock_gettime(struct syscall *call);
enum err sys_clock_settime(struct syscall *call);
enum err sys_clock_getres(struct syscall *call);
enum err sys_clock_nanosleep(struct syscall *call);
enum err sys_nanosleep(struct syscall *call);
enum err sys_gettimeofday(struct syscall *call);
enum err sys_settimeofday(struct syscall *call);
enum err sys_time(struct syscall *call);
enum err sys_times(struct syscall *call);

/* sys_adjtimex.c */
enum err sys_adjtimex(struct syscall *call);
enum err sys_clock_adjtime(struct syscall *call);
