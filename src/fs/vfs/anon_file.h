/* SPDX-License-Identifier: MIT */
/* Files without a name in any directory: eventfd, timerfd, signalfd, pipes, sockets. */
#pragma once

#include "fs/vfs/file.h"

/* An open file with these operations; `name` is what /proc/self/fd shows ("anon_inode:[eventfd]").
 * On success ops->release owns `state`. E_NOMEM. */
MUST_CHECK enum err anon_file_open(const char *name, const struct file_ops *ops, void *state,
                                   uint32_t flags, struct file **out);

/* A new inode of `fs` and a dentry for it in no directory; `format` makes the name of its number:
 * "pipe:[%lu]". *out: one reference. E_NOMEM. */
MUST_CHECK enum err anon_dentry(struct filesystem *fs, uint32_t mode, const char *format,
                                struct dentry **out);
/* Opens such a dentry. On success ops->release owns `state`; the caller keeps its reference. */
MUST_CHECK enum err anon_open(struct dentry *dentry, const struct file_ops *ops, void *state,
                              uint32_t flags, struct file **out);
