/* SPDX-License-Identifier: MIT */
/* What becomes of futexes at thread exit, and of IPC at process exit. */
#pragma once

struct linux_thread;
struct process;

/* Marks the locks of the calling thread's robust list FUTEX_OWNER_DIED, hands its PI locks to their
 * waiters, clears the word of set_tid_address() and wakes one waiter on it. The list is untrusted:
 * the walk is bounded and ends at the first fault. Defined in linux/futex/robust.c. */
void thread_exit_futexes(struct linux_thread *lt);
/* Undoes what the process did to System V semaphores with SEM_UNDO. O(semaphores of those sets). Defined in
 * linux/ipc/sys_sem.c. */
void ipc_process_ends(struct process *process);
