/* SPDX-License-Identifier: MIT */
/* Users, groups and capabilities: credentials(7), capabilities(7). The program starts as root. */
#pragma once

#include "linux/abi/call.h"

enum err sys_getuid(struct syscall *call);
enum err sys_geteuid(struct syscall *call);
enum err sys_getgid(struct syscall *call);
enum err sys_getegid(struct syscall *call);
enum err sys_setuid(struct syscall *call);
enum err sys_setgid(struct syscall *call);
enum err sys_setreuid(struct syscall *call);
enum err sys_setregid(struct syscall *call);
enum err sys_setresuid(struct syscall *call);
enum err sys_setresgid(struct syscall *call);
enum err sys_getresuid(struct syscall *call);
enum err sys_getresgid(struct syscall *call);
enum err sys_setfsuid(struct syscall *call);
enum err sys_setfsgid(struct syscall *call);
enum err sys_getgroups(struct syscall *call);
enum err sys_setgroups(struct syscall *call);
enum err sys_capget(struct syscall *call);
enum err sys_capset(struct syscall *call);
