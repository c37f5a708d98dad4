/* SPDX-License-Identifier: MIT */
/* The system-call table and its dispatcher. linux/abi/call.h has the interface of handlers. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "cpu/selectors.h"
#include "cpu/trap_frame.h"
#include "linux/abi/argument.h"
#include "linux/abi/call.h"
#include "vdso/calls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum err (*syscall_function)(struct syscall *call);

/* What is printed of a call. */
struct syscall_row {
    const char *name;            /* NULL: neither Linux nor Ouro has the number */
    uint8_t args[ARGUMENTS_MAX]; /* enum argument_kind, from ARGS() */
    uint8_t result;              /* enum result_kind */
};

/* In a row of linux/call/rows.inc: */
#define FAST 1 /* syscall_fast_dispatch() */
#define SHARES                                                                                     \
    2 /* begins with kernel_lock shared (cpu/lock.h), and takes it alone where it needs that */

#define SYSCALL_COUNT 462

/* The handlers (linux/call/table.c); NULL: absent, E_NOSYS. */
extern const syscall_function syscall_table[SYSCALL_COUNT];
extern const syscall_function syscall_ouro_table[OURO_CALL_COUNT]; /* vdso/calls.h */

/* The row of a number; of an unknown one six arguments in hexadecimal and no name. O(1). Callers: any. */
struct syscall_row syscall_row(uint32_t number);

/* Number of arguments. */
static inline unsigned syscall_arity(const struct syscall_row *row)
{
    unsigned n = 0;
    while (n < ARGUMENTS_MAX && row->args[n] != ARG_NONE)
        n++;
    return n;
}

/* Resumes the interrupted call of the thread, with its deadline (linux/task/signal_deliver.c). */
enum err sys_restart_syscall(struct syscall *call);

/* Entry point from cpu/entry.S, on the thread's kernel stack, interrupts off. Delivers pending
 * signals before it returns, with interrupts off, so that none is left pending. */
void syscall_dispatch(struct trap_frame *frame);

/* The fast path, with interrupts off throughout, for rows with FAST: calls that are short, do not
 * access the program's memory or registers, do not sleep, make no signal pending, and need no kernel_lock: they read
 * single words, or what only their thread changes. The whole
 * call takes a hundred instructions; a frame and `sti` would be most of them. */
int64_t syscall_fast_dispatch(const uint64_t *arg, uint32_t number);

/* The marks of the rows; only the kernel for several CPUs asks. */
extern const uint8_t syscall_marks[SYSCALL_COUNT];

/* Bitmap of the rows with FAST: linux/call/table.c builds it, entry.S tests it. */
extern uint64_t syscall_fast[FAST_NUMBERS / 64];

/* Sends all calls, fast ones too, over the slow path, for strace and stats (linux/call/stats.h).
 * Caller: boot. */
void syscall_count_all(void);

/* Formats a call as "openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3", at most size - 1 bytes. `texts` (NULL: none) has the paths
 * of calls, `call` is this one's number there; what other pointers lead to is not shown. Pure. */
void syscall_format(const struct syscall_record *record, const struct syscall_text *texts,
                    uint32_t call, char *out, size_t size);

/* Parts of that. The kind of argument i; ARG_NONE if an earlier argument's value makes it absent. */
enum argument_kind syscall_argument_kind(const struct syscall_row *row, unsigned i,
                                         const uint64_t *arg);
/* A value with its names, if its kind has any; a pointer as an address. */
void syscall_put_number(struct text_out *t, enum argument_kind kind, uint64_t value);
void syscall_put_signal(struct text_out *t, int number, bool short_name);
/* "-1 ENOENT" for a negative error number. */
void syscall_put_result(struct text_out *t, const struct syscall_row *row, int64_t result);
