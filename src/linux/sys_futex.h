/* SPDX-License-Identifier: MIT */
/* futex(2), all but the priority-inheriting operations. */
#pragma once

#include "linux/syscall.h"

enum err sys_futex(struct syscall *call);
