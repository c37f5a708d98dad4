/* SPDX-License-Identifier: MIT */
/* The end of the kernel by its own fault (base/panic.h declares panic(), cpu/trap.h panic_at(), and mm/vm/fault.h
 * fault_of_kernel()). */
#pragma once

#include "base/addr.h"
#include "base/panic.h"
#include "cpu/trap.h"

/* What ends a machine that could not boot: one sentence, no registers; status 125. Callers: boot.
 */
NORETURN void boot_stop(const char *format, ...) PRINTF_LIKE(1, 2);
/* Interrupts have been off for too long (kern/watchdog.h). */
NORETURN void panic_hang(const struct trap_frame *frame);
