/* SPDX-License-Identifier: MIT */
/* The system-call table and its dispatcher; linux/abi/call.h has what a handler sees. */
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

struct syscall_row {
    const char *name;
    syscall_function function;   /* NULL: absent, E_NOSYS */
    uint8_t args[ARGUMENTS_MAX]; /* enum argument_kind, from ARGS() */
    uint8_t result;              /* enum result_kind */
};

#define FAST 1 /* in a row of linux/call/rows.inc: syscall_fast_dispatch() */

/* A number without a row: six words in hexadecimal. */
#define SYSCALL_ROW_UNKNOWN(name)                                                                  \
    {                                                                                              \
        name, NULL, ARGS(HEX, HEX, HEX, HEX, HEX, HEX), RET_INT                                    \
    }

#define SYSCALL_COUNT 462

extern const struct syscall_row syscall_table[SYSCALL_COUNT];        /* linux/call/table.c */
extern const struct syscall_row syscall_ouro_table[OURO_CALL_COUNT]; /* ours: vdso/calls.h */

/* NULL: a number that neither Linux nor Ouro has. A row of Linux's may lack a name all the same. */
static inline const struct syscall_row *syscall_row(uint32_t number)
{
    if (number < SYSCALL_COUNT)
        return &syscall_table[number];
    return number - OURO_CALL_FIRST < OURO_CALL_COUNT
               ? &syscall_ouro_table[number - OURO_CALL_FIRST]
               : NULL;
}

/* How many arguments the call has. */
static inline unsigned syscall_arity(const struct syscall_row *row)
{
    unsigned n = 0;
    while (n < ARGUMENTS_MAX && row->args[n] != ARG_NONE)
        n++;
    return n;
}

/* Entry point from cpu/entry.S, on the thread's kernel stack, interrupts off. Signals that became
 * pending are delivered before it returns; interrupts are off then, so that none slips in between.
 */
void syscall_dispatch(struct trap_frame *frame);

/* Calls that neither take long, nor touch the program's memory or its registers, nor sleep, nor make
 * a signal pending, have FAST in their row and come here instead, with interrupts off all the way:
 * the whole call takes a hundred instructions, and a frame and `sti` would be most of them. */
int64_t syscall_fast_dispatch(const uint64_t *arg, uint32_t number);

/* The rows with FAST, one bit a number: linux/call/table.c makes it, entry.S tests it. */
extern uint64_t syscall_fast[FAST_NUMBERS / 64];

/* Sends each call, fast ones too, over the path that strace and stats (linux/call/stats.h) look at.
 * Caller: boot. */
void syscall_count_all(void);

/* "openat(-100, 0x7ffe0010, 0x80000, 00) = 3" at most size - 1 bytes. Pure. */
void syscall_format(const struct syscall_record *record, char *out, size_t size);
