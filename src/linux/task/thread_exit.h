/* SPDX-License-Identifier: MIT */
/* What a thread that ends leaves to others through the program's memory. */
#pragma once

struct linux_thread;

/* Marks the locks of the calling thread's robust list as left by a dead owner, hands its
 * priority-inheriting ones on, then clears the word of set_tid_address() and wakes who waits there.
 * The memory is hostile: each list is followed for a bounded number of entries, and the first fault
 * ends it. linux/futex/robust.c */
void thread_exit_futexes(struct linux_thread *lt);
