/* SPDX-License-Identifier: MIT */
/* Scheduling: sched(7), getpriority(2), ioprio_set(2). There is one CPU. */
#pragma once

#include "linux/abi/call.h"

#include <stdbool.h>

enum err sys_sched_yield(struct syscall *call);
enum err sys_sched_setparam(struct syscall *call);
enum err sys_sched_getparam(struct syscall *call);
enum err sys_sched_setscheduler(struct syscall *call);
enum err sys_sched_getscheduler(struct syscall *call);
enum err sys_sched_get_priority_max(struct syscall *call);
enum err sys_sched_get_priority_min(struct syscall *call);
enum err sys_sched_rr_get_interval(struct syscall *call);
enum err sys_sched_setaffinity(struct syscall *call);
enum err sys_sched_getaffinity(struct syscall *call);
enum err sys_getcpu(struct syscall *call);
enum err sys_getpriority(struct syscall *call);
enum err sys_setpriority(struct syscall *call);
enum err sys_ioprio_get(struct syscall *call);
enum err sys_ioprio_set(struct syscall *call);

struct linux_thread;
/* True if the calling thread may set these of the thread: by its limits, or by CAP_SYS_NICE. */
bool sched_may_set(const struct linux_thread *lt, int policy, int priority, int nice, bool reset);

/* sys_sched_attr.c */
enum err sys_sched_setattr(struct syscall *call);
enum err sys_sched_getattr(struct syscall *call);
