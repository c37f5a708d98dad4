/* SPDX-License-Identifier: MIT */
/*
 * What each CPU has of its own. GS base points to it, always: the kernel never swaps GS with the
 * program, which is told that arch_prctl(ARCH_SET_GS) is not permitted. entry.S and the vDSO know
 * the offsets.
 */
#pragma once

#define PERCPU_SELF         0
#define PERCPU_KSTACK_TOP   8
#define PERCPU_KSTACK_LOW   16
#define PERCPU_PROGRAM_RSP  24
#define PERCPU_CURRENT      32
#define PERCPU_INDEX        40
#define PERCPU_SLICE_OVER   44

#define PERCPU_KSTACK_GUARD 0x4000 /* bytes below kstack_low that are never mapped: mm/layout.h */

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>

struct thread;

struct percpu {
    struct percpu *self;
    uint64_t kstack_top;  /* of the running thread: where a trap from the program puts its frame */
    uint64_t kstack_low;  /* lowest address of that stack; below is its guard */
    uint64_t program_rsp; /* syscall entry's scratch word */
    struct thread *current;
    uint32_t index;           /* number of this CPU */
    volatile bool slice_over; /* kern/thread.h: somebody else has waited long enough */
};

static inline struct percpu *percpu(void)
{
    struct percpu *self;
    __asm__("mov %%gs:0, %0" : "=r"(self));
    return self;
}

/* Not volatile: whoever executes this is always the same thread. */
static inline struct thread *percpu_thread(void)
{
    struct thread *current;
    __asm__("mov %%gs:%c1, %0" : "=r"(current) : "i"(PERCPU_CURRENT));
    return current;
}

/* As thread_slice_over(). */
static inline bool percpu_slice_over(void)
{
    bool over;
    __asm__ volatile("movb %%gs:%c1, %0" : "=q"(over) : "i"(PERCPU_SLICE_OVER));
    return over;
}
#endif
