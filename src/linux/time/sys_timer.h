/* SPDX-License-Identifier: MIT */
/* Timers that send signals: alarm(2), setitimer(2), timer_create(2). */
#pragma once

#include "linux/abi/call.h"

enum err sys_alarm(struct syscall *call);
enum err sys_getitimer(struct syscall *call);
enum err sys_setitimer(struct syscall *call);
enum err sys_timer_create(struct syscall *call);
enum err sys_timer_settime(struct syscall *call);
enum err sys_timer_gettime(struct syscall *call);
enum err sys_timer_getoverrun(struct syscall *call);
enum err sys_timer_delete(struct syscall *call);
