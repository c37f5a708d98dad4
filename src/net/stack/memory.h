/* SPDX-License-Identifier: MIT */
/*
 * lwIP's memory: blocks of the kernel's heap, of which lwIP has at most a quarter of the machine's memory, so that what
 * comes from the network cannot take the rest. Callers: under net_lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL: the limit is reached, or there is no memory. O(1). */
void *net_memory_alloc(size_t size);
void *net_memory_calloc(size_t count, size_t size);
void net_memory_free(void *block);
/* True if half of it is in use: nothing should take more than it must have. */
bool net_memory_is_scarce(void);
/* Bytes in use, with each block's record. */
uint64_t net_memory_used(void);
/* Sets the limit. */
void net_memory_init(uint64_t most);
