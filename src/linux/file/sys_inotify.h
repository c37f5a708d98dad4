/* SPDX-License-Identifier: MIT */
/* inotify(7). */
#pragma once

#include "linux/abi/call.h"

enum err sys_inotify_init(struct syscall *call);
enum err sys_inotify_init1(struct syscall *call);
enum err sys_inotify_add_watch(struct syscall *call);
enum err sys_inotify_rm_watch(struct syscall *call);
