/* SPDX-License-Identifier: MIT */
/* The bytes of files of a folder of the host. They are read and written there at once: nothing is cached. */
#pragma once

#include "fs/vfs/inode.h"

/* For a new inode of a regular file. */
void contents_begin(struct inode *inode);
/* The inode is evicted. Sleeps. */
void contents_end(struct inode *inode);
/* True if the host has all that was written here: size and times are the host's. */
bool contents_are_clean(const struct inode *inode);
/* Sleeps until the host has it. */
MUST_CHECK enum err contents_write_back(struct inode *inode);
/* inode_ops.truncate. Sleeps. */
MUST_CHECK enum err contents_truncate(struct inode *inode, uint64_t size);
