/* SPDX-License-Identifier: MIT */
/*
 * Signals for files that have become ready: O_ASYNC, F_SETOWN, F_SETSIG (fcntl(2)).
 *
 *     queue of the file --wake()--> list `happened` --> thread "sigio" --> signal to the owner
 *
 * A wake-up holds class_sched, under which no signal can be sent. The thread has the highest
 * priority: it runs before the call or the interrupt that woke it returns to the program.
 */
#pragma once

#include "fs/vfs/file.h"
#include "fs/vfs/process.h"

/* True since the first O_ASYNC: queues are woken at each event, not only if the state changes. */
extern bool async_used;

/* O_ASYNC on or off, as set by way of descriptor `fd`. E_NOTTY: the file sends no signals; E_NOMEM. */
MUST_CHECK enum err async_set(struct file *file, int fd, bool on);
/* F_SETOWN_EX. E_SRCH: no such process; E_NOMEM. */
MUST_CHECK enum err async_set_owner(struct file *file, enum fs_owner_type type, uint32_t id);
/* F_SETOWN: `number` is a pid, a negative process group, or 0. As async_set_owner(); E_INVAL. */
MUST_CHECK enum err async_set_number(struct file *file, int32_t number);
/* The owner; id 0: none, or it has ended. */
struct fs_owner async_owner(const struct file *file);
int32_t async_number(const struct file *file); /* F_GETOWN */
/* F_SETSIG: 0 is SIGIO without information. E_INVAL, E_NOMEM. */
MUST_CHECK enum err async_set_signal(struct file *file, uint64_t signal);
int async_signal(const struct file *file);
/* SIGURG to the owner, if there is one, with or without O_ASYNC. O(members of the group). */
void async_urgent(const struct file *file);
/* No owner, and SIGIO: at the end of a lease. */
void async_forget_owner(struct file *file);
/* The file is being closed. */
void async_end(struct file *file);

/* A file_ops.async_group for files that are no terminals. */
uint32_t async_no_group(const struct file *file);
