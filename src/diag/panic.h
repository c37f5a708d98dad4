/* SPDX-License-Identifier: MIT */
/* Panics by hang, and the stop of a failed boot. base/panic.h declares panic(), cpu/trap.h those by exception, and
 * mm/vm/fault.h fault_of_kernel(). */
#pragma once

#include "base/addr.h"
#include "base/panic.h"
#include "cpu/trap.h"

/* Ends a machine that cannot boot, with one sentence and without a report; status 125. Boot. */
NORETURN void boot_stop(const char *format, ...) PRINTF_LIKE(1, 2);
/* Panics because interrupts have been off for too long (kern/watchdog.h). */
NORETURN void panic_hang(const struct trap_frame *frame);
