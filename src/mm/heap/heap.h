/* SPDX-License-Identifier: MIT */
/*
 * The kernel heap: size classes up to 2 KiB, whole pages above, in the kernel's own slot.
 * Callers: any thread, not interrupt handlers. Every block is 16-byte aligned.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"

/* NULL when memory is short (or size is absurd). heap_alloc_zero() clears the block. */
MUST_CHECK void *heap_alloc(size_t size);
MUST_CHECK void *heap_alloc_zero(size_t size);
/* As realloc(): moves, copies, frees the old block; NULL leaves the old block as it is. */
MUST_CHECK void *heap_resize(void *block, size_t size);
void heap_free(void *block); /* NULL is allowed */

/* One zeroed page that the kernel has mapped read-write; its frame may be mapped elsewhere too, and
 * stays alive until the last reference is gone. NULL when memory is short. */
MUST_CHECK void *kpage_alloc(void);
/* Drops the kernel's mapping and reference. */
void kpage_free(void *page);
/* The frame behind a page of kpage_alloc(). */
phys_t kpage_phys(const void *page);

/* Gives back what freed pages were kept for a next time: frames, tables and addresses. */
void heap_trim(void);

/* Bytes in use now: for /proc/meminfo and leak tests. */
uint64_t heap_used(void);
