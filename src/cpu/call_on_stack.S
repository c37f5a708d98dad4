/* SPDX-License-Identifier: MIT */
/* The mark of call_on_stack.h is rsp after the caller's registers have been pushed. */
    .text
    .globl call_on_stack
call_on_stack:
    push %rbp
    mov %rsp, %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rcx)
    mov %rcx, %rbx
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsp
    call *%rax
    mov $1, %eax
    mov (%rbx), %rsp
    jmp restore

    .globl call_on_stack_leave
call_on_stack_leave:
    mov %rdi, %rsp
    xor %eax, %eax
restore:
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret

    .section .note.GNU-stack, "", @progbits
