/* SPDX-License-Identifier: MIT */
/* poll(2), select(2). */
#pragma once

#include "linux/abi/call.h"

enum err sys_poll(struct syscall *call);
enum err sys_ppoll(struct syscall *call);
enum err sys_select(struct syscall *call);
enum err sys_pselect6(struct syscall *call);
