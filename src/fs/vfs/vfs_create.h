/* SPDX-License-Identifier: MIT */
/* New objects, for the parts of the VFS and for what fills file systems at boot. */
#pragma once

#include "fs/vfs/walk.h"

/* An inode for `directory`'s file system, owned by the caller's user, with no name. Checks the
 * right to write into the directory. E_ACCES, E_NOENT (removed directory, or one that takes no
 * files), E_NOMEM, E_NOSPC. */
MUST_CHECK enum err vfs_create_inode(struct dentry *directory, uint32_t mode, uint64_t device,
                                     struct inode **out);
/* The same with the name that the walk did not find; link counts and times are set. *out: one
 * reference. */
MUST_CHECK enum err vfs_create_child(const struct walk *walk, uint32_t mode, uint64_t device,
                                     struct dentry **out);
