/* SPDX-License-Identifier: MIT */
#include "kern/kernel_pages.h"

#include "base/str.h"
#include "kern/thread.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"

static struct kernel_pages *pages_at(struct page_source *source)
{
    return CONTAINER_OF(source, struct kernel_pages, source);
}

static enum err kernel_page(struct page_source *source, uint64_t index, bool for_write, phys_t *out)
{
    const struct kernel_pages *pages = pages_at(source);
    (void)for_write;
    if (index >= pages->count)
        return E_INVAL;
    *out = kpage_phys(pages->page[index]);
    frames_get(&machine_frames, *out);
    return E_OK;
}

/* Of one page: offsets of areas are multiples of it. */
static enum err kernel_pages_read(struct page_source *source, uint64_t offset, void *to,
                                  size_t size)
{
    const struct kernel_pages *pages = pages_at(source);
    uint64_t inside = offset % PAGE_SIZE, part = PAGE_SIZE - inside;
    if (offset / PAGE_SIZE >= pages->count)
        return E_INVAL;
    part = part < size ? part : size;
    memcpy(to, kernel_pages_at(pages, offset), part);
    memset((char *)to + part, 0, size - part);
    return E_OK;
}

static bool kernel_pages_present(struct page_source *source, uint64_t index)
{
    return index < pages_at(source)->count;
}

static enum err kernel_pages_punch(struct page_source *source, uint64_t offset, uint64_t size)
{
    (void)source;
    (void)offset;
    (void)size;
    return E_NOTSUP;
}

static void kernel_pages_get(struct page_source *source)
{
    pages_at(source)->references++;
}

static void kernel_pages_drop(struct page_source *source)
{
    struct kernel_pages *pages = pages_at(source);
    if (--pages->references > 0)
        return;
    if (pages->end != NULL)
        pages->end(pages->owner);
    while (pages->count > 0)
        kpage_free(pages->page[--pages->count]);
    heap_free(pages);
}

static void kernel_pages_name(struct page_source *source, char *to, size_t size)
{
    str_copy(to, pages_at(source)->name, size);
}

static uint64_t kernel_pages_inode(struct page_source *source)
{
    (void)source;
    return 1;
}

static const struct page_source_ops kernel_pages_ops = {
    .page = kernel_page,
    .read = kernel_pages_read,
    .present = kernel_pages_present,
    .punch = kernel_pages_punch,
    .get = kernel_pages_get,
    .put = kernel_pages_drop,
    .name = kernel_pages_name,
    .inode = kernel_pages_inode,
};

struct kernel_pages *kernel_pages_of(struct page_source *source)
{
    return source != NULL && source->ops == &kernel_pages_ops ? pages_at(source) : NULL;
}

struct kernel_pages *kernel_pages_new(uint32_t count, const char *name)
{
    struct kernel_pages *pages = heap_alloc_zero(sizeof *pages + count * sizeof pages->page[0]);
    if (pages == NULL)
        return NULL;
    pages->source.ops = &kernel_pages_ops;
    pages->references = 1;
    pages->name = name;
    for (; pages->count < count; pages->count++) {
        pages->page[pages->count] = kpage_alloc();
        if (pages->page[pages->count] == NULL) {
            kernel_pages_put(pages);
            return NULL;
        }
        thread_give_way();
    }
    return pages;
}

void kernel_pages_write(const struct kernel_pages *pages, uint64_t at, const void *from,
                        size_t size)
{
    for (size_t part; size > 0; at += part, from = (const char *)from + part, size -= part) {
        part = PAGE_SIZE - at % PAGE_SIZE;
        part = part < size ? part : size;
        memcpy(kernel_pages_at(pages, at), from, part);
    }
}
