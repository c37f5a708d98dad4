/* SPDX-License-Identifier: MIT */
#include "linux/futex/futex.h"

#include "cpu/lock.h"
#include "linux/task/process.h"
#include "linux/task/scheduling.h"
#include "mm/vm/areas.h"
#include "mm/vm/usercopy.h"

static struct bucket {
    struct list waiters GUARDED_BY(class_futex);
    struct short_lock lock;
} buckets[FUTEX_BUCKETS];

static struct futex_waiter *futex_waiter_of(struct list *link)
{
    return CONTAINER_OF(link, struct futex_waiter, link);
}

uint32_t futex_bucket(const struct futex_key *key)
{
    uint64_t mixed = (key->at ^ (uint64_t)(uintptr_t)key->in) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(mixed >> 32) % FUTEX_BUCKETS;
}

static struct bucket *bucket_of_key(const struct futex_key *key)
{
    return &buckets[futex_bucket(key)];
}

/* Buckets are initialized on first use; a NULL link means an unused bucket. */
static struct list *waiters_of(struct bucket *bucket) REQUIRES(class_futex)
{
    if (unlikely(bucket->waiters.next == NULL))
        list_init(&bucket->waiters);
    return &bucket->waiters;
}

/* For what needs kernel_lock alone. */
static struct list *futex_bucket_of(const struct futex_key *key) NO_LOCK_ANALYSIS
{
    kernel_lock_assert();
    return waiters_of(bucket_of_key(key));
}

COLD enum err futex_key_shared(uint64_t address, struct futex_key *out)
{
    enum err e = futex_key_private(address, out);
    if (e != E_OK)
        return e;
    out->at |= FUTEX_KEY_SHARED;
    const struct area *area = areas_find(space_current(), virt(address));
    if (area == NULL || area->kind == AREA_GUARD)
        return E_FAULT;
    bool of_file =
        area->kind == AREA_FILE && ((area->flags & AREA_SHARED) || !prot_can_write(area->prot));
    if (!(of_file ? prot_can_read(area->prot) : prot_can_write(area->prot)))
        return E_FAULT; /* private memory that cannot be written never changes */
    struct page_source *source = area->source;
    if (of_file && source->ops->identity != NULL)
        source = source->ops->identity(source);
    if (of_file)
        *out = (struct futex_key){source, (area->offset + (address - area->range.start.v)) |
                                              FUTEX_KEY_FILE};
    return E_OK;
}

bool futex_key_same(const struct futex_key *a, const struct futex_key *b)
{
    return a->at == b->at && a->in == b->in;
}

static void hold(const struct futex_key *key)
{
    struct page_source *source = futex_key_source(key);
    if (source != NULL)
        source->ops->get(source);
}

/* Adds it behind the last waiter of the same or a higher priority. */
static void add_by_priority(struct list *bucket, struct futex_waiter *waiter)
{
    struct list *before = bucket->prev;
    while (before != bucket && futex_waiter_of(before)->priority < waiter->priority)
        before = before->prev;
    list_add_head(before, &waiter->link);
}

void futex_join(struct futex_waiter *waiter)
{
    hold(&waiter->key);
    waiter->woken = false;
    waiter->priority = (uint8_t)linux_current()->scheduling.priority;
    struct bucket *bucket = bucket_of_key(&waiter->key);
    SHORT_LOCK(&bucket->lock, class_futex);
    add_by_priority(waiters_of(bucket), waiter);
    SHORT_UNLOCK(&bucket->lock, class_futex);
    if (SEVERAL_CPUS)
        __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the word is read afterwards */
}

void futex_leave(struct futex_waiter *waiter)
{
    if (futex_key_source(&waiter->key) != NULL)
        kernel_lock_alone();
    struct bucket *bucket = bucket_of_key(&waiter->key);
    SHORT_LOCK(&bucket->lock, class_futex);
    list_remove(&waiter->link);
    SHORT_UNLOCK(&bucket->lock, class_futex);
    futex_key_drop(&waiter->key);
}

void futex_wake_one(struct futex_waiter *waiter)
{
    list_remove(&waiter->link);
    waiter->woken = true;
    wait_queue_wake_one(waiter->queue);
}

uint32_t futex_wake(const struct futex_key *key, uint32_t limit, uint32_t bitset)
{
    uint32_t count = 0;
    struct bucket *bucket = bucket_of_key(key);
    SHORT_LOCK(&bucket->lock, class_futex);
    struct list *waiters = waiters_of(bucket), *next;
    for (struct list *it = waiters->next; it != waiters && count < limit; it = next) {
        struct futex_waiter *w = futex_waiter_of(it);
        next = it->next;
        if (!futex_key_same(&w->key, key))
            continue;
        if (!(w->bitset & bitset)) { /* 0 in waiters for PI */
            if (unlikely(w->lock != NULL || w->requeue_to != NULL)) {
                count = FUTEX_MIXED;
                break;
            }
            continue;
        }
        futex_wake_one(w);
        count++;
    }
    SHORT_UNLOCK(&bucket->lock, class_futex);
    return count;
}

uint32_t futex_move(const struct futex_key *from, const struct futex_key *to, uint32_t limit)
{
    uint32_t count = 0;
    struct list *bucket = futex_bucket_of(from), *target = futex_bucket_of(to), *next;
    struct list moved = LIST_INIT(moved); /* else moves within one bucket would be visited again */
    for (struct list *it = bucket->next; it != bucket && count < limit; it = next) {
        struct futex_waiter *w = futex_waiter_of(it);
        next = it->next;
        if (!futex_key_same(&w->key, from))
            continue;
        if (w->lock != NULL || w->requeue_to != NULL) {
            count = FUTEX_MIXED;
            break;
        }
        hold(to);
        futex_key_drop(&w->key);
        w->key = *to;
        list_remove(&w->link);
        list_add_tail(&moved, &w->link);
        count++;
    }
    while (!list_empty(&moved)) {
        struct list *first = moved.next;
        list_remove(first);
        add_by_priority(target, futex_waiter_of(first));
    }
    return count;
}

struct futex_waiter *futex_first(const struct futex_key *key)
{
    list_for_each (it, futex_bucket_of(key)) {
        struct futex_waiter *w = futex_waiter_of(it);
        if (futex_key_same(&w->key, key))
            return w;
    }
    return NULL;
}

void futex_move_one(struct futex_waiter *waiter, const struct futex_key *to)
{
    hold(to);
    futex_key_drop(&waiter->key);
    waiter->key = *to;
    list_remove(&waiter->link);
    add_by_priority(futex_bucket_of(to), waiter);
}

enum err futex_any_pi(const struct futex_key *key, struct futex_waiter **out)
{
    *out = futex_first(key);
    return *out == NULL || (*out)->lock != NULL ? E_OK : E_INVAL;
}
