/* SPDX-License-Identifier: MIT */
/*
 * System calls by a jump. Program and kernel share ring 0, so the SYSCALL instruction is not
 * needed: plain instructions have the same effect (rcx = return address, r11 = flags, interrupts
 * off), and the kernel cannot distinguish the two.
 *
 *   call __ouro_protect
 *     -> eax = number, rcx -> label 2, r11 = flags, cli
 *        -> syscall_entry: same frame at the same place, same dispatcher, signals, time slices
 *     <- label 2: ret
 *
 * The instruction before label 2 is a SYSCALL with the same registers, because a call that a signal
 * interrupted is restarted at the return address minus two bytes. A program with TF or NT set uses it too: SYSCALL
 * clears both, while after a jump TF would trap at each instruction of the kernel, and with NT its IRET would fail.
 *
 * Each function has C's calling convention and returns the result of the system call: -errno on
 * failure.
 */
#include "cpu/bits.h"
#include "vdso/calls.h"
#include "vdso/vvar.h"

.macro enter_kernel
    mov %rcx, %r10 /* the fourth argument */
    pushfq
    .cfi_adjust_cfa_offset 8
    pop %r11
    .cfi_adjust_cfa_offset -8
    test $RFLAGS_TF | RFLAGS_NT, %r11d
    jnz 1f
    lea 2f(%rip), %rcx
    cld
    cli
    jmp *(__ehdr_start - VVAR_PAGE_SIZE + VVAR_KERNEL_ENTRY)(%rip)
1:  syscall
2:  ret
.endm

.macro function name
    .globl \name
    .type \name, @function
    .balign 16
\name:
    .cfi_startproc
.endm

.macro end name
    .cfi_endproc
    .size \name, . - \name
.endm

    .hidden __ehdr_start
    .text

/* int64_t __ouro_protect(void *start, size_t size, int prot): mprotect(2). */
function __ouro_protect
    mov $VDSO_CALL_MPROTECT, %eax
    enter_kernel
end __ouro_protect

/* int64_t __ouro_harvest(void *start, size_t size, int flags, uint64_t *bitmap):
 * linux/memory/sys_ouro.h. */
function __ouro_harvest
    mov $VDSO_CALL_HARVEST, %eax
    enter_kernel
end __ouro_harvest

/* int64_t __ouro_syscall(int64_t number, 6 arguments): syscall(2). */
function __ouro_syscall
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    mov %rcx, %rdx
    mov %r8, %rcx
    mov %r9, %r8
    mov 8(%rsp), %r9
    enter_kernel
end __ouro_syscall

    .section .note.GNU-stack, "", @progbits
