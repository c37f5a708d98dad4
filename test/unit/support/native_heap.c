/* SPDX-License-Identifier: MIT */
/*
 * The kernel heap of a native test: malloc(), so that AddressSanitizer checks every block, with a
 * count of live blocks and injected failures. A page's "frame" is its own address.
 */
#include "mm/heap/heap.h"

#include "native.h"

#include <stdlib.h>
#include <string.h>

static size_t live;
static uint64_t live_bytes;
static long successes_left = -1;

/* Each block is preceded by its size; 16 bytes keep the alignment that mm/heap/heap.h promises. */
struct header {
    size_t size;
    size_t check;
};
#define HEADER_CHECK ((size_t)0x6865617068656170)

size_t native_heap_live(void)
{
    return live;
}

void native_heap_fail_after(long successes)
{
    successes_left = successes;
}

static bool may_allocate(void)
{
    if (successes_left < 0)
        return true;
    if (successes_left == 0)
        return false;
    successes_left--;
    return true;
}

void *heap_alloc(size_t size)
{
    if (size > SIZE_MAX / 2 || !may_allocate())
        return NULL;
    struct header *h = malloc(sizeof *h + size);
    if (!h)
        return NULL;
    *h = (struct header){size, HEADER_CHECK};
    live++;
    live_bytes += size;
    memset(h + 1, 0xa5, size); /* undefined contents, made visible */
    return h + 1;
}

void *heap_alloc_zero(size_t size)
{
    void *block = heap_alloc(size);
    if (block)
        memset(block, 0, size);
    return block;
}

void *heap_resize(void *block, size_t size)
{
    void *moved = heap_alloc(size);
    if (!moved || !block)
        return moved;
    size_t old = ((struct header *)block - 1)->size;
    memcpy(moved, block, old < size ? old : size);
    heap_free(block);
    return moved;
}

void heap_free(void *block)
{
    if (!block)
        return;
    struct header *h = (struct header *)block - 1;
    if (h->check != HEADER_CHECK)
        abort();
    h->check = 0;
    live--;
    live_bytes -= h->size;
    free(h);
}

void *kpage_alloc(void)
{
    void *page = may_allocate() ? aligned_alloc(PAGE_SIZE, PAGE_SIZE) : NULL;
    if (!page)
        return NULL;
    memset(page, 0, PAGE_SIZE);
    live++;
    live_bytes += PAGE_SIZE;
    return page;
}

void kpage_free(void *page)
{
    live--;
    live_bytes -= PAGE_SIZE;
    free(page);
}

phys_t kpage_phys(const void *page)
{
    return phys((uint64_t)(uintptr_t)page);
}

uint64_t heap_used(void)
{
    return live_bytes;
}
