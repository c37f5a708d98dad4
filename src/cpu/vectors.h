/* SPDX-License-Identifier: MIT */
/* Vectors of exceptions (SDM 3A 6.3.1, 6.13) and interrupts; plain numbers, for the assembler too. */
#pragma once

#define VECTOR_DIVIDE               0
#define VECTOR_DEBUG                1
#define VECTOR_NMI                  2
#define VECTOR_BREAKPOINT           3
#define VECTOR_OVERFLOW             4
#define VECTOR_INVALID_OPCODE       6
#define VECTOR_DEVICE_NOT_AVAILABLE 7 /* an FPU instruction with CR0.TS set */
#define VECTOR_DOUBLE_FAULT         8
#define VECTOR_TSS                  10
#define VECTOR_SEGMENT              11 /* not present */
#define VECTOR_STACK                12
#define VECTOR_GENERAL_PROTECTION   13
#define VECTOR_PAGE_FAULT           14
#define VECTOR_X87                  16
#define VECTOR_ALIGNMENT            17
#define VECTOR_MACHINE_CHECK        18
#define VECTOR_SIMD                 19
#define VECTOR_CONTROL_PROTECTION   21
#define VECTOR_VMM_COMMUNICATION    29   /* AMD's (APM 2 8.2) */
#define VECTOR_SECURITY             30   /* AMD's */
#define VECTOR_EXCEPTIONS           32   /* below: exceptions; from here on: interrupts */
#define VECTOR_PIC                  0x20 /* 16 lines of the two 8259s */
#define VECTOR_TIMER                0x40
#define VECTOR_DEVICE               0x50 /* 32 vectors, cpu/ioapic.h */
#define VECTOR_KICK                 0x41 /* from another CPU: look at what it has for you (kern/cpus.h) */
#define VECTOR_TLB                  0x42 /* from another CPU: flush (cpu/cpus.h) */
#define VECTOR_CALL_32              0x80 /* Linux's 32-bit system calls, which are not there */
#define VECTOR_SPURIOUS             0xff
#define VECTOR_COUNT                256

/* The error code of #GP for a gate of the IDT: vector << 3 | 2 (SDM 3A 6.13). The CPU gives it to `int n`
 * in ring 3; trap_common and trap_raised_by_program() do so in ring 0. */
#define IDT_ERROR       2
#define IDT_ERROR_SHIFT 3
#define INT_SIZE        2 /* bytes of `int n` */

#define TRAP_STUB_SIZE  16 /* entry.S: vector n is at trap_stubs + n * this */
