/* SPDX-License-Identifier: MIT */
/* execve(2), execveat(2): replace the program of the process. */
#pragma once

#include "linux/abi/call.h"

enum err sys_execve(struct syscall *call);
enum err sys_execveat(struct syscall *call);
