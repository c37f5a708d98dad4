/* SPDX-License-Identifier: MIT */
/*
 * Writes a newc cpio archive in which the data of every regular file starts at a multiple of 4096
 * bytes, so that the kernel can map files directly.
 *
 *   | header, 110 | name NUL NUL … NUL | data …  | 0-3 | header | …
 *                                      ^ multiple of 4096
 *
 * The padding consists of NULs inside the name field; for a reader the first NUL ends the name. Linux
 * skips entries whose name field is longer than 4096 bytes. If the padding would need more, another
 * entry for the root "." precedes the file, with the rest of the padding in its name field; an entry
 * for an existing directory changes nothing.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct cpio_item {
    const char *name; /* without a leading slash; "." is the root itself */
    uint32_t mode, uid, gid, nlink, mtime;
    uint32_t ino; /* equal for the names of one file, else unique */
    uint32_t rdev_major, rdev_minor;
    uint32_t size; /* bytes of data that follow through cpio_data() */
};

struct cpio_writer {
    FILE *out;
    uint64_t offset;       /* bytes written */
    uint32_t data_missing; /* of the current item */
    struct cpio_item root; /* ".", for the padding; set by the caller */
};

#define CPIO_NAME_MAX 4092 /* bytes without the NUL, so that 3 bytes of padding always fit */

/* All return false with errno if the file cannot be written. */
MUST_CHECK bool cpio_item(struct cpio_writer *writer, const struct cpio_item *item);
/* The item's data, in any number of pieces; exactly item->size bytes in total. */
MUST_CHECK bool cpio_data(struct cpio_writer *writer, const void *bytes, uint32_t size);
/* Writes the trailer, and zeros up to a multiple of 512. */
MUST_CHECK bool cpio_finish(struct cpio_writer *writer);
/* An upper bound of the bytes that an item takes in the archive. */
uint64_t cpio_room(const struct cpio_item *item);
