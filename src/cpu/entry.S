/* SPDX-License-Identifier: MIT */
/*
 * All code that switches stacks.
 *
 * Traps. In ring 0 the CPU does not switch stacks by itself, an unmodified program keeps live data
 * in the red zone, the 128 bytes below its rsp, and its stack may be what has just hit its guard
 * page. So each vector enters on an IST stack (cpu/tables.c), with interrupts off. trap_common then
 * builds the frame where it belongs and leaves the IST stack at once, so that faults nest and
 * handlers may block:
 *
 *   interrupted rsp inside the running thread's kernel stack?
 *     yes, room below    frame just below it (the kernel has no red zone)
 *     yes, no room       the kernel stack itself overflowed: reported from the IST stack
 *     no                 the program was running: frame at the top of the kernel stack
 *
 * A frame at the very top is therefore the program's, any other the kernel's: trap_from_program().
 * Double fault, NMI and machine check stay on stacks of their own.
 *
 * `int n` reaches each vector from ring 0, and pushes no error code. It becomes what it is in ring 3:
 * #GP with the error code 8n + 2, at the instruction. Where the CPU pushes an error code, its absence shows
 * in the alignment of rsp; the other vectors are looked at in C (trap_raised_by_program()).
 *
 * GS. A program in ring 0 can load GS base with any value, so nothing here trusts GS before the
 * comparison with the struct percpu pointer that stands above each IST stack. If GS base is not
 * mapped, the comparison faults, and that fault is recognized by its rip.
 *
 * System calls. `syscall` switches no stack; the entry builds the same frame at the same place.
 * Return is by jump: sti's shadow covers the jump, so no interrupt sees the program's rsp with the
 * kernel's rip.
 */
#include "cpu/bits.h"
#include "cpu/percpu.h"
#include "cpu/selectors.h"
#include "cpu/trap_frame.h"
#include "cpu/vectors.h"

#define STACK_SLACK 1024 /* bytes that a handler needs below its frame */
#define STACK_ALIGN 16
#define CODE_ALIGN  16

#define WORD        8    /* bytes of a push */
#define MSR_HALF    32   /* bits: edx holds the high half in rdmsr and wrmsr */
#define BYTE_MAX    0x7f /* signed: adding 1 sets OF, adding 0 clears it */

/* On the IST stack, trap_common saves rax, rcx and rdx below the part of the frame that the CPU and
 * the stub push. Above that part is a pointer to the CPU's struct percpu. */
#define IST_RDX     0
#define IST_RCX     (IST_RDX + WORD)
#define IST_RAX     (IST_RCX + WORD)
#define IST_VECTOR  (IST_RAX + WORD)
#define IST_RIP     (IST_VECTOR + TRAP_FRAME_RIP - TRAP_FRAME_VECTOR)
#define IST_RSP     (IST_VECTOR + TRAP_FRAME_RSP - TRAP_FRAME_VECTOR)
#define IST_PERCPU  (IST_VECTOR + TRAP_FRAME_SIZE - TRAP_FRAME_VECTOR)

/* The fast path pushes the six arguments, in the order of syscall_fast_dispatch(), then rflags and
 * rip. */
#define FAST_ARGS   (6 * WORD)
#define FAST_RFLAGS FAST_ARGS
#define FAST_RIP    (FAST_RFLAGS + WORD)

/* Push and pop the general registers in the order of struct trap_frame, from below `vector`
 * down. */
.macro push_registers
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %rax
    push %r8
    push %r9
    push %r10
    push %r11
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
.endm

.macro pop_registers
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rax
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
.endm

    .section .text.entry, "ax"

/* On the IST stack, which the CPU has aligned: vector, rip, cs, rflags, rsp, ss. */
.Lno_error_code:
    push (%rsp)
    shll $IDT_ERROR_SHIFT, WORD(%rsp)
    orl $IDT_ERROR, WORD(%rsp)
    movl $VECTOR_GENERAL_PROTECTION, (%rsp)
    subq $INT_SIZE, TRAP_FRAME_RIP - TRAP_FRAME_VECTOR(%rsp)
    jmp trap_common

trap_with_error:
    testb $WORD, %spl
    jz .Lno_error_code
/* On the IST stack: vector, error, rip, cs, rflags, rsp, ss. */
trap_common:
    push %rax
    push %rcx
    push %rdx
    mov IST_PERCPU(%rsp), %rdx
    lea .Lgs_check(%rip), %rax
    cmp %rax, IST_RIP(%rsp)
    je .Lgs_leads_nowhere
    mov IST_RSP(%rsp), %rax
    mov PERCPU_KSTACK_LOW(%rdx), %rcx
    cmp PERCPU_KSTACK_TOP(%rdx), %rax
    ja from_program
    sub $PERCPU_KSTACK_GUARD, %rcx
    cmp %rcx, %rax
    jb from_program
    add $PERCPU_KSTACK_GUARD + TRAP_FRAME_SIZE + STACK_SLACK, %rcx
    cmp %rcx, %rax
    jb kernel_stack_overflow
    and $-STACK_ALIGN, %rax
    jmp build_frame
from_program:
    mov PERCPU_KSTACK_TOP(%rdx), %rax
build_frame:
    sub $TRAP_FRAME_SIZE, %rax
    mov %r15, TRAP_FRAME_R15(%rax)
    mov %r14, TRAP_FRAME_R14(%rax)
    mov %r13, TRAP_FRAME_R13(%rax)
    mov %r12, TRAP_FRAME_R12(%rax)
    mov %rbp, TRAP_FRAME_RBP(%rax)
    mov %rbx, TRAP_FRAME_RBX(%rax)
    mov %r11, TRAP_FRAME_R11(%rax)
    mov %r10, TRAP_FRAME_R10(%rax)
    mov %r9, TRAP_FRAME_R9(%rax)
    mov %r8, TRAP_FRAME_R8(%rax)
    mov %rsi, TRAP_FRAME_RSI(%rax)
    mov %rdi, TRAP_FRAME_RDI(%rax)
    mov %rdx, %rdi
    pop %rdx
    mov %rdx, TRAP_FRAME_RDX(%rax)
    pop %rcx
    mov %rcx, TRAP_FRAME_RCX(%rax)
    popq TRAP_FRAME_RAX(%rax)
    popq TRAP_FRAME_VECTOR(%rax)
    popq TRAP_FRAME_ERROR(%rax)
    popq TRAP_FRAME_RIP(%rax)
    popq TRAP_FRAME_CS(%rax)
    popq TRAP_FRAME_RFLAGS(%rax)
    popq TRAP_FRAME_RSP(%rax)
    popq TRAP_FRAME_SS(%rax)
    mov %rax, %rsp
    cld
.Lgs_check:
    cmp %gs:PERCPU_SELF, %rdi
    jne .Lgs_is_wrong
    mov %rsp, %rdi
    call trap_dispatch
trap_return:
    pop_registers
    add $TRAP_FRAME_RIP - TRAP_FRAME_VECTOR, %rsp
    iretq

/* The comparison faulted: that fault is dropped; the frame that it interrupted is complete. */
.Lgs_leads_nowhere:
    mov IST_RSP(%rsp), %rsp
    mov %rdx, %rdi
.Lgs_is_wrong:
    mov %rdi, %rbx
    mov $MSR_GS_BASE, %ecx
    rdmsr
    shl $MSR_HALF, %rdx
    lea (%rax, %rdx), %rsi
    mov %ebx, %eax
    mov %rbx, %rdx
    shr $MSR_HALF, %rdx
    wrmsr
    mov %rsp, %rdi
    call trap_gs_lost
    jmp trap_return

/* Too little room below the interrupted kernel frame: complete the frame here, on the IST stack. */
kernel_stack_overflow:
    pop %rdx
    pop %rcx
    pop %rax
    push_registers
    cld
    mov %rsp, %rdi
    call trap_kernel_stack_overflow
    ud2

/* Vectors with a stack of their own (double fault, NMI, machine check). */
/* `int 2` masks no NMI, so one may arrive in its handler: it gets another part of the stack. */
    .globl trap_nmi, trap_nmi_moved
trap_nmi:
    push %rax
    mov IST_PERCPU - IST_RAX(%rsp), %rax
    mov PERCPU_TSS(%rax), %rax
    subq $NMI_ROOM, TSS_IST_NMI(%rax)
trap_nmi_moved:
    pop %rax
    push_registers
    cld
    mov %rsp, %rdi
    call trap_dispatch_paranoid
    mov TRAP_FRAME_SIZE(%rsp), %rdx
    mov PERCPU_TSS(%rdx), %rdx
    addq $NMI_ROOM, TSS_IST_NMI(%rdx)
    jmp .Lparanoid_end

trap_paranoid_with_error:
    testb $WORD, %spl
    jz .Lno_error_code
trap_paranoid:
    push_registers
    cld
    mov %rsp, %rdi
    call trap_dispatch_paranoid
.Lparanoid_end:
    test %al, %al
    jz trap_return
    pop_registers /* `int 2` or `int 18`: the frame is that of #GP now */
    jmp trap_common

/* rcx: rip, r11: rflags of the program; FMASK has cleared IF, DF, TF and AC. */
    .globl syscall_entry
    .globl syscall_leave, syscall_fast_leave
    .balign CODE_ALIGN
syscall_entry:
    mov %rsp, %gs:PERCPU_PROGRAM_RSP
    mov %gs:PERCPU_KSTACK_TOP, %rsp
.Lentry_stack:
    cmp $FAST_NUMBERS, %eax
    jae 1f
    bt %eax, syscall_fast(%rip)
    jc fast_path
1:  pushq $SELECTOR_DATA
    pushq %gs:PERCPU_PROGRAM_RSP
    push %r11
    pushq $SELECTOR_CODE
    push %rcx
    push %rax
    pushq $FRAME_VECTOR_SYSCALL
    push_registers
.Lentry_end: /* end of the code in which rcx and r11 are as `syscall` left them */
    mov %rsp, %rdi
    call syscall_dispatch
    /* The dispatcher changes frame->vector if rcx, r11 or rflags must be restored exactly. */
    cmpl $FRAME_VECTOR_SYSCALL, TRAP_FRAME_VECTOR(%rsp)
    jne trap_return
    mov TRAP_FRAME_RFLAGS(%rsp), %r11
    test syscall_slow_flags(%rip), %r11d
    jnz trap_return
    bt $RFLAGS_OF_BIT, %r11d
    setc %al
    add $BYTE_MAX, %al /* OF */
    mov TRAP_FRAME_RFLAGS(%rsp), %ah
    sahf /* SF, ZF, AF, PF, CF; nothing from here on changes a flag */
    /* rbx, rbp, r12-r15 already hold the program's values: callee-saved in C. */
    mov TRAP_FRAME_R10(%rsp), %r10
    mov TRAP_FRAME_R9(%rsp), %r9
    mov TRAP_FRAME_R8(%rsp), %r8
    mov TRAP_FRAME_RAX(%rsp), %rax
    mov TRAP_FRAME_RDX(%rsp), %rdx
    mov TRAP_FRAME_RSI(%rsp), %rsi
    mov TRAP_FRAME_RDI(%rsp), %rdi
    mov TRAP_FRAME_RIP(%rsp), %rcx
    mov TRAP_FRAME_RSP(%rsp), %rsp
    sti
syscall_leave:
    jmp *%rcx

/* The fast path (linux/call/syscall.h): no frame, interrupts off. Flags that only iretq restores
 * lead to the full frame. */
fast_path:
    test syscall_slow_flags(%rip), %r11d
    jnz 1b
    push %rcx
    push %r11
    push %r9
    push %r8
    push %r10
    push %rdx
    push %rsi
    push %rdi
.Lfast_end: /* end of the code in which rcx and r11 are as `syscall` left them */
    mov %eax, %esi
    mov %rsp, %rdi
    call syscall_fast_dispatch
    mov FAST_RFLAGS(%rsp), %r11
    mov %rax, %rdx
    bt $RFLAGS_OF_BIT, %r11d
    setc %al
    add $BYTE_MAX, %al /* OF */
    mov FAST_RFLAGS(%rsp), %ah
    sahf
    mov %rdx, %rax
    pop %rdi
    pop %rsi
    pop %rdx
    pop %r10
    pop %r8
    pop %r9
    mov FAST_RIP - FAST_ARGS(%rsp), %rcx
    mov %gs:PERCPU_PROGRAM_RSP, %rsp
    sti
syscall_fast_leave:
    jmp *%rcx

/* switch_stacks(uint64_t *save_rsp, uint64_t load_rsp): the callee-saved registers and rsp. */
    .globl switch_stacks
    .balign CODE_ALIGN
switch_stacks:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret

/* First code of a new thread: r12 is the function, r13 its argument (set up in kern/thread.c).
 * thread_run() does not return. */
    .globl thread_entry
thread_entry:
    xor %ebp, %ebp
    mov %r12, %rdi
    mov %r13, %rsi
    call thread_run
    ud2

/* enter_program(struct trap_frame *): loads every register from the frame. Does not return. */
    .globl enter_program
enter_program:
    cli
    mov %rdi, %rsp
    jmp trap_return

/* The vector stubs; tables.c computes their addresses. The CPU pushes an error code for some
 * exceptions; for the others the stub pushes 0. */
    .balign TRAP_STUB_SIZE
    .globl trap_stubs
trap_stubs:
    .set vector, 0
    .rept VECTOR_COUNT
    .balign TRAP_STUB_SIZE
    .if vector == VECTOR_DOUBLE_FAULT
    pushq $vector
    jmp trap_paranoid_with_error
    .elseif (vector >= VECTOR_TSS && vector <= VECTOR_PAGE_FAULT) || (vector == VECTOR_ALIGNMENT) || (vector == VECTOR_CONTROL_PROTECTION) || (vector == VECTOR_VMM_COMMUNICATION) || (vector == VECTOR_SECURITY)
    pushq $vector
    jmp trap_with_error
    .else
    pushq $0
    pushq $vector
    .if vector == VECTOR_NMI
    jmp trap_nmi
    .elseif vector == VECTOR_MACHINE_CHECK
    jmp trap_paranoid
    .else
    jmp trap_common
    .endif
    .endif
    .set vector, vector + 1
    .endr

/* For trap_gs_lost(): the entry's first instruction, the first one after its change of stacks, and
 * the end of the code in which rcx and r11 are the program's; start and end of the fast path. */
    .section .rodata.entry_marks, "a"
    .globl syscall_entry_marks
    .balign 8
syscall_entry_marks:
    .quad syscall_entry, .Lentry_stack, .Lentry_end, fast_path, .Lfast_end

    .section .note.GNU-stack, "", @progbits
