/* SPDX-License-Identifier: MIT */
#include "linux/futex/pi.h"

#include "kern/thread.h"
#include "linux/task/process.h"
#include "linux/task/scheduling.h"
#include "mm/vm/usercopy.h"

#define CHAIN_MAX 32 /* length of a chain of owners along which priority is lent */

static struct list all_waiters = LIST_INIT(all_waiters); /* futex_waiter.pi_link */

static struct futex_waiter *pi_waiter_of(struct list *link)
{
    return CONTAINER_OF(link, struct futex_waiter, pi_link);
}

static MUST_CHECK enum err store(uint64_t address, uint32_t value)
{
    return copy_out(virt(address), &value, sizeof value);
}

/* The effective priority of `lt`: the highest of its own and those lent to it. */
static int priority_of(const struct linux_thread *lt, int depth)
{
    int priority = lt->scheduling.priority;
    if (depth == CHAIN_MAX)
        return priority;
    list_for_each (it, &all_waiters) {
        const struct futex_waiter *w = pi_waiter_of(it);
        if (w->owner != lt)
            continue;
        int lent = priority_of(w->thread, depth + 1);
        priority = lent > priority ? lent : priority;
    }
    return priority;
}

/* Updates the inherited priority of `lt`, of the owner that `lt` waits for, and so on. O(chain * PI
 * waiters). */
static void lend(struct linux_thread *lt)
{
    for (int depth = 0; lt != NULL && depth < CHAIN_MAX; depth++) {
        sched_set_inherited(lt, priority_of(lt, 0));
        struct linux_thread *next = NULL;
        list_for_each (it, &all_waiters)
            if (pi_waiter_of(it)->thread == lt)
                next = pi_waiter_of(it)->owner;
        lt = next;
    }
}

static bool either_is_realtime(const struct linux_thread *a, const struct linux_thread *b)
{
    return a->scheduling.priority != 0 || b->scheduling.priority != 0 ||
           a->scheduling.inherited != 0 || b->scheduling.inherited != 0;
}

static void set_owner(struct futex_waiter *waiter, struct linux_thread *owner)
{
    struct linux_thread *before = waiter->owner;
    waiter->owner = owner;
    if (before != NULL && either_is_realtime(before, waiter->thread))
        lend(before);
    if (either_is_realtime(owner, waiter->thread))
        lend(owner);
}

static enum err pi_wait(struct futex_waiter *self, struct linux_thread *owner, uint64_t deadline)
{
    struct wait_queue queue;
    wait_queue_init(&queue);
    self->queue = &queue;
    self->thread = linux_current();
    list_add_tail(&all_waiters, &self->pi_link);
    futex_join(self);
    set_owner(self, owner);
    enum err e = WAIT_EVENT_IN(&queue, self->woken, deadline, true);
    futex_leave(self);
    list_remove(&self->pi_link);
    owner = self->owner; /* the owner may have changed during the sleep */
    if (!self->woken && either_is_realtime(owner, self->thread))
        lend(owner);
    return self->woken ? E_OK : e;
}

enum err futex_pi_lock(uint64_t address, const struct futex_key *key, bool wait_for_it,
                       uint64_t deadline)
{
    struct futex_waiter self = {.key = *key, .bitset = FUTEX_BITSET_ANY, .address = address};
    struct futex_waiter *first;
    uint32_t value, tid = (uint32_t)linux_current()->tid;
    enum err e = copy_in(&value, virt(address), sizeof value);
    if (e == E_OK)
        e = futex_first_pi(key, &first);
    if (e != E_OK)
        return e;
    if ((value & FUTEX_TID_MASK) == tid)
        return E_DEADLK;
    if ((value & FUTEX_TID_MASK) == 0)
        return store(address,
                     (value & FUTEX_OWNER_DIED) | (first != NULL ? FUTEX_WAITERS : 0) | tid);
    struct linux_thread *owner = linux_thread_find((int)(value & FUTEX_TID_MASK));
    if (owner == NULL || owner->thread == NULL)
        return E_SRCH;
    if (!wait_for_it)
        return E_AGAIN;
    e = store(address, value | FUTEX_WAITERS);
    return e == E_OK ? pi_wait(&self, owner, deadline) : e;
}

/* Makes `next` the owner; the other waiters wait for `next` from now on. */
static MUST_CHECK enum err futex_pi_hand_over(uint64_t address, struct futex_waiter *next,
                                              uint32_t bits)
{
    struct linux_thread *before = next->owner, *owner = next->thread;
    enum err e = store(address, (uint32_t)owner->tid | FUTEX_WAITERS | bits);
    if (e != E_OK)
        return e;
    list_remove(&next->pi_link);
    futex_wake_one(next);
    list_for_each (it, &all_waiters) {
        struct futex_waiter *w = pi_waiter_of(it);
        if (w->key.at == next->key.at && w->key.source == next->key.source)
            set_owner(w, owner);
    }
    if (either_is_realtime(before, owner))
        lend(before);
    return E_OK;
}

enum err futex_pi_unlock(uint64_t address, const struct futex_key *key)
{
    struct futex_waiter *first;
    uint32_t value;
    enum err e = copy_in(&value, virt(address), sizeof value);
    if (e != E_OK)
        return e;
    if ((value & FUTEX_TID_MASK) != (uint32_t)linux_current()->tid)
        return E_PERM;
    e = futex_first_pi(key, &first);
    if (e != E_OK)
        return e;
    return first != NULL ? futex_pi_hand_over(address, first, 0) : store(address, 0);
}

static struct futex_waiter *waiter_for(const struct linux_thread *owner)
{
    list_for_each (it, &all_waiters)
        if (pi_waiter_of(it)->owner == owner)
            return pi_waiter_of(it);
    return NULL;
}

void futex_pi_exit(struct linux_thread *lt)
{
    struct futex_waiter *any, *first;
    while ((any = waiter_for(lt)) != NULL) {
        if (futex_first_pi(&any->key, &first) == E_OK && first != NULL &&
            futex_pi_hand_over(first->address, first, FUTEX_OWNER_DIED) == E_OK)
            continue;
        /* The word is unmapped, or has waiters without PI: ownership cannot be recorded. */
        list_remove(&any->pi_link);
        futex_wake_one(any);
    }
}
