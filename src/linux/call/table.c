/* SPDX-License-Identifier: MIT */
/* Every x86-64 system call, implemented or not (arch/x86/entry/syscalls/syscall_64.tbl). */
#include "linux/call/syscall.h"

#include "linux/exec/sys_exec.h"
#include "linux/file/sys_epoll.h"
#include "linux/file/sys_file.h"
#include "linux/file/sys_inotify.h"
#include "linux/file/sys_path.h"
#include "linux/file/sys_poll.h"
#include "linux/file/sys_signalfd.h"
#include "linux/file/sys_timerfd.h"
#include "linux/futex/sys_futex.h"
#include "linux/memory/sys_mem.h"
#include "linux/memory/sys_ouro.h"
#include "linux/process/sys_clone.h"
#include "linux/process/sys_ids.h"
#include "linux/process/sys_limits.h"
#include "linux/process/sys_process.h"
#include "linux/process/sys_sched.h"
#include "linux/process/sys_signal.h"
#include "linux/process/sys_system.h"
#include "linux/process/sys_wait.h"
#include "linux/socket/sys_socket.h"
#include "linux/task/rseq.h"
#include "linux/time/sys_time.h"
#include "linux/time/sys_timer.h"

#include <stddef.h>

#define ROW(number, name, function, args, result, ...) [number] = {name, function, args, result},
const struct syscall_row syscall_table[SYSCALL_COUNT] = {
#include "linux/call/rows.inc"
};
#undef ROW

/* The FAST of a row as a number, 0 without one. */
#define FAST_OF(...) (__VA_ARGS__ + 0)

#define ROW(number, name, function, args, result, ...)                                             \
    _Static_assert(!FAST_OF(__VA_ARGS__) || (number) < FAST_NUMBERS, name);
#include "linux/call/rows.inc"
#undef ROW

/* The row's bit in word WORD of the bitmap. */
#define ROW(number, name, function, args, result, ...)                                             \
    | (uint64_t)((number) / 64 == WORD && FAST_OF(__VA_ARGS__)) << (number) % 64
RO_AFTER_INIT uint64_t syscall_fast[FAST_NUMBERS / 64] = {
#define WORD 0
    0
#include "linux/call/rows.inc"
    ,
#undef WORD
#define WORD 1
    0
#include "linux/call/rows.inc"
    ,
#undef WORD
#define WORD 2
    0
#include "linux/call/rows.inc"
};

const struct syscall_row syscall_ouro_table[OURO_CALL_COUNT] = {
    [VDSO_CALL_HARVEST - OURO_CALL_FIRST] = {"ouro_harvest", sys_ouro_harvest,
                                             ARGS(PTR, SIZE, HEX, PTR), RET_HEX},
};
