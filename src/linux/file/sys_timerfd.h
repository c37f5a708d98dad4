/* SPDX-License-Identifier: MIT */
/* timerfd_create(2). TFD_TIMER_CANCEL_ON_SET is accepted without effect. */
#pragma once

#include "linux/abi/call.h"

enum err sys_timerfd_create(struct syscall *call);
enum err sys_timerfd_settime(struct syscall *call);
enum err sys_timerfd_gettime(struct syscall *call);
