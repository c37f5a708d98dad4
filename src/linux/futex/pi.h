/* SPDX-License-Identifier: MIT */
/*
 * Priority-inheriting futexes. The word is the lock, and program and kernel share it (futex(2)):
 *
 *   bits 0-29   the owner's tid; 0: free, and the program takes it without a call
 *   bit 30      FUTEX_OWNER_DIED
 *   bit 31      FUTEX_WAITERS: the owner must call to unlock, and the kernel hands the lock over
 *
 * Whoever waits lends its real-time priority to the owner, and through it to whom that waits for.
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

/* E_DEADLK when the caller has it; E_SRCH: its owner is no thread; E_AGAIN: taken, and the caller does
 * not want to wait; E_TIMEDOUT, E_INTR, E_FAULT, E_INVAL. */
MUST_CHECK enum err futex_pi_lock(uint64_t address, const struct futex_key *key, bool wait_for_it,
                                  uint64_t deadline);
/* E_PERM when the caller does not have it. */
MUST_CHECK enum err futex_pi_unlock(uint64_t address, const struct futex_key *key);
/* The calling thread ends: what others wait for goes to them, marked FUTEX_OWNER_DIED. */
void futex_pi_exit(struct linux_thread *lt);
