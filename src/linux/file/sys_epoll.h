/* SPDX-License-Identifier: MIT */
/* The system calls of epoll(7); fs/pipe/epoll.h implements the files. */
#pragma once

#include "linux/abi/call.h"

enum err sys_epoll_create(struct syscall *call);
enum err sys_epoll_create1(struct syscall *call);
enum err sys_epoll_ctl(struct syscall *call);
enum err sys_epoll_wait(struct syscall *call);
enum err sys_epoll_pwait(struct syscall *call);
enum err sys_epoll_pwait2(struct syscall *call);
