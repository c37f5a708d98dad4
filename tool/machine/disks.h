/* SPDX-License-Identifier: MIT */
/*
 * The machine's disks: files of this computer, or its own block devices, that the program sees as /dev/vda, /dev/vdb and so on
 * (--disk), in the order of the options.
 */
#pragma once

#include "host/text.h"

#include <stdbool.h>

enum {
    DISKS_MAX = 16, /* microvm has places for as many, besides other devices */
};

struct disk_file {
    char *file;
    bool readonly;
};

struct disks {
    struct disk_file disk[DISKS_MAX];
    unsigned count;
};

/* The value of --disk: FILE or FILE:ro. NULL, or why it is none. */
const char *disks_add(struct disks *disks, const char *text);
/* Fails the tool if a file is missing, cannot be read or written, is empty, or is the disk of another machine. */
void disks_check(const struct disks *disks);
/* Adds QEMU's options. `place`: the first of microvm's places for virtio devices that is a disk's; 0: the machine has PCI. */
void disks_qemu(const struct disks *disks, unsigned place, struct args *args);
