/* SPDX-License-Identifier: MIT */
/* What names.c and rename.c have in common. */
#pragma once

#include "fs/vfs/walk.h"

static inline bool is_directory(const struct dentry *dentry)
{
    return mode_is(dentry->inode->mode, S_IFDIR);
}

/* E_ROFS: names of the directory to which the walk came must not be changed. */
static inline enum err names_writable(const struct walk *walk)
{
    return mount_writable(walk->mount, walk->parent->inode->fs);
}

/* A directory with entries. On a stored file system unlink() and rename() say so. */
static inline bool is_full(const struct dentry *directory)
{
    return !directory->inode->fs->store && directory->inode->directory->names.count > 0;
}

/* Check the rights to add an entry to the directory, and to remove one. E_ACCES, E_PERM. */
MUST_CHECK enum err names_may_write(const struct dentry *directory);
MUST_CHECK enum err names_may_remove(const struct dentry *directory, const struct dentry *victim);

/* Before a change of a name that was walked to: on a stored file system takes the names lock and looks the
 * name up again, as it may have changed. names_end() ends it, after errors too. Sleeps. */
MUST_CHECK enum err names_settle(struct walk *walk);
/* Ends the walk too. What has lost its last name is off the medium then, unless it is used. Sleeps. */
void names_end(struct walk *walk);
