/* SPDX-License-Identifier: MIT */
/* Futexes at thread exit. */
#pragma once

struct linux_thread;

/* Marks the locks of the calling thread's robust list FUTEX_OWNER_DIED, hands its PI locks to their
 * waiters, clears the word of set_tid_address() and wakes one waiter on it. The list is untrusted:
 * the walk is bounded and ends at the first fault. Defined in linux/futex/robust.c. */
void thread_exit_futexes(struct linux_thread *lt);
