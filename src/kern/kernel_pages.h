/* SPDX-License-Identifier: MIT */
/*
 * Pages of the kernel that programs map: rings through which both talk (io_setup(2), packet(7)). The source of their areas
 * (mm/vm/page_source.h) keeps them, and what owns them, until the last reference is dropped. Nothing that stands in them is to
 * be trusted.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "mm/vm/page_source.h"

struct kernel_pages {
    struct page_source source;
    uint32_t references, count;
    const char *name; /* in /proc/self/maps */
    void *owner;
    void (*end)(void *owner); /* the last reference is gone; NULL: nothing to do */
    uint8_t *page[];          /* of kpage_alloc() */
};

/* Zeroed pages with one reference; gives way. NULL: no memory. O(count). */
struct kernel_pages *kernel_pages_new(uint32_t count, const char *name);
static inline void kernel_pages_put(struct kernel_pages *pages)
{
    pages->source.ops->put(&pages->source);
}
/* The pages behind an area's source; NULL: it is another kind. */
struct kernel_pages *kernel_pages_of(struct page_source *source);
/* Where a byte of them is. */
static inline void *kernel_pages_at(const struct kernel_pages *pages, uint64_t at)
{
    return pages->page[at / PAGE_SIZE] + at % PAGE_SIZE;
}
/* Copies bytes to [at, at + size), which lies in them. */
void kernel_pages_write(const struct kernel_pages *pages, uint64_t at, const void *from,
                        size_t size);
