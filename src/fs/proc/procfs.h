/* SPDX-License-Identifier: MIT */
/*
 * /proc and /sys: files whose contents are generated when they are read. Other parts of the kernel
 * register generators. A read at offset 0 calls the generator; later reads continue in the same
 * text.
 */
#pragma once

#include "fs/vfs/inode.h"
#include "fs/vfs/text.h"

typedef void (*procfs_generator)(struct text *text, void *context);
/* Receives the bytes of one write(); E_INVAL rejects them. */
typedef enum err (*procfs_writer)(const char *bytes, size_t size, void *context);

#define PROCFS_WRITE_MAX 4096 /* bytes of one write */

/* Mounts /proc and /sys, and makes the directories if they are missing. Their files are made at the first look
 * into either: /proc/self, mounts, filesystems, sys/fs, and by `fill` the others; it is called again after an
 * error. Boot, after the root is filled. */
MUST_CHECK enum err procfs_start(enum err (*fill)(void));

/* Adds a file, with mode 0444. `path` is relative to /proc ("sys/kernel/ostype"), or absolute and
 * below /sys ("/sys/devices/system/cpu/online"). Missing directories are made; an earlier file of
 * that name is replaced. E_NOMEM. */
MUST_CHECK enum err procfs_add(const char *path, procfs_generator generator, void *context);
/* Adds a writable file, with mode 0644; otherwise as procfs_add(). */
MUST_CHECK enum err procfs_add_writable(const char *path, procfs_generator generator,
                                        procfs_writer writer, void *context);

/* Adds a symbolic link. */
MUST_CHECK enum err procfs_add_link(const char *path, const char *text);

/* An inode that is in no directory: it is made when it is looked up. */
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
    uint32_t pid, number; /* for its struct procfs_node */
};

/* Make a node, a text file or a symbolic link, for the lookup of a directory. *out: one
 * reference. E_NOMEM. */
MUST_CHECK enum err procfs_make(struct dentry *parent, const struct procfs_made *what,
                                struct dentry **out);
MUST_CHECK enum err procfs_make_file(struct dentry *parent, const char *name,
                                     procfs_generator generator, procfs_writer writer,
                                     void *context, struct dentry **out);
MUST_CHECK enum err procfs_make_link(struct dentry *parent, const char *name, const char *text,
                                     struct dentry **out);
/* For a text file of /proc/PID that only those may open that may trace the process. */
extern const struct file_ops procfs_traced_ops;
/* The directory /proc, without a reference. */
struct dentry *procfs_root(void);

/* /proc/PID/pagemap and clear_refs (proc(5)): fs/proc/pagemap.c. */
extern const struct file_ops procfs_pagemap_ops, procfs_clear_refs_ops;
/* Adds /proc/PID, self and thread-self. Called at the first look. */
MUST_CHECK enum err procfs_self_start(void);
