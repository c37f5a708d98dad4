/* SPDX-License-Identifier: MIT */
/* What a program does that the CPU takes otherwise in ring 0 than in ring 3, or that Linux emulates. Defines
 * trap_raised_by_program() (cpu/trap.h). */
#pragma once

#include "base/addr.h"
#include "cpu/trap_frame.h"

#include <stdbool.h>

#define VSYSCALL_PAGE UINT64_C(0xffffffffff600000)
#define VSYSCALL_STEP 1024

/* Completes an instruction that loads one of Linux's user selectors, which the GDT lacks: mov and pop to a segment
 * register, lret, iret. False: the frame, of #GP, is no such instruction. Callers: exceptions, interrupts on. */
bool emulate_selector(struct trap_frame *frame);
/* Completes a call of the vsyscall page, as old static programs make: gettimeofday(), time(), getcpu(). False: the fetch
 * at v, which has faulted, is none. Callers: page faults. */
bool emulate_vsyscall(struct trap_frame *frame, virt_t v);
