/* SPDX-License-Identifier: MIT */
/*
 * Namespaces and contexts of processes: unshare(2), setns(2). Processes may have mounts and names of the machine of their own; there is one
 * namespace of each other kind, which can be joined again and not left (E_INVAL, as from a Linux configured without it).
 */
#pragma once

#include "fs/vfs/namespace.h"
#include "linux/abi/call.h"

#define NAMESPACES_THERE  (CLONE_NEWNS | CLONE_NEWUTS)
#define NAMESPACES_ABSENT UINT32_C(0x7a000000) /* cgroup, ipc, user, pid, net */

struct process;

/* Puts the process into new namespaces of the kinds in `flags`, others are ignored. With CLONE_NEWNS it shares root and working directory with none.
 * E_NOMEM, E_NOSPC. Sleeps. O(mounts). */
MUST_CHECK enum err process_unshare(struct process *process, uint32_t flags);

enum err sys_setns(struct syscall *call);
enum err sys_unshare(struct syscall *call);
