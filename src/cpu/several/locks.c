/* SPDX-License-Identifier: MIT */
#include "cpu/cpus.h"
#include "cpu/irq.h"
#include "cpu/x86.h"

struct ticket_lock {
    uint32_t next;  /* ticket of the next that comes */
    uint32_t owner; /* ticket of the holder */
};

static struct ticket_lock kernel_ticket, spin_ticket;

static uint32_t ticket_draw(struct ticket_lock *lock)
{
    return __atomic_fetch_add(&lock->next, 1, __ATOMIC_ACQ_REL);
}

static bool ticket_is_up(const struct ticket_lock *lock, uint32_t ticket)
{
    return __atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) == ticket;
}

static void ticket_drop(struct ticket_lock *lock)
{
    __atomic_store_n(&lock->owner, lock->owner + 1, __ATOMIC_RELEASE);
}

void cpu_spin_take(void)
{
    if (percpu()->spins++ != 0)
        return;
    uint32_t ticket = ticket_draw(&spin_ticket);
    while (!ticket_is_up(&spin_ticket, ticket)) {
        cpu_serve();
        cpu_pause();
    }
}

void cpu_spin_drop(void)
{
    if (--percpu()->spins == 0)
        ticket_drop(&spin_ticket);
}

/* A CPU with interrupts off has no lock yet, or it would not wait for this one. */
void cpu_kernel_take(void)
{
    uint32_t ticket = ticket_draw(&kernel_ticket);
    if (ticket_is_up(&kernel_ticket, ticket))
        return;
    bool on = irq_are_on();
    __asm__ volatile("sti" : : : "memory");
    while (!ticket_is_up(&kernel_ticket, ticket))
        cpu_pause();
    if (!on)
        __asm__ volatile("cli" : : : "memory");
}

void cpu_kernel_drop(void)
{
    ticket_drop(&kernel_ticket);
}

bool cpu_kernel_is_wanted(void)
{
    return __atomic_load_n(&kernel_ticket.next, __ATOMIC_RELAXED) != kernel_ticket.owner + 1;
}
