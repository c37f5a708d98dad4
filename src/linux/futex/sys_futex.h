/* SPDX-License-Identifier: MIT */
/* futex(2), except FUTEX_FD, FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI; futex_waitv(2). */
#pragma once

#include "linux/abi/call.h"

enum err sys_futex(struct syscall *call);
enum err sys_futex_waitv(struct syscall *call);
