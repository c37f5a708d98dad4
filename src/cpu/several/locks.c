/* SPDX-License-Identifier: MIT */
/*
 * kernel_lock, for one thread alone or for all that share it:
 *
 *   a CPU that shares             a CPU that wants it alone
 *   shares = true                 draws a ticket
 *   a fence                       waits until it is up
 *   no ticket is out? goes on     waits until no other CPU shares
 *
 * Each writes before it reads what the other writes: at least one sees the other. If a ticket is out, the CPU that would
 * share draws one, too, says that it shares when it is up, and passes it on at once. So all come in turn.
 *
 * While no other CPU runs a thread none of this is needed:
 *
 *   the only CPU that is busy     a CPU that begins to be
 *   kernel = KERNEL_LONE          counts itself in cpus_busy
 *   another is busy? as above     a fence; draws a ticket
 *                                 waits until no other CPU is KERNEL_LONE
 *
 * From then on none is, until all but one idle again.
 */
#include "cpu/cpus.h"
#include "cpu/irq.h"
#include "cpu/x86.h"

struct ticket_lock cpu_kernel_ticket, cpu_spin_ticket;
uint8_t cpus_busy = 1;

static struct lock_profile profiles[CPUS_MAX][LOCK_PROFILES];

static bool ticket_is_up(const struct ticket_lock *lock, uint32_t ticket)
{
    return __atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) == ticket;
}

static struct lock_profile *profile_of(unsigned row)
{
    return &profiles[cpu_index()][row];
}

void cpu_profile_wait(unsigned row, uint64_t since)
{
    struct lock_profile *p = profile_of(row);
    uint64_t waited = rdtsc() - since;
    p->waits++;
    p->waited += waited;
    if (waited > p->longest)
        p->longest = waited;
}

/* With interrupts off a CPU does what others ask while it waits. With interrupts on, theirs does: cpu_serve() is not for two at a time. */
static NOINLINE void ticket_wait(const struct ticket_lock *lock, uint32_t ticket, bool serve,
                                 unsigned row)
{
    uint64_t since = rdtsc();
    while (!ticket_is_up(lock, ticket)) {
        if (serve)
            cpu_serve();
        cpu_pause();
    }
    cpu_profile_wait(row, since);
}

void cpu_spin_wait(uint32_t ticket)
{
    ticket_wait(&cpu_spin_ticket, ticket, true, LOCK_INDEX_class_sched);
}

/* True if another CPU has kernel_lock shared, or lone from the time when this one idled. */
static bool others_have(void)
{
    for (unsigned cpu = 0; cpu < cpus_online; cpu++)
        if (__atomic_load_n(&percpus[cpu].kernel, __ATOMIC_ACQUIRE) != KERNEL_ALONE)
            return true;
    return false;
}

/* A CPU with interrupts off has no lock yet, or it would not wait for this one. */
static NOINLINE void kernel_queue(uint32_t ticket, bool shared)
{
    uint64_t since = rdtsc();
    bool on = irq_are_on();
    __asm__ volatile("sti" : : : "memory");
    while (!ticket_is_up(&cpu_kernel_ticket, ticket) || (!shared && others_have()))
        cpu_pause();
    if (!on)
        __asm__ volatile("cli" : : : "memory");
    cpu_profile_wait(shared ? LOCK_PROFILE_SHARED : LOCK_INDEX_kernel_lock, since);
}

static void kernel_share(struct percpu *self)
{
    uint32_t ticket;
    profile_of(LOCK_PROFILE_SHARED)->takes++;
    __atomic_store_n(&self->kernel, KERNEL_SHARED, __ATOMIC_SEQ_CST);
    if (likely(__atomic_load_n(&cpu_kernel_ticket.next, __ATOMIC_SEQ_CST) ==
               __atomic_load_n(&cpu_kernel_ticket.owner, __ATOMIC_ACQUIRE)))
        return;
    __atomic_store_n(&self->kernel, KERNEL_ALONE, __ATOMIC_RELEASE);
    if (!ticket_take(&cpu_kernel_ticket, &ticket))
        kernel_queue(ticket, true);
    percpu()->kernel = KERNEL_SHARED;
    ticket_drop(&cpu_kernel_ticket);
}

void cpu_kernel_wait(bool shared)
{
    struct percpu *self = percpu();
    uint32_t ticket;
    if (shared) {
        kernel_share(self);
        return;
    }
    __atomic_store_n(&self->kernel, KERNEL_ALONE, __ATOMIC_RELEASE);
    profile_of(LOCK_INDEX_kernel_lock)->takes++;
    if (!ticket_take(&cpu_kernel_ticket, &ticket) || others_have())
        kernel_queue(ticket, false);
}

void cpus_disturb(void)
{
    for (unsigned cpu = 0; cpu < cpus_online; cpu++)
        percpus[cpu].disturbed = true;
}

void cpu_kernel_give(void)
{
    struct percpu *self = percpu();
    if (self->kernel == KERNEL_SHARED)
        __atomic_store_n(&self->kernel, KERNEL_ALONE, __ATOMIC_RELEASE);
    else
        ticket_drop(&cpu_kernel_ticket);
}

bool cpu_kernel_is_wanted(void)
{
    return __atomic_load_n(&cpu_kernel_ticket.next, __ATOMIC_RELAXED) !=
           cpu_kernel_ticket.owner + (percpu()->kernel == KERNEL_ALONE);
}

void cpu_short_take(struct short_lock *lock, unsigned class)
{
    uint32_t ticket;
    profile_of(class)->takes++;
    if (unlikely(!ticket_take(&lock->ticket, &ticket)))
        ticket_wait(&lock->ticket, ticket, !irq_are_on(), class);
}

void cpu_short_drop(struct short_lock *lock)
{
    ticket_drop(&lock->ticket);
}

COLD bool cpu_lock_profile(unsigned row, struct lock_profile *out)
{
    *out = (struct lock_profile){0};
    for (unsigned cpu = 0; cpu < cpus_online; cpu++) {
        const struct lock_profile *p = &profiles[cpu][row];
        out->takes += p->takes;
        out->waits += p->waits;
        out->waited += p->waited;
        if (p->longest > out->longest)
            out->longest = p->longest;
    }
    if (row == LOCK_INDEX_class_sched)
        out->takes = cpu_spin_ticket.next;
    return out->takes + out->waits != 0;
}

COLD const char *cpu_lock_name(unsigned row)
{
#define LOCK_NAME(class) #class,
    static const char *const names[] = {LOCK_CLASSES(LOCK_NAME) "kernel_lock, shared",
                                        "answers to flushes"};
#undef LOCK_NAME
    _Static_assert(ARRAY_LENGTH(names) == LOCK_PROFILES, "each has a name");
    return row == LOCK_INDEX_class_sched ? "spin locks" : names[row];
}
