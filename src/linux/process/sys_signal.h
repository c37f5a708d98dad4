/* SPDX-License-Identifier: MIT */
/* Signals: signal(7), sigaltstack(2), kill(2), sigqueue(3). */
#pragma once

#include "base/compiler.h"
#include "linux/abi/call.h"

/* The queue of threads that wait only for a signal. */
const struct wait_queue *signal_sleepers(void);

enum err sys_rt_sigaction(struct syscall *call);
enum err sys_rt_sigprocmask(struct syscall *call);
enum err sys_rt_sigreturn(struct syscall *call);
enum err sys_rt_sigpending(struct syscall *call);
enum err sys_rt_sigtimedwait(struct syscall *call);
enum err sys_rt_sigsuspend(struct syscall *call);
enum err sys_rt_sigqueueinfo(struct syscall *call);
enum err sys_rt_tgsigqueueinfo(struct syscall *call);
enum err sys_sigaltstack(struct syscall *call);
enum err sys_kill(struct syscall *call);
enum err sys_tkill(struct syscall *call);
enum err sys_tgkill(struct syscall *call);
struct process;
struct siginfo;
/* kill(2) of one process, by its leader's credentials. */
MUST_CHECK enum err signal_process(struct process *process, const struct siginfo *info);
enum err sys_pause(struct syscall *call);
