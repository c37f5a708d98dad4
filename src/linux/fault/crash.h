/* SPDX-License-Identifier: MIT */
/* Reports of what went wrong: gathers the facts, which diag/text.h puts into words. */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "cpu/trap_frame.h"

/* Tells the report what only linux/ knows. Boot only. */
void crash_init(void);
/* The program is about to end by this signal. */
void crash_report(const struct trap_frame *frame, int signal, int code, uint64_t address);
/* It touched `at`, and no frame was left. */
void crash_out_of_memory(const struct trap_frame *frame, virt_t at);
/* The kernel itself faulted: a panic. */
NORETURN void crash_kernel_fault(const struct trap_frame *frame, virt_t at);
/* The program (or, a panic, the kernel) keeps interrupts off: the end of the machine. Callers: the NMI.
 */
void watchdog_stuck(const struct trap_frame *frame);
