/* SPDX-License-Identifier: MIT */
/*
 * Record locks on ranges of bytes (fcntl(2)). Their owner is a table of descriptors, which is what a
 * process is here (F_SETLK), or an open file (F_OFD_SETLK). An inode has a list of them by start, in
 * which those of one owner never overlap:
 *
 *     a  |--read--|          |---write---|
 *     b     |---read---|                     |--write-->
 *
 * A table's locks on a file end when it closes any descriptor of that file, as POSIX wants it.
 */
#pragma once

#include "fs/vfs/file.h"

struct range_lock {
    struct range_lock *next;
    const void *owner;    /* struct file_table or struct file */
    uint64_t start, last; /* bytes; last is INT64_MAX for "to the end, wherever that is" */
    int32_t pid;          /* of a table's process; -1 for an open file's */
    bool write;
};

/* The first lock of another owner that is in the way of `wanted`; NULL. */
const struct range_lock *range_lock_conflict(const struct inode *inode,
                                             const struct range_lock *wanted);
/* Sets it, replacing what its owner has there. E_AGAIN with !wait when another is in the way; E_INTR,
 * E_DEADLK, E_NOMEM. May sleep: the caller holds the file. */
MUST_CHECK enum err range_lock_set(struct inode *inode, const struct range_lock *wanted, bool wait);
/* Takes away what the owner of `range` has there. E_NOMEM when one lock becomes two. */
MUST_CHECK enum err range_lock_clear(struct inode *inode, const struct range_lock *range);
/* All that the owner has. */
void range_locks_end(struct inode *inode, const void *owner);
