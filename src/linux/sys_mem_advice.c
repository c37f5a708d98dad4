/* SPDX-License-Identifier: MIT */
/* The memory calls that move, advise and ask. */
#include "linux/sys_mem.h"

#include "linux/mem_range.h"
#include "mm/areas.h"
#include "mm/paging.h"
#include "mm/usercopy.h"

enum {
    MREMAP_MAYMOVE = 1,
    MREMAP_FIXED = 2,

    MADV_DONTNEED = 4,
    MADV_FREE = 8,
    MADV_REMOVE = 9,
    MADV_POPULATE_READ = 22,
    MADV_POPULATE_WRITE = 23,

    MS_ASYNC = 1,
    MS_INVALIDATE = 2,
    MS_SYNC = 4,

    MCL_KNOWN = 7,
    MLOCK_ONFAULT = 1,
};

/* Is all of the range covered by areas? */
static bool covered(struct virt_range range)
{
    for (virt_t at = range.start; at.v < range.end.v;) {
        const struct area *a = areas_find(at);
        if (a == NULL || a->kind == AREA_GUARD)
            return false;
        at = a->range.end;
    }
    return true;
}

static bool is_free(struct virt_range range)
{
    const struct area *next = areas_next(range.start);
    return range.end.v <= LAYOUT_PROGRAM_END &&
           (next == NULL || next->range.start.v >= range.end.v);
}

/* Grows the area at its end, in place. */
static enum err grow(const struct area *a, struct virt_range more)
{
    struct area tail = *a;
    tail.range = more;
    if (tail.kind == AREA_FILE)
        tail.offset += virt_range_size(a->range);
    if (tail.source != NULL)
        tail.source->ops->get(tail.source);
    enum err e = areas_add(&tail);
    if (e != E_OK && tail.source != NULL)
        tail.source->ops->put(tail.source);
    return e;
}

/* Where a mapping that has to move goes. */
static enum err place_for_move(struct virt_range old, uint64_t new_size, const struct syscall *call,
                               struct virt_range *out)
{
    uint64_t at = call->arg[4];
    if (!(call->arg[3] & MREMAP_FIXED))
        return areas_find_hole(new_size, PAGE_SIZE, virt(0), out);
    if (!is_aligned(at, PAGE_SIZE) || at > LAYOUT_PROGRAM_END ||
        new_size > LAYOUT_PROGRAM_END - at || at < LAYOUT_PROGRAM_START)
        return E_INVAL;
    *out = virt_range(at, at + new_size);
    if (virt_range_overlaps(old, *out))
        return E_INVAL;
    enum err e = areas_remove(*out);
    return e == E_OK && !is_free(*out) ? E_NOMEM : e; /* a guard stays */
}

enum err sys_mremap(struct syscall *call)
{
    uint64_t at = call->arg[0], old_size = call->arg[1], new_size = call->arg[2];
    uint64_t flags = call->arg[3];
    if (flags & ~(uint64_t)(MREMAP_MAYMOVE | MREMAP_FIXED) || !is_aligned(at, PAGE_SIZE) ||
        new_size == 0 || ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE)))
        return E_INVAL;
    if (new_size > LAYOUT_PROGRAM_END || old_size > LAYOUT_PROGRAM_END)
        return E_INVAL;
    struct virt_range old, place;
    new_size = align_up(new_size, PAGE_SIZE);
    if (!mem_range(at, old_size, &old))
        return E_FAULT;
    old_size = virt_range_size(old);
    call->result = at;
    if (!(flags & MREMAP_FIXED) && new_size <= old_size && covered(old)) {
        return new_size == old_size ? E_OK : areas_remove(virt_range(at + new_size, old.end.v));
    }
    const struct area *a = areas_find(old.start);
    if (a == NULL || a->kind == AREA_GUARD || a->range.end.v < old.end.v || old_size == 0)
        return a != NULL && old_size == 0 ? E_INVAL : E_FAULT;
    struct virt_range more = virt_range(old.end.v, at + new_size);
    if (!(flags & MREMAP_FIXED) && a->range.end.v == old.end.v && is_free(more))
        return grow(a, more);
    if (!(flags & MREMAP_MAYMOVE))
        return E_NOMEM;
    enum err e = place_for_move(old, new_size, call, &place);
    if (e != E_OK)
        return e;
    if (new_size < old_size) {
        e = areas_remove(virt_range(at + new_size, old.end.v));
        if (e != E_OK)
            return e;
        old.end.v = at + new_size;
    }
    e = areas_move(old, place);
    if (e == E_OK)
        call->result = place.start.v;
    return e;
}

static bool advice_known(uint64_t advice)
{
    return advice <= 4 || (advice >= 8 && advice <= 21 && advice != MADV_REMOVE) ||
           advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE;
}

/* Advice that has no effect here has none that a program on Linux could rely on either. */
enum err sys_madvise(struct syscall *call)
{
    struct virt_range range;
    uint64_t advice = call->arg[2];
    if (!is_aligned(call->arg[0], PAGE_SIZE) || !advice_known(advice))
        return E_INVAL;
    if (call->arg[1] == 0)
        return E_OK;
    if (!mem_range(call->arg[0], call->arg[1], &range))
        return E_INVAL;
    if (advice == MADV_DONTNEED || advice == MADV_FREE)
        areas_discard(range);
    else if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
        mem_populate(range);
    return covered(range) ? E_OK : E_NOMEM;
}

enum err sys_msync(struct syscall *call)
{
    struct virt_range range;
    uint64_t flags = call->arg[2];
    if (flags & ~(uint64_t)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
        !is_aligned(call->arg[0], PAGE_SIZE) || ((flags & MS_ASYNC) && (flags & MS_SYNC)))
        return E_INVAL;
    if (!mem_range(call->arg[0], call->arg[1], &range))
        return E_NOMEM;
    return covered(range) ? E_OK : E_NOMEM; /* the RAM file system is what the mapping shows */
}

enum err sys_mincore(struct syscall *call)
{
    struct virt_range range;
    if (!is_aligned(call->arg[0], PAGE_SIZE))
        return E_INVAL;
    if (!mem_range(call->arg[0], call->arg[1], &range))
        return E_NOMEM;
    if (!user_range_ok(virt(call->arg[2]), virt_range_size(range) >> PAGE_SHIFT))
        return E_FAULT;
    if (!covered(range))
        return E_NOMEM;
    virt_t to = virt(call->arg[2]);
    for (virt_t at = range.start; at.v < range.end.v; at.v += PAGE_SIZE, to.v++) {
        struct pt_walk walk;
        paging_walk(at, &walk);
        uint8_t resident = walk.leaf_level != 0;
        enum err e = copy_out(to, &resident, 1);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

/* Nothing is ever swapped, so to lock is to make present. */
static enum err lock(const struct syscall *call, bool populate)
{
    struct virt_range range;
    uint64_t start = align_down(call->arg[0], PAGE_SIZE);
    if (call->arg[1] == 0)
        return E_OK;
    if (call->arg[1] > LAYOUT_PROGRAM_END ||
        !mem_range(start, call->arg[1] + (call->arg[0] - start), &range))
        return call->arg[0] + call->arg[1] < call->arg[0] ? E_INVAL : E_NOMEM;
    if (!covered(range))
        return E_NOMEM;
    if (populate)
        mem_populate(range);
    return E_OK;
}

enum err sys_mlock(struct syscall *call)
{
    return lock(call, true);
}

enum err sys_mlock2(struct syscall *call)
{
    if (call->arg[2] & ~(uint64_t)MLOCK_ONFAULT)
        return E_INVAL;
    return lock(call, !(call->arg[2] & MLOCK_ONFAULT));
}

enum err sys_munlock(struct syscall *call)
{
    return lock(call, false);
}

enum err sys_mlockall(struct syscall *call)
{
    return call->arg[0] == 0 || call->arg[0] == 4 || call->arg[0] & ~(uint64_t)MCL_KNOWN ? E_INVAL
                                                                                         : E_OK;
}

enum err sys_munlockall(struct syscall *call)
{
    (void)call;
    return E_OK;
}
