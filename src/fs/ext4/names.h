/* SPDX-License-Identifier: MIT */
/* Parts of changes of names, for names.c and rename.c. In a handle. */
#pragma once

#include "fs/ext4/core.h"

/* The directory's times are now. */
MUST_CHECK enum err ext4_dir_touch(struct ext4 *fs, struct ext4_inode *dir);
/* One directory more or less is in it. E_MLINK. */
MUST_CHECK enum err ext4_dir_count(struct ext4 *fs, struct ext4_inode *dir, int change);
/* A name of it is gone; without names, and of a directory it was the only one, it is an orphan. */
MUST_CHECK enum err ext4_unlink_inode(struct ext4 *fs, struct ext4_inode *inode);
