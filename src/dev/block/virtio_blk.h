/* SPDX-License-Identifier: MIT */
/*
 * A virtio disk (VIRTIO 1.1, 5.2) as a struct block_device. Pure, but for the device's registers;
 * dev/block/disks.c has the devices of the machine and their interrupts.
 *
 *     a request    | head: operation, sector | segments of memory | status |     a chain of the one queue
 *
 * The heads and the status bytes are in a table beside the ring, one of each for each request that may be under way.
 * With indirect descriptors (all of QEMU's) a request takes one descriptor, whatever its segments.
 *
 * What the device writes is used only after a check. A device that breaks a rule has gone for good. A READ of which the
 * device wrote less than it was asked for has failed: the rest of the memory is what was there before.
 */
#pragma once

#include "dev/virtio/virtio.h"
#include "kern/block.h"

#define VIRTIO_BLK_ROOM     32 /* requests under way, at most */
#define VIRTIO_BLK_SEGMENTS 56 /* of a request, at most */

/* What the device reads and writes of a request besides its segments. */
struct virtio_blk_head {
    uint32_t operation, reserved;
    uint64_t sector;
    struct { /* of DISCARD */
        uint64_t sector;
        uint32_t sectors, flags;
    } range;
    uint8_t status;
    uint8_t unused[15];
};

struct virtio_blk {
    struct block_device disk; /* its name and numbers are the caller's */
    struct virtio_device *device;
    void (*leave)(struct virtio_blk *blk); /* stops the device for good */

    /* The driver's own. */
    struct virtio_ring ring;
    struct virtio_slot slots[VIRTIO_BLK_ROOM];
    struct virtio_blk_head *heads; /* one of each descriptor */
    phys_t heads_at;
    struct block_request *request[VIRTIO_BLK_ROOM]; /* by head; NULL: it is free */
    uint8_t free[VIRTIO_BLK_ROOM];                  /* numbers of free heads */
    unsigned free_count;
};

/* Memory for ring and heads, in one physical piece, zeroed, aligned to a page. */
#define VIRTIO_BLK_MEMORY_MIN 0x2000 /* room for 8 requests */
#define VIRTIO_BLK_MEMORY_MAX 0x8000 /* room for VIRTIO_BLK_ROOM */
struct virtio_blk_memory {
    void *start;
    phys_t at;
    uint32_t size; /* MIN or MAX */
};

/* Starts the device, and fills in blk->disk for block_register(). An error: the device is stopped. E_INVAL: its
 * configuration is not one of a disk. Boot. */
MUST_CHECK enum err virtio_blk_open(struct virtio_blk *blk, const struct virtio_blk_memory *memory);
/* True if it has finished nothing and says that it has failed: after an interrupt that may be for the configuration. O(1). */
bool virtio_blk_needs_reset(struct virtio_blk *blk);
