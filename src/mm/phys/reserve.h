/* SPDX-License-Identifier: MIT */
/*
 * Frames that programs leave to the kernel while there is swap: what writes pages out, and what runs meanwhile, finds
 * memory. All zeros without swap.
 *
 *     0        least          low                 high                       all frames
 *     |--kernel--|--program----|--------------------|----------------------------|
 *                |             below it the swap    up to here it goes on
 *                |             thread begins
 *                a program's fault waits for the swap thread
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct reserve {
    uint64_t low, least; /* frames */
};
extern struct reserve swap_reserve;

/* Fewer frames than swap_reserve.low are free: wakes the swap thread. True if a program may have one all the same. Defined above, in
 * kern/swap.c. Callers: threads. O(1). */
bool reserve_admits(void);
/* The kernel takes frames below swap_reserve.least: wakes the swap thread, for which the running one, if it is a program's, sleeps at its next
 * preemption point. Callers: threads. O(1). */
void reserve_owe(void);
/* The kernel finds no frame, and cannot sleep: evicts some pages while it waits for the device. False: none. */
bool reserve_refill(void);
