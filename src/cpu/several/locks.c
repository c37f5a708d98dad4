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
 */
#include "cpu/cpus.h"
#include "cpu/irq.h"
#include "cpu/x86.h"

static struct ticket_lock kernel_ticket, spin_ticket;

static struct lock_profile profiles[CPUS_MAX][LOCK_PROFILES];

static uint32_t ticket_draw(struct ticket_lock *lock)
{
    return __atomic_fetch_add(&lock->next, 1, __ATOMIC_SEQ_CST);
}

static bool ticket_is_up(const struct ticket_lock *lock, uint32_t ticket)
{
    return __atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) == ticket;
}

static void ticket_drop(struct ticket_lock *lock)
{
    __atomic_store_n(&lock->owner, lock->owner + 1, __ATOMIC_RELEASE);
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
static void ticket_wait(const struct ticket_lock *lock, uint32_t ticket, bool serve, unsigned row)
{
    profile_of(row)->takes++;
    if (likely(ticket_is_up(lock, ticket)))
        return;
    uint64_t since = rdtsc();
    while (!ticket_is_up(lock, ticket)) {
        if (serve)
            cpu_serve();
        cpu_pause();
    }
    cpu_profile_wait(row, since);
}

void cpu_spin_take(void)
{
    if (percpu()->spins++ != 0)
        return;
    ticket_wait(&spin_ticket, ticket_draw(&spin_ticket), true, LOCK_INDEX_class_sched);
}

void cpu_spin_drop(void)
{
    if (--percpu()->spins == 0)
        ticket_drop(&spin_ticket);
}

static bool others_share(void)
{
    for (unsigned cpu = 0; cpu < cpus_online; cpu++)
        if (__atomic_load_n(&percpus[cpu].shares, __ATOMIC_ACQUIRE))
            return true;
    return false;
}

/* A CPU with interrupts off has no lock yet, or it would not wait for this one. */
static NOINLINE void kernel_wait(uint32_t ticket, bool shared)
{
    uint64_t since = rdtsc();
    bool on = irq_are_on();
    __asm__ volatile("sti" : : : "memory");
    while (!ticket_is_up(&kernel_ticket, ticket) || (!shared && others_share()))
        cpu_pause();
    if (!on)
        __asm__ volatile("cli" : : : "memory");
    cpu_profile_wait(shared ? LOCK_PROFILE_SHARED : LOCK_INDEX_kernel_lock, since);
}

static void kernel_share(void)
{
    struct percpu *self = percpu();
    profile_of(LOCK_PROFILE_SHARED)->takes++;
    __atomic_store_n(&self->shares, true, __ATOMIC_SEQ_CST);
    if (likely(__atomic_load_n(&kernel_ticket.next, __ATOMIC_SEQ_CST) ==
               __atomic_load_n(&kernel_ticket.owner, __ATOMIC_ACQUIRE)))
        return;
    __atomic_store_n(&self->shares, false, __ATOMIC_RELEASE);
    kernel_wait(ticket_draw(&kernel_ticket), true);
    percpu()->shares = true;
    ticket_drop(&kernel_ticket);
}

void cpu_kernel_take(bool shared)
{
    if (shared) {
        kernel_share();
        return;
    }
    uint32_t ticket = ticket_draw(&kernel_ticket);
    profile_of(LOCK_INDEX_kernel_lock)->takes++;
    if (!ticket_is_up(&kernel_ticket, ticket) || others_share())
        kernel_wait(ticket, false);
}

void cpu_kernel_drop(void)
{
    struct percpu *self = percpu();
    if (self->shares)
        __atomic_store_n(&self->shares, false, __ATOMIC_RELEASE);
    else
        ticket_drop(&kernel_ticket);
}

bool cpu_kernel_is_wanted(void)
{
    return __atomic_load_n(&kernel_ticket.next, __ATOMIC_RELAXED) !=
           kernel_ticket.owner + !percpu()->shares;
}

void cpu_short_take(struct short_lock *lock, unsigned class)
{
    ticket_wait(&lock->ticket, ticket_draw(&lock->ticket), !irq_are_on(), class);
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
