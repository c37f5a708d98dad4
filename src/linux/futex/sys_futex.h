/* SPDX-License-Identifier: MIT */
/* futex(2), all but FUTEX_FD and the two operations that requeue to a priority-inheriting futex;
 * futex_waitv(2). */
#pragma once

#include "linux/abi/call.h"

enum err sys_futex(struct syscall *call);
enum err sys_futex_waitv(struct syscall *call);
