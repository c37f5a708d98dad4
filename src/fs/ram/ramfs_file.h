/* SPDX-License-Identifier: MIT */
/* The regular file of a ramfs: interface between ramfs.c and ramfs_file.c. */
#pragma once

#include "fs/vfs/inode.h"
#include "fs/vfs/page_tree.h"

struct ram_file {
    struct inode inode;
    struct page_tree tree;  /* its own pages */
    const uint8_t *archive; /* NULL: made after boot */
    uint64_t archive_size;  /* bytes that come from the archive; truncation lowers it */
    phys_t archive_phys;
};

static inline struct ram_file *ram_file_of(const struct inode *inode)
{
    return (struct ram_file *)(uintptr_t)inode;
}

/* True if the limits allow the files of the file system that many more own pages. */
bool ramfs_room_for(const struct filesystem *fs, uint64_t pages);
/* Adds `change` to the number of own pages of the file system's files, and of all. */
void ramfs_count_pages(struct filesystem *fs, int64_t change);

extern const struct inode_ops ram_file_inode_ops;
extern const struct file_ops ram_file_ops;
extern const struct page_source_ops ram_file_page_ops;
