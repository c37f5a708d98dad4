/* SPDX-License-Identifier: MIT */
#include "linux/futex/pi.h"

#include "kern/run_queue.h"
#include "linux/task/process.h"
#include "linux/task/scheduling.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define CHAIN_MAX 32 /* length of a chain of owners along which priority is lent */

/* A futex with waiters. */
struct pi_lock {
    struct pqueue_node by_lent; /* of owner->pi_locks, by the key of the first waiter */
    struct linux_thread *owner;
    struct pqueue waiters; /* struct futex_waiter.by_priority: the highest first; at least one */
};

static MUST_CHECK enum err store(uint64_t address, uint32_t value)
{
    return copy_out_now(virt(address), &value, sizeof value);
}

static uint64_t pi_key(const struct linux_thread *lt)
{
    return (uint64_t)(RUN_PRIORITY_MAX - sched_priority(lt));
}

static struct futex_waiter *pi_first(const struct pi_lock *lock)
{
    return CONTAINER_OF(pqueue_first(&lock->waiters), struct futex_waiter, by_priority);
}

static struct pi_lock *lock_of_lent(struct pqueue_node *node)
{
    return CONTAINER_OF(node, struct pi_lock, by_lent);
}

/* The highest priority that waiters lend to `lt`. */
static int lent_to(const struct linux_thread *lt)
{
    const struct pqueue_node *first = pqueue_first(&lt->pi_locks);
    return first != NULL ? RUN_PRIORITY_MAX - (int)first->key : 0;
}

static void pi_place(struct pi_lock *lock, struct linux_thread *owner)
{
    lock->owner = owner;
    pqueue_insert(&owner->pi_locks, &lock->by_lent, pi_first(lock)->by_priority.key);
}

/* The first waiter may be another. */
static void pi_place_again(struct pi_lock *lock)
{
    if (lock->by_lent.key == pi_first(lock)->by_priority.key)
        return;
    pqueue_remove(&lock->owner->pi_locks, &lock->by_lent);
    pi_place(lock, lock->owner);
}

void thread_lend_priority(struct linux_thread *lt)
{
    for (int depth = 0; depth < CHAIN_MAX; depth++) {
        int lent = lent_to(lt);
        if (lent != lt->scheduling.inherited)
            sched_set_inherited(lt, lent);
        struct futex_waiter *waiter = lt->pi_waiter;
        if (waiter == NULL || waiter->by_priority.key == pi_key(lt))
            return;
        struct pi_lock *lock = waiter->lock;
        pqueue_remove(&lock->waiters, &waiter->by_priority);
        pqueue_insert(&lock->waiters, &waiter->by_priority, pi_key(lt));
        pi_place_again(lock);
        lt = lock->owner;
    }
}

static void pi_set_owner(struct pi_lock *lock, struct linux_thread *owner)
{
    struct linux_thread *before = lock->owner;
    pqueue_remove(&before->pi_locks, &lock->by_lent);
    pi_place(lock, owner);
    thread_lend_priority(before);
    thread_lend_priority(owner);
}

static MUST_CHECK enum err pi_join(struct futex_waiter *self, struct pi_lock *lock,
                                   struct linux_thread *owner)
{
    bool first = lock == NULL;
    if (first)
        lock = heap_alloc_zero(sizeof *lock);
    if (lock == NULL)
        return E_NOMEM;
    self->lock = lock;
    self->thread->pi_waiter = self;
    pqueue_insert(&lock->waiters, &self->by_priority, pi_key(self->thread));
    if (first)
        pi_place(lock, owner);
    else
        pi_place_again(lock);
    thread_lend_priority(owner);
    return E_OK;
}

/* The lock ends with its last waiter; else it is the result. */
static struct pi_lock *pi_leave(struct futex_waiter *waiter)
{
    struct pi_lock *lock = waiter->lock;
    pqueue_remove(&lock->waiters, &waiter->by_priority);
    waiter->lock = NULL;
    waiter->thread->pi_waiter = NULL;
    if (!pqueue_empty(&lock->waiters)) {
        pi_place_again(lock);
        return lock;
    }
    pqueue_remove(&lock->owner->pi_locks, &lock->by_lent);
    heap_free(lock);
    return NULL;
}

static enum err pi_wait(struct futex_waiter *self, struct pi_lock *lock, struct linux_thread *owner,
                        const struct futex_deadline *deadline)
{
    struct wait_queue queue = WAIT_QUEUE_INIT(queue);
    self->queue = &queue;
    self->thread = linux_current();
    enum err e = pi_join(self, lock, owner);
    if (e != E_OK)
        return e;
    futex_join(self);
    e = WAIT_EVENT_IN(&queue, self->woken, deadline->ns, futex_how(deadline));
    futex_leave(self);
    if (self->woken)
        return E_OK;
    futex_pi_give_up(self);
    return e;
}

void futex_pi_give_up(struct futex_waiter *waiter)
{
    struct linux_thread *owner = waiter->lock->owner; /* may have changed during the sleep */
    pi_leave(waiter);
    thread_lend_priority(owner);
}

static enum err pi_lock_once(uint64_t address, const struct futex_key *key, bool wait_for_it,
                             const struct futex_deadline *deadline)
{
    struct futex_waiter self = {.key = *key, .address = address};
    struct futex_waiter *any;
    uint32_t value, tid = (uint32_t)linux_current()->tid;
    enum err e = copy_in(&value, virt(address), sizeof value);
    if (e == E_OK)
        e = futex_any_pi(key, &any);
    if (e != E_OK)
        return e;
    struct pi_lock *lock = any != NULL ? any->lock : NULL;
    if ((value & FUTEX_TID_MASK) == tid)
        return E_DEADLK;
    if ((value & FUTEX_TID_MASK) == 0) {
        e = change_out(virt(address), value,
                       (value & FUTEX_OWNER_DIED) | (lock != NULL ? FUTEX_WAITERS : 0) | tid);
        if (e == E_OK && lock != NULL)
            pi_set_owner(lock, linux_current());
        return e;
    }
    struct linux_thread *owner = linux_thread_find((int)(value & FUTEX_TID_MASK));
    if (owner == NULL || owner->thread == NULL)
        return E_SRCH;
    if (lock != NULL && lock->owner != owner)
        return E_INVAL; /* the program has changed the word of a futex with waiters */
    if (!wait_for_it)
        return E_AGAIN;
    e = change_out(virt(address), value, value | FUTEX_WAITERS);
    return e == E_OK ? pi_wait(&self, lock, owner, deadline) : e;
}

enum err futex_pi_lock(uint64_t address, const struct futex_key *key, bool wait_for_it,
                       const struct futex_deadline *deadline)
{
    enum err e;
    do
        e = pi_lock_once(address, key, wait_for_it, deadline);
    while (e == E_CHANGED);
    return e;
}

/* Makes the first waiter the owner; the others wait for it from now on. */
static MUST_CHECK enum err futex_pi_hand_over(uint64_t address, struct pi_lock *lock, uint32_t bits)
{
    struct futex_waiter *next = pi_first(lock);
    struct linux_thread *before = lock->owner, *owner = next->thread;
    enum err e = store(address, (uint32_t)owner->tid | FUTEX_WAITERS | bits);
    if (e != E_OK)
        return e;
    lock = pi_leave(next);
    futex_wake_one(next);
    if (lock != NULL)
        pi_set_owner(lock, owner);
    else
        thread_lend_priority(before);
    return E_OK;
}

/* The first waiter of a futex gets the lock, or waits for it. */
static COLD enum err requeue_first(struct futex_waiter *w, uint64_t address,
                                   const struct futex_key *to)
{
    struct futex_waiter *any;
    uint32_t value;
    enum err e = copy_in(&value, virt(address), sizeof value);
    if (e == E_OK)
        e = futex_any_pi(to, &any);
    if (e != E_OK)
        return e;
    struct pi_lock *lock = any != NULL ? any->lock : NULL;
    if ((value & FUTEX_TID_MASK) == 0) {
        e = change_out(virt(address), value,
                       (value & FUTEX_OWNER_DIED) | FUTEX_WAITERS | (uint32_t)w->thread->tid);
        if (e != E_OK)
            return e;
        futex_wake_one(w);
        if (lock != NULL)
            pi_set_owner(lock, w->thread);
        return E_OK;
    }
    struct linux_thread *owner = linux_thread_find((int)(value & FUTEX_TID_MASK));
    if (owner == NULL || owner->thread == NULL)
        return E_SRCH;
    if (owner == w->thread)
        return E_DEADLK;
    if (lock != NULL && lock->owner != owner)
        return E_INVAL;
    e = change_out(virt(address), value, value | FUTEX_WAITERS);
    if (e == E_OK)
        e = pi_join(w, lock, owner);
    if (e != E_OK)
        return e;
    futex_move_one(w, to);
    w->requeue_to = NULL;
    return E_OK;
}

COLD enum err futex_pi_requeue(const struct futex_key *from, uint64_t address,
                               const struct futex_key *to, uint32_t limit, uint32_t *count)
{
    struct futex_waiter *w;
    for (*count = 0; *count <= limit && (w = futex_first(from)) != NULL; (*count)++) {
        if (w->requeue_to == NULL || !futex_key_same(w->requeue_to, to))
            return E_INVAL;
        enum err e;
        do
            e = requeue_first(w, address, to);
        while (e == E_CHANGED);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

enum err futex_pi_owned(uint64_t address)
{
    uint32_t value;
    enum err e = copy_in(&value, virt(address), sizeof value);
    if (e != E_OK)
        return e;
    return (value & FUTEX_TID_MASK) == (uint32_t)linux_current()->tid ? E_OK : E_PERM;
}

enum err futex_pi_unlock(uint64_t address, const struct futex_key *key)
{
    struct futex_waiter *any;
    enum err e = futex_any_pi(key, &any);
    if (e != E_OK)
        return e;
    return any != NULL ? futex_pi_hand_over(address, any->lock, 0) : store(address, 0);
}

void futex_pi_exit(struct linux_thread *lt)
{
    while (!pqueue_empty(&lt->pi_locks)) {
        struct pi_lock *lock = lock_of_lent(pqueue_first(&lt->pi_locks));
        struct futex_waiter *first = pi_first(lock);
        enum err e = futex_pi_hand_over(first->address, lock, FUTEX_OWNER_DIED);
        if (e == E_OK || copy_wait(e) == E_OK)
            continue;
        /* The word is unmapped: ownership cannot be recorded. */
        pi_leave(first);
        futex_wake_one(first);
    }
}
