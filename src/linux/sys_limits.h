/* SPDX-License-Identifier: MIT */
/* Resource limits and use: getrlimit(2), getrusage(2). */
#pragma once

#include "linux/syscall.h"

enum err sys_getrlimit(struct syscall *call);
enum err sys_setrlimit(struct syscall *call);
enum err sys_prlimit64(struct syscall *call);
enum err sys_getrusage(struct syscall *call);
