/* SPDX-License-Identifier: MIT */
/*
 * The loops that access program memory. A fault inside [usercopy_start, usercopy_end) that cannot
 * be resolved continues at usercopy_fault; the functions keep nothing on the stack, so that returns
 * to their caller, with the negative error number that usercopy_abort() has put into r8. One inside usercopy_copy() continues at NAME_tail, which copies the bytes
 * of the step before the one that faults; the labels NAME_32, NAME_8, NAME_4 and NAME_1 tell the size of
 * the step. In [usercopy_waiting, usercopy_waiting_end) a fault sleeps until a device has given the page. Plain loads and stores rather than string instructions: see base/str.c.
 */
    .text
    .globl usercopy_start, usercopy_end, usercopy_fault
    .globl usercopy_waiting, usercopy_waiting_end
usercopy_start:

/* The loop, twice, with the same offsets: usercopy_abort() knows the labels of the first. */
.macro COPY name
    .globl \name, \name\()_copied, \name\()_tail, \name\()_32, \name\()_8, \name\()_4, \name\()_1
    .balign 16
\name:
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
\name\()_32:
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
\name\()_8:
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
\name\()_4:
    mov (%rsi), %eax
    mov %eax, (%rdi)
    jz 6f
    add $4, %rsi
    add $4, %rdi
    jmp 5f
7:  add $4, %rdx
\name\()_1:
5:  mov (%rsi), %al
    mov %al, (%rdi)
    inc %rsi
    inc %rdi
    dec %rdx
    jnz 5b
6:  xor %eax, %eax
    ret
\name\()_copied:
/* The rest after a fault: rcx bytes, of which one faults. */
    .balign 16
\name\()_tail:
    mov (%rsi), %al
    mov %al, (%rdi)
    inc %rsi
    inc %rdi
    dec %rcx
    jnz \name\()_tail
    mov %r8, %rax
    ret
.endm

/* int64_t usercopy_copy(void *to, const void *from, size_t size): 0, or -error after a fault. */
    COPY usercopy_copy

/* As usercopy_copy(). */
    .balign 16
usercopy_waiting:
    COPY usercopy_copy_out

/* int64_t usercopy_word(void *to, uint64_t word): 0, or -error after a fault, with no byte written. */
    .globl usercopy_word
    .balign 16
usercopy_word:
    mov %rsi, (%rdi)
    xor %eax, %eax
    ret
usercopy_waiting_end:

/* int64_t usercopy_change(uint32_t *at, uint32_t old, uint32_t now): what was there, which has become `now` if it was `old`; -error
 * after a fault. */
    .globl usercopy_change
    .balign 16
usercopy_change:
    mov %esi, %eax
    lock cmpxchg %edx, (%rdi)
    ret

/* int64_t usercopy_clear(void *to, size_t size): 0, or -error after a fault. */
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

/* int64_t usercopy_string(char *to, const char *from, size_t size): the string's length, its NUL
 * copied too; size if there is no NUL; -error after a fault. */
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

/* int64_t usercopy_xsave(void *to, uint64_t components), usercopy_fxsave(void *to): 0, or -error
 * after a fault. */
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

/* int64_t usercopy_xrstor(const void *from, uint64_t components): 0, or -error after a fault or
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
    mov %r8, %rax
    ret

    .section .note.GNU-stack, "", @progbits
