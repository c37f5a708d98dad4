/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

struct iso9660_file {
    uint64_t offset; /* bytes from the start of the image */
    uint32_t size;   /* bytes */
};

/* How long the image says that it is, in bytes; 0 when it is no ISO 9660 image. */
uint64_t iso9660_size(int image);
/* Finds a file in an ISO 9660 image (ECMA-119) by its names, upper case, outermost folder first,
 * NULL at the end: {"BOOT", "GRUB", "GRUB.CFG", NULL}. False when the image is none or has no such
 * file; whatever is returned lies in [0, size). */
MUST_CHECK bool iso9660_find(int image, uint64_t size, const char *const *names,
                             struct iso9660_file *out);
