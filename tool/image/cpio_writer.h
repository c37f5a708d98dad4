/* SPDX-License-Identifier: MIT */
/*
 * Writes a newc cpio archive in which the data of every regular file starts at a multiple of 4096
 * bytes, so that the kernel maps files straight out of it.
 *
 *   | header, 110 | name NUL NUL … NUL | data …  | 0-3 | header | …
 *                                      ^ multiple of 4096
 *
 * The padding is NULs that the name field counts as its own, which every reader takes for the
 * end of the name. Linux skips entries whose name field is longer than 4096 bytes; where the
 * padding would need more, the root folder "." is named once more before the file, with the rest of
 * the padding in its own name field. Making a directory that is there already changes nothing.
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

/* All return false with errno when the file cannot be written. */
MUST_CHECK bool cpio_item(struct cpio_writer *writer, const struct cpio_item *item);
/* The item's data, in as many pieces as you like; exactly item->size bytes in all. */
MUST_CHECK bool cpio_data(struct cpio_writer *writer, const void *bytes, uint32_t size);
/* The trailer, and zeros up to a multiple of 512. */
MUST_CHECK bool cpio_finish(struct cpio_writer *writer);
/* An upper bound of what an item takes, to ask for space before writing. */
uint64_t cpio_room(const struct cpio_item *item);
