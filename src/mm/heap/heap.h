/* SPDX-License-Identifier: MIT */
/*
 * The kernel heap: size classes up to 2 KiB, whole pages above, in the kernel's own slot. Every
 * block is 16-byte aligned. Callers: any thread, not interrupt handlers.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"

/* NULL if memory is short (or size is absurd). heap_alloc_zero() clears the block. */
MUST_CHECK void *heap_alloc(size_t size);
MUST_CHECK void *heap_alloc_zero(size_t size);
/* As realloc(): may move and copy the block. NULL leaves the old block unchanged. */
MUST_CHECK void *heap_resize(void *block, size_t size);
void heap_free(void *block); /* NULL is allowed */

/* A zeroed page, mapped read-write in the kernel. Its frame may be mapped elsewhere too, and lives
 * until its last reference is dropped. NULL if memory is short. */
MUST_CHECK void *kpage_alloc(void);
/* Drops the kernel's mapping and reference. */
void kpage_free(void *page);
/* The frame behind a page of kpage_alloc(). */
phys_t kpage_phys(const void *page);

/* Frees the cached pages with their tables and addresses. */
void heap_trim(void);

/* Bytes in use: for /proc/meminfo and leak tests. */
uint64_t heap_used(void);
