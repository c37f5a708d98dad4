/* SPDX-License-Identifier: MIT */
/*
 * The joint between the library (fs/iso9660/iso9660.h), VFS (fs/vfs/store.h), page cache (fs/cache/page_cache.h) and block devices.
 *
 *     struct iso_volume   a mounted medium. Its directories are read through the pages of the device (fs/cache/device_pages.h)
 *     struct iso_node     a regular file
 *     struct iso_folder   a directory; with an index of its names if it is large, made by the first lookup
 *
 * Locks: all of the library runs with the names lock; pages of files are read without.
 */
#pragma once

#include "fs/cache/device_pages.h"
#include "fs/iso9660/iso9660.h"
#include "fs/vfs/store.h"

struct iso_volume {
    struct store store; /* first */
    struct iso iso;
    struct block_device *device;
    struct inode *whole;
    struct iso_stat found; /* by the lookup under way */
    struct iso_volume *next;
};

struct iso_node {
    struct cached_file cached; /* first */
    struct block_device *device;
    uint32_t sections;
    struct iso_section *section; /* heap, or `one` */
    struct iso_section one;
};

struct iso_folder {
    struct inode inode; /* first */
    struct iso_section section;
    struct iso_index *index; /* heap; NULL: none */
    bool indexed;            /* an index was made, or there is no memory for it */
};

static inline struct iso_volume *iso_volume_of(const struct inode *inode)
{
    return (struct iso_volume *)store_of(inode);
}

/* node.c */
/* The inode of volume->found. */
MUST_CHECK enum err iso_node_get(struct iso_volume *volume, struct inode **out);
/* The index for a lookup in the directory; NULL: it is small. Sleeps. */
const struct iso_index *iso_folder_index(struct inode *directory);
