/* SPDX-License-Identifier: MIT */
/* Block devices by the label of their file system, so that an image finds its media under every controller. */
#pragma once

#include "kern/block.h"

/* The first device whose ext4 or ISO 9660 file system has the label: disks before their partitions, CD drives among them. NULL: none; what cannot be
 * read has no label. Reads two pages of each device. Sleeps. O(devices). */
struct block_device *block_find_label(const char *label);
