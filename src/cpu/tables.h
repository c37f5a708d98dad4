/* SPDX-License-Identifier: MIT */
/* GDT, TSS, IDT and the MSRs of SYSCALL. */
#pragma once

#include "base/addr.h"
#include "cpu/percpu.h"

/* For entry.S: if RFLAGS has one of these bits (DF, TF, NT, RF, AC ...), the return to the program
 * is by iretq. All bits on a CPU without SAHF in long mode. */
extern uint32_t syscall_slow_flags;

extern struct percpu percpu_boot; /* the boot CPU's */

/* Loads the tables with small static IST stacks and points GS at percpu_boot, whose kernel stack is
 * the boot stack. From here on an exception is reported instead of resetting the machine. Boot. */
void cpu_tables_init(void);
/* Replaces an IST stack: `top` is 16-byte aligned. Boot. */
void cpu_tables_set_ist(unsigned ist, virt_t top);
/* Enables the `syscall` instruction. Boot. */
void cpu_syscall_init(void);
