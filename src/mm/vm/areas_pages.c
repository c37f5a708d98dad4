/* SPDX-License-Identifier: MIT */
/* The pages of areas: discarded, moved, duplicated, written other than by the program. */
#include "base/panic.h"
#include "base/sections.h"
#include "cpu/lock.h"
#include "mm/layout.h"
#include "mm/phys/frames.h"
#include "mm/phys/shrinker.h"
#include "mm/pt/paging.h"
#include "mm/pt/spaces.h"
#include "mm/vm/areas_table.h"
#include "mm/vm/clock.h"
#include "mm/vm/slots.h"

void areas_release_leaf(void *context, pte_t leaf, uint64_t size)
{
    if (unlikely(pt_swapped(leaf))) {
        ((const struct area *)context)->owner->swapped--;
        slots_put(&swap_slots, pt_swapped_slot(leaf));
        return;
    }
    phys_t frame = pt_leaf_frame(leaf, size);
    areas_count_pages(context, pt_leaf_is_borrowed(leaf), frame, -(size >> PAGE_SHIFT));
    if (likely(size == PAGE_SIZE))
        frames_put(&machine_frames, frame);
    else
        frames_put_mapped(&machine_frames, frame, size);
}

enum err areas_cut_large(struct address_space *space, virt_t v)
{
    struct pt_walk walk;
    paging_walk(space, v, &walk);
    if (walk.last_level != 2 || walk.entry[2].v == 0)
        return E_OK;
    if (kernel_lock_is_shared())
        return E_NOMEM; /* the block may be another space's, too */
    phys_t block = phys(align_down(walk.entry[2].v & PTE_ADDRESS, LARGE_SIZE));
    enum err e = paging_split_at(space, v);
    if (e == E_OK && !frames_is_split(&machine_frames, block))
        frames_split(&machine_frames, block);
    return e;
}

static enum err cut_leaf_at(struct address_space *space, virt_t v)
{
    const struct area *a = areas_find(space, v);
    return a != NULL ? areas_cut_leaf(space, a, v) : E_OK;
}

enum err areas_discard(struct address_space *space, struct virt_range range)
{
    enum err e = cut_leaf_at(space, range.start);
    if (e == E_OK)
        e = cut_leaf_at(space, range.end);
    for (const struct area *a = areas_first_above(space, range.start);
         e == E_OK && a != NULL && a->range.start.v < range.end.v; a = area_above(a))
        if (a->kind != AREA_GUARD)
            areas_unmap(space, a, virt_range_intersection(a->range, range));
    return e;
}

/* The end of the AREAS_PIECE_AREAS first areas in the range; the range's, if they are fewer. */
static virt_t end_of_areas(struct address_space *space, struct virt_range range)
{
    const struct area *a = areas_first_above(space, range.start);
    for (unsigned i = 1; a != NULL && a->range.end.v < range.end.v; i++, a = area_above(a))
        if (i == AREAS_PIECE_AREAS)
            return a->range.end;
    return range.end;
}

struct virt_range areas_piece_of(struct address_space *space, struct virt_range range,
                                 unsigned most)
{
    virt_t at = range.start;
    range.end = end_of_areas(space, range);
    for (unsigned tables = 0, steps = 0;
         at.v < range.end.v && tables < most && steps < AREAS_PIECE_STEPS; steps++) {
        struct pt_walk walk;
        paging_walk(space, at, &walk);
        tables += walk.last_level == 1;
        at.v = align_down(at.v, pt_span(walk.last_level > 1 ? walk.last_level : 2));
        at.v += pt_span(walk.last_level > 1 ? walk.last_level : 2);
        if (at.v == 0) /* the end of all addresses */
            return range;
    }
    return (struct virt_range){range.start, at.v < range.end.v ? at : range.end};
}

bool areas_are_plain(struct address_space *space, struct virt_range range)
{
    for (const struct area *a = areas_first_above(space, range.start);
         a != NULL && a->range.start.v < range.end.v; a = area_above(a))
        if (a->kind != AREA_ANONYMOUS || a->flags & (AREA_SHARED | AREA_READ_ONLY) ||
            a->owner->swapped != 0)
            return false;
    return true;
}

enum err areas_lazyfree(struct address_space *space, struct virt_range range)
{
    enum err e = cut_leaf_at(space, range.start);
    if (e == E_OK)
        e = cut_leaf_at(space, range.end);
    for (const struct area *a = areas_first_above(space, range.start);
         e == E_OK && a != NULL && a->range.start.v < range.end.v; a = area_above(a)) {
        if (a->kind != AREA_ANONYMOUS)
            continue;
        paging_mark_lazyfree(space, virt_range_intersection(a->range, range));
        space->lazyfree = space->lazyfree_found = true;
    }
    return e;
}

#define RECLAIM_STEPS 16

/* What reclaim_lazyfree() takes: adjacent pages count as one. */
struct reclaim {
    unsigned count;
    struct virt_range range[16];
};

static void reclaim_leaf(void *context, virt_t at, int level, pte_t entry)
{
    struct reclaim *r = context;
    struct virt_range *last = r->count > 0 ? &r->range[r->count - 1] : NULL;
    if (!paging_is_lazyfree(entry))
        return;
    if (last != NULL && last->end.v == at.v)
        last->end.v += pt_span(level);
    else if (r->count < ARRAY_LENGTH(r->range))
        r->range[r->count++] = virt_range(at.v, at.v + pt_span(level));
}

/* Takes the pages of the next table that has some, from where the last call ended, and looks at RECLAIM_STEPS tables or areas at most. A turn
 * round the space that finds none is the last. False: there are none. */
static bool reclaim_lazyfree(struct address_space *space)
{
    virt_t at = space->lazyfree_at;
    struct reclaim r = {.count = 0};
    for (unsigned i = 0; i < RECLAIM_STEPS && r.count == 0; i++) {
        struct area *a = areas_first_above(space, at);
        if (a == NULL) {
            at = virt(0);
            space->lazyfree = space->lazyfree_found;
            space->lazyfree_found = false;
            break;
        }
        struct virt_range piece = {at.v > a->range.start.v ? at : a->range.start, a->range.end};
        if (a->kind == AREA_ANONYMOUS) {
            piece = areas_piece_of(space, piece, 1);
            paging_visit(space, piece, reclaim_leaf, &r);
        }
        at = piece.end;
        for (unsigned j = 0; j < r.count; j++)
            areas_unmap(space, a, r.range[j]);
    }
    space->lazyfree_at = at;
    space->lazyfree_found |= r.count > 0;
    return space->lazyfree;
}

static struct list spaces = LIST_INIT(spaces); /* all spaces with areas */

struct address_space *areas_space_after(const struct address_space *space)
{
    struct list *next = space != NULL ? space->link.next : spaces.next;
    return next != &spaces ? CONTAINER_OF(next, struct address_space, link) : NULL;
}

/* The tables of a space are reached while it runs. O(spaces) and one reclaim_lazyfree() that returns true. */
static bool shrink_spaces(void)
{
    struct address_space *before = running_space;
    bool more = false;
    for (struct list *link = spaces.next; link != &spaces && !more; link = link->next) {
        struct address_space *space = CONTAINER_OF(link, struct address_space, link);
        if (!space->lazyfree)
            continue;
        paging_run(space);
        more = reclaim_lazyfree(space);
    }
    paging_run(before);
    return more;
}

COLD bool areas_space_exists(const struct address_space *space)
{
    const struct list *link = spaces.next;
    while (link != &spaces && link != &space->link)
        link = link->next;
    return link != &spaces;
}

void areas_init(struct address_space *space)
{
    static struct shrinker shrinker = {.shrink = shrink_spaces};
    if (list_empty(&spaces))
        shrinker_register(&shrinker);
    space->mmap_base = virt(LAYOUT_PROGRAM_END);
    list_add_head(&spaces, &space->link);
}

COLD void areas_end(struct address_space *space)
{
    areas_drop_all(space);
    areas_free_spare(space);
    clock_forget(space);
    list_remove(&space->link);
}

/* Moves the entry of a swapped page, with its reference to the slot: in place of the zero page, for which tables are made. */
COLD static enum err move_swapped(struct address_space *space, virt_t from, virt_t to, pte_t entry)
{
    struct pt_walk walk;
    enum err e = paging_map(space, to, memory_zero_frame(), PAGE_SIZE, prot_none());
    if (e != E_OK)
        return e;
    paging_walk(space, to, &walk);
    paging_exchange(space, to, walk.entry[1], entry);
    paging_unmap(space, virt_range(from.v, from.v + PAGE_SIZE), NULL, NULL);
    return E_OK;
}

/* Moves the leaf at `from`, or the first one after a gap, to the same offset from `to`, with its
 * reference. *size is the range covered, mapped or not. */
static enum err move_leaf(struct address_space *space, virt_t from, virt_t to, prot_t prot,
                          uint64_t *size)
{
    struct pt_walk walk;
    paging_walk(space, from, &walk);
    pte_t leaf = walk.entry[walk.last_level];
    uint64_t span = pt_span(walk.last_level);
    *size = span - (from.v & (span - 1));
    if (leaf.v == 0)
        return E_OK;
    if (unlikely(pt_swapped(leaf)))
        return move_swapped(space, from, to, leaf);
    if (leaf.v & PTE_COW)
        prot = leaf.v & PTE_FORKED ? prot_forked(prot) : prot_copy_on_write(prot);
    enum err e = paging_map(space, to, phys(align_down(leaf.v & PTE_ADDRESS, span)), span, prot);
    if (e != E_OK)
        return e;
    paging_unmap(space, virt_range(from.v, from.v + span), NULL, NULL);
    paging_mark(space, virt_range(to.v, to.v + span),
                (leaf.v & (PTE_A | PTE_D)) | (leaf.v & PTE_WRITTEN ? PTE_D : 0));
    return E_OK;
}

/* Splits the 2 MiB leaves that the new place does not allow. The split stays if the move fails. */
static enum err cut_for_move(struct address_space *space, const struct area *a,
                             struct virt_range from, virt_t to)
{
    enum err e = areas_cut_leaf(space, a, from.start);
    if (e == E_OK)
        e = areas_cut_leaf(space, a, from.end);
    if (is_aligned(from.start.v ^ to.v, LARGE_SIZE))
        return e;
    for (uint64_t at = align_up(from.start.v, LARGE_SIZE); e == E_OK && at < from.end.v;
         at += LARGE_SIZE)
        e = areas_cut_leaf(space, a, virt(at + PAGE_SIZE));
    return e;
}

static enum err move_leaves(struct address_space *space, struct virt_range from, virt_t to,
                            prot_t prot)
{
    uint64_t size;
    for (uint64_t at = 0; at < virt_range_size(from); at += size) {
        enum err e = move_leaf(space, virt(from.start.v + at), virt(to.v + at), prot, &size);
        if (e == E_OK)
            continue;
        /* Undo. It cannot fail: the tables of the old place still exist, or their frames have just
         * been freed. */
        for (uint64_t back = 0; back < at; back += size)
            must(move_leaf(space, virt(to.v + back), virt(from.start.v + back), prot, &size));
        return e;
    }
    return E_OK;
}

/* The part of `old` from `from` on, as an area at `to`. */
static struct area area_moved(const struct area *old, virt_t from, struct virt_range to)
{
    struct area moved = *old;
    moved.range = to;
    if (moved.kind == AREA_FILE) {
        moved.offset += from.v - old->range.start.v;
        if (moved.file_end != UINT64_MAX)
            moved.file_end += to.start.v - from.v;
    }
    return moved;
}

enum err areas_move(struct address_space *space, struct virt_range from, struct virt_range to,
                    bool keep)
{
    const struct area *old = areas_find(space, from.start);
    assert(old != NULL && old->range.end.v >= from.end.v);
    struct area moved = area_moved(old, from.start, to);
    if (space->area_count + UINT64_C(3) >= areas_max) /* as Linux: one more, and two cuts */
        return E_NOMEM;
    enum err e = areas_reserve(space, 3);
    if (e == E_OK)
        e = cut_for_move(space, areas_find(space, from.start), from, to.start);
    if (e == E_OK)
        e = move_leaves(space, from, to.start, moved.prot);
    if (e != E_OK)
        return e;
    area_source_get(&moved);
    must(areas_add(space, &moved));
    if (!keep)
        must(areas_remove(space, from));
    return E_OK;
}

enum err areas_duplicate(struct address_space *space, virt_t from, struct virt_range to)
{
    const struct area *old = areas_find(space, from);
    assert(old != NULL && old->flags & AREA_SHARED);
    struct area twin = area_moved(old, from, to);
    area_source_get(&twin);
    enum err e = areas_add(space, &twin);
    if (e != E_OK)
        area_source_put(&twin);
    return e;
}

COLD void areas_check_all(void)
{
    struct address_space *before = running_space;
    list_for_each (link, &spaces) {
        struct address_space *space = CONTAINER_OF(link, struct address_space, link);
        paging_run(space);
        areas_check(space);
    }
    paging_run(before);
    slots_check(&swap_slots);
}

void areas_mark_clean(struct address_space *space, const struct area_owner *owner)
{
    for (struct area *a = areas_first(space); a != NULL; a = area_above(a))
        if (a->owner == owner)
            a->flags |= AREA_CLEAN;
}
