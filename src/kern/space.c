/* SPDX-License-Identifier: MIT */
#include "kern/space.h"

#include "kern/thread.h"
#include "mm/heap/heap.h"
#include "mm/pt/spaces.h"
#include "mm/vm/areas.h"

COLD enum err space_new(struct address_space **out)
{
    struct address_space *space = heap_alloc_zero(sizeof *space);
    if (space == NULL)
        return E_NOMEM;
    enum err e = paging_space_make(space);
    if (e != E_OK)
        goto free_space;
    e = areas_close_reserved(space);
    if (e != E_OK)
        goto free_table;
    areas_init(space);
    *out = space;
    return E_OK;

free_table:
    paging_space_free(space);
free_space:
    heap_free(space);
    return e;
}

COLD void space_end(struct address_space *space)
{
    struct address_space *before = thread_use_space(space);
    areas_end(space);
    paging_trim(space);
    (void)thread_use_space(before == space ? &first_space : before);
    paging_space_free(space);
    heap_free(space);
}

struct address_space *thread_use_space(struct address_space *space)
{
    struct address_space *before = running_space;
    kernel_lock_assert();
    thread_current()->space = space;
    paging_run(space);
    return before;
}

enum err copy_in_from(struct address_space *space, void *to, virt_t from, size_t size)
{
    struct address_space *before = thread_use_space(space);
    enum err e = copy_in(to, from, size);
    (void)thread_use_space(before);
    return e;
}

enum err copy_out_to(struct address_space *space, virt_t to, const void *from, size_t size)
{
    struct address_space *before = thread_use_space(space);
    enum err e = copy_out_now(to, from, size);
    (void)thread_use_space(before);
    return e;
}

static enum err reach(virt_t at, void *bytes, size_t size, bool write)
{
    return write ? copy_out_now(at, bytes, size) : copy_in(bytes, at, size);
}

COLD static enum err reach_page(struct address_space *space, virt_t at, void *bytes, size_t size,
                                bool write)
{
    enum err e = reach(at, bytes, size, write);
    const struct area *area = areas_find(space, at);
    if (e != E_FAULT || area == NULL || area->kind == AREA_GUARD ||
        (write && area->flags & AREA_SHARED))
        return e;
    prot_t before = area->prot, meanwhile = write ? prot_rw() : prot_ro();
    if (prot_equal(before, meanwhile))
        return e;
    const struct virt_range page =
        virt_range(align_down(at.v, PAGE_SIZE), align_down(at.v, PAGE_SIZE) + PAGE_SIZE);
    e = areas_protect(space, page, meanwhile);
    if (e == E_OK)
        e = reach(at, bytes, size, write);
    enum err restored = areas_protect(space, page, before);
    return e != E_OK ? e : restored;
}

COLD enum err space_reach(struct address_space *space, virt_t at, void *bytes, size_t size,
                          bool write)
{
    struct address_space *before = thread_use_space(space);
    enum err e = E_OK;
    for (size_t done = 0, part; e == E_OK && done < size; done += part) {
        part = PAGE_SIZE - (at.v + done) % PAGE_SIZE;
        part = part < size - done ? part : size - done;
        e = reach_page(space, virt(at.v + done), (uint8_t *)bytes + done, part, write);
    }
    (void)thread_use_space(before);
    return e;
}
