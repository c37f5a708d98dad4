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
