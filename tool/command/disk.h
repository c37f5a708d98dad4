/* SPDX-License-Identifier: MIT */
/*
 * Facts about a disk from sysfs, /proc/self/mountinfo and /proc/swaps. They are not trusted: a USB stick
 * chooses its own names.
 */
#pragma once

#include "host/text.h"

#include <stdbool.h>
#include <stdint.h>

struct disk {
    const char *path;  /* from the command line */
    char *description; /* "SanDisk Ultra, 28.7 GiB, USB, removable", printable */
    struct text parts; /* a line each: "/dev/sdb1 28.7 GiB"; empty: none */
    uint64_t size;     /* bytes */
};

/* Fills *out. Returns NULL if the disk may be written, else a message, malloc'ed: not a whole disk,
 * write-protected, in use, built into this computer. */
char *disk_look(const char *path, struct disk *out);
void disk_free(struct disk *disk);

/* A number of bytes with a unit: "28.7 GiB"; malloc'ed. */
char *disk_size_text(uint64_t bytes);
