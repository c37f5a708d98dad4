/* SPDX-License-Identifier: MIT */
/*
 * Output on its way to the line: bytes in the form of kern/console_frame.h, or as they are. Pure.
 *
 * Putters and takers hold a lock; a report that interrupts one of them by an NMI does not, puts its lines, and takes
 * all bytes before it returns. So a putter stores its bytes behind `in`, where they do not count, and makes them count by
 * one compare-and-swap of `in` and the stream; after a report it does its work again. A taker counts a byte as taken
 * before it is sent.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTPUT_RING_SIZE 4096u /* a power of two */

struct output_ring {
    /* Bytes put so far, times 4, and the stream that follows after them (enum console_stream). */
    volatile uint64_t in;
    volatile uint64_t out; /* bytes taken so far */
    volatile uint8_t bytes[OUTPUT_RING_SIZE];
};

/* The first stream, after FRAME_HELLO. */
void output_ring_init(struct output_ring *ring, unsigned stream);

/* Puts as many of the bytes as there is room for, as part of the stream; returns their number. Framed, the switch of the
 * stream and the doubled DLE are added. `stream` is 1-3. O(size). */
size_t output_ring_put(struct output_ring *ring, bool framed, unsigned stream, const char *bytes,
                       size_t size);
/* Puts bytes that are a frame already, all of them or none: false if there is no room. `size` may be the ring's
 * at most. O(size). */
MUST_CHECK bool output_ring_put_frame(struct output_ring *ring, const char *bytes, size_t size);

/* The next byte. O(1). */
MUST_CHECK bool output_ring_take(struct output_ring *ring, uint8_t *out);

/* Bytes that wait. O(1). */
static inline size_t output_ring_used(const struct output_ring *ring)
{
    return (size_t)((ring->in >> 2) - ring->out);
}
