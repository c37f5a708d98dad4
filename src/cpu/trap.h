/* SPDX-License-Identifier: MIT */
/*
 * From a vector to its handler. Handlers of exceptions run on the thread's kernel stack with the
 * interrupted code's interrupt flag; handlers of interrupts run with interrupts off.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "cpu/selectors.h"
#include "cpu/trap_frame.h"
#include "cpu/vectors.h"

#include <stdbool.h>

typedef void (*trap_handler)(struct trap_frame *frame);

/* Sets the handler of a vector; returns the previous one or NULL. Boot. */
trap_handler trap_set_handler(unsigned vector, trap_handler handler);

/* Calls the handler of the frame's vector, for a handler that has changed it. */
void trap_pass_on(struct trap_frame *frame);

/* After this call a frame at the top of a kernel stack is the program's. Boot. */
void trap_expect_program(void);
/* True if the frame is the program's, false if the kernel's. */
bool trap_from_program(const struct trap_frame *frame);

/* `sysret` of the program leads to ring 3, where it can execute nothing. Sets the frame back to ring 0. */
static inline void trap_keep_ring(struct trap_frame *frame)
{
    frame->cs = SELECTOR_CODE;
    frame->ss = SELECTOR_DATA;
}

/* Enters the program with the registers of a frame at the top of the thread's kernel stack
 * (entry.S). */
NORETURN void enter_program(const struct trap_frame *frame);

/* Interrupts of vectors [from, end) since boot; exceptions and NMIs are not counted. */
uint64_t trap_interrupts(unsigned from, unsigned end);
uint64_t trap_interrupts_of(unsigned cpu, unsigned from, unsigned end); /* taken by one CPU */

/* The SDM's name, such as "page fault"; NULL for a vector without one. */
const char *trap_name(uint64_t vector);

/* Defined above: */

/* Runs before the return to the program: signals, rescheduling. Interrupts off before and after
 * (linux/fault/exceptions.c). */
void trap_leave(struct trap_frame *frame);
/* A trap found a GS base that was not the kernel's, and has restored GS; frame->error is the wrong
 * base (linux/fault/exceptions.c). */
void trap_gs_restored(struct trap_frame *frame);
/* True if the program's `int n` raised the frame's vector, not the CPU or a device. The frame is then that of #GP at
 * the instruction. The bytes before rip decide, with what the CPU or the interrupt controllers say: of two explanations
 * the hardware's is taken. Exact for interrupts. Callers: any, with a vector without an error code. O(1)
 * (linux/fault/raised.c). */
bool trap_raised_by_program(struct trap_frame *frame);
/* A vector without a handler: an exception panics; an interrupt is counted, and logged (diag/panic.c). */
void trap_unexpected(struct trap_frame *frame);
/* Panics: the kernel stack reached its guard (diag/panic.c). */
NORETURN void trap_kernel_stack_overflow(struct trap_frame *frame);
/* Panics about the interrupted code: registers and stack of the report are the frame's
 * (diag/panic.c). */
NORETURN void panic_at(const struct trap_frame *frame, const char *format, ...) PRINTF_LIKE(2, 3);
/* As panic_at(), for a page fault at `address`. */
NORETURN void panic_at_address(const struct trap_frame *frame, virt_t address, const char *format,
                               ...) PRINTF_LIKE(3, 4);
