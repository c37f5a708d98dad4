/* SPDX-License-Identifier: MIT */
/*
 * Block files: /dev/vda, /dev/vda1. An open file of one reads and writes its block device (kern/block.h) at any offset;
 * parts of blocks are read first and then written. Bytes are written through: a write has failed, or the device has them, and
 * fsync() makes them durable.
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
