/* SPDX-License-Identifier: MIT */
/*
 * From a vector to its handler. Handlers of exceptions run on the thread's kernel stack with the
 * interrupt flag of whoever was interrupted; handlers of interrupts run with interrupts off.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "cpu/trap_frame.h"
#include "cpu/vectors.h"

#include <stdbool.h>

typedef void (*trap_handler)(struct trap_frame *frame);

/* One handler a vector; returns the one it replaces, NULL for none. Boot only. */
trap_handler trap_set_handler(unsigned vector, trap_handler handler);

/* From here on a frame at the top of a kernel stack is the program's. Boot only. */
void trap_expect_program(void);
/* Is this the program's frame (else the kernel's own)? */
bool trap_from_program(const struct trap_frame *frame);

/* To the program, with the registers of a frame that lies at the top of the thread's kernel stack (entry.S). */
NORETURN void enter_program(const struct trap_frame *frame);

/* "page fault", "general protection": the manual's words; "interrupt 33" has no name: NULL. */
const char *trap_name(uint64_t vector);

/* Defined above: */

/* Control goes back to the program: signals, rescheduling. Interrupts off before and after
 * (linux/fault/exceptions.c). */
void trap_leave(struct trap_frame *frame);
/* GS base was not the kernel's at a trap, and has been restored: frame->error is what it was
 * (linux/fault/exceptions.c). */
void trap_gs_restored(struct trap_frame *frame);
/* A vector without a handler: a panic (diag/panic.c). */
void trap_unexpected(struct trap_frame *frame);
/* The kernel's own stack ran into its guard: a panic (diag/panic.c). */
NORETURN void trap_kernel_stack_overflow(struct trap_frame *frame);
/* A panic that was caused by the trap with this frame: registers and stack are the interrupted code's
 * (diag/panic.c). */
NORETURN void panic_at(const struct trap_frame *frame, const char *format, ...) PRINTF_LIKE(2, 3);
/* The same for a page fault at `address`. */
NORETURN void panic_at_address(const struct trap_frame *frame, virt_t address, const char *format,
                               ...) PRINTF_LIKE(3, 4);
