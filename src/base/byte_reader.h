/* SPDX-License-Identifier: MIT */
/* Where a parser's bytes come from when they are not one block of memory: a file, or the memory of a
 * program that may be mapped or not. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct byte_reader {
    /* Copies [at, at + size) to `to`; false when part of it cannot be read: `to` is unspecified
     * then. */
    bool (*read)(void *context, uint64_t at, void *to, size_t size);
    void *context;
};

static inline bool byte_read(const struct byte_reader *r, uint64_t at, void *to, size_t size)
{
    return r->read(r->context, at, to, size);
}
