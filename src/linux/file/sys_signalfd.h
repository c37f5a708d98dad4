/* SPDX-License-Identifier: MIT */
/* signalfd(2): a file that reads the pending signals of the calling thread and its process. */
#pragma once

#include "linux/abi/call.h"

enum err sys_signalfd(struct syscall *call);
enum err sys_signalfd4(struct syscall *call);
