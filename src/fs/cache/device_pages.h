/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a block device as an inode of the page cache (Linux: bdev's address_space): for block files, and for file
 * systems that read their medium through it. There is one for each device in use. A disk and its partitions have pages of their own,
 * as on Linux, and so has a file system: what one writes is on the device before the other reads it only if it was written back.
 *
 * The inodes are in a store (fs/vfs/store.h) without names, so sync(2) and the end of the machine write what is dirty, and the
 * last user's end evicts.
 */
#pragma once

#include "fs/cache/page_cache.h"
#include "kern/block.h"

struct device_node {
    struct cached_file cached; /* first */
    struct block_device *device;
};

static inline struct block_device *device_of_pages(const struct inode *inode)
{
    return ((const struct device_node *)inode)->device;
}

/* *out: the inode, with a reference. It holds the device. May sleep. E_NOMEM. O(1). */
MUST_CHECK enum err device_pages_get(struct block_device *device, struct inode **out);
/* Drops the reference. The last one, but for mappings, writes what is dirty and frees the pages. Sleeps. O(pages). */
void device_pages_put(struct inode *inode);
/* Writes the dirty pages with bytes of [from, end) and drops all of them, so that the device itself may be read and written there. Sleeps.
 * The first error. O(pages in the range). */
MUST_CHECK enum err device_pages_drop(struct inode *inode, uint64_t from, uint64_t end);
/* The same for all of the device, before and after a file system has it. Sleeps. O(pages). */
void device_pages_settle(struct block_device *device);
