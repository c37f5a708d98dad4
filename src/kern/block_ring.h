/* SPDX-License-Identifier: MIT */
/*
 * Blocks (kern/console_frame.h) on their way to the port's device, in memory that the device reads; and
 * the reader of the blocks that come. Pure.
 *
 *   [ free | with the device | put, not handed over | free ]
 *          out               sent                   in          all modulo the size
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block_ring {
    uint8_t *bytes;
    uint32_t size;          /* a power of two */
    uint32_t in, sent, out; /* bytes so far, modulo 2^32 */
};

/* Adds a block with as many of the bytes as there is room for, at least one; returns their number. 0:
 * no room. O(size). */
size_t block_ring_put(struct block_ring *ring, char kind, const void *bytes, size_t size);
/* The bytes to be handed over next, in one piece; 0: none. *at is their offset. O(1). */
uint32_t block_ring_next(const struct block_ring *ring, uint32_t *at);

static inline uint32_t block_ring_used(const struct block_ring *ring)
{
    return ring->in - ring->out;
}

struct block_reader {
    uint8_t head[4];
    unsigned head_bytes; /* of the head that have come */
    uint32_t left;       /* bytes of the block that have not come */
};

/* Reads heads from the front of the bytes until some of a block's follow: *kind is that block's, *count
 * their number here (0: all bytes were heads). Returns the number of bytes read before them. The
 * caller counts those it takes by block_reader_took(). O(size). */
size_t block_reader_next(struct block_reader *reader, const uint8_t *bytes, size_t size, char *kind,
                         size_t *count);
static inline void block_reader_took(struct block_reader *reader, size_t count)
{
    reader->left -= (uint32_t)count;
}
