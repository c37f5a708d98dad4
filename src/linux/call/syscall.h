/* SPDX-License-Identifier: MIT */
/* The system-call table and its dispatcher; linux/abi/call.h has what a handler sees. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "cpu/trap_frame.h"
#include "linux/abi/call.h"
#include "vdso/calls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Letters of signatures: d int, u unsigned, z size, x hexadecimal, m mode (octal), f descriptor,
 * capitals flags or a choice (linux/abi/flags.c; G is a signal), p pointer, and pointers that
 * strace follows:
 *
 *   s string            b bytes, as many as the next argument says    n their iovec
 *   v list of strings   e environment     t timespec     g set of signals    a struct sigaction
 *
 * and, when the call has succeeded, r bytes, as many as the result says, k string, o their iovec, l timespec,
 * y struct stat, w status of a child, c two descriptors, i set of signals, j struct sigaction.
 */
typedef enum err (*syscall_function)(struct syscall *call);

struct syscall_row {
    const char *name;
    syscall_function function; /* NULL: absent, E_NOSYS */
    uint8_t arity;
    char signature[7]; /* a letter an argument, see above */
};

#define SYSCALL_COUNT 462

extern const struct syscall_row syscall_table[SYSCALL_COUNT];        /* linux/call/table.c */
extern const struct syscall_row syscall_ouro_table[OURO_CALL_COUNT]; /* ours: vdso/calls.h */

/* NULL: a number that neither Linux nor we have. A row of Linux's may lack a name all the same. */
static inline const struct syscall_row *syscall_row(uint32_t number)
{
    if (number < SYSCALL_COUNT)
        return &syscall_table[number];
    return number - OURO_CALL_FIRST < OURO_CALL_COUNT
               ? &syscall_ouro_table[number - OURO_CALL_FIRST]
               : NULL;
}

/* Entry point from cpu/entry.S, on the thread's kernel stack, interrupts off. Signals that became
 * pending are delivered before it returns; interrupts are off then, so that none slips in between.
 */
void syscall_dispatch(struct trap_frame *frame);

/* Calls that neither take long, nor touch the program's memory or its registers, nor sleep, nor make
 * a signal pending, come here instead, with interrupts off all the way: where the whole call takes a
 * hundred instructions, a whole frame and `sti` are most of it. One bit a number; entry.S looks. */
#define FAST_WORDS 3 /* entry.S: FAST_NUMBERS */
extern uint64_t syscall_fast[FAST_WORDS];
int64_t syscall_fast_dispatch(const uint64_t *arg, uint32_t number);

/* From now on each call is counted (linux/call/stats.h). Caller: boot. */
void syscall_count_all(void);

/* "openat(-100, 0x7ffe0010, 0x80000, 00) = 3" at most size - 1 bytes. Pure. */
void syscall_format(const struct syscall_record *record, char *out, size_t size);
