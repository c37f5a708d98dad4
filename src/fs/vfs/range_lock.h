/* SPDX-License-Identifier: MIT */
/*
 * Record locks on ranges of bytes (fcntl(2)). The owner is a descriptor table, which stands for the
 * process (F_SETLK), or an open file (F_OFD_SETLK). An inode has a tree of locks sorted by start,
 * in which locks of one owner never overlap:
 *
 *     a  |--read--|          |---write---|
 *     b     |---read---|                     |--write-->
 *
 * Closing any descriptor of a file releases all locks of the table on that file, as POSIX requires.
 *
 * The tree finds the locks that overlap a range: the gap of a node (base/gap_tree.h) is the lock's last
 * byte. A thread that waits is in the list of one lock that blocks it, or of an earlier waiter with which it conflicts, so
 * that the end of a lock wakes only threads that do not conflict with each other:
 *
 *     lock (a, write) -- b, write -- c, write      a's end wakes b, whose lock c waits for then
 *                     \- d, read
 *
 * It looks again when that lock has ended or become weaker, or that waiter has given up.
 *
 * n: locks of the inode; k: those of them that overlap the range; w: threads that wait for one of these.
 */
#pragma once

#include "base/gap_tree.h"
#include "base/list.h"
#include "fs/vfs/file.h"

struct file_table;
struct text;

struct range_lock {
    struct gap_node node; /* of the inode's tree */
    struct list waiters;  /* threads that this lock blocks */
    const void *owner;    /* struct file_table or struct file */
    uint64_t start, last; /* bytes; last == INT64_MAX: to the end of the file */
    int32_t pid;          /* of the process; -1: the owner is an open file */
    bool write;
};

/* The first lock of the inode, or the next behind `lock`; NULL: none. O(1). */
const struct range_lock *range_lock_first(const struct inode *inode);
const struct range_lock *range_lock_next(const struct range_lock *lock);
/* The first lock of another owner that conflicts with `wanted`, or NULL. O((k + 1) log n). */
const struct range_lock *range_lock_conflict(const struct inode *inode,
                                             const struct range_lock *wanted);
/* Sets a lock; replaces locks of the same owner in its range. E_AGAIN: a conflict, and !wait;
 * E_INTR, E_DEADLK, E_NOMEM. May sleep: the caller must hold a reference to the file. O((k + 1) log n),
 * the threads woken, and w before it sleeps. */
MUST_CHECK enum err range_lock_set(struct inode *inode, const struct range_lock *wanted, bool wait);
/* Releases what the owner of `range` holds in it. E_NOMEM, because one lock may become two.
 * As range_lock_set(). */
MUST_CHECK enum err range_lock_clear(struct inode *inode, const struct range_lock *range);
/* Releases all locks of the owner on the inode. O(n). */
void range_locks_end(struct inode *inode, const void *owner);

/* Lines of /proc/locks, each with the prefix and the next number. */
struct range_lock_lines {
    struct text *text;
    const char *prefix;
    unsigned number; /* of the last line */
};
/* Adds the locks of the open file and those of the table (NULL: none) on its inode. O(n). */
void range_locks_show(struct range_lock_lines *lines, const struct file *file,
                      const struct file_table *table, int32_t pid);
