/* SPDX-License-Identifier: MIT */
/*
 * What lies on the program's stack while a handler runs, exactly as Linux lays it out on x86-64
 * (asm/sigcontext.h, asm/ucontext.h, sigframe.h), because handlers read and change it:
 *
 *   high   the interrupted code's stack
 *          red zone, 128 bytes             not on an alternate stack
 *          FP_XSTATE_MAGIC2, 4 bytes       only with XSAVE
 *          FPU registers                   as FXSAVE or XSAVE stores them; 64-byte aligned
 *                                          <- sigcontext.fpstate
 *          struct signal_frame             (address + 8) % 16 == 0
 *   low                                    <- rsp of the handler
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "cpu/trap_frame.h"
#include "linux/abi/siginfo.h"

struct signal_context { /* struct sigcontext */
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
    uint16_t cs, gs, fs, ss;
    uint64_t error, trap_number, old_mask, cr2;
    uint64_t fpstate; /* address, 0 for none */
    uint64_t reserved[8];
};

struct signal_ucontext {
    uint64_t flags; /* UC_* */
    uint64_t link;
    struct signal_stack stack;
    struct signal_context context;
    uint64_t mask;
};

struct signal_frame {        /* struct rt_sigframe */
    uint64_t return_address; /* sa_restorer */
    struct signal_ucontext ucontext;
    struct siginfo info;
};

_Static_assert(sizeof(struct signal_context) == 256, "asm/sigcontext.h");
_Static_assert(sizeof(struct signal_ucontext) == 304, "asm/ucontext.h");
_Static_assert(sizeof(struct signal_frame) == 440, "sigframe.h");

#define UC_FP_XSTATE         1
#define UC_SIGCONTEXT_SS     2
#define UC_STRICT_RESTORE_SS 4

struct signal_software {    /* struct _fpx_sw_bytes, at offset 464 of the FXSAVE area */
    uint32_t magic1;        /* FP_XSTATE_MAGIC1 */
    uint32_t extended_size; /* with FP_XSTATE_MAGIC2 */
    uint64_t xfeatures;
    uint32_t xstate_size;
    uint32_t padding[7];
};

#define FP_XSTATE_MAGIC1 UINT32_C(0x46505853)
#define FP_XSTATE_MAGIC2 UINT32_C(0x46505845)
#define FXSAVE_SIZE      512
#define FXSAVE_SOFTWARE  464

/* Where things go when a handler with these flags is called at stack pointer `rsp`. */
struct signal_placement {
    uint64_t frame, fpstate;
    bool on_alternate; /* the frame starts at the top of the alternate stack */
};

/* Pure. `fpu_size` counts FP_XSTATE_MAGIC2. E_FAULT when it would not fit on the alternate
 * stack that the program is already using. */
MUST_CHECK enum err signal_place(uint64_t rsp, uint64_t flags, const struct signal_stack *stack,
                                 uint64_t fpu_size, struct signal_placement *out);

/* Is rsp on the alternate stack? False for SS_AUTODISARM, as Linux counts it. Pure. */
bool signal_on_stack(uint64_t rsp, const struct signal_stack *stack);
/* The flags that sigaltstack() shows. Pure. */
uint32_t signal_stack_flags(uint64_t rsp, const struct signal_stack *stack);
/* What sigaltstack() does with a new stack, for a caller whose stack pointer is rsp. E_PERM while
 * it stands on the old one, E_INVAL, E_NOMEM when it is too small. Pure. */
MUST_CHECK enum err signal_stack_change(struct signal_stack *stack, const struct signal_stack *to,
                                        uint64_t rsp);

/* Registers to a context and back. The way back takes what a program may choose: the flags that it
 * may set, no segment registers. Pure. */
void signal_context_save(struct signal_context *to, const struct trap_frame *from);
void signal_context_load(struct trap_frame *to, const struct signal_context *from);

/* Builds the frame for `info` on the program's stack and turns `frame` into the first instruction
 * of the handler. E_FAULT: nothing was changed. */
MUST_CHECK enum err signal_frame_push(struct trap_frame *frame, const struct signal_action *action,
                                      const struct siginfo *info, uint64_t old_mask);
/* rt_sigreturn: takes everything back from the frame at rsp - 8, the blocked mask too. E_FAULT,
 * E_INVAL: the program dies of SIGSEGV. */
MUST_CHECK enum err signal_frame_pop(struct trap_frame *frame);

/* Bytes that a handler's frame takes at most: AT_MINSIGSTKSZ. */
uint64_t signal_frame_max(void);
