/* SPDX-License-Identifier: MIT */
/* The disks of this machine. */
#pragma once

#include "kern/options.h"
#include "parse/boot_info.h"

struct block_device;

/* Finds the disks that a driver knows, and registers them (kern/block.h): vda, sda, sr0 and so on. After port_start(). O(devices).
 * Boot. */
void disks_start(const struct boot_info *boot, const struct options *options);

enum disk_kind {
    DISK_SCSI, /* sda, as Linux calls ATA disks too */
    DISK_CD,   /* sr0 */
    DISK_NVME, /* nvme0n1 */
};

/* Gives a disk of a controller its name and numbers. Boot. */
void disk_name(struct block_device *disk, enum disk_kind kind);
