/* SPDX-License-Identifier: MIT */
/*
 * The root archive: cpio "newc" (magic 070701, and 070702 whose checksum is verified), what Linux
 * calls initramfs (Documentation/driver-api/early-userspace/buffer-format.rst). Names may be padded
 * with NULs: the packer does so to align file data to pages. A second archive behind the trailer is
 * refused. Pure.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "parse/parse_fault.h"

#include <stdint.h>

struct cpio_entry {
    const char
        *name; /* points into the archive, NUL-terminated, not empty; may start with "./" or "/" */
    uint32_t name_length; /* without NULs */
    uint32_t ino, mode, uid, gid, nlink, mtime;
    uint32_t dev_major,
        dev_minor; /* of the device that holds the file: with ino, names hard links */
    uint32_t rdev_major, rdev_minor; /* of a device node */
    const uint8_t *data;             /* points into the archive */
    uint32_t size;                   /* bytes of data */
};

struct cpio_reader {
    const uint8_t *bytes;
    uint64_t size;
    uint64_t offset; /* of the next header */
};

/* After CPIO_BROKEN the reader is of no more use; after CPIO_END it says so again. */
enum cpio_next {
    CPIO_ENTRY,  /* *entry was filled */
    CPIO_END,    /* the trailer, or nothing but zeros to the end, was reached */
    CPIO_BROKEN, /* *fault says where and what */
};

void cpio_open(struct cpio_reader *reader, const void *bytes, uint64_t size);
MUST_CHECK enum cpio_next cpio_read(struct cpio_reader *reader, struct cpio_entry *entry,
                                    struct parse_fault *fault);
