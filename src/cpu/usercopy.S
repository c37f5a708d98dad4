/* SPDX-License-Identifier: MIT */
/*
 * The loops that access program memory. A fault inside [usercopy_start, usercopy_end) that cannot
 * be resolved continues at usercopy_fault; the functions keep nothing on the stack, so that returns
 * -1 to their caller. One inside usercopy_copy() continues at usercopy_tail, which copies the bytes
 * of the step before the one that faults; the labels usercopy_32, usercopy_8, usercopy_4 and usercopy_1 tell the
 * size of the step. Plain loads and stores rather than string instructions: see base/str.c.
 */
    .text
    .globl usercopy_start, usercopy_end, usercopy_fault
    .globl usercopy_32, usercopy_8, usercopy_4, usercopy_1, usercopy_copied, usercopy_tail
usercopy_start:

/* uint64_t usercopy_copy(void *to, const void *from, size_t size): 0, or -1 after a fault. */
    .globl usercopy_copy
    .balign 16
usercopy_copy:
    sub $64, %rdx
    jb 2f
1:  mov (%rsi), %rax
    mov 8(%rsi), %rcx
    mov 16(%rsi), %r8
    mov 24(%rsi), %r9
    mov %rax, (%rdi)
    mov %rcx, 8(%rdi)
    mov %r8, 16(%rdi)
    mov %r9, 24(%rdi)
    mov 32(%rsi), %rax
    mov 40(%rsi), %rcx
    mov 48(%rsi), %r8
    mov 56(%rsi), %r9
    mov %rax, 32(%rdi)
    mov %rcx, 40(%rdi)
    mov %r8, 48(%rdi)
    mov %r9, 56(%rdi)
    add $64, %rsi
    add $64, %rdi
    sub $64, %rdx
    jae 1b
2:  add $64, %rdx
    cmp $8, %rdx
    jb 4f
    test $32, %dl
    jz 3f
usercopy_32:
    mov (%rsi), %rax
    mov 8(%rsi), %rcx
    mov 16(%rsi), %r8
    mov 24(%rsi), %r9
    mov %rax, (%rdi)
    mov %rcx, 8(%rdi)
    mov %r8, 16(%rdi)
    mov %r9, 24(%rdi)
    add $32, %rsi
    add $32, %rdi
    sub $32, %rdx
    cmp $8, %rdx
    jb 4f
usercopy_8:
3:  mov (%rsi), %rax
    mov %rax, (%rdi)
    add $8, %rsi
    add $8, %rdi
    sub $8, %rdx
    cmp $8, %rdx
    jae 3b
4:  test %rdx, %rdx
    jz 6f
    sub $4, %rdx
    jb 7f
usercopy_4:
    mov (%rsi), %eax
    mov %eax, (%rdi)
    jz 6f
    add $4, %rsi
    add $4, %rdi
    jmp 5f
7:  add $4, %rdx
usercopy_1:
5:  mov (%rsi), %al
    mov %al, (%rdi)
    inc %rsi
    inc %rdi
    dec %rdx
    jnz 5b
usercopy_copied:
6:  xor %eax, %eax
    ret

/* The rest of usercopy_copy() after a fault: rcx bytes, of which one faults. */
    .balign 16
usercopy_tail:
    mov (%rsi), %al
    mov %al, (%rdi)
    inc %rsi
    inc %rdi
    dec %rcx
    jnz usercopy_tail
    mov $-1, %rax
    ret

/* uint64_t usercopy_word(void *to, uint64_t word): 0, or -1 after a fault, with no byte written. */
    .globl usercopy_word
    .balign 16
usercopy_word:
    mov %rsi, (%rdi)
    xor %eax, %eax
    ret

/* uint64_t usercopy_clear(void *to, size_t size): 0, or -1 after a fault. */
    .globl usercopy_clear
    .balign 16
usercopy_clear:
    xor %eax, %eax
    sub $32, %rsi
    jb 6f
5:  mov %rax, (%rdi)
    mov %rax, 8(%rdi)
    mov %rax, 16(%rdi)
    mov %rax, 24(%rdi)
    add $32, %rdi
    sub $32, %rsi
    jae 5b
6:  add $32, %rsi
    cmp $8, %rsi
    jb 2f
1:  mov %rax, (%rdi)
    add $8, %rdi
    sub $8, %rsi
    cmp $8, %rsi
    jae 1b
2:  test %rsi, %rsi
    jz 4f
3:  movb %al, (%rdi)
    inc %rdi
    dec %rsi
    jnz 3b
4:  ret

/* uint64_t usercopy_string(char *to, const char *from, size_t size): the string's length, its NUL
 * copied too; size if there is no NUL; -1 after a fault. */
    .globl usercopy_string
    .balign 16
usercopy_string:
    xor %eax, %eax
1:  cmp %rdx, %rax
    je 2f
    mov (%rsi, %rax), %cl
    mov %cl, (%rdi, %rax)
    test %cl, %cl
    jz 2f
    inc %rax
    jmp 1b
2:  ret

/* uint64_t usercopy_xsave(void *to, uint64_t components), usercopy_fxsave(void *to): 0, or -1 after
 * a fault. */
    .globl usercopy_xsave, usercopy_fxsave
    .balign 16
usercopy_xsave:
    mov %esi, %eax
    mov %rsi, %rdx
    shr $32, %rdx
    xsave64 (%rdi)
    xor %eax, %eax
    ret
usercopy_fxsave:
    fxsave64 (%rdi)
    xor %eax, %eax
    ret

/* uint64_t usercopy_xrstor(const void *from, uint64_t components): 0, or -1 after a fault or
 * #GP. */
    .globl usercopy_xrstor
    .balign 16
usercopy_xrstor:
    mov %esi, %eax
    mov %rsi, %rdx
    shr $32, %rdx
    xrstor64 (%rdi)
    xor %eax, %eax
    ret
usercopy_end:

usercopy_fault:
    mov $-1, %rax
    ret

    .section .note.GNU-stack, "", @progbits
