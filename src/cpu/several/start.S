/* SPDX-License-Identifier: MIT */
/*
 * The first instructions of a CPU that another has started (cpu/several/start.c): from real mode to 64-bit code in the high
 * half. They are copied to a frame below 1 MiB, so all addresses are relative to its start, which is in cs, then in ebx.
 */
#include "cpu/bits.h"
#include "cpu/several/start.h"
#include "cpu/selectors.h"

#define AT(label) (label - cpu_start_code)
#define CODE_32   0x18
#define PARAGRAPH 4

    .section .rodata.cpu_start, "a"
    .balign 16
    .globl cpu_start_code, cpu_start_code_end
    .code16
cpu_start_code:
    cli
    cld
    mov %cs, %ax
    mov %ax, %ds
    xor %ebx, %ebx
    mov %ax, %bx
    shl $PARAGRAPH, %ebx
    xor %eax, %eax
    xchg %eax, START_MAY /* locked; 0: the first CPU has given up waiting */
    test %eax, %eax
    jz .Llate
    lea AT(.Lgdt)(%ebx), %eax
    mov %eax, AT(.Lgdt_pointer) + 2
    lgdtl AT(.Lgdt_pointer)
    mov $CR0_PE + CR0_ET, %eax
    mov %eax, %cr0
    lea AT(.Lprotected)(%ebx), %eax
    mov %eax, AT(.Lfar)
    ljmpl *AT(.Lfar)
.Llate:
    hlt
    jmp .Llate

    .code32
.Lprotected:
    mov $SELECTOR_DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $CR4_PAE, %eax
    mov %eax, %cr4
    mov START_TABLES(%ebx), %eax
    mov %eax, %cr3
    mov $MSR_EFER, %ecx
    mov START_EFER(%ebx), %eax
    xor %edx, %edx
    wrmsr
    mov $CR0_KNOWN, %eax
    mov %eax, %cr0
    lea AT(.Llong)(%ebx), %eax
    mov %eax, AT(.Lfar)(%ebx)
    movw $SELECTOR_CODE, AT(.Lfar) + 4(%ebx)
    ljmp *AT(.Lfar)(%ebx)

    .code64
.Llong:
    mov START_STACK(%rbx), %rsp
    mov START_ROOT(%rbx), %rdi
    mov START_ENTRY(%rbx), %rax
    jmp *%rax

    .balign 8
.Lgdt:
    .quad 0
    .quad DESCRIPTOR_CODE
    .quad DESCRIPTOR_DATA
    .quad 0x00cf9b000000ffff /* flat 32-bit code */
.Lgdt_pointer:
    .short . - .Lgdt - 1
    .long 0
.Lfar:
    .long 0
    .short CODE_32
cpu_start_code_end:

    .text
    .globl cpu_start_entry
cpu_start_entry: /* the address of the first CPU's level-4 table is in rdi */
    mov %rdi, %cr3
    xor %ebp, %ebp
    call cpu_begin
    ud2

    .section .note.GNU-stack, "", @progbits
