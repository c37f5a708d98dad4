/* SPDX-License-Identifier: MIT */
/*
 * /proc: files whose contents are made when they are read. Whoever knows something registers a
 * function that writes it; a read at offset 0 calls it, and later reads go on in the same text.
 */
#pragma once

#include "fs/inode.h"
#include "fs/text.h"

typedef void (*procfs_generator)(struct text *text, void *context);
/* Takes what a program wrote, all of one write(); E_INVAL refuses it. */
typedef enum err (*procfs_writer)(const char *bytes, size_t size, void *context);

#define PROCFS_WRITE_MAX 4096 /* bytes of one write */

/* Mounts /proc (the directory is made when it is missing) and fills in what the file systems know:
 * /proc/self, mounts, filesystems, sys/fs. Boot, after the root is filled. */
MUST_CHECK enum err procfs_start(void);

/* Adds the file at `path`, below /proc and without a leading slash ("sys/kernel/ostype");
 * directories are made, an earlier file of that name is replaced. Mode 0444. E_NOMEM. */
MUST_CHECK enum err procfs_add(const char *path, procfs_generator generator, void *context);
/* The same, and it can be written. Mode 0644. */
MUST_CHECK enum err procfs_add_writable(const char *path, procfs_generator generator,
                                        procfs_writer writer, void *context);

/* A file with operations of its own, for what is no text. */
MUST_CHECK enum err procfs_add_file(const char *path, uint32_t mode, const struct file_ops *ops);

/* For procfs_self.c: a symbolic link with a text, one that jumps, a directory with entries of its
 * own making. */
MUST_CHECK enum err procfs_add_link(const char *path, const char *text);
MUST_CHECK enum err procfs_add_jump(const char *path, const struct inode_ops *ops);
MUST_CHECK enum err procfs_add_directory(const char *path, uint32_t mode,
                                         const struct inode_ops *ops);
/* A file and a directory in no directory, as a listing makes them; *out: one reference. The
 * directory's inode has size_of bytes. */
MUST_CHECK enum err procfs_make_file(struct dentry *parent, const char *name,
                                     procfs_generator generator, procfs_writer writer,
                                     void *context, struct dentry **out);
MUST_CHECK enum err procfs_make_directory(struct dentry *parent, const char *name, size_t size_of,
                                          const struct inode_ops *ops, struct dentry **out);
/* A link in no directory, as a listing makes it; *out: one reference. */
MUST_CHECK enum err procfs_make_jump(struct dentry *parent, const char *name, uint32_t mode,
                                     size_t size_of, const struct inode_ops *ops,
                                     struct dentry **out);
/* /proc/self/pagemap and clear_refs (proc(5)), with the dirty bit of the page tables as
 * "soft-dirty". */
MUST_CHECK enum err procfs_pagemap_start(const char *directory);
/* /proc/self and what is in it. */
MUST_CHECK enum err procfs_self_start(void);
