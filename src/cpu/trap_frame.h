/* SPDX-License-Identifier: MIT */
/*
 * The registers of whoever was interrupted or made a system call, as cpu/entry.S lays them on the
 * kernel stack. Offsets are shared with the assembler and asserted in cpu/tables.c.
 *
 *   high   ss rsp rflags cs rip     pushed by the CPU (or by the syscall entry in the same form)
 *          error vector             the CPU or the stub
 *          rdi rsi rdx rcx rax r8 r9 r10 r11 rbx rbp r12 r13 r14 r15
 *   low    <- struct trap_frame *
 */
#pragma once

/* Offsets, for the assembler. */
#define FRAME_R15    0
#define FRAME_R14    8
#define FRAME_R13    16
#define FRAME_R12    24
#define FRAME_RBP    32
#define FRAME_RBX    40
#define FRAME_R11    48
#define FRAME_R10    56
#define FRAME_R9     64
#define FRAME_R8     72
#define FRAME_RAX    80
#define FRAME_RCX    88
#define FRAME_RDX    96
#define FRAME_RSI    104
#define FRAME_RDI    112
#define FRAME_VECTOR 120
#define FRAME_ERROR  128
#define FRAME_RIP    136
#define FRAME_CS     144
#define FRAME_RFLAGS 152
#define FRAME_RSP    160
#define FRAME_SS     168
#define FRAME_SIZE   176

#ifndef __ASSEMBLER__
#include <stdint.h>

struct trap_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx;
    uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector; /* FRAME_VECTOR_SYSCALL for a system call */
    uint64_t error;  /* the CPU's error code; the number of the call for a system call */
    uint64_t rip, cs, rflags, rsp, ss;
};
#endif

#define FRAME_VECTOR_SYSCALL 0x100
#define FRAME_VECTOR_GS      0x101 /* GS base was not the kernel's: trap_set_gs_hook() */
