/* SPDX-License-Identifier: MIT */
/*
 * Signal frames on the program's stack. Kernel code does not use SIMD registers, so they still hold
 * the program's values: XSAVE writes them to the program's stack, XRSTOR loads them from there. If
 * XRSTOR raises #GP (malformed header, misaligned frame), the image is copied to the thread's save
 * area, corrected and loaded from there (SDM 1 13.8).
 */
#include "linux/task/signal_frame.h"

#include "base/panic.h"
#include "base/str.h"
#include "cpu/features.h"
#include "cpu/lock.h"
#include "cpu/selectors.h"
#include "cpu/vectors.h"
#include "cpu/x86.h"
#include "kern/thread.h"
#include "linux/task/process.h"
#include "linux/task/signal.h"
#include "mm/layout.h"
#include "mm/vm/fault.h"
#include "mm/vm/usercopy.h"

#define XSAVE_HEADER      512 /* offset: XSTATE_BV, XCOMP_BV, then zeros */
#define XSAVE_HEADER_SIZE 64
#define XSTATE_LEGACY     UINT64_C(3) /* x87 and SSE: what FXSAVE holds */
#define MXCSR_OFFSET      24

/* A struct signal_frame without its siginfo, which is copied out separately. */
struct signal_frame_head {
    uint64_t return_address;
    struct signal_ucontext ucontext;
};

_Static_assert(sizeof(struct signal_frame_head) == offsetof(struct signal_frame, info), "");

static uint64_t fpu_size(void)
{
    return cpu_features.xsave_size + (cpu_features.xsave ? sizeof(uint32_t) : 0);
}

uint64_t signal_frame_max(void)
{
    return align_up(sizeof(struct signal_frame) + 16 + 64 + fpu_size(), 16);
}

/* Saves the FPU registers to the program's stack, then the fields reserved for software.
 * E_FAULT. */
static MUST_CHECK enum err push_fpu(uint64_t to)
{
    uint64_t size = cpu_features.xsave_size;
    uint32_t magic2 = FP_XSTATE_MAGIC2;
    struct signal_software software = {0};
    enum err e;
    do {
        thread_own_fpu();
        e = fpu_out(virt(to), size);
    } while (e != E_OK && (e = copy_wait(e)) == E_OK);
    if (cpu_features.xsave) {
        software.magic1 = FP_XSTATE_MAGIC1;
        software.extended_size = (uint32_t)fpu_size();
        software.xfeatures = cpu_features.xcr0;
        software.xstate_size = (uint32_t)size;
    }
    if (e == E_OK)
        e = copy_out(virt(to + FXSAVE_SOFTWARE), &software, sizeof software);
    if (e == E_OK && cpu_features.xsave)
        e = copy_out(virt(to + size), &magic2, sizeof magic2);
    return e;
}

enum err signal_frame_push(struct trap_frame *frame, const struct signal_action *action,
                           const struct siginfo *info, uint64_t old_mask)
{
    struct linux_thread *lt = linux_current();
    struct signal_placement place;
    struct signal_frame_head out; /* each field is set below */

    /* SA_RESTORER is required, as in Linux. A handler above the program's half would fault in the
     * kernel's exit path. */
    if (!(action->flags & SA_RESTORER) || action->handler >= LAYOUT_PROGRAM_END)
        return E_FAULT;
    enum err e = signal_place(frame->rsp, action->flags, &lt->alternate_stack, fpu_size(), &place);
    if (e == E_OK)
        e = push_fpu(place.fpstate);
    if (e != E_OK)
        return e;

    out.return_address = action->restorer;
    out.ucontext.link = 0;
    out.ucontext.flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    if (cpu_features.xsave)
        out.ucontext.flags |= UC_FP_XSTATE;
    out.ucontext.stack = lt->alternate_stack;
    out.ucontext.mask = old_mask;
    signal_context_save(&out.ucontext.context, frame);
    out.ucontext.context.error = lt->trap_error;
    out.ucontext.context.trap_number = lt->trap_number;
    out.ucontext.context.cr2 = lt->trap_address;
    out.ucontext.context.old_mask = old_mask;
    out.ucontext.context.fpstate = place.fpstate;
    e = copy_out(virt(place.frame), &out, sizeof out);
    if (e == E_OK)
        e = copy_out(virt(place.frame + offsetof(struct signal_frame, info)), info, sizeof *info);
    if (e != E_OK)
        return e;

    thread_own_fpu();
    cpu_fpu_start();
    if (lt->alternate_stack.flags & SS_AUTODISARM)
        lt->alternate_stack = (struct signal_stack){.flags = SS_DISABLE};
    frame->rdi = (uint64_t)info->signal;
    frame->rsi = place.frame + offsetof(struct signal_frame, info);
    frame->rdx = place.frame + offsetof(struct signal_frame, ucontext);
    frame->rax = 0;
    frame->rsp = place.frame;
    frame->rip = action->handler;
    frame->rflags &= ~(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
    return E_OK;
}

/* True if the area is a full XSAVE image, false if only its FXSAVE part is valid. As in Linux, both
 * magic words must be present. E_INTR if a device has one. */
static bool is_extended(uint64_t from, enum err *e)
{
    struct signal_software software;
    uint32_t magic2;
    if (!cpu_features.xsave)
        return false;
    *e = copy_in(&software, virt(from + FXSAVE_SOFTWARE), sizeof software);
    if (*e != E_OK || software.magic1 != FP_XSTATE_MAGIC1 ||
        software.xstate_size != cpu_features.xsave_size ||
        software.xstate_size > software.extended_size)
        return false;
    *e = copy_in(&magic2, virt(from + software.xstate_size), sizeof magic2);
    return *e == E_OK && magic2 == FP_XSTATE_MAGIC2;
}

static void make_loadable(uint8_t *area, bool extended)
{
    uint32_t mxcsr;
    memcpy(&mxcsr, area + MXCSR_OFFSET, sizeof mxcsr);
    mxcsr &= cpu_features.mxcsr_mask;
    memcpy(area + MXCSR_OFFSET, &mxcsr, sizeof mxcsr);
    if (cpu_features.xsave) {
        uint64_t components = XSTATE_LEGACY;
        if (extended)
            memcpy(&components, area + XSAVE_HEADER, sizeof components);
        components &= cpu_features.xcr0;
        memset(area + XSAVE_HEADER, 0, XSAVE_HEADER_SIZE);
        memcpy(area + XSAVE_HEADER, &components, sizeof components);
    }
}

static MUST_CHECK enum err pop_fpu(uint8_t *area, uint64_t from)
{
    thread_own_fpu();
    if (from == 0) {
        cpu_fpu_reset(area);
        cpu_fpu_load(area);
        return E_OK;
    }
    enum err e = E_OK;
    bool extended = is_extended(from, &e);
    if (e == E_INTR || (extended && fpu_in(virt(from), cpu_features.xsave_size) == E_OK))
        return e;
    e = copy_in(area, virt(from), FXSAVE_SIZE);
    if (e == E_OK && extended)
        e = copy_in(area + FXSAVE_SIZE, virt(from + FXSAVE_SIZE),
                    cpu_features.xsave_size - FXSAVE_SIZE);
    if (e != E_OK)
        return e;
    make_loadable(area, extended);
    cpu_fpu_load(area);
    return E_OK;
}

/* What Linux's iretq to these registers raises. In the kernel's own it would be a panic. */
COLD static void fault_at_return(struct trap_frame *frame, const struct signal_ucontext *in)
{
    kernel_lock_alone();
    uint64_t rip = frame->rip;
    uint16_t cs = in->context.cs,
             ss = in->flags & UC_STRICT_RESTORE_SS ? in->context.ss : SELECTOR_DATA;
    if ((uint64_t)((int64_t)(rip << 16) >> 16) == rip && signal_selectors_ok(cs, ss)) {
        frame->vector = VECTOR_PAGE_FAULT;
        frame->error = PF_EXECUTE | PF_PRESENT; /* so Linux hides which addresses are its own */
        signal_from_fault(frame, SIGNAL_SEGV, SEGV_MAPERR, rip);
        return;
    }
    frame->vector = VECTOR_GENERAL_PROTECTION;
    frame->error = !signal_selectors_ok(cs, SELECTOR_DATA)   ? cs & ~3u
                   : !signal_selectors_ok(SELECTOR_CODE, ss) ? ss & ~3u
                                                             : 0;
    signal_from_fault(frame, SIGNAL_SEGV, SI_KERNEL, 0);
}

enum err signal_frame_pop(struct trap_frame *frame)
{
    struct linux_thread *lt = linux_current();
    struct signal_ucontext in;
    uint64_t at = frame->rsp - sizeof(uint64_t); /* ret popped the return address */
    enum err e = copy_in(&in, virt(at + offsetof(struct signal_frame, ucontext)), sizeof in);
    if (e != E_OK)
        return e;
    e = pop_fpu(lt->fpu, in.context.fpstate);
    if (e != E_OK)
        return e;
    signal_context_load(frame, &in.context);
    frame->vector = 0; /* restore all registers: entry.S returns by iretq */
    signal_set_blocked(in.mask);
    /* As in Linux, a stack that sigaltstack() would reject is ignored. */
    (void)!signal_stack_change(&lt->alternate_stack, &in.stack, frame->rsp);
    uint16_t ss = in.flags & UC_STRICT_RESTORE_SS ? in.context.ss : SELECTOR_DATA;
    if (frame->rip >= LAYOUT_PROGRAM_END || !signal_selectors_ok(in.context.cs, ss))
        fault_at_return(frame, &in);
    return E_OK;
}
