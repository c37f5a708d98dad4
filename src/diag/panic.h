/* SPDX-License-Identifier: MIT */
/* The end of the kernel by its own fault (base/panic.h declares panic()). */
#pragma once

#include "base/addr.h"
#include "base/panic.h"
#include "cpu/trap_frame.h"

/* Installs the handlers of exceptions that the kernel itself must not cause. Boot only. */
void panic_init(void);
/* What ends a machine that could not boot: one sentence, no registers; status 125. Callers: boot.
 */
NORETURN void boot_stop(const char *format, ...) PRINTF_LIKE(1, 2);
/* A panic that was caused by the trap with this frame: registers and stack are the interrupted
 * code's. */
NORETURN void panic_at(const struct trap_frame *frame, const char *format, ...) PRINTF_LIKE(2, 3);
/* The same for a page fault at `address`. */
NORETURN void panic_at_address(const struct trap_frame *frame, virt_t address, const char *format,
                               ...) PRINTF_LIKE(3, 4);
/* Interrupts have been off for too long (kern/watchdog.h). */
NORETURN void panic_hang(const struct trap_frame *frame);
