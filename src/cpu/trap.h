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
/* For vectors without a handler: must be set before the first trap. Boot only. */
void trap_set_default(trap_handler handler);
/* Called before control goes back to the program, interrupts off before and after: signals,
 * rescheduling. Boot only. */
void trap_set_exit_hook(trap_handler hook);
/* Called when the kernel's own stack ran into its guard; must not return. Boot only. */
void trap_set_overflow_hook(trap_handler hook);

/* Called when GS base was not the kernel's at a trap, and has been restored: frame->error is what it
 * was. Boot only. */
void trap_set_gs_hook(trap_handler hook);

/* Is this the program's frame (else the kernel's own)? */
bool trap_from_program(const struct trap_frame *frame);

/* "page fault", "general protection": the manual's words; "interrupt 33" has no name: NULL. */
const char *trap_name(uint64_t vector);

/* diag/panic.c: a panic that was caused by the trap with this frame: registers and stack are the interrupted
 * code's. */
NORETURN void panic_at(const struct trap_frame *frame, const char *format, ...) PRINTF_LIKE(2, 3);
/* The same for a page fault at `address`. */
NORETURN void panic_at_address(const struct trap_frame *frame, virt_t address, const char *format,
                               ...) PRINTF_LIKE(3, 4);
