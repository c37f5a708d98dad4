/* SPDX-License-Identifier: MIT */
/* execve(2), execveat(2): the program is replaced in place. */
#pragma once

#include "linux/abi/call.h"

enum err sys_execve(struct syscall *call);
enum err sys_execveat(struct syscall *call);
