/* SPDX-License-Identifier: MIT */
/* madvise(2), msync(2), mincore(2): advice on mappings, and queries. */
#include "linux/memory/sys_mem.h"

#include "cpu/lock.h"
#include "kern/swap.h"
#include "kern/thread.h"
#include "linux/memory/range.h"
#include "linux/task/process.h"
#include "mm/pt/paging.h"
#include "mm/vm/areas.h"
#include "mm/vm/clock.h"
#include "mm/vm/usercopy.h"

enum {
    MADV_NORMAL = 0,
    MADV_RANDOM = 1,
    MADV_SEQUENTIAL = 2,
    MADV_WILLNEED = 3,
    MADV_DONTNEED = 4,
    MADV_FREE = 8,
    MADV_REMOVE = 9,
    MADV_DONTFORK = 10,
    MADV_DOFORK = 11,
    MADV_MERGEABLE = 12,
    MADV_UNMERGEABLE = 13,
    MADV_HUGEPAGE = 14,
    MADV_NOHUGEPAGE = 15,
    MADV_DONTDUMP = 16,
    MADV_DODUMP = 17,
    MADV_WIPEONFORK = 18,
    MADV_KEEPONFORK = 19,
    MADV_COLD = 20,
    MADV_PAGEOUT = 21,
    MADV_POPULATE_READ = 22,
    MADV_POPULATE_WRITE = 23,
    MADV_DONTNEED_LOCKED = 24,

    MS_ASYNC = 1,
    MS_INVALIDATE = 2,
    MS_SYNC = 4,
};

/* Advice stored in the area's flags and shown in /proc/self/smaps. */
static const struct {
    uint8_t advice;
    uint32_t set, clear;
} kept_advice[] = {
    {MADV_NORMAL, 0, AREA_RANDOM | AREA_SEQUENTIAL},
    {MADV_RANDOM, AREA_RANDOM, AREA_SEQUENTIAL},
    {MADV_SEQUENTIAL, AREA_SEQUENTIAL, AREA_RANDOM},
    {MADV_DONTFORK, AREA_DONT_FORK, 0},
    {MADV_DOFORK, 0, AREA_DONT_FORK},
    {MADV_MERGEABLE, AREA_MERGEABLE, 0},
    {MADV_UNMERGEABLE, 0, AREA_MERGEABLE},
    {MADV_HUGEPAGE, AREA_HUGE, AREA_NO_HUGE},
    {MADV_NOHUGEPAGE, AREA_NO_HUGE, AREA_HUGE},
    {MADV_DONTDUMP, AREA_DONT_DUMP, 0},
    {MADV_DODUMP, 0, AREA_DONT_DUMP},
    {MADV_WIPEONFORK, AREA_WIPE_ON_FORK, 0},
    {MADV_KEEPONFORK, 0, AREA_WIPE_ON_FORK},
};

static bool advice_known(uint64_t advice)
{
    return advice <= MADV_DONTNEED || (advice >= MADV_FREE && advice <= MADV_DONTNEED_LOCKED);
}

/* MADV_REMOVE: punches a hole into the file behind part of a shared mapping. */
static enum err remove_part(const struct area *a, struct virt_range part)
{
    if (a->flags & AREA_LOCKED || a->source == NULL)
        return E_INVAL;
    if (!(a->flags & AREA_SHARED) || a->flags & AREA_READ_ONLY)
        return E_ACCES;
    struct page_source *source = a->source;
    uint64_t offset = a->offset + (part.start.v - a->range.start.v);
    source->ops->get(source); /* it gives way */
    enum err e = source->ops->punch(source, offset, virt_range_size(part));
    source->ops->put(source);
    return e;
}

/* Applies the advice to `part`, which lies in area `a`. Advice without effect here (readahead) is a hint on Linux, too. */
static enum err advise_part(const struct area *a, struct virt_range part, uint64_t advice)
{
    struct address_space *space = space_current();
    switch (advice) {
    case MADV_FREE:
        return a->kind != AREA_ANONYMOUS || a->flags & AREA_LOCKED ? E_INVAL
                                                                   : areas_lazyfree(space, part);
    case MADV_DONTNEED:
        return a->flags & AREA_LOCKED ? E_INVAL : areas_discard(space, part);
    case MADV_DONTNEED_LOCKED:
        return areas_discard(space, part);
    case MADV_COLD:
    case MADV_PAGEOUT:
        if (a->flags & AREA_LOCKED)
            return E_INVAL;
        if (advice == MADV_PAGEOUT)
            swap_page_out(space, part);
        else
            clock_cool(space, part);
        return E_OK;
    case MADV_REMOVE:
        return remove_part(a, part);
    case MADV_WIPEONFORK:
        return a->kind != AREA_ANONYMOUS ? E_INVAL
                                         : areas_change(space, part, AREA_WIPE_ON_FORK, 0);
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE: {
        enum err e = mem_populate(part, advice == MADV_POPULATE_WRITE);
        return e == E_ACCES ? E_INVAL : e;
    }
    default:
        for (size_t i = 0; i < ARRAY_LENGTH(kept_advice); i++)
            if (kept_advice[i].advice == advice)
                return areas_change(space, part, kept_advice[i].set, kept_advice[i].clear);
        return E_OK;
    }
}

enum err mem_advise(uint64_t start, uint64_t length, uint32_t advice)
{
    uint64_t size = align_up(length, PAGE_SIZE), end;
    if (!advice_known(advice) || !is_aligned(start, PAGE_SIZE) || (length != 0 && size == 0) ||
        start + size < start)
        return E_INVAL;
    end = start + size;
    if (advice != MADV_DONTNEED)
        kernel_lock_alone();
    bool populates = advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE;
    enum err holes = E_OK;
    while (start < end) {
        bool shared = mem_share_begin((struct virt_range){{start}, {end}});
        const struct area *a = areas_next(space_current(), virt(start));
        bool none = a == NULL || a->range.start.v >= end;
        if (none || a->range.start.v > start || a->kind == AREA_GUARD) {
            holes = E_NOMEM; /* the rest of the range is still advised */
            start = none ? end : a->kind == AREA_GUARD ? a->range.end.v : a->range.start.v;
            mem_share_end(shared);
            if (populates)
                return E_NOMEM;
            continue;
        }
        struct virt_range part =
            virt_range_intersection(a->range, (struct virt_range){{start}, {end}});
        if (advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED || advice == MADV_FREE ||
            advice == MADV_COLD)
            part = areas_piece(space_current(), part);
        start = part.end.v;
        enum err e = advise_part(a, part, advice);
        mem_share_end(shared);
        if (e != E_OK)
            return e;
        thread_give_way();
    }
    return holes;
}

enum err sys_madvise(struct syscall *call)
{
    return mem_advise(call->arg[0], call->arg[1], (uint32_t)call->arg[2]);
}

/* A shared mapping of a file of a device; of a file in memory it shares the file's own pages. */
static MUST_CHECK enum err sync_part(const struct area *a, struct virt_range part)
{
    struct page_source *source = a->source;
    uint64_t offset = a->offset + (part.start.v - a->range.start.v);
    if (source == NULL || source->ops->sync == NULL || !(a->flags & AREA_SHARED))
        return E_OK;
    source->ops->get(source);
    enum err e = source->ops->sync(source, offset, virt_range_size(part));
    source->ops->put(source);
    return e;
}

enum err sys_msync(struct syscall *call)
{
    struct address_space *space = space_current();
    uint64_t start = call->arg[0], flags = call->arg[2], size = align_up(call->arg[1], PAGE_SIZE);
    struct virt_range range;
    if (flags & ~(uint64_t)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || !is_aligned(start, PAGE_SIZE) ||
        ((flags & MS_ASYNC) && (flags & MS_SYNC)))
        return E_INVAL;
    if (size == 0)
        return E_OK;
    if (!mem_range(start, size, &range))
        return E_NOMEM;
    bool hole = false;
    for (virt_t at = range.start; at.v < range.end.v;) {
        const struct area *a = areas_next(space, at);
        hole |= a == NULL || a->range.start.v > at.v || a->kind == AREA_GUARD;
        if (a == NULL || a->range.start.v >= range.end.v)
            break;
        if (flags & MS_INVALIDATE && a->flags & AREA_LOCKED)
            return E_BUSY;
        struct virt_range part = virt_range_intersection(a->range, range);
        at = a->range.end;
        enum err e = flags & MS_SYNC ? sync_part(a, part) : E_OK;
        if (e != E_OK)
            return e;
        thread_give_way();
    }
    return hole ? E_NOMEM : E_OK;
}

bool mem_is_mapped(virt_t page)
{
    struct pt_walk walk;
    paging_walk(space_current(), page, &walk);
    if (walk.leaf_level != 0)
        return true;
    pte_t e = walk.entry[walk.last_level];
    if (walk.last_level == 1 && pt_swapped(e))
        return false;
    return e.v != 0 && (walk.last_level == 1 || e.v & PTE_PS); /* present under PROT_NONE */
}

static bool is_resident(const struct area *a, virt_t page)
{
    bool kept = mem_is_mapped(page);
    if (unlikely(a->owner->swapped != 0) && swap_entry(space_current(), page).v != 0)
        return false;
    if (kept || a->source == NULL)
        return kept;
    return a->source->ops->present(a->source,
                                   (a->offset + (page.v - a->range.start.v)) >> PAGE_SHIFT);
}

enum err sys_mincore(struct syscall *call)
{
    struct virt_range range;
    if (!is_aligned(call->arg[0], PAGE_SIZE))
        return E_INVAL;
    if (!mem_range(call->arg[0], call->arg[1], &range))
        return E_NOMEM;
    virt_t to = virt(call->arg[2]);
    if (!user_range_ok(to, virt_range_size(range) >> PAGE_SHIFT))
        return E_FAULT;
    for (virt_t at = range.start; at.v < range.end.v; at.v += PAGE_SIZE, to.v++) {
        thread_give_way();
        const struct area *a = areas_find(space_current(), at);
        if (a == NULL || a->kind == AREA_GUARD)
            return E_NOMEM;
        uint8_t resident = is_resident(a, at);
        enum err e = copy_out(to, &resident, 1);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}
