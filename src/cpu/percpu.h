/* SPDX-License-Identifier: MIT */
/*
 * Data of each CPU. GS base always points to it: the kernel never swaps GS with the program, and
 * arch_prctl(ARCH_SET_GS) returns EPERM. entry.S and the vDSO use the offsets.
 */
#pragma once

#define PERCPU_SELF         0
#define PERCPU_KSTACK_TOP   8
#define PERCPU_KSTACK_LOW   16
#define PERCPU_PROGRAM_RSP  24
#define PERCPU_CURRENT      32
#define PERCPU_INDEX        40
#define PERCPU_SLICE        44
#define PERCPU_TSS          48
#define PERCPU_KERNEL       56
#define PERCPU_SPINS        60

#define PERCPU_KSTACK_GUARD 0x4000 /* bytes below kstack_low that are never mapped: mm/layout.h */

#ifndef __ASSEMBLER__
#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

struct thread;

struct percpu {
    struct percpu *self;
    uint64_t kstack_top;  /* of the running thread: the program's trap frame goes below it */
    uint64_t kstack_low;  /* lowest address of that stack; its guard is below */
    uint64_t program_rsp; /* scratch word of the syscall entry */
    struct thread *current;
    uint32_t index;         /* number of this CPU */
    volatile uint8_t slice; /* SLICE_* */
    struct tss *tss;

    /* Of a kernel for several CPUs (cpu/cpus.h): */
    volatile uint8_t kernel; /* how the running thread has kernel_lock: KERNEL_* of cpu/cpus.h */
    volatile bool
        disturbed; /* another CPU has begun to be busy since that was last KERNEL_LONE here */
    int32_t spins; /* spin locks that are held, negative: cpu/cpus.h */
    uint32_t apic_id;
    volatile bool served; /* false: another CPU waits for a flush (cpu/cpus.h) */
    volatile bool online;
    int64_t tsc_ahead; /* cycles, of the first CPU's TSC: cpus_cycles() */
};

/* In a kernel for several CPUs a thread may be on another after it has slept: the compiler keeps no copy. */
#ifdef OURO_CPUS
#define PERCPU_ASM __asm__ volatile
#else
#define PERCPU_ASM __asm__
#endif

static inline struct percpu *percpu(void)
{
    struct percpu *self;
    PERCPU_ASM("mov %%gs:0, %0" : "=r"(self));
    return self;
}

/* Not volatile: the same code always runs on the same thread. */
static inline struct thread *percpu_thread(void)
{
    struct thread *current;
    __asm__("mov %%gs:%c1, %0" : "=r"(current) : "i"(PERCPU_CURRENT));
    return current;
}

#define SLICE_OVER     1  /* the running thread should yield */
#define SLICE_POINTS   2  /* preemption points are counted: thread_count_points() */
#define SLICE_DEFERRED 4  /* deferred work is raised: kern/deferred.h */
#define SLICE_ROOM     8  /* the kernel has taken frames of the reserve: mm/phys/reserve.h */
#define SLICE_MOVED    16 /* of several CPUs: rseq shows the thread another: rseq_moved() */

static inline uint8_t percpu_slice(void)
{
    uint8_t slice;
    __asm__ volatile("movb %%gs:%c1, %0" : "=q"(slice) : "i"(PERCPU_SLICE));
    return slice;
}

/* The running thread yields on its way back to the program, as at the end of its slice. */
static inline void percpu_end_slice(void)
{
    __asm__ volatile("orb %0, %%gs:%c1" : : "i"(SLICE_OVER), "i"(PERCPU_SLICE) : "memory");
}

static inline void percpu_set_moved(void)
{
    __asm__ volatile("orb %0, %%gs:%c1" : : "i"(SLICE_MOVED), "i"(PERCPU_SLICE) : "memory");
}
static inline void percpu_clear_moved(void)
{
    __asm__ volatile("andb %0, %%gs:%c1"
                     :
                     : "i"(~SLICE_MOVED & 0xff), "i"(PERCPU_SLICE)
                     : "memory");
}

/* SLICE_ROOM begins and ends; interrupts may set other bits meanwhile. */
static inline void percpu_set_room(void)
{
    __asm__ volatile("orb %0, %%gs:%c1" : : "i"(SLICE_ROOM), "i"(PERCPU_SLICE) : "memory");
}
static inline void percpu_clear_room(void)
{
    __asm__ volatile("andb %0, %%gs:%c1" : : "i"(~SLICE_ROOM & 0xff), "i"(PERCPU_SLICE) : "memory");
}

/* True if one of the SLICE_* is set. */
static ALWAYS_INLINE bool percpu_slice_has(unsigned any)
{
    bool has;
    __asm__ volatile("testb %2, %%gs:%c1" : "=@ccnz"(has) : "i"(PERCPU_SLICE), "i"(any));
    return has;
}
#endif
