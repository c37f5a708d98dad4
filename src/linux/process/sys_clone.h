/* SPDX-License-Identifier: MIT */
/* New threads: clone(2), clone3(2), fork(2), vfork(2). */
#pragma once

#include "linux/abi/call.h"

enum err sys_clone(struct syscall *call);
enum err sys_clone3(struct syscall *call);
enum err sys_fork(struct syscall *call);
enum err sys_vfork(struct syscall *call);
