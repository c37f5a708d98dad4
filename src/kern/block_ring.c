/* SPDX-License-Identifier: MIT */
#include "kern/block_ring.h"

#include "base/str.h"
#include "kern/console_frame.h"

_Static_assert(sizeof(((struct block_reader *)0)->head) == FRAME_BLOCK_HEAD, "console_frame.h");

static void block_append(struct block_ring *ring, const void *bytes, uint32_t size)
{
    uint32_t at = ring->in % ring->size, first = ring->size - at;
    if (first > size)
        first = size;
    memcpy(ring->bytes + at, bytes, first);
    memcpy(ring->bytes, (const uint8_t *)bytes + first, size - first);
    ring->in += size;
}

size_t block_ring_put(struct block_ring *ring, char kind, const void *bytes, size_t size)
{
    uint32_t room = ring->size - block_ring_used(ring);
    if (size == 0 || room <= FRAME_BLOCK_HEAD)
        return 0;
    room -= FRAME_BLOCK_HEAD;
    uint32_t take = size < room ? (uint32_t)size : room;
    const uint8_t head[FRAME_BLOCK_HEAD] = {(uint8_t)kind, (uint8_t)take, (uint8_t)(take >> 8),
                                            (uint8_t)(take >> 16)};
    block_append(ring, head, sizeof head);
    block_append(ring, bytes, take);
    return take;
}

uint32_t block_ring_next(const struct block_ring *ring, uint32_t *at)
{
    uint32_t waiting = ring->in - ring->sent;
    *at = ring->sent % ring->size;
    return waiting < ring->size - *at ? waiting : ring->size - *at;
}

size_t block_reader_next(struct block_reader *reader, const uint8_t *bytes, size_t size, char *kind,
                         size_t *count)
{
    size_t at = 0;
    while (reader->left == 0 && at < size) {
        reader->head[reader->head_bytes++] = bytes[at++];
        if (reader->head_bytes < FRAME_BLOCK_HEAD)
            continue;
        reader->head_bytes = 0;
        reader->left =
            reader->head[1] | (uint32_t)reader->head[2] << 8 | (uint32_t)reader->head[3] << 16;
    }
    *kind = (char)reader->head[0];
    *count = reader->left < size - at ? reader->left : size - at;
    return at;
}
