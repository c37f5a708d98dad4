/* SPDX-License-Identifier: MIT */
/*
 * The contents of files of a folder of the host, in the page cache (fs/cache/page_cache.h). Pages are read and written by the
 * host in place. That the host's disk is full shows when the pages are written, so fsync() returns ENOSPC and not write(), as on NFS.
 */
#pragma once

#include "fs/vfs/inode.h"

/* Before the first file. Boot. */
void contents_start(void);
/* For a new inode of a regular file. */
void contents_begin(struct inode *inode);
/* The inode is evicted. Sleeps. */
void contents_end(struct inode *inode);
/* Others have changed the file: what is cached of it is dropped. */
void contents_changed(struct inode *inode);
/* True if the host has all that was written here: size and times are the host's. */
bool contents_are_clean(const struct inode *inode);
/* Sleeps until the host has it. */
MUST_CHECK enum err contents_write_back(struct inode *inode);
