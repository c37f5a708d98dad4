/* SPDX-License-Identifier: MIT */
/*
 * Block files: /dev/vda, /dev/vda1. An open file of one reads, writes and maps its block device (kern/block.h) through the page cache
 * (fs/cache/device_pages.h); the last one that is closed writes what is dirty. O_DIRECT moves bytes between program and device, and
 * drops the pages there.
 *
 * As on Linux st_size is 0, the end is the device's size, nothing is written beyond it (ENOSPC), O_APPEND has no effect, and
 * O_DIRECT asks for places, sizes and addresses in whole blocks.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stddef.h>

struct text;

/* Looks for partitions on all disks, and makes the nodes of /dev. Sleeps. Boot, with /dev there. */
MUST_CHECK enum err block_files_start(void);

/* Files of /proc and /sys: fs/block/block_proc.c. */
void block_show_partitions(struct text *text, void *context);
void block_show_diskstats(struct text *text, void *context);
void block_show_drivers(struct text *text, void *context); /* lines of /proc/devices */
struct procfs_row;
/* A copy of the rows, with those of /sys/block after them; NULL: there are no disks, or there is no memory. */
const struct procfs_row *block_rows(const struct procfs_row *rows, size_t *count);
