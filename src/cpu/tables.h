/* SPDX-License-Identifier: MIT */
/* GDT, TSS, IDT and the MSRs of SYSCALL. */
#pragma once

#include "base/addr.h"
#include "cpu/cpus.h"

/* For entry.S: if RFLAGS has one of these bits (DF, TF, NT, RF, AC ...), the return to the program
 * is by iretq. All bits on a CPU without SAHF in long mode. */
extern uint32_t syscall_slow_flags;

#define percpu_boot percpus[0] /* the boot CPU's */

/* Loads the tables with small static IST stacks and points GS at percpu_boot, whose kernel stack is
 * the boot stack. From here on an exception is reported instead of resetting the machine. Boot. */
void cpu_tables_init(void);
/* Replaces an IST stack of a CPU: a kernel stack, whose `top` is 16-byte aligned. Boot. */
void cpu_tables_set_ist(unsigned cpu, unsigned ist, virt_t top);
/* Loads the tables of CPU `cpu`, which has IST stacks, on that CPU; GS points to percpus[cpu] then. */
void cpu_tables_load(unsigned cpu);
/* Enables the `syscall` instruction on this CPU. Boot. */
void cpu_syscall_init(void);
