/* SPDX-License-Identifier: MIT */
/*
 * Leases (fcntl(2), "Leases"): an open file has the word that no other opens the file in a way that
 * conflicts. A conflicting open or truncation signals the owner of the lease's file (F_SETOWN,
 * F_SETSIG) and waits until the lease has been given up, or for lease_break_seconds.
 *
 *   read lease    conflicts with opening for writing; the file is open for writing nowhere
 *   write lease   conflicts with any opening; the file is open nowhere else
 *
 * INODE_LEASED in inode->quick says that an inode has leases, so that the other files pay one test.
 * All functions are O(leases of the inode). Guarded by kernel_lock.
 */
#pragma once

#include "fs/vfs/file.h"

#define LEASE_READ  0u /* F_RDLCK and its kin */
#define LEASE_WRITE 1u
#define LEASE_NONE  2u
extern uint64_t lease_break_seconds; /* /proc/sys/fs/lease-break-time */

/* F_SETLEASE by way of descriptor `fd`. E_ACCES, E_INVAL, E_AGAIN, E_NOMEM. */
MUST_CHECK enum err lease_set(struct file *file, int fd, uint64_t type);
/* F_GETLEASE: the type, or that to which the lease is being broken. */
uint32_t lease_type(const struct file *file);
/* Breaks the leases of an inode with INODE_LEASED for an opening or truncation. May sleep: the caller
 * holds a reference to the inode. E_AGAIN (`wait` is false), E_INTR. */
MUST_CHECK enum err lease_break(struct inode *inode, bool writes, bool wait);
/* The file is being closed. */
void lease_end(const struct file *file);
