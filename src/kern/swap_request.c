/* SPDX-License-Identifier: MIT */
#include "kern/swap_request.h"

#include "mm/vm/clock.h"

#define PAGE_SECTORS (PAGE_SIZE / BLOCK_SECTOR)

struct swap_device swap_one;

/* Pages of a request. */
static uint32_t most_pages(void)
{
    const struct block_limits *limits = &swap_one.device->limits;
    uint32_t most = limits->bytes / PAGE_SIZE;
    return most < limits->segments ? most : limits->segments;
}

uint64_t swap_sector(uint32_t slot, uint32_t *together)
{
    uint32_t low = 0, high_end = swap_one.extent_count;
    if (high_end == 0) {
        *together = UINT32_MAX;
        return (uint64_t)slot * PAGE_SECTORS;
    }
    while (high_end - low > 1) {
        uint32_t middle = low + (high_end - low) / 2;
        if (swap_one.extents[middle].slot <= slot)
            low = middle;
        else
            high_end = middle;
    }
    const struct swap_extent *extent = &swap_one.extents[low];
    *together = extent->slot + extent->count - slot;
    return extent->sector + (uint64_t)(slot - extent->slot) * PAGE_SECTORS;
}

struct block_request swap_request(enum block_operation operation, uint32_t slot,
                                  const phys_t *frame, uint32_t count,
                                  struct block_segment *segments)
{
    uint32_t together, most = most_pages();
    uint64_t sector = swap_sector(slot, &together);
    count = count < most ? count : most;
    count = count < together ? count : together;
    for (uint32_t i = 0; i < count; i++)
        segments[i] = (struct block_segment){frame[i], PAGE_SIZE};
    return (struct block_request){
        .operation = operation, .count = count, .sector = sector, .segments = segments};
}

enum err swap_move_pages(enum block_operation operation, uint32_t slot, const phys_t *frame,
                         uint32_t count)
{
    struct block_segment segments[CLOCK_RUN];
    enum err e = E_OK;
    for (uint32_t done = 0; e == E_OK && done < count;) {
        struct block_request request =
            swap_request(operation, slot + done, frame + done, count - done, segments);
        done += request.count;
        e = block_perform(swap_one.device, &request);
    }
    return e;
}
