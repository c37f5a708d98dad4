/* SPDX-License-Identifier: MIT */
/*
 * ptrace(2). What the traced thread does is in linux/task/trace.h. Not there: seccomp's filters, PTRACE_PEEKSIGINFO,
 * PTRACE_SINGLEBLOCK.
 */
#pragma once

#include "base/err.h"
#include "linux/abi/call.h"

enum err sys_ptrace(struct syscall *call);
