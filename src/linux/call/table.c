/* SPDX-License-Identifier: MIT */
/* Every x86-64 system call, implemented or not (arch/x86/entry/syscalls/syscall_64.tbl). */
#include "linux/call/syscall.h"

#include "base/str.h"
#include "linux/exec/sys_exec.h"
#include "linux/file/sys_aio.h"
#include "linux/file/sys_epoll.h"
#include "linux/file/sys_file.h"
#include "linux/file/sys_inotify.h"
#include "linux/file/sys_path.h"
#include "linux/file/sys_poll.h"
#include "linux/file/sys_signalfd.h"
#include "linux/file/sys_timerfd.h"
#include "linux/futex/sys_futex.h"
#include "linux/ipc/sys_ipc.h"
#include "linux/memory/sys_mem.h"
#include "linux/memory/sys_ouro.h"
#include "linux/process/sys_clone.h"
#include "linux/process/sys_namespace.h"
#include "linux/process/sys_ids.h"
#include "linux/process/sys_limits.h"
#include "linux/process/sys_process.h"
#include "linux/process/sys_ptrace.h"
#include "linux/process/sys_sched.h"
#include "linux/process/sys_signal.h"
#include "linux/process/sys_system.h"
#include "linux/process/sys_wait.h"
#include "linux/socket/sys_socket.h"
#include "linux/task/rseq.h"
#include "linux/time/sys_time.h"
#include "linux/time/sys_timer.h"

#include <stddef.h>

#define ROW(number, name, function, args, result, ...) [number] = function,
const syscall_function syscall_table[SYSCALL_COUNT] = {
#include "linux/call/rows.inc"
};
#undef ROW

const syscall_function syscall_ouro_table[OURO_CALL_COUNT] = {
    [VDSO_CALL_HARVEST - OURO_CALL_FIRST] = sys_ouro_harvest,
};

/* The rows without padding: result and number of kinds in a byte, kinds, name. A pointer and six kinds a row
 * would take twice the bytes. */
#define ROW(number, name, function, args, result, ...)                                             \
    struct {                                                                                       \
        uint8_t head, kinds[sizeof((const uint8_t[])args)];                                        \
        char text[sizeof(name)];                                                                   \
    } row_##number;
static const struct row_texts {
    uint8_t none; /* so that no row has offset 0 */
#include "linux/call/rows.inc"
    ROW(OURO_HARVEST, "ouro_harvest", sys_ouro_harvest, ARGS(PTR, SIZE, HEX, PTR), RET_HEX)
#undef ROW
#define ROW(number, name, function, args, result, ...)                                             \
    {(uint8_t)((result) << 4 | sizeof((const uint8_t[])args)), args, name},
} row_texts = {
    0,
#include "linux/call/rows.inc"
    ROW(OURO_HARVEST, "ouro_harvest", sys_ouro_harvest, ARGS(PTR, SIZE, HEX, PTR), RET_HEX)};
#undef ROW

#define ROW(number, name, function, args, result, ...)                                             \
    [number] = offsetof(struct row_texts, row_##number),
static const uint16_t row_offsets[SYSCALL_COUNT] = {
#include "linux/call/rows.inc"
};
#undef ROW
_Static_assert(sizeof row_texts <= UINT16_MAX, "an offset has 16 bits");

struct syscall_row syscall_row(uint32_t number)
{
    struct syscall_row row = {NULL, ARGS(HEX, HEX, HEX, HEX, HEX, HEX), RET_INT};
    size_t offset = number < SYSCALL_COUNT        ? row_offsets[number]
                    : number == VDSO_CALL_HARVEST ? offsetof(struct row_texts, row_OURO_HARVEST)
                                                  : 0;
    if (offset == 0)
        return row;
    const uint8_t *text = (const uint8_t *)&row_texts + offset;
    size_t kinds = *text & 15;
    memset(row.args, ARG_NONE, sizeof row.args);
    memcpy(row.args, text + 1, kinds);
    row.result = *text >> 4;
    row.name = (const char *)text + 1 + kinds;
    return row;
}

/* The FAST of a row as a number, 0 without one. */
#define FAST_OF(...) ((__VA_ARGS__ + 0) & FAST)

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
