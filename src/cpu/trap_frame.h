/* SPDX-License-Identifier: MIT */
/*
 * The registers of the interrupted code or of a system call, as cpu/entry.S lays them on the kernel
 * stack. Offsets are shared with the assembler and asserted in cpu/tables.c.
 *
 *   high   ss rsp rflags cs rip     pushed by the CPU (or by the syscall entry in the same form)
 *          error vector             the CPU or the stub
 *          rdi rsi rdx rcx rax r8 r9 r10 r11 rbx rbp r12 r13 r14 r15
 *   low    <- struct trap_frame *
 */
#pragma once

/* Offsets, for the assembler. */
#define TRAP_FRAME_R15    0
#define TRAP_FRAME_R14    8
#define TRAP_FRAME_R13    16
#define TRAP_FRAME_R12    24
#define TRAP_FRAME_RBP    32
#define TRAP_FRAME_RBX    40
#define TRAP_FRAME_R11    48
#define TRAP_FRAME_R10    56
#define TRAP_FRAME_R9     64
#define TRAP_FRAME_R8     72
#define TRAP_FRAME_RAX    80
#define TRAP_FRAME_RCX    88
#define TRAP_FRAME_RDX    96
#define TRAP_FRAME_RSI    104
#define TRAP_FRAME_RDI    112
#define TRAP_FRAME_VECTOR 120
#define TRAP_FRAME_ERROR  128
#define TRAP_FRAME_RIP    136
#define TRAP_FRAME_CS     144
#define TRAP_FRAME_RFLAGS 152
#define TRAP_FRAME_RSP    160
#define TRAP_FRAME_SS     168
#define TRAP_FRAME_SIZE   176

#ifndef __ASSEMBLER__
#include <stdint.h>

struct trap_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx;
    uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector; /* FRAME_VECTOR_SYSCALL for a system call */
    uint64_t error;  /* the CPU's error code, or the number of the system call */
    uint64_t rip, cs, rflags, rsp, ss;
};
#endif

#define FRAME_VECTOR_SYSCALL 0x100
#define FRAME_VECTOR_GS      0x101 /* GS base was not the kernel's: trap_gs_restored() */
