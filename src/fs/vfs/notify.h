/* SPDX-License-Identifier: MIT */
/*
 * Notification of events on files: inotify(7), and F_NOTIFY (fcntl(2)), whose watches belong to an open directory and send
 * signals. File operations report events; without watches a report costs one load:
 *
 *     notify(file->dentry, NOTIFY_MODIFY)     to watches of the file and, with its name, to those
 *                                             of its directory
 *
 *     struct inode --watches--> watch --> watch        struct inotify --watches--> watch --> watch
 *                                 |                                 --events--> oldest ... newest
 *                                 one reference to the inode
 */
#pragma once

#include "cpu/lock.h"
#include "fs/vfs/file.h"

enum notify_event { /* IN_* */
    NOTIFY_ACCESS = 0x1,
    NOTIFY_MODIFY = 0x2,
    NOTIFY_ATTRIBUTES = 0x4,
    NOTIFY_CLOSE_WRITE = 0x8,
    NOTIFY_CLOSE = 0x10,
    NOTIFY_OPEN = 0x20,
    NOTIFY_MOVED_FROM = 0x40,
    NOTIFY_MOVED_TO = 0x80,
    NOTIFY_CREATE = 0x100,
    NOTIFY_DELETE = 0x200,
    NOTIFY_DELETE_SELF = 0x400,
    NOTIFY_MOVE_SELF = 0x800,
};

#define NOTIFY_ALL         0xfffu
#define NOTIFY_UNMOUNT     0x2000u
#define NOTIFY_OVERFLOW    0x4000u
#define NOTIFY_IGNORED     0x8000u
#define NOTIFY_ONLYDIR     0x01000000u
#define NOTIFY_DONT_FOLLOW 0x02000000u
#define NOTIFY_EXCL_UNLINK 0x04000000u
#define NOTIFY_MASK_CREATE 0x10000000u
#define NOTIFY_RENAMED     0x10000000u /* an event: within the directory, for F_NOTIFY */
#define NOTIFY_MASK_ADD    0x20000000u
#define NOTIFY_ISDIR       0x40000000u
#define NOTIFY_ONESHOT     0x80000000u

/* Number of watches of all inotify files. */
extern uint32_t notify_watches;

/* Slow paths of the functions below. */
void notify_file(const struct dentry *dentry, uint32_t event);
struct notify_subject {
    const struct inode *inode; /* of the event */
    const char *name;          /* in the watched directory; NULL: the inode itself is watched */
    size_t length;
    uint32_t cookie; /* the same in the two events of a move; else 0 */
};
void notify_watchers(const struct inode *watched, uint32_t event,
                     const struct notify_subject *subject);

/* Reports an event of a file to its watches and to those of its directory. */
static inline void notify(const struct dentry *dentry, uint32_t event)
{
    if (notify_watches > 0) {
        kernel_lock_alone();
        notify_file(dentry, event);
    }
}
/* Reports an event of a directory entry. */
static inline void notify_name(const struct inode *directory, uint32_t event,
                               struct notify_subject subject)
{
    if (directory->watches)
        notify_watchers(directory, event, &subject);
}
/* Reports an event to the watches of the inode only. */
static inline void notify_inode(const struct inode *inode, uint32_t event)
{
    if (inode->watches)
        notify_watchers(inode, event, &(struct notify_subject){.inode = inode});
}
uint32_t notify_next_cookie(void);
/* Reports the deletion of an inode without links and removes its watches. */
void notify_gone(struct inode *inode);
/* Reports that the file system is being unmounted, and removes the watches. */
void notify_unmounted(struct inode *inode);
/* How many watches have a reference to it. O(those). */
uint32_t notify_watches_of(const struct inode *inode);

/* flags: O_NONBLOCK or 0. *out: one reference. E_NOMEM. */
MUST_CHECK enum err inotify_open(uint32_t flags, struct file **out);
bool inotify_is(const struct file *file);
/* Adds or changes the watch of the inode. mask: events, and NOTIFY_MASK_*. E_EXIST, E_NOMEM,
 * E_NOSPC. */
MUST_CHECK enum err inotify_add(struct file *file, struct inode *inode, uint32_t mask, int *wd);
MUST_CHECK enum err inotify_remove(struct file *file, int wd); /* E_INVAL */

/* F_NOTIFY by way of descriptor `fd`; `events`: DN_*, 0 ends it. The watch ends with the file. E_NOTDIR, E_NOSPC, E_NOMEM.
 * O(watches of the directory). */
MUST_CHECK enum err notify_by_signal(struct file *file, int fd, uint32_t events);
/* The file, which has an owner of signals, is being closed. */
void notify_end(const struct file *file);
