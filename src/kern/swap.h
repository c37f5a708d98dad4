/* SPDX-License-Identifier: MIT */
/*
 * Swap: the device, and the thread "swap", which evicts pages while fewer frames than swap_reserve.low are free.
 *
 *     program's fault --- no frame: sleeps --------.         thread "swap"
 *         |                                        v              | clean pages of files first (shrinkers)
 *         +--- swapped entry: reads its slot <--- frames <--------| clock_evict(): unmap, one flush, slots
 *                                                                 v
 *                                                          one request for a run of pages
 *
 * Eviction allocates nothing: requests and runs are static, a split of a large page takes a frame of the reserve
 * (mm/phys/reserve.h). A device that fails ends swapping out: what could not be written stays in memory.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "kern/block.h"
#include "mm/phys/reserve.h"
#include "mm/vm/slots.h"
#include "mm/vm/swap.h"

#define SWAP_NAME 64

/* The device; NULL: none. */
struct swap_device {
    struct block_device *device;
    char name[SWAP_NAME]; /* as in /proc/swaps */
    int priority;
};
extern const struct swap_device *swap_device;

struct swap_counters {
    uint64_t in, out;  /* pages read and written */
    uint64_t runs;     /* requests that wrote */
    uint64_t reads;    /* requests that read */
    uint64_t ahead;    /* of `in`: pages that no fault asked for */
    uint64_t refaults; /* faults on swapped pages */
    uint64_t rescued;  /* of them: the page was in memory still */
    uint64_t waits;    /* of faults for a frame */
    uint64_t direct;   /* runs that allocations of the kernel waited for */
    uint64_t in_vain;  /* turns of the hands that found nothing to evict */
    uint64_t read_ns;  /* the time of reads that faults waited for */
};
extern struct swap_counters swap_counters;

/* Starts swapping to a device with Linux's header (mkswap), of which the first page is read. E_INVAL: no such header, or not in this
 * machine's byte order and page size. E_BUSY: the device is in use, or there is swap already (Linux: EPERM above 29 devices).
 * E_NOMEM, E_IO. May sleep. O(slots). */
MUST_CHECK enum err swap_on(struct block_device *device, const char *name, int priority);
/* Brings all pages back and ends swapping. E_INVAL: it is another device. E_NOMEM: there is not enough memory, swapping goes on.
 * E_INTR: a signal. Sleeps. O(areas + pages). */
MUST_CHECK enum err swap_off(const struct block_device *device);

/* Waits for the swap thread while fewer frames than swap_reserve.least are free. False: it has found nothing to evict. Sleeps. */
bool swap_make_room(void);

/* MADV_PAGEOUT of the space that runs: evicts and writes the range's private pages that have one reference. Sleeps. O(pages). */
void swap_page_out(struct address_space *space, struct virt_range range);

/* About how many frames eviction could free. O(1). */
uint64_t swap_spare_frames(void);

/* For reports and /proc, in pages. */
static inline uint64_t swap_total_pages(void)
{
    return swap_slots.count - swap_slots.bad;
}
static inline uint64_t swap_free_pages(void)
{
    return swap_total_pages() - swap_slots.used;
}
