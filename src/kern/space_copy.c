/* SPDX-License-Identifier: MIT */
#include "kern/space_copy.h"

#include "kern/thread.h"

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
    enum err e = copy_out(to, from, size);
    (void)thread_use_space(before);
    return e;
}
