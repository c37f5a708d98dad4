/* SPDX-License-Identifier: MIT */
/* The input of a parser when it is not one block of memory: a file, or a program's memory that may
 * be unmapped in places. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct byte_reader {
    /* Copies [at, at + size) to `to`. False if part of the range cannot be read; `to` is
     * unspecified then. */
    bool (*read)(void *context, uint64_t at, void *to, size_t size);
    void *context;
};

static inline bool byte_read(const struct byte_reader *r, uint64_t at, void *to, size_t size)
{
    return r->read(r->context, at, to, size);
}
