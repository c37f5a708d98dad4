/* SPDX-License-Identifier: MIT */
/*
 * /proc: files whose contents are made when they are read. Whoever knows something registers a
 * function that writes it; a read at offset 0 calls it, and later reads go on in the same text. /sys
 * is filled in the same way.
 */
#pragma once

#include "fs/vfs/inode.h"
#include "fs/vfs/text.h"

typedef void (*procfs_generator)(struct text *text, void *context);
/* Takes what a program wrote, all of one write(); E_INVAL refuses it. */
typedef enum err (*procfs_writer)(const char *bytes, size_t size, void *context);

#define PROCFS_WRITE_MAX 4096 /* bytes of one write */

/* Mounts /proc and /sys (the directories are made when they are missing) and fills in what the file systems know:
 * /proc/self, mounts, filesystems, sys/fs. Boot, after the root is filled. */
MUST_CHECK enum err procfs_start(void);

/* Adds the file at `path`, below /proc and without a leading slash ("sys/kernel/ostype"), or below /sys
 * and with all of its name ("/sys/devices/system/cpu/online");
 * directories are made, an earlier file of that name is replaced. Mode 0444. E_NOMEM. */
MUST_CHECK enum err procfs_add(const char *path, procfs_generator generator, void *context);
/* The same, and it can be written. Mode 0644. */
MUST_CHECK enum err procfs_add_writable(const char *path, procfs_generator generator,
                                        procfs_writer writer, void *context);

/* A symbolic link with a text. */
MUST_CHECK enum err procfs_add_link(const char *path, const char *text);

/* What is in no directory, but made when somebody looks it up. */
struct procfs_node {
    struct inode inode;
    uint32_t pid;
    uint32_t number; /* a tid, a descriptor */
};

struct procfs_made {
    const char *name;
    uint32_t mode; /* type and permissions */
    const struct inode_ops *ops;
    const struct file_ops *file_ops;
    uint32_t pid, number; /* of its struct procfs_node */
};

MUST_CHECK enum err procfs_make(struct dentry *parent, const struct procfs_made *what,
                                struct dentry **out);
/* The same for a text file, and for a link that has a text. */
MUST_CHECK enum err procfs_make_file(struct dentry *parent, const char *name,
                                     procfs_generator generator, procfs_writer writer,
                                     void *context, struct dentry **out);
MUST_CHECK enum err procfs_make_link(struct dentry *parent, const char *name, const char *text,
                                     struct dentry **out);
/* The directory /proc, borrowed. */
struct dentry *procfs_root(void);

/* /proc/PID/pagemap and clear_refs (proc(5)), with the dirty bit of the page tables as
 * "soft-dirty". */
extern const struct file_ops procfs_pagemap_ops, procfs_clear_refs_ops;
/* /proc/PID, self and what is in them. */
MUST_CHECK enum err procfs_self_start(void);
