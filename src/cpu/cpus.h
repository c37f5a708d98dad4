/* SPDX-License-Identifier: MIT */
/*
 * The CPUs of the machine (docs/cpus.md). There are two kernels from one source: ouro.elf, in which CPUS_MAX is 1 and the
 * compiler drops what is for several, and ouro-cpus.elf, for up to CPUS_MAX of them. So one CPU pays nothing.
 *
 *   number    of a CPU: 0, which booted, to cpus_online - 1; struct percpu.index
 *   APIC ID   its name for the hardware: struct percpu.apic_id
 *
 * Only ouro-cpus.elf has cpu/several/ and what it defines; the calls elsewhere are under if (SEVERAL_CPUS).
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/lock_class.h"
#include "cpu/percpu.h"
#include "cpu/trap_frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef OURO_CPUS
#define CPUS_MAX OURO_CPUS
#else
#define CPUS_MAX 1
#endif
#define SEVERAL_CPUS (CPUS_MAX > 1)
_Static_assert(CPUS_MAX <= 64, "a set of CPUs is a uint64_t");

struct ticket_lock {
    uint32_t next;  /* ticket of the next that comes */
    uint32_t owner; /* ticket of the holder */
};

/* CPUs that run: 1 until cpus_start(); grows only. */
extern unsigned cpus_online;
extern struct percpu percpus[CPUS_MAX]; /* by number */

/* Number of this CPU. Callers: any; a thread may be on another one after it has slept or given way. */
static ALWAYS_INLINE unsigned cpu_index(void)
{
    uint32_t index = 0;
    if (SEVERAL_CPUS)
        __asm__ volatile("movl %%gs:%c1, %0" : "=r"(index) : "i"(PERCPU_INDEX));
    return index;
}

/* True if another CPU runs. */
static ALWAYS_INLINE bool cpus_others(void)
{
    return SEVERAL_CPUS && cpus_online > 1;
}

/* The set of all CPUs that run. */
static inline uint64_t cpus_all(void)
{
    return UINT64_MAX >> (64 - cpus_online);
}

/* Defined in cpu/several/: */

/* Sends an interrupt, VECTOR_KICK or VECTOR_TLB, to another CPU. Callers: any. */
void cpu_send(unsigned cpu, unsigned vector);
void cpu_send_nmi(unsigned cpu);
/* The number of this CPU, where GS base may be the program's: in NMIs and reports. O(CPUs). */
unsigned cpu_index_by_apic(void);
/* Stops all others, by NMIs, until cpus_go_on(), if that is called; what each was in is in cpus_stopped_at(), NULL: it does not answer, and
 * so *all is false. Waits while another CPU has stopped the others. This CPU needs no spin lock meanwhile. False: it has stopped them
 * already. Callers: any. */
bool cpus_stop(bool *all);
void cpus_go_on(void);
const struct trap_frame *cpus_stopped_at(unsigned cpu);
/* In an NMI: true if it was cpus_stop()'s, which is over. */
bool cpu_stop_if_asked(const struct trap_frame *frame);

/* Each CPU of the set, but this one, flushes `count` pages, or, if they are too many, all, and has executed a serializing
 * instruction, before the return. Callers: threads, with kernel_lock or sharing it. Interrupts on or off: the CPUs that wait for a lock with interrupts
 * off do what is asked while they wait. */
#define CPU_FLUSH_PAGES 32
void cpu_flush_others(uint64_t cpus, const virt_t *pages, unsigned count);
/* Does what a CPU in cpu_flush_others() waits for. Callers: any. */
void cpu_serve(void);

/* True if the TSC of a CPU differs from the first's: the clock is cpus_cycles() then, the first's TSC as each CPU can tell it by what its own was ahead at
 * the start. No CPU reads less than any has read before. Callers: any. */
extern bool cpus_out_of_step;
uint64_t cpus_cycles(void);
/* For tests, cpus=N,CYCLES: what the TSCs of the others are set ahead before they are compared. */
extern uint64_t cpus_tsc_skew;

/* CPUs that run another thread than their idle one. Only the scheduler changes it. A CPU that begins takes kernel_lock next, and not shared: so it waits for
 * one that has it KERNEL_LONE, and then calls cpus_disturb(). One that idles begins before it takes it. */
extern uint8_t cpus_busy;
static ALWAYS_INLINE void cpus_count_busy(int change)
{
    if (SEVERAL_CPUS)
        __atomic_fetch_add(&cpus_busy, (uint8_t)change, __ATOMIC_SEQ_CST);
}
/* O(CPUs). */
void cpus_disturb(void);

/* How the running thread has kernel_lock. */
enum {
    KERNEL_ALONE,  /* with its ticket, or not at all */
    KERNEL_SHARED, /* beside others */
    KERNEL_LONE, /* alone without a ticket: no other CPU ran a thread when it was taken. One that begins to waits */
};

/* percpu()->kernel == is, in one instruction. */
static ALWAYS_INLINE bool cpu_kernel_is(unsigned is)
{
    bool equal;
    __asm__ volatile("cmpb %2, %%gs:%c1" : "=@cce"(equal) : "i"(PERCPU_KERNEL), "i"(is));
    return equal;
}

/* True if the thread has kernel_lock alone, no program runs on another CPU until it gives that away, and none has since a thread on this CPU last had it
 * so. Constant until then. */
static ALWAYS_INLINE bool cpus_undisturbed(void)
{
    bool undisturbed;
    __asm__ volatile("cmpw %2, %%gs:%c1"
                     : "=@cce"(undisturbed)
                     : "i"(PERCPU_KERNEL), "i"(KERNEL_LONE));
    return undisturbed;
}

/* The ticket locks. A thread waits for kernel_lock with interrupts on. All spin locks are one for the CPUs, which a
 * CPU that has it takes again without waiting, and which interrupt handlers hold: what they share with threads is as it is
 * on one CPU. The count of those that are held goes down, for then a carry tells the first from the others. */
extern struct ticket_lock cpu_kernel_ticket, cpu_spin_ticket;
/* The next ticket; true if it is up. */
static ALWAYS_INLINE bool ticket_take(struct ticket_lock *lock, uint32_t *ticket)
{
    bool up;
    *ticket = 1;
    __asm__ volatile("lock xaddl %1, %2\n\tcmpl %1, %3"
                     : "=@cce"(up), "+r"(*ticket), "+m"(lock->next)
                     : "m"(lock->owner)
                     : "memory");
    return up;
}
static ALWAYS_INLINE void ticket_drop(struct ticket_lock *lock)
{
    __asm__ volatile("incl %0" : "+m"(lock->owner) : : "memory");
}

void cpu_spin_wait(uint32_t ticket);
static ALWAYS_INLINE void cpu_spin_take(void)
{
    bool first;
    uint32_t ticket;
    __asm__ volatile("subl $1, %%gs:%c1" : "=@ccc"(first) : "i"(PERCPU_SPINS) : "memory");
    if (first && unlikely(!ticket_take(&cpu_spin_ticket, &ticket)))
        cpu_spin_wait(ticket);
}
static ALWAYS_INLINE void cpu_spin_drop(void)
{
    bool last;
    __asm__ volatile("incl %%gs:%c1" : "=@ccz"(last) : "i"(PERCPU_SPINS) : "memory");
    if (last)
        ticket_drop(&cpu_spin_ticket);
}

/* kernel_lock. While other CPUs run threads: alone, O(CPUs), or for all that share it, O(1). Both wait in one queue. */
void cpu_kernel_wait(bool shared);
/* True: the others idle, and this thread has it as KERNEL_LONE. Else cpu_kernel_wait() takes it. It says so before it looks whether another CPU is busy, which
 * does those two the other way round: at least one sees the other. */
static ALWAYS_INLINE bool cpu_kernel_take_lone(void)
{
    bool lone;
    uint8_t state = KERNEL_LONE;
    __asm__ volatile("xchgb %1, %%gs:%c2\n\tcmpb $1, %3"
                     : "=@cce"(lone), "+q"(state)
                     : "i"(PERCPU_KERNEL), "m"(cpus_busy)
                     : "memory");
    return lone;
}
void cpu_kernel_give(void);
static ALWAYS_INLINE void cpu_kernel_drop(void)
{
    if (unlikely(!cpu_kernel_is(KERNEL_LONE))) {
        cpu_kernel_give();
        return;
    }
    /* And `disturbed`. */
    __asm__ volatile("movw %1, %%gs:%c0" : : "i"(PERCPU_KERNEL), "i"(KERNEL_ALONE) : "memory");
}
/* True if a CPU waits for kernel_lock. Callers: its holders. */
bool cpu_kernel_is_wanted(void);

/* A lock for threads that share kernel_lock (cpu/lock.h). */
struct short_lock {
#ifdef OURO_CPUS
    struct ticket_lock ticket;
#endif
};
void cpu_short_take(struct short_lock *lock, unsigned class);
void cpu_short_drop(struct short_lock *lock);

/* Keeps slow parts and the registers that they save out of short functions, in the kernel for several CPUs. */
#ifdef OURO_CPUS
#define CPUS_NOINLINE NOINLINE
#else
#define CPUS_NOINLINE
#endif

/* Adds to a counter that threads with a shared kernel_lock count, too. */
#define CPUS_ADD(counter, n)                                                                       \
    (SEVERAL_CPUS ? (void)__atomic_fetch_add(&(counter), (n), __ATOMIC_RELAXED)                    \
                  : (void)((counter) += (n)))

/* References that threads with a shared kernel_lock take and drop, too. False: there is none any more; there is no other. */
static ALWAYS_INLINE bool cpus_get_some(uint32_t *references)
{
    uint32_t have = __atomic_load_n(references, __ATOMIC_RELAXED);
    while (have != 0)
        if (__atomic_compare_exchange_n(references, &have, have + 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

static ALWAYS_INLINE bool cpus_put_not_last(uint32_t *references)
{
    uint32_t have = __atomic_load_n(references, __ATOMIC_RELAXED);
    while (have > 1)
        if (__atomic_compare_exchange_n(references, &have, have - 1, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

/* What the locks have cost, of all CPUs: by enum lock_index, of which the first is kernel_lock for one thread and class_sched all spin locks;
 * then kernel_lock where it is shared, and the answers to cpu_flush_others(). */
enum {
    LOCK_PROFILE_SHARED = LOCK_CLASS_COUNT,
    LOCK_PROFILE_FLUSH,
    LOCK_PROFILES,
};
struct lock_profile {
    uint64_t takes, waits;
    uint64_t waited, longest; /* cycles of the TSC */
};
/* Counts a wait that began at `since`. */
void cpu_profile_wait(unsigned row, uint64_t since);
/* False: nothing of the kind was ever taken. O(CPUs). */
bool cpu_lock_profile(unsigned row, struct lock_profile *out);
const char *cpu_lock_name(unsigned row);

/* What a CPU starts with, and where (SDM 3A 8.4). `code` is a frame below 1 MiB, mapped at `at`, for its first instructions, `tables` are two
 * frames below 4 GiB for its first page tables, mapped likewise. */
struct cpu_start {
    phys_t code, tables;
    void *code_at, *tables_at;
};
/* Prepares the frames. Boot. */
void cpu_start_prepare(const struct cpu_start *start);
/* Starts the CPU that is to have the next number, on that stack: it calls cpu_arrived() there. False: it does not answer
 * within a second, and never will from now on. Callers: boot, threads. */
bool cpu_start(const struct cpu_start *start, uint32_t apic_id, virt_t stack);
/* What the CPU does then, with interrupts off and the registers and tables that the first has; does not return (kern/cpus.c). */
NORETURN void cpu_arrived(void);
