/* SPDX-License-Identifier: MIT */
/* Children, process groups and sessions: wait4(2), waitid(2), getppid(2), setpgid(2), setsid(2). */
#pragma once

#include "base/err.h"
#include "linux/abi/call.h"

enum err sys_getppid(struct syscall *call);
enum err sys_getpgrp(struct syscall *call);
enum err sys_getpgid(struct syscall *call);
enum err sys_setpgid(struct syscall *call);
enum err sys_getsid(struct syscall *call);
enum err sys_setsid(struct syscall *call);
enum err sys_wait4(struct syscall *call);
enum err sys_waitid(struct syscall *call);
