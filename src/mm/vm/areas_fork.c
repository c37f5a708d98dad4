/* SPDX-License-Identifier: MIT */
/* The areas of a new space, at fork(). */
#include "base/panic.h"
#include "mm/layout.h"
#include "mm/phys/frames.h"
#include "mm/pt/spaces.h"
#include "mm/vm/areas_table.h"
#include "mm/vm/slots.h"

/* Of the copy; the context is the area of the copy. */
static void take_leaf(void *context, pte_t leaf, uint64_t size)
{
    if (unlikely(pt_swapped(leaf))) {
        ((const struct area *)context)->owner->swapped++;
        slots_get(&swap_slots, pt_swapped_slot(leaf));
        return;
    }
    phys_t frame = pt_leaf_frame(leaf, size);
    areas_count_pages(context, pt_leaf_is_borrowed(leaf), frame, size >> PAGE_SHIFT);
    frames_get_mapped(&machine_frames, frame, size);
}

/* Shared memory is found again by the first access. */
static bool pages_are_copied(const struct area *a)
{
    return !(a->flags & (AREA_SHARED | AREA_WIPE_ON_FORK));
}

static enum err add_copy(struct address_space *to, const struct area *a, struct area_owner *owner)
{
    struct area copy = *a;
    copy.flags &= ~(uint32_t)(AREA_LOCKED | AREA_LOCK_ON_FAULT);
    copy.owner = owner;
    area_source_get(&copy);
    enum err e = areas_add(to, &copy);
    if (e != E_OK)
        area_source_put(&copy);
    return e;
}

/* The pages of a part of an area, if it is the same in both spaces still: other threads may have changed their own. */
static enum err copy_pages(struct address_space *to, const struct area *a, struct virt_range part,
                           struct pt_fork *fork)
{
    struct area *copy = areas_first_above(to, part.start);
    if (copy == NULL || copy->range.start.v > part.start.v || copy->range.end.v < part.end.v ||
        copy->source != a->source || copy->kind != a->kind)
        return E_OK;
    fork->context = copy;
    return paging_fork(fork, part);
}

enum err areas_fork(struct address_space *to, struct area_owner *owner, virt_t *at, bool *more)
{
    struct address_space *from = running_space;
    struct pt_fork fork;
    enum err e = E_OK;
    unsigned cost = 0;
    paging_fork_begin(&fork, to, take_leaf, NULL);
    struct area *a = areas_first_above(from, *at);
    for (; a != NULL && e == E_OK && cost < AREAS_PIECE_AREAS; cost++) {
        bool begins = at->v <= a->range.start.v;
        struct virt_range rest = {begins ? a->range.start : *at, a->range.end};
        struct area *above = area_above(a);
        if (a->flags & AREA_DONT_FORK || a->kind == AREA_GUARD) {
            *at = a->range.end;
            a = above;
            continue;
        }
        if (begins)
            e = add_copy(to, a, owner);
        if (e == E_OK && pages_are_copied(a)) {
            struct virt_range part = areas_piece(from, rest);
            cost += (unsigned)(virt_range_size(part) / LARGE_SIZE) *
                    (AREAS_PIECE_AREAS / AREAS_PIECE_TABLES);
            e = copy_pages(to, a, part, &fork);
            rest.start = part.end;
        } else {
            rest.start = rest.end;
        }
        *at = rest.start;
        if (rest.start.v == rest.end.v)
            a = above;
    }
    paging_fork_end(&fork);
    *more = a != NULL;
    return e;
}
