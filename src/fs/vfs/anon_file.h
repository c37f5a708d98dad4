/* SPDX-License-Identifier: MIT */
/* Files in no directory: eventfd, timerfd, signalfd, pipes, sockets. */
#pragma once

#include "fs/vfs/file.h"

/* Opens a file with these operations; `name` is shown in /proc/self/fd ("anon_inode:[eventfd]"). On
 * success ops->release owns `state`. E_NOMEM. */
MUST_CHECK enum err anon_file_open(const char *name, const struct file_ops *ops, void *state,
                                   uint32_t flags, struct file **out);

/* A new inode of `fs` and a dentry for it in no directory; `format` gives the name from the inode
 * number: "pipe:[%lu]". *out: one reference. E_NOMEM. */
MUST_CHECK enum err anon_dentry(struct filesystem *fs, uint32_t mode, const char *format,
                                struct dentry **out);
/* Opens such a dentry. On success ops->release owns `state`; the caller keeps its reference. */
MUST_CHECK enum err anon_open(struct dentry *dentry, const struct file_ops *ops, void *state,
                              uint32_t flags, struct file **out);
