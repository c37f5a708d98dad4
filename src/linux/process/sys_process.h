/* SPDX-License-Identifier: MIT */
/* The process and its thread: exit(2), getpid(2), prctl(2), arch_prctl(2). */
#pragma once

#include "linux/abi/call.h"

enum err sys_exit(struct syscall *call);
enum err sys_exit_group(struct syscall *call);
enum err sys_getpid(struct syscall *call);
enum err sys_gettid(struct syscall *call);
enum err sys_set_tid_address(struct syscall *call);
enum err sys_set_robust_list(struct syscall *call);
enum err sys_get_robust_list(struct syscall *call);
enum err sys_prctl(struct syscall *call);
/* prctl(PR_SET_MM). O(bytes of an auxiliary vector). */
enum err prctl_set_mm(const struct syscall *call);
enum err sys_arch_prctl(struct syscall *call);
enum err sys_personality(struct syscall *call);
enum err sys_membarrier(struct syscall *call);
enum err sys_vhangup(struct syscall *call);
enum err sys_pidfd_open(struct syscall *call);
enum err sys_pidfd_send_signal(struct syscall *call);
enum err sys_pidfd_getfd(struct syscall *call);
enum err sys_process_mrelease(struct syscall *call);
