/* SPDX-License-Identifier: MIT */
/*
 * Reader of the root archive: cpio "newc" (magic 070701, or 070702 with a checksum, which is
 * verified), as Linux's initramfs (Documentation/driver-api/early-userspace/buffer-format.rst). A
 * name may be padded with NULs: the tool does so to align file data to pages. A second archive
 * after the trailer is an error. Pure.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "parse/parse_fault.h"

#include <stdint.h>

struct cpio_entry {
    /* Points into the archive; NUL-terminated, not empty; may start with "./" or "/". */
    const char *name;
    uint32_t name_length; /* without NULs */
    uint32_t ino, mode, uid, gid, nlink, mtime;
    /* The device that held the file: hard links have the same device and ino. */
    uint32_t dev_major, dev_minor;
    uint32_t rdev_major, rdev_minor; /* of a device node */
    const uint8_t *data;             /* points into the archive */
    uint32_t size;                   /* bytes of data */
};

struct cpio_reader {
    const uint8_t *bytes;
    uint64_t size;
    uint64_t offset; /* of the next header */
};

/* After CPIO_BROKEN the reader must not be used; after CPIO_END it returns CPIO_END again. */
enum cpio_next {
    CPIO_ENTRY,  /* *entry was filled */
    CPIO_END,    /* the trailer was reached, or only zeros are left */
    CPIO_BROKEN, /* *fault has offset and reason */
};

void cpio_open(struct cpio_reader *reader, const void *bytes, uint64_t size);
MUST_CHECK enum cpio_next cpio_read(struct cpio_reader *reader, struct cpio_entry *entry,
                                    struct parse_fault *fault);
