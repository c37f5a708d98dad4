/* SPDX-License-Identifier: MIT */
/*
 * Block devices, between their drivers (dev/block/) and file systems, page cache and block files.
 *
 *     user --block_submit()--> queue --start(), kick()--> driver --> device
 *     user <-----done()------ block_interrupt() <--poll()-- driver <--interrupt--
 *
 * A request moves whole logical blocks between the device and segments of memory, which the device reads and writes
 * itself: no byte is copied here. Requests that the device has no room for wait in the order in which they came; with
 * the device they have no order. A FLUSH makes durable what was done() before it was submitted. A device without write
 * cache has no flush, and a FLUSH there is done at once; FUA is a FLUSH after the write where the device has no FUA.
 *
 * A partition is a block device too: a range of its disk's sectors, with the disk's queue.
 *
 * A device that has gone (it broke a rule of its interface, or was removed) ends all requests with E_IO, those under way
 * too, and touches no memory any more. One that does not answer for BLOCK_LATE_NS is named in the log; its requests wait.
 *
 * Locks: class_block, one in each disk, guards its queue. It is held in no call of a user's function.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/list.h"
#include "cpu/lock.h"
#include "kern/time.h"
#include "kern/wait.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_SECTOR         512 /* bytes: the unit of all numbers of sectors */
#define BLOCK_SECTOR_SHIFT   9
#define BLOCK_NAME           16
#define BLOCK_PARTITIONS_MAX 15 /* of a disk: minor numbers, as Linux's virtblk has them */
#define BLOCK_LATE_NS        (30 * NS_PER_SECOND)

enum block_operation {
    BLOCK_READ,
    BLOCK_WRITE,
    BLOCK_FLUSH,
    BLOCK_DISCARD, /* the contents are undefined afterwards */
    BLOCK_OPERATIONS,
};

struct block_segment {
    phys_t at;
    uint32_t bytes;
};

struct block_device;
struct block_request;

/* Called once for each request, under no lock, with interrupts off, mostly in an interrupt: no sleeping, nothing that
 * kernel_lock guards. It may submit requests, this one too, and free it. */
typedef void (*block_done)(struct block_request *request);

struct block_request {
    /* The caller's, unchanged until done(). */
    enum block_operation operation;
    bool fua;        /* of a WRITE: durable when it is done */
    uint32_t count;  /* of segments: READ, WRITE */
    uint64_t sector; /* the first; FLUSH: not used */
    const struct block_segment *segments;
    uint64_t
        sectors; /* of DISCARD; READ, WRITE: block_submit() sets it to the sum of the segments */
    block_done done;
    void *context; /* for done() */

    enum err result; /* valid in done() */

    /* The queue's, and the driver's while it has the request. */
    enum block_operation now; /* FLUSH after a WRITE with FUA */
    struct block_device *device;
    uint64_t at; /* sector of the disk */
    uint64_t started_ns;
    struct list link;
};

/* What one request may be. */
struct block_limits {
    uint32_t segments;      /* at least 1 */
    uint32_t segment_bytes; /* of a segment, at most: at least a page */
    uint32_t bytes;         /* of a request, at most: at least a page, a multiple of a page */
    uint32_t alignment;     /* of a segment's address and size: a power of two, at most 512 */
    /* All segments but the first begin at a page, and all but the last end at one. */
    bool whole_pages;
    uint64_t discard;        /* sectors of a DISCARD, at most; 0: no DISCARD */
    uint32_t discard_blocks; /* sectors: the granularity of DISCARD; 0: not known */
};

/* A driver. All under the disk's lock, interrupts off. */
struct block_ops {
    /* Takes request->now for the segments, or [at, at + sectors) of DISCARD. E_AGAIN: no room, the queue tries again after the next
     * block_finish() of the disk, and with block_retry(); another error is the request's end. O(segments). */
    enum err (*start)(struct block_device *disk, struct block_request *request);
    /* Tells the device of what was started. O(1). */
    void (*kick)(struct block_device *disk);
    /* Calls block_finish() for each request that the device has finished, and asks for an interrupt for the next. */
    void (*poll)(struct block_device *disk);
    /* Stops the device for good: it touches no memory any more. */
    void (*leave)(struct block_device *disk);
};

struct block_counters {
    uint64_t requests, sectors, ns;
};

/* For /proc/diskstats: what was done with success or without, and the time with any request under way. */
struct block_usage {
    struct block_counters of[BLOCK_OPERATIONS];
    uint64_t busy_ns, changed_ns;
    uint32_t under_way;
};

struct block_device {
    /* The driver's, before block_register(). */
    char name[BLOCK_NAME]; /* "vda", "vda1" */
    const char *driver;    /* "virtblk": as in /proc/devices */
    const struct block_ops *ops;
    uint64_t sectors; /* its size: a multiple of logical_size */
    uint32_t logical_size,
        physical_size; /* bytes: powers of two, 512 to PAGE_SIZE; physical >= logical */
    uint32_t minimum_io, optimal_io; /* bytes, hints; 0: none */
    uint32_t major, minor;           /* of the block file */
    bool readonly, has_flush, has_fua, rotational;
    bool removable; /* a CD: it has no partitions */
    struct spin_lock
        *lock; /* of the controller, where several disks take turns in it; NULL: the disk's own */
    struct block_limits limits;

    /* The registry's. */
    struct block_device *disk; /* that it is on; of a disk: itself */
    uint64_t first;            /* sector of the disk */
    unsigned partition;        /* 0: a disk */
    struct list link;          /* of all, a disk before its partitions */
    unsigned opened;           /* files and mounts that use it: block_hold() */
    unsigned claims;           /* of its partitions */
    bool claimed;              /* block_claim() */
    bool writing;              /* a block file writes; of disks */
    struct wait_queue writers; /* of block files */

    /* Written under the lock of the disk, read without. */
    const char *volatile gone; /* why; NULL: it works. Of disks */
    struct block_usage usage;

    /* Of disks. */
    struct spin_lock own;
    struct list waiting GUARDED_BY(class_block); /* requests: no room */
    struct list started GUARDED_BY(class_block); /* requests, oldest first */
    struct list ended GUARDED_BY(class_block);   /* done() is to be called */
    bool ending GUARDED_BY(class_block);         /* it is being called */
    bool left GUARDED_BY(class_block);           /* leave() was called */
    bool told_late GUARDED_BY(class_block);
    unsigned vain GUARDED_BY(class_block); /* interrupts in a row that brought nothing */
    struct timer late;
};

/* --- for users --- */

/* Never sleeps. Ends with E_INVAL by done() if it is past the end, above the limits or misaligned, E_ROFS if it writes
 * to a read-only device, E_NOTSUP if it is a DISCARD and there is none, E_IO if the device failed or has gone. O(segments). */
void block_submit(struct block_device *device, struct block_request *request);

static inline bool block_has_gone(const struct block_device *device)
{
    return device->disk->gone != NULL;
}
static inline uint64_t block_bytes(const struct block_device *device)
{
    return device->sectors << BLOCK_SECTOR_SHIFT;
}

/* For threads: sleep until it is done, whatever signals come. Memory of the kernel (heap, kpage_alloc(), stack) is given to the
 * device in place; if it is misaligned, a page at a time is copied. `offset` and `size` are bytes, multiples of
 * logical_size. Errors as block_submit(); E_NOMEM. With an error some of the bytes may have been moved. O(size). */
MUST_CHECK enum err block_read(struct block_device *device, uint64_t offset, void *to, size_t size);
MUST_CHECK enum err block_write(struct block_device *device, uint64_t offset, const void *from,
                                size_t size);
/* The same for `count` pieces of `size` bytes each, anywhere in memory, that follow each other on the device: READ or WRITE, in as few
 * requests as the device allows. O(pages). */
MUST_CHECK enum err block_move_pieces(struct block_device *device, enum block_operation operation,
                                      uint64_t offset, uint32_t size, void *const *piece,
                                      uint32_t count);
MUST_CHECK enum err block_flush(struct block_device *device);
MUST_CHECK enum err block_discard(struct block_device *device, uint64_t offset, uint64_t size);
/* Submits the caller's request and sleeps until it is done; returns its result. Sets done(). */
MUST_CHECK enum err block_perform(struct block_device *device, struct block_request *request);

/* By name; NULL: there is none. O(devices). */
struct block_device *block_find(const char *name);
/* By numbers of the block file; NULL: there is none. O(devices). */
struct block_device *block_find_number(uint32_t major, uint32_t minor);
/* All: the first (NULL), then the next of each; NULL: no more. O(1). */
struct block_device *block_next(const struct block_device *device);
/* Reads the partition table of a disk, and makes its partitions block devices. E_BUSY: a partition is held; E_IO; E_NOMEM.
 * May sleep. */
MUST_CHECK enum err block_scan(struct block_device *disk);
/* Keeps the device: its partition is not removed by block_scan(). */
static inline void block_hold(struct block_device *device)
{
    device->opened++;
}
static inline void block_release(struct block_device *device)
{
    device->opened--;
}

/* For one user alone: a mount, or a file with O_EXCL. E_BUSY: it, its disk or one of its partitions has one. Others may
 * open it all the same. */
MUST_CHECK enum err block_claim(struct block_device *device);
void block_unclaim(struct block_device *device);

/* --- for drivers --- */

/* Adds a disk, which is ready. It stays for ever. Threads and boot. */
void block_register(struct block_device *disk);
/* The device has finished the request. In poll(). */
void block_finish(struct block_device *disk, struct block_request *request, enum err result)
    REQUIRES(class_block);
/* The device has gone. In start(), kick() and poll(); the queue calls leave(). `why` stays. */
void block_fail(struct block_device *disk, const char *why) REQUIRES(class_block);
/* An interrupt of the device, interrupts off, or any other reason to look at it: poll(), then done(). `why`: it has gone; NULL: it has not.
 * O(finished). */
void block_interrupt(struct block_device *disk, const char *why);
/* The controller has room again: another disk has left it. Interrupts off. O(started). */
void block_retry(struct block_device *disk);
