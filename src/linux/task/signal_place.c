/* SPDX-License-Identifier: MIT */
/* The pure functions of signal_frame.h: placement, alternate stack, register contexts. */
#include "linux/task/signal_frame.h"

#include "cpu/selectors.h"

#define RED_ZONE 128

static bool inside(uint64_t rsp, const struct signal_stack *stack)
{
    return rsp > stack->base && rsp - stack->base <= stack->size;
}

bool signal_on_stack(uint64_t rsp, const struct signal_stack *stack)
{
    return !(stack->flags & SS_AUTODISARM) && inside(rsp, stack);
}

uint32_t signal_stack_flags(uint64_t rsp, const struct signal_stack *stack)
{
    uint32_t kept = stack->flags & SS_AUTODISARM;
    if (stack->size == 0)
        return SS_DISABLE | kept;
    return (signal_on_stack(rsp, stack) ? SS_ONSTACK : 0) | kept;
}

enum err signal_stack_change(struct signal_stack *stack, const struct signal_stack *to,
                             uint64_t rsp)
{
    uint32_t mode = to->flags & ~SS_AUTODISARM;
    if (signal_on_stack(rsp, stack))
        return E_PERM;
    if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
        return E_INVAL;
    if (mode == SS_DISABLE) {
        *stack = (struct signal_stack){.flags = to->flags};
        return E_OK;
    }
    if (to->size < MINSIGSTKSZ)
        return E_NOMEM;
    *stack = (struct signal_stack){.base = to->base, .flags = to->flags, .size = to->size};
    return E_OK;
}

enum err signal_place(uint64_t rsp, uint64_t flags, const struct signal_stack *stack,
                      uint64_t fpu_size, struct signal_placement *out)
{
    bool nested = signal_on_stack(rsp, stack);
    bool entering = (flags & SA_ONSTACK) && stack->size != 0 && !nested;
    uint64_t top = entering ? stack->base + stack->size : rsp - RED_ZONE;
    uint64_t fpstate = align_down(top - fpu_size, 64);
    uint64_t frame = align_down(fpstate - sizeof(struct signal_frame), 16) - 8;
    if (frame > (entering ? top : rsp))
        return E_FAULT; /* below address 0 */
    if ((nested || entering) && !inside(frame, stack))
        return E_FAULT;
    *out = (struct signal_placement){frame, fpstate, entering};
    return E_OK;
}

bool signal_selectors_ok(uint16_t cs, uint16_t ss)
{
    cs |= 3;
    ss |= 3;
    return (cs == SELECTOR_LINUX_CODE || cs == (SELECTOR_CODE | 3)) &&
           (ss == SELECTOR_LINUX_DATA || ss == (SELECTOR_DATA | 3));
}

void signal_context_save(struct signal_context *to, const struct trap_frame *from)
{
    *to = (struct signal_context){
        .r8 = from->r8,
        .r9 = from->r9,
        .r10 = from->r10,
        .r11 = from->r11,
        .r12 = from->r12,
        .r13 = from->r13,
        .r14 = from->r14,
        .r15 = from->r15,
        .rdi = from->rdi,
        .rsi = from->rsi,
        .rbp = from->rbp,
        .rbx = from->rbx,
        .rdx = from->rdx,
        .rax = from->rax,
        .rcx = from->rcx,
        .rsp = from->rsp,
        .rip = from->rip,
        .rflags = from->rflags,
        .cs = SELECTOR_LINUX_CODE,
        .ss = SELECTOR_LINUX_DATA,
    };
}

void signal_context_load(struct trap_frame *to, const struct signal_context *from)
{
    to->r8 = from->r8;
    to->r9 = from->r9;
    to->r10 = from->r10;
    to->r11 = from->r11;
    to->r12 = from->r12;
    to->r13 = from->r13;
    to->r14 = from->r14;
    to->r15 = from->r15;
    to->rdi = from->rdi;
    to->rsi = from->rsi;
    to->rbp = from->rbp;
    to->rbx = from->rbx;
    to->rdx = from->rdx;
    to->rax = from->rax;
    to->rcx = from->rcx;
    to->rsp = from->rsp;
    to->rip = from->rip;
    to->rflags = (to->rflags & ~SIGNAL_RFLAGS) | (from->rflags & SIGNAL_RFLAGS);
}
