/* SPDX-License-Identifier: MIT */
/* Creation of inodes and entries, and changes of attributes, within the VFS. */
#pragma once

#include "fs/vfs/walk.h"

/* Makes an inode without a name in the file system of `directory`, owned by the caller's fsuid.
 * `mode` is before the umask, or the directory's default access control list. Checks write permission of the directory. E_ACCES, E_NOENT (removed directory, or a file system
 * that creates no files), E_NOMEM, E_NOSPC. */
MUST_CHECK enum err vfs_create_inode(struct dentry *directory, uint32_t mode, uint64_t device,
                                     struct inode **out);
/* E_NOENT (as vfs_create_inode()), E_ROFS, E_ACCES. */
MUST_CHECK enum err vfs_may_create(const struct dentry *directory);
/* Gives a new file owner, mode and access control lists by its directory and the caller. It has the type and mode, without
 * attributes. E_NOMEM, E_NOSPC. */
MUST_CHECK enum err vfs_prepare_inode(const struct dentry *directory, struct inode *to);
/* After the dentry was linked: counts, times and events. */
void vfs_name_added(struct dentry *dentry);
/* E_ROFS if the file system is mounted read-only. */
static inline enum err vfs_writable(const struct filesystem *fs)
{
    return unlikely(fs->flags & 1) ? E_ROFS : E_OK; /* MS_RDONLY */
}
/* Makes an inode under the name that the walk did not find, and updates link counts and times.
 * *out: one reference. Errors as vfs_create_inode(). */
MUST_CHECK enum err vfs_create_child(const struct walk *walk, uint32_t mode, uint64_t device,
                                     struct dentry **out);

/* A change of attributes: on a stored file system with the names lock, under which rights are checked, first on the medium. E_ROFS:
 * vfs_end_change() is not needed. Sleep. */
MUST_CHECK enum err vfs_begin_change(struct dentry *dentry);
/* If e is E_OK, sets ctime and reports the event, unless it is 0. */
void vfs_end_change(struct dentry *dentry, uint32_t event, enum err e);
