/* SPDX-License-Identifier: MIT */
/*
 * The hash table of futex waiters. A futex is a 32-bit word of the program's memory; the kernel
 * identifies it by its key:
 *
 *   FUTEX_PRIVATE_FLAG              address space and address
 *   shared, of private memory       the same with bit 1 set: on Linux, too, the two are different futexes
 *   in a shared mapping of a file   file and offset: the same for all mappings, in all address spaces
 *
 * A bucket is in the order in which waiters are woken: by real-time priority at the time of joining
 * (Linux: normal_prio), in order of arrival among equals. A waiter joins the table first and then
 * reads the word: a thread that changes the word and then calls futex_wake() finds it. The kernel
 * is not preempted.
 *
 * Locks: a bucket is changed under kernel_lock alone, or shared and under class_futex. A waiter that was woken takes the lock of its bucket
 * once more (futex_leave()) before its memory goes: the thread that wakes it may still be there. Waiters are moved, and keys of files held and
 * dropped, under kernel_lock alone.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/list.h"
#include "base/pqueue.h"
#include "kern/wait.h"
#include "mm/layout.h"
#include "mm/space.h"
#include "mm/vm/page_source.h"

#include <stdbool.h>
#include <stdint.h>

#define FUTEX_BITSET_ANY UINT32_MAX
#define FUTEX_BUCKETS    256
#define FUTEX_KEY_FILE   1u /* in futex_key.at, which is a multiple of 4 otherwise */
#define FUTEX_KEY_SHARED 2u

struct linux_thread;

struct futex_key {
    const void *in; /* struct address_space, or with FUTEX_KEY_FILE struct page_source */
    uint64_t at;    /* address or offset, and FUTEX_KEY_* */
};

struct futex_waiter {
    struct list link;     /* of its bucket */
    struct futex_key key; /* holds a reference to the source */
    uint32_t bitset;      /* 0: futex_wake() does not wake it */
    uint8_t priority;     /* real-time priority of the waiting thread when it joined; 0: none */
    bool woken;
    struct wait_queue *queue; /* in whose list `one` the waiting thread sleeps */
    /* Priority-inheriting futexes; lock is NULL for other futexes. */
    struct pi_lock *lock;           /* linux/futex/pi.c */
    struct pqueue_node by_priority; /* of the lock's waiters */
    struct linux_thread *thread;
    uint64_t address;
    /* FUTEX_WAIT_REQUEUE_PI: the futex to which FUTEX_CMP_REQUEUE_PI may move it; NULL: no such wait, or
     * it was moved. */
    const struct futex_key *requeue_to;
};

/* When a wait ends: on the clock of time_now_ns(), or of time_realtime_ns(). */
struct futex_deadline {
    uint64_t ns;
    bool realtime;
};

static inline unsigned futex_how(const struct futex_deadline *deadline)
{
    return deadline->realtime ? WAIT_ONE | WAIT_REALTIME : WAIT_ONE;
}

/* E_INVAL: address not aligned. E_FAULT: outside the program's half. */
static inline MUST_CHECK enum err futex_key_private(uint64_t address, struct futex_key *out)
{
    if (unlikely(address % sizeof(uint32_t) != 0))
        return E_INVAL;
    if (unlikely(address > LAYOUT_PROGRAM_END - sizeof(uint32_t)))
        return E_FAULT;
    *out = (struct futex_key){running_space, address};
    return E_OK;
}
/* As that; E_FAULT also if the address is in no area whose word can change. O(log areas). */
MUST_CHECK enum err futex_key_shared(uint64_t address, struct futex_key *out);
/* Index of the key's bucket, below FUTEX_BUCKETS. Pure. */
uint32_t futex_bucket(const struct futex_key *key);

/* Adds the calling thread's waiter to the table; the caller has set key, bitset and queue. O(waiters
 * in the bucket with a lower priority). */
void futex_join(struct futex_waiter *waiter);
/* Removes the waiter, woken or not, and drops its reference to the source: a shared kernel_lock may be alone afterwards. */
void futex_leave(struct futex_waiter *waiter);

#define FUTEX_MIXED UINT32_MAX

/* Wakes up to `limit` waiters whose bitset shares a bit with `bitset`; returns their number, or
 * FUTEX_MIXED at a waiter for a PI lock (FUTEX_LOCK_PI, FUTEX_WAIT_REQUEUE_PI). O(bucket). */
uint32_t futex_wake(const struct futex_key *key, uint32_t limit, uint32_t bitset);
/* Requeues up to `limit` waiters to another futex; as futex_wake(). O(bucket), and O(bucket *
 * moved) if their priorities differ. */
uint32_t futex_move(const struct futex_key *from, const struct futex_key *to, uint32_t limit);
/* A waiter of a priority-inheriting futex, or NULL. E_INVAL: a thread waits on the futex without PI.
 * O(waiters in the bucket before the first on this futex). */
MUST_CHECK enum err futex_any_pi(const struct futex_key *key, struct futex_waiter **out);
/* The first waiter of the futex; NULL: none. O(waiters in the bucket before it). */
struct futex_waiter *futex_first(const struct futex_key *key);
/* Moves one waiter to another futex. O(bucket). */
void futex_move_one(struct futex_waiter *waiter, const struct futex_key *to);
bool futex_key_same(const struct futex_key *a, const struct futex_key *b);
/* NULL: the key is of an address space. */
static inline struct page_source *futex_key_source(const struct futex_key *key)
{
    return key->at & FUTEX_KEY_FILE ? (struct page_source *)(uintptr_t)key->in : NULL;
}
/* Drops a waiter's reference to the source. */
static inline void futex_key_drop(const struct futex_key *key)
{
    struct page_source *source = futex_key_source(key);
    if (source != NULL)
        source->ops->put(source);
}
/* Wakes one waiter. */
void futex_wake_one(struct futex_waiter *waiter);
