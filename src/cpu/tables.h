/* SPDX-License-Identifier: MIT */
/* GDT, TSS, IDT and the MSRs of SYSCALL: the tables that the CPU reads by itself. */
#pragma once

#include "base/addr.h"
#include "cpu/percpu.h"

/* For entry.S: a program's RFLAGS with one of these (DF, TF, NT, RF, AC ...) come back by iretq; all
 * do on a CPU that lacks SAHF in long mode. */
extern uint32_t syscall_slow_flags;

extern struct percpu percpu_boot; /* the boot CPU's */

/* Loads the tables with small static IST stacks and points GS at percpu_boot, whose kernel stack is
 * the boot stack. From here on an exception is reported instead of resetting the machine. Boot
 * only. */
void cpu_tables_init(void);
/* Replaces an IST stack: `top` is 16-byte aligned. Boot only. */
void cpu_tables_set_ist(unsigned ist, virt_t top);
/* Opens the `syscall` instruction. Boot only. */
void cpu_syscall_init(void);
