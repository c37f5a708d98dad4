/* SPDX-License-Identifier: MIT */
#include "fs/vfs/range_lock.h"

#include "base/list.h"
#include "fs/vfs/wait.h"
#include "mm/heap/heap.h"

#define CHAIN_MAX 10 /* maximal length of a cycle of waiting owners that is detected */

/* Woken when a record lock is released. */
static struct wait_queue released = WAIT_QUEUE_INIT(released);

struct waiter {
    struct list link;
    struct inode *inode;
    const struct range_lock *wanted;
};

static struct list waiters = LIST_INIT(waiters);

static bool overlap(const struct range_lock *a, const struct range_lock *b)
{
    return a->start <= b->last && b->start <= a->last;
}

const struct range_lock *range_lock_conflict(const struct inode *inode,
                                             const struct range_lock *wanted)
{
    for (const struct range_lock *lock = inode->locks; lock; lock = lock->next) {
        if (lock->owner != wanted->owner && overlap(lock, wanted) && (lock->write || wanted->write))
            return lock;
    }
    return NULL;
}

/* The owner that blocks the first waiter of `owner`; NULL: `owner` does not wait. */
static const void *waits_for(const void *owner)
{
    list_for_each (link, &waiters) {
        const struct waiter *waiter = CONTAINER_OF(link, struct waiter, link);
        if (waiter->wanted->owner == owner) {
            const struct range_lock *lock = range_lock_conflict(waiter->inode, waiter->wanted);
            return lock ? lock->owner : NULL;
        }
    }
    return NULL;
}

static bool would_deadlock(const struct range_lock *wanted, const struct range_lock *conflict)
{
    const void *owner = conflict->owner;
    for (unsigned i = 0; owner && i < CHAIN_MAX; i++) {
        if (owner == wanted->owner)
            return true;
        owner = waits_for(owner);
    }
    return false;
}

static bool range_lock_is_free(void *context)
{
    const struct waiter *waiter = context;
    return !range_lock_conflict(waiter->inode, waiter->wanted);
}

static enum err wait_until_free(struct inode *inode, const struct range_lock *wanted)
{
    struct waiter waiter = {.inode = inode, .wanted = wanted};
    list_add_tail(&waiters, &waiter.link);
    enum err e = fs_wait(&released, range_lock_is_free, &waiter, NO_DEADLINE);
    list_remove(&waiter.link);
    return e;
}

static void range_lock_insert(struct inode *inode, struct range_lock *lock)
{
    struct range_lock **at = &inode->locks;
    while (*at && (*at)->start <= lock->start)
        at = &(*at)->next;
    lock->next = *at;
    *at = lock;
}

/* Cuts `range` out of its owner's locks. If a lock becomes two, *spare is used and set to NULL. */
static void cut(struct inode *inode, const struct range_lock *range, struct range_lock **spare)
{
    struct range_lock **at = &inode->locks, *tail = NULL;
    while (*at) {
        struct range_lock *lock = *at;
        bool before = lock->start < range->start;
        bool behind = lock->last > range->last;
        if (lock->owner != range->owner || !overlap(lock, range)) {
            at = &lock->next;
            continue;
        }
        if (before && behind) {
            tail = *spare;
            *spare = NULL;
            *tail = *lock;
        } else if (behind) {
            tail = lock; /* is inserted again, because its start changes */
            *at = lock->next;
        }
        if (before) {
            lock->last = range->start - 1;
            at = &lock->next;
        } else if (!behind) {
            *at = lock->next;
            heap_free(lock);
        }
    }
    if (tail) { /* at most one lock extends beyond the range */
        tail->start = range->last + 1;
        range_lock_insert(inode, tail);
    }
}

enum err range_lock_clear(struct inode *inode, const struct range_lock *range)
{
    struct range_lock *spare = heap_alloc(sizeof(*spare));
    if (!spare)
        return E_NOMEM;
    cut(inode, range, &spare);
    heap_free(spare);
    wait_queue_wake(&released);
    return E_OK;
}

/* Extends `wanted` over adjacent and overlapping locks of the same owner and kind. */
static void range_lock_join(struct inode *inode, struct range_lock *wanted)
{
    for (const struct range_lock *lock = inode->locks; lock; lock = lock->next) {
        if (lock->owner != wanted->owner || lock->write != wanted->write)
            continue;
        if (lock->last + 1 >= wanted->start && lock->start <= wanted->last + 1) {
            wanted->start = lock->start < wanted->start ? lock->start : wanted->start;
            wanted->last = lock->last > wanted->last ? lock->last : wanted->last;
        }
    }
}

enum err range_lock_set(struct inode *inode, const struct range_lock *wanted, bool wait)
{
    const struct range_lock *conflict = range_lock_conflict(inode, wanted);
    enum err e = E_OK;
    if (conflict && !wait)
        return E_AGAIN;
    if (conflict && wanted->pid >= 0 && would_deadlock(wanted, conflict))
        return E_DEADLK;
    if (conflict)
        e = wait_until_free(inode, wanted);
    if (e != E_OK)
        return e;
    struct range_lock *lock = heap_alloc(sizeof(*lock)), *spare = heap_alloc(sizeof(*spare));
    if (!lock || !spare) {
        heap_free(lock);
        heap_free(spare);
        return E_NOMEM;
    }
    *lock = *wanted;
    range_lock_join(inode, lock);
    cut(inode, lock, &spare);
    range_lock_insert(inode, lock);
    heap_free(spare);
    wait_queue_wake(&released); /* the new lock may be weaker than the one it replaced */
    return E_OK;
}

void range_locks_end(struct inode *inode, const void *owner)
{
    struct range_lock **at = &inode->locks;
    while (*at) {
        struct range_lock *lock = *at;
        if (lock->owner == owner) {
            *at = lock->next;
            heap_free(lock);
        } else {
            at = &lock->next;
        }
    }
    wait_queue_wake(&released);
}
