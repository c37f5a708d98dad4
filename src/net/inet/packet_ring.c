/* SPDX-License-Identifier: MIT */
#include "net/inet/packet_ring.h"

#include "kern/time.h"

#define RING_MOST (64u << 20)

struct ring_header { /* struct tpacket2_hdr, and what follows it */
    uint32_t status, size, has;
    uint16_t link, network; /* where the headers of the frame are */
    uint32_t seconds, nanoseconds;
    uint16_t vlan, vlan_protocol;
    uint32_t padding;
    struct link_address from;
};
_Static_assert(sizeof(struct ring_header) == 52, "TPACKET2_HDRLEN");

static uint64_t packet_ring_at(const struct packet_ring *ring, uint32_t n)
{
    uint32_t in_block = ring->shape.block_size / ring->shape.frame_size;
    return (uint64_t)(n / in_block) * ring->shape.block_size +
           (uint64_t)(n % in_block) * ring->shape.frame_size;
}

static uint32_t *ring_status(const struct packet_ring *ring, uint32_t n)
{
    return kernel_pages_at(ring->pages, packet_ring_at(ring, n)); /* aligned to 16 bytes */
}

bool packet_ring_put(struct packet_ring *ring, const struct link_address *from, uint64_t came_ns,
                     const uint8_t *bytes, const struct packet_sizes *sizes)
{
    uint64_t at = packet_ring_at(ring, ring->next);
    uint32_t network = (uint32_t)align_up(sizeof(struct ring_header) + 16, 16) + ring->reserve;
    uint32_t link = network - sizes->header;
    uint32_t room = link < ring->shape.frame_size ? ring->shape.frame_size - link : 0;
    const struct ring_header header = {
        .size = sizes->whole,
        .has = sizes->has < room ? sizes->has : room,
        .link = (uint16_t)link,
        .network = (uint16_t)network,
        .seconds = (uint32_t)(came_ns / NS_PER_SECOND),
        .nanoseconds = (uint32_t)(came_ns % NS_PER_SECOND),
        .from = *from,
    };
    uint32_t *status = ring_status(ring, ring->next);
    if (__atomic_load_n(status, __ATOMIC_ACQUIRE) != 0)
        return false;
    kernel_pages_write(ring->pages, at, &header, sizeof header); /* its status is 0 */
    kernel_pages_write(ring->pages, at + link, bytes, header.has);
    __atomic_store_n(status, PACKET_USER | (sizes->lost != 0 ? PACKET_LOSING : 0),
                     __ATOMIC_RELEASE);
    ring->next = (ring->next + 1) % ring->shape.frames;
    return true;
}

bool packet_ring_has(const struct packet_ring *ring)
{
    uint32_t last = (ring->next + ring->shape.frames - 1) % ring->shape.frames;
    return __atomic_load_n(ring_status(ring, last), __ATOMIC_RELAXED) != 0;
}

void packet_ring_drop(struct packet_ring *ring)
{
    if (ring->pages != NULL)
        kernel_pages_put(ring->pages);
    ring->pages = NULL;
}

static bool shape_is_ok(const struct packet_ring *ring, const struct packet_ring_request *to,
                        uint32_t *bytes)
{
    return to->block_size != 0 && to->block_size % PAGE_SIZE == 0 && to->frame_size % 16 == 0 &&
           to->frame_size >= sizeof(struct ring_header) + ring->reserve &&
           to->frame_size <= to->block_size &&
           !__builtin_mul_overflow(to->block_size, to->blocks, bytes) &&
           (uint64_t)(to->block_size / to->frame_size) * to->blocks == to->frames;
}

enum err packet_ring_set(struct packet_ring *ring, const struct packet_ring_request *to)
{
    uint32_t bytes;
    if (ring->pages != NULL && (ring->pages->references > 1 || to->blocks != 0))
        return E_BUSY;
    if (to->blocks == 0) {
        if (to->frames != 0)
            return E_INVAL;
        packet_ring_drop(ring);
        return E_OK;
    }
    if (!shape_is_ok(ring, to, &bytes))
        return E_INVAL;
    const struct packet_ring_request shape = *to;
    struct kernel_pages *pages =
        bytes > RING_MOST ? NULL : kernel_pages_new(bytes / (uint32_t)PAGE_SIZE, "socket:[packet]");
    if (pages == NULL)
        return E_NOMEM;
    if (ring->pages != NULL) { /* another thread was faster */
        kernel_pages_put(pages);
        return E_BUSY;
    }
    ring->shape = shape;
    ring->next = 0;
    ring->pages = pages;
    return E_OK;
}
