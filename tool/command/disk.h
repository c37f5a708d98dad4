/* SPDX-License-Identifier: MIT */
/*
 * What this computer says of a disk: sysfs, /proc/self/mountinfo, /proc/swaps. None of it is trusted: a
 * USB stick chooses its own names.
 */
#pragma once

#include "host/text.h"

#include <stdbool.h>
#include <stdint.h>

struct disk {
    const char *path;  /* as it was named */
    char *description; /* "SanDisk Ultra, 28.7 GiB, USB, removable", printable */
    struct text parts; /* a line each: "/dev/sdb1 28.7 GiB"; empty: none */
    uint64_t size;     /* bytes */
};

/* Fills *out, or says in one sentence why the disk is not to be written: not a whole disk, write-protected,
 * in use, fixed in this computer. NULL when it may be. The sentence is malloc'ed. */
char *disk_look(const char *path, struct disk *out);
void disk_free(struct disk *disk);

/* A number of bytes for people: "28.7 GiB"; malloc'ed. */
char *disk_size_text(uint64_t bytes);
