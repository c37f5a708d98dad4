/* SPDX-License-Identifier: MIT */
#include "kern/output_ring.h"

#include "kern/console_frame.h"

enum {
    STREAM_BITS = 2,
    STREAM_MASK = 3,
};

void output_ring_init(struct output_ring *ring, unsigned stream)
{
    ring->out = 0;
    ring->in = stream;
}

static void put_at(struct output_ring *ring, uint64_t at, char byte)
{
    ring->bytes[at % OUTPUT_RING_SIZE] = (uint8_t)byte;
}

/* The bytes up to `at` count from now on, unless a report came in between. */
static bool commit(struct output_ring *ring, uint64_t before, uint64_t at, unsigned stream)
{
    return __atomic_compare_exchange_n(&ring->in, &before, at << STREAM_BITS | stream, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

size_t output_ring_put(struct output_ring *ring, bool framed, unsigned stream, const char *bytes,
                       size_t size)
{
    static const char letters[] = {FRAME_LOG, FRAME_STDOUT, FRAME_STDERR, FRAME_LOG};
    for (;;) {
        uint64_t before = ring->in, at = before >> STREAM_BITS, end = ring->out + OUTPUT_RING_SIZE;
        size_t done = 0;
        if (framed && stream != (before & STREAM_MASK) && end - at >= 2) {
            put_at(ring, at++, FRAME_DLE);
            put_at(ring, at++, letters[stream & STREAM_MASK]);
        } else if (framed && stream != (before & STREAM_MASK)) {
            return 0;
        }
        for (; done < size; done++) {
            bool twice = framed && bytes[done] == FRAME_DLE;
            if (end - at < (twice ? 2u : 1u))
                break;
            if (twice)
                put_at(ring, at++, FRAME_DLE);
            put_at(ring, at++, bytes[done]);
        }
        if (done == 0)
            return 0;
        if (commit(ring, before, at, stream))
            return done;
    }
}

bool output_ring_put_frame(struct output_ring *ring, const char *bytes, size_t size)
{
    for (;;) {
        uint64_t before = ring->in, at = before >> STREAM_BITS;
        if (ring->out + OUTPUT_RING_SIZE - at < size)
            return false;
        for (size_t i = 0; i < size; i++)
            put_at(ring, at++, bytes[i]);
        if (commit(ring, before, at, before & STREAM_MASK))
            return true;
    }
}

bool output_ring_take(struct output_ring *ring, uint8_t *out)
{
    uint64_t at = ring->out;
    if (at == ring->in >> STREAM_BITS)
        return false;
    *out = ring->bytes[at % OUTPUT_RING_SIZE];
    ring->out = at + 1;
    return true;
}
