/* SPDX-License-Identifier: MIT */
/*
 * The machine's disks: files of this computer, or its own block devices, that the program sees as /dev/vda, /dev/vdb and so on,
 * in the order of the options (--disk). A volume is a disk whose ext4 file system is mounted when the program starts
 * (--volume); a file that is not there is made, with the size of --volume-size. The swap device (--swap) is the last disk.
 */
#pragma once

#include "host/text.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    DISKS_MAX = 16, /* microvm has places for as many, besides other devices */
};

struct disk_file {
    char *file;
    bool readonly;
    char *mount; /* of a volume: the folder; NULL: a plain disk */
    uint64_t
        swap; /* bytes of the swap device, whose file is temporary; 0: it is none. The last disk */
};

struct disks {
    struct disk_file disk[DISKS_MAX];
    unsigned count;
    uint64_t volume_size; /* bytes of volumes that are made; 0: DISKS_VOLUME_SIZE */
};

#define DISKS_VOLUME_SIZE (UINT64_C(1) << 30)
#define DISKS_VOLUME_MIN  (UINT64_C(1) << 20)
#define DISKS_SWAP_MIN    (UINT64_C(64) << 10)
#define DISKS_SWAP_MAX    (UINT64_C(1) << 40)

/* The value of --disk: FILE or FILE:ro. NULL, or why it is none. */
const char *disks_add(struct disks *disks, const char *text);
/* The value of --volume: FILE:/PATH, and :ro after it. The same. */
const char *disks_add_volume(struct disks *disks, const char *text);
/* --swap, once. The same. */
const char *disks_add_swap(struct disks *disks, uint64_t size);
/* Makes the volumes whose files are not there (mke2fs(8)), and the swap device, a sparse file in the tool's temporary folder. Fails the tool if a file is missing, cannot be read or written, is empty, or is the disk of another machine. */
void disks_check(const struct disks *disks);
/* Makes a sparse file with an empty ext4 file system, and says so. Fails the tool. */
void disks_make_volume(const char *file, uint64_t size);
/* The same without a word. */
void disks_make_quietly(const char *file, uint64_t size);
/* The same for equal bytes from equal input. */
struct disks_ext4 {
    const char *label, *uuid;
    uint32_t date; /* seconds */
};
void disks_make_ext4(const char *file, uint64_t size, const struct disks_ext4 *how);
/* True if a QEMU has the file as a disk, so that another must not use it so. */
bool disks_in_use(const char *file, bool writes);
/* Adds the kernel words that mount the volumes and start swapping. */
void disks_words(const struct disks *disks, struct args *words);
/* Adds QEMU's options. `place`: the first of microvm's places for virtio devices that is a disk's; 0: the machine has PCI. */
void disks_qemu(const struct disks *disks, unsigned place, struct args *args);
/* Warns of each disk whose file has blocks to allocate in a file system without space. */
void disks_warn_if_full(const struct disks *disks);
