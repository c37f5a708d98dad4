/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

struct iso9660_file {
    uint64_t offset; /* bytes from the start of the image */
    uint32_t size;   /* bytes */
};

/* The size of the image by its volume descriptor, in bytes; 0 if it is not an ISO 9660 image. */
uint64_t iso9660_size(int image);
/* Finds a file in an ISO 9660 image (ECMA-119) by the names on its path, upper case, outermost folder
 * first, NULL-terminated: {"BOOT", "GRUB", "GRUB.CFG", NULL}. False if it is not such an image or has
 * no such file. The result lies in [0, size). */
MUST_CHECK bool iso9660_find(int image, uint64_t size, const char *const *names,
                             struct iso9660_file *out);
