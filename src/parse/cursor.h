/* SPDX-License-Identifier: MIT */
/*
 * A sequential reader with a buffer, for the encodings of DWARF (DWARF 5, 7.5 and 7.6). After the first failure `bad` is set, and
 * all reads give 0. Pure.
 */
#pragma once

#include "base/byte_reader.h"

struct cursor {
    const struct byte_reader *memory;
    uint64_t at, end;
    uint64_t window_at;
    size_t window_size;
    uint8_t window[64];
    bool bad;
};

void cursor_start(struct cursor *c, const struct byte_reader *memory, uint64_t at, uint64_t end);
/* The next `size` bytes, at most 8, little-endian. */
uint64_t cursor_take(struct cursor *c, unsigned size);
uint64_t cursor_uleb(struct cursor *c);
int64_t cursor_sleb(struct cursor *c);

/* The low `bits` of the value, with their sign. */
static inline int64_t cursor_extend(uint64_t value, unsigned bits)
{
    return (int64_t)(value << (64 - bits)) >> (64 - bits);
}
