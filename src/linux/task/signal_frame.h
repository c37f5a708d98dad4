/* SPDX-License-Identifier: MIT */
/*
 * The signal frame on the program's stack, in Linux's layout for x86-64 (asm/sigcontext.h,
 * asm/ucontext.h, sigframe.h), because handlers read and change it:
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

/* Addresses of the parts of a signal frame. */
struct signal_placement {
    uint64_t frame, fpstate;
    bool on_alternate; /* the frame starts at the top of the alternate stack */
};

/* Places the frame of a handler with these SA_* flags, called at stack pointer `rsp`. `fpu_size`
 * includes FP_XSTATE_MAGIC2. E_FAULT if the frame does not fit on the alternate stack. Pure. */
MUST_CHECK enum err signal_place(uint64_t rsp, uint64_t flags, const struct signal_stack *stack,
                                 uint64_t fpu_size, struct signal_placement *out);

/* True if rsp is on the alternate stack; as in Linux, always false for SS_AUTODISARM. Pure. */
bool signal_on_stack(uint64_t rsp, const struct signal_stack *stack);
/* The flags that sigaltstack() reports. Pure. */
uint32_t signal_stack_flags(uint64_t rsp, const struct signal_stack *stack);
/* sigaltstack(): sets a new stack, for a caller with stack pointer rsp. E_PERM if rsp is on the old
 * stack, E_INVAL, E_NOMEM if the new stack is too small. Pure. */
MUST_CHECK enum err signal_stack_change(struct signal_stack *stack, const struct signal_stack *to,
                                        uint64_t rsp);

/* The flags that rt_sigreturn() may change: CF PF AF ZF SF TF DF OF RF AC. */
#define SIGNAL_RFLAGS UINT64_C(0x50dd5)
/* True if code may go on with these selectors: 64-bit ones, Linux's or the kernel's, whatever their RPL. Pure. */
bool signal_selectors_ok(uint16_t cs, uint16_t ss);
/* Convert between trap frame and context. The context shows Linux's selectors. Loading ignores them, and the flags that a
 * program must not change. Pure. */
void signal_context_save(struct signal_context *to, const struct trap_frame *from);
void signal_context_load(struct trap_frame *to, const struct signal_context *from);

/* Builds the signal frame for `info` on the program's stack and sets `frame` to the entry of the
 * handler. E_FAULT: `frame` is unchanged. */
MUST_CHECK enum err signal_frame_push(struct trap_frame *frame, const struct signal_action *action,
                                      const struct siginfo *info, uint64_t old_mask);
/* rt_sigreturn(2): restores registers, blocked mask and alternate stack from the signal frame at
 * rsp - 8. On failure the caller forces SIGSEGV. As in Linux, registers with which the program cannot go on are restored
 * too, and its return to them raises SIGSEGV, which shows them. E_FAULT, E_INVAL. */
MUST_CHECK enum err signal_frame_pop(struct trap_frame *frame);

/* Maximum size of a signal frame, in bytes: AT_MINSIGSTKSZ. */
uint64_t signal_frame_max(void);
