/* SPDX-License-Identifier: MIT */
/*
 * Who waits on which word of memory. A futex is a word of the program's memory; the kernel knows it
 * by its key:
 *
 *   private, or of anonymous memory    the address: there is one address space
 *   in a shared mapping of a file      the file and the offset, so that two mappings of a page meet
 *
 * Waiters hang in a hash table by key, in order of arrival. The kernel is not preempted: a waiter
 * joins the table first and reads the word then, so that whoever changes the word and wakes cannot
 * slip between.
 *
 * Lock: threads only.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/list.h"
#include "kern/wait.h"
#include "mm/vm/page_source.h"

#include <stdbool.h>
#include <stdint.h>

#define FUTEX_BITSET_ANY UINT32_MAX
#define FUTEX_BUCKETS    256

struct linux_thread;

struct futex_key {
    struct page_source *source; /* NULL: `at` is an address */
    uint64_t at;
};

struct futex_waiter {
    struct list link;     /* of its bucket */
    struct futex_key key; /* holds a reference to the source */
    uint32_t bitset;
    bool woken;
    struct wait_queue *queue; /* where its thread sleeps */
    /* Of a priority-inheriting futex; owner is NULL for others. */
    struct linux_thread *thread, *owner;
    uint64_t address;
    struct list pi_link; /* of all those */
};

/* E_INVAL when not aligned, E_FAULT when outside the program's half, or in no area though
 * shared. */
MUST_CHECK enum err futex_key_of(uint64_t address, bool shared, struct futex_key *out);
/* Pure. */
uint32_t futex_bucket(const struct futex_key *key);

/* Joins the table. key, bitset and queue are set. */
void futex_join(struct futex_waiter *waiter);
/* Leaves it; does nothing more when woken. */
void futex_leave(struct futex_waiter *waiter);

/* Wakes up to `limit` of those who wait for one of the bits; the count. */
uint32_t futex_wake(const struct futex_key *key, uint32_t limit, uint32_t bitset);
/* Lets up to `limit` wait for another word; the count. */
uint32_t futex_move(const struct futex_key *from, const struct futex_key *to, uint32_t limit);
/* The first of those who wait on a priority-inheriting futex, by priority and then arrival; NULL. A
 * waiter of the other kind is E_INVAL. */
MUST_CHECK enum err futex_first_pi(const struct futex_key *key, struct futex_waiter **out);
/* Wakes this one. */
void futex_wake_one(struct futex_waiter *waiter);
