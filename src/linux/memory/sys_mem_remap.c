/* SPDX-License-Identifier: MIT */
/*
 * mremap(2): shrinks, grows in place, or moves a mapping. Page-table entries are moved, pages are
 * not copied; areas_move() does the work, the checks here are Linux's, in Linux's order.
 */
#include "linux/memory/sys_mem.h"

#include "kern/thread.h"
#include "linux/memory/range.h"
#include "linux/task/process.h"
#include "mm/vm/areas.h"

enum {
    MREMAP_MAYMOVE = 1,
    MREMAP_FIXED = 2,
    MREMAP_DONTUNMAP = 4,
};

struct remap {
    virt_t at;
    uint64_t old_size, new_size, flags;
    virt_t to; /* for MREMAP_FIXED; a hint for MREMAP_DONTUNMAP */
};

/* The checks that do not depend on areas. */
static enum err check_words(const struct remap *r)
{
    uint64_t at = r->at.v, to = r->to.v;
    if (r->flags & ~(uint64_t)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) ||
        !is_aligned(at, PAGE_SIZE) || r->new_size == 0)
        return E_INVAL;
    if (r->new_size > LAYOUT_PROGRAM_END)
        return r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) ? E_INVAL : E_NOMEM;
    if (!(r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)))
        return E_OK;
    if (!is_aligned(to, PAGE_SIZE) || to > LAYOUT_PROGRAM_END - r->new_size ||
        !(r->flags & MREMAP_MAYMOVE))
        return E_INVAL;
    if (r->flags & MREMAP_DONTUNMAP && r->old_size != r->new_size)
        return E_INVAL;
    bool apart = at + r->old_size <= to || to + r->new_size <= at;
    return apart ? E_OK : E_INVAL;
}

/* Checks if [at, at + old_size) of the area may become new_size bytes. E_INVAL, E_FAULT, E_AGAIN,
 * E_NOMEM. */
static enum err check_area(const struct remap *r, const struct area *a)
{
    if (r->old_size == 0 && !(a->flags & AREA_SHARED))
        return E_INVAL; /* only a shared mapping can be duplicated */
    if (r->old_size > a->range.end.v - r->at.v)
        return E_FAULT;
    if (r->new_size <= r->old_size)
        return E_OK;
    uint64_t more = r->new_size - r->old_size;
    if (a->flags & AREA_LOCKED && !mem_may_lock(more))
        return E_AGAIN;
    bool accountable = a->kind == AREA_ANONYMOUS || !(a->flags & AREA_SHARED);
    if (!mem_may_expand(a->prot, a->flags, more) ||
        (accountable && mem_overcommits(a->prot, a->flags, more)))
        return E_NOMEM;
    return E_OK;
}

/* Grows the area at its end, in place. */
static enum err mem_remap_grow(const struct area *a, struct virt_range more)
{
    struct area tail = *a;
    tail.range = more;
    if (tail.kind == AREA_FILE)
        tail.offset += virt_range_size(a->range);
    if (tail.source != NULL)
        tail.source->ops->get(tail.source);
    enum err e = areas_add(space_current(), &tail);
    if (e != E_OK && tail.source != NULL)
        tail.source->ops->put(tail.source);
    return e;
}

static void populate_if_locked(struct virt_range range)
{
    const struct area *a = areas_find(space_current(), range.start);
    if (a != NULL && (a->flags & (AREA_LOCKED | AREA_LOCK_ON_FAULT)) == AREA_LOCKED)
        mem_populate_mapped(range);
}

/* Chooses the destination of a move; MREMAP_FIXED unmaps it. */
static enum err place_for_move(const struct remap *r, struct virt_range *out)
{
    struct address_space *space = space_current();
    if (r->flags & MREMAP_FIXED) {
        if (r->to.v < LAYOUT_PROGRAM_START)
            return E_PERM;
        *out = virt_range(r->to.v, r->to.v + r->new_size);
        enum err e = mem_remove(*out);
        return e == E_OK && !mem_is_free(*out) ? E_NOMEM : e; /* a guard cannot be unmapped */
    }
    virt_t hint = r->flags & MREMAP_DONTUNMAP ? r->to : virt(0);
    /* A distance that is a multiple of 2 MiB keeps 2 MiB pages intact. */
    if (r->new_size >= LARGE_SIZE && hint.v == 0 &&
        areas_find_hole(space, r->new_size, LARGE_SIZE, hint, out) == E_OK)
        return E_OK;
    return areas_find_hole(space, r->new_size, PAGE_SIZE, hint, out);
}

/* False if another thread has changed the area to be moved, while this one gave way. */
static bool is_still_there(const struct remap *r, struct virt_range old)
{
    const struct area *a = areas_find(space_current(), r->at);
    return a != NULL && a->kind != AREA_GUARD && a->range.end.v >= old.end.v &&
           (r->old_size > 0 || a->flags & AREA_SHARED);
}

#define MOVE_TABLES 2 /* page tables of a piece: a page that moves costs 900 instructions */

/* Moves the pieces [from, to) of the old range back, the last one first. It needs the tables that
 * have just been given up: a part that cannot be moved stays where it is. */
static void move_back(struct address_space *space, struct virt_range old, virt_t place)
{
    while (old.end.v > old.start.v) {
        uint64_t piece = virt_range_size(old) > MOVE_TABLES * LARGE_SIZE ? MOVE_TABLES * LARGE_SIZE
                                                                         : virt_range_size(old);
        virt_t from = virt(old.end.v - piece), at = virt(place.v + (from.v - old.start.v));
        const struct area *a = areas_find(space, at);
        bool whole = a != NULL && a->kind != AREA_GUARD && a->range.end.v >= at.v + piece;
        struct virt_range back = virt_range(from.v, from.v + piece);
        if (!whole || areas_remove(space, back) != E_OK || !mem_is_free(back) ||
            areas_move(space, virt_range(at.v, at.v + piece), back, false) != E_OK)
            return;
        old.end = from;
        thread_give_way();
    }
}

/* areas_move() in pieces, each of them whole for others: an address is in the old area or the new one.
 * An area without rights keeps the place free meanwhile. */
static NOINLINE enum err move_in_pieces(struct address_space *space, struct virt_range old,
                                        struct virt_range place, bool keep)
{
    struct area kept = {.range = place,
                        .kind = AREA_ANONYMOUS,
                        .prot = prot_none(),
                        .owner = &process_current()->program->areas,
                        .file_end = UINT64_MAX};
    enum err e = areas_add(space, &kept);
    if (e != E_OK)
        return e;
    struct virt_range rest = old;
    while (rest.start.v < old.end.v) {
        struct virt_range piece = areas_piece_of(space, rest, MOVE_TABLES);
        virt_t to = virt(place.start.v + (piece.start.v - old.start.v));
        struct virt_range there = {
            to, piece.end.v == old.end.v ? place.end : virt(to.v + virt_range_size(piece))};
        const struct area *a = areas_find(space, piece.start);
        if (a == NULL || a->kind == AREA_GUARD || a->range.end.v < piece.end.v)
            e = E_FAULT; /* another thread has changed it */
        else
            e = areas_remove(space, there);
        if (e == E_OK && !mem_is_free(there))
            e = E_NOMEM;
        if (e == E_OK)
            e = areas_move(space, piece, there, keep);
        if (e != E_OK) {
            (void)!mem_remove(virt_range(to.v, place.end.v));
            move_back(space, virt_range(old.start.v, piece.start.v), place.start);
            return e;
        }
        rest.start = piece.end;
        thread_give_way();
    }
    return E_OK;
}

static enum err mem_remap_move(const struct remap *r, uint64_t *result)
{
    struct address_space *space = space_current();
    struct virt_range old = virt_range(r->at.v, r->at.v + r->old_size), place;
    enum err e = E_OK;
    if (r->old_size > r->new_size) {
        e = mem_remove(virt_range(r->at.v + r->new_size, old.end.v));
        old.end.v = r->at.v + r->new_size;
    }
    if (e == E_OK)
        e = place_for_move(r, &place);
    if (e == E_OK && !is_still_there(r, old))
        return E_FAULT;
    if (e == E_OK && r->old_size == 0)
        e = areas_duplicate(space, r->at, place);
    if (e == E_OK && r->old_size > 0)
        e = virt_range_size(old) <= MOVE_TABLES * LARGE_SIZE
                ? areas_move(space, old, place, r->flags & MREMAP_DONTUNMAP)
                : move_in_pieces(space, old, place, r->flags & MREMAP_DONTUNMAP);
    if (e != E_OK)
        return e;
    if (r->flags & MREMAP_DONTUNMAP)
        e = areas_change(space, old, 0, AREA_LOCKED | AREA_LOCK_ON_FAULT);
    populate_if_locked(place);
    *result = place.start.v;
    return e;
}

enum err sys_mremap(struct syscall *call)
{
    struct address_space *space = space_current();
    struct remap r = {
        .at = virt(call->arg[0]),
        .old_size = align_up(call->arg[1], PAGE_SIZE),
        .new_size = align_up(call->arg[2], PAGE_SIZE),
        .flags = call->arg[3],
        .to = virt(call->arg[4]),
    };
    enum err e = check_words(&r);
    if (e != E_OK)
        return e;
    const struct area *a = areas_find(space, r.at);
    if (a == NULL || a->kind == AREA_GUARD)
        return E_FAULT;
    call->result = r.at.v;
    if (!(r.flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && r.new_size <= r.old_size) {
        if (r.old_size > LAYOUT_PROGRAM_END - r.at.v)
            return E_INVAL;
        struct virt_range rest = virt_range(r.at.v + r.new_size, r.at.v + r.old_size);
        if (r.new_size == r.old_size)
            return E_OK;
        e = mem_remove(rest);
        if (e == E_OK)
            mem_note(call, HISTORY_UNMAP, rest, prot_none());
        return e;
    }
    e = check_area(&r, a);
    if (e != E_OK)
        return e;
    if (!(r.flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))) {
        virt_t old_end = virt(r.at.v + r.old_size);
        struct virt_range more = virt_range(old_end.v, r.at.v + r.new_size);
        if (a->range.end.v == old_end.v && r.old_size > 0 && mem_is_free(more)) {
            e = mem_remap_grow(a, more);
            if (e == E_OK)
                populate_if_locked(more);
            return e;
        }
        if (!(r.flags & MREMAP_MAYMOVE))
            return E_NOMEM;
    }
    prot_t prot = a->prot;
    e = mem_remap_move(&r, &call->result);
    if (e != E_OK)
        return e;
    if (!(r.flags & MREMAP_DONTUNMAP))
        mem_note(call, HISTORY_UNMAP, virt_range(r.at.v, r.at.v + r.old_size), prot_none());
    mem_note(call, HISTORY_MAP, virt_range(call->result, call->result + r.new_size), prot);
    return E_OK;
}
