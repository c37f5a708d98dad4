/* SPDX-License-Identifier: MIT */
/*
 * Priority-inheriting (PI) futexes. The word is the lock, shared by program and kernel (futex(2)):
 *
 *   bits 0-29   the owner's tid; 0: free, taken by the program without a system call
 *   bit 30      FUTEX_OWNER_DIED
 *   bit 31      FUTEX_WAITERS: the owner unlocks by a system call; the kernel hands the lock over
 *
 * A waiter lends its real-time priority to the owner and, if the owner waits itself, along the
 * chain. To lock with waiters and to unlock cost O(log waiters of the futex + log futexes with waiters
 * that the owner holds), and the same for each owner of a chain whose priority changes.
 *
 * Callers: threads.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "linux/futex/futex.h"

#define FUTEX_TID_MASK   UINT32_C(0x3fffffff)
#define FUTEX_OWNER_DIED UINT32_C(0x40000000)
#define FUTEX_WAITERS    UINT32_C(0x80000000)

/* E_DEADLK: the caller holds the lock; E_SRCH: the owner's tid
 * is not a thread; E_AGAIN: taken, and `wait_for_it` is false; E_TIMEDOUT, E_INTR, E_FAULT,
 * E_INVAL. */
MUST_CHECK enum err futex_pi_lock(uint64_t address, const struct futex_key *key, bool wait_for_it,
                                  const struct futex_deadline *deadline);
/* Whether the word names the caller as its owner: E_OK, E_PERM, E_FAULT. */
MUST_CHECK enum err futex_pi_owned(uint64_t address);
/* After futex_pi_owned(). E_FAULT, E_INVAL. */
MUST_CHECK enum err futex_pi_unlock(uint64_t address, const struct futex_key *key);
/* FUTEX_CMP_REQUEUE_PI: the first waiter of `from` gets the lock at `address` if it is free; the others, and
 * else all, at most `limit` + 1, wait for it from now on. *count: how many left `from`, also after an error.
 * E_INVAL: a waiter of `from` does not wait to be moved to `to`; else as futex_pi_lock(). */
MUST_CHECK enum err futex_pi_requeue(const struct futex_key *from, uint64_t address,
                                     const struct futex_key *to, uint32_t limit, uint32_t *count);
/* The end of a wait that futex_pi_requeue() moved and that did not get the lock. */
void futex_pi_give_up(struct futex_waiter *waiter);
/* At thread exit: each contended lock of `lt` is handed to its first waiter, marked
 * FUTEX_OWNER_DIED. */
void futex_pi_exit(struct linux_thread *lt);
