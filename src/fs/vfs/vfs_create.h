/* SPDX-License-Identifier: MIT */
/* Creation of inodes and entries, for the VFS and for file systems that are filled at boot. */
#pragma once

#include "fs/vfs/walk.h"

/* Makes an inode without a name in the file system of `directory`, owned by the caller's fsuid.
 * `mode` is before the umask, or the directory's default access control list. Checks write permission of the directory. E_ACCES, E_NOENT (removed directory, or a file system
 * that creates no files), E_NOMEM, E_NOSPC. */
MUST_CHECK enum err vfs_create_inode(struct dentry *directory, uint32_t mode, uint64_t device,
                                     struct inode **out);
/* Makes an inode under the name that the walk did not find, and updates link counts and times.
 * *out: one reference. Errors as vfs_create_inode(). */
MUST_CHECK enum err vfs_create_child(const struct walk *walk, uint32_t mode, uint64_t device,
                                     struct dentry **out);
