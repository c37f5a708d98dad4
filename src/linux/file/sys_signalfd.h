/* SPDX-License-Identifier: MIT */
/* signalfd(2): pending signals of whoever reads, as a file. */
#pragma once

#include "linux/abi/call.h"

enum err sys_signalfd(struct syscall *call);
enum err sys_signalfd4(struct syscall *call);
