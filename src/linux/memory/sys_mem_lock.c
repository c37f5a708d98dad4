/* SPDX-License-Identifier: MIT */
/* mlock(2) and related calls. There is no swap: locking makes pages present and counts them against
 * RLIMIT_MEMLOCK. */
#include "linux/memory/sys_mem.h"

#include "kern/thread.h"
#include "linux/memory/range.h"
#include "linux/task/process.h"

#define MLOCK_ONFAULT 1
#define LOCK_FLAGS    (AREA_LOCKED | AREA_LOCK_ON_FAULT)

enum {
    MCL_CURRENT = 1,
    MCL_FUTURE = 2,
    MCL_ONFAULT = 4,
};

/* The page range of a call, by Linux's arithmetic: a size that wraps to 0 is an empty range.
 * E_INVAL, E_NOMEM. */
static enum err mem_lock_lock_range(const struct syscall *call, struct virt_range *out)
{
    uint64_t start = align_down(call->arg[0], PAGE_SIZE);
    uint64_t size = align_up(call->arg[1] + (call->arg[0] - start), PAGE_SIZE);
    if (start + size < start)
        return E_INVAL;
    if (size == 0) {
        *out = virt_range(start, start);
        return E_OK;
    }
    return mem_range(start, size, out) ? E_OK : E_NOMEM;
}

/* Sets the lock flags of the areas up to the first hole; E_NOMEM if there is one. */
static enum err mem_lock_change(struct virt_range range, uint32_t set)
{
    struct address_space *space = space_current();
    virt_t at = range.start;
    while (at.v < range.end.v) {
        struct virt_range piece = areas_piece(space, (struct virt_range){at, range.end});
        const struct area *a = areas_next(space, at);
        for (; a != NULL && a->range.start.v <= at.v && a->kind != AREA_GUARD && at.v < piece.end.v;
             a = areas_after(space, a))
            at = a->range.end;
        bool whole = at.v >= piece.end.v;
        struct virt_range part = {piece.start, whole ? piece.end : at};
        if (part.end.v > part.start.v) {
            enum err e = areas_change(space, part, set, LOCK_FLAGS & ~set);
            if (e != E_OK)
                return e;
        }
        if (!whole)
            return E_NOMEM;
        at = piece.end;
        if (at.v < range.end.v)
            thread_give_way();
    }
    return E_OK;
}

/* Bytes of the range already locked, which are not counted twice. */
static uint64_t locked_in(struct virt_range range)
{
    struct address_space *space = space_current();
    uint64_t bytes = 0;
    for (const struct area *a = areas_next(space, range.start);
         a != NULL && a->range.start.v < range.end.v;) {
        virt_t end = a->range.end;
        if (a->flags & AREA_LOCKED)
            bytes += virt_range_size(virt_range_intersection(a->range, range));
        thread_give_way();
        a = areas_next(space, end);
    }
    return bytes;
}

static enum err lock(const struct syscall *call, uint32_t flags)
{
    struct virt_range range;
    if (!mem_can_lock())
        return E_PERM;
    enum err e = mem_lock_lock_range(call, &range);
    if (e == E_INVAL && !mem_may_lock(call->arg[1])) /* the limit counts before the range */
        return E_NOMEM;
    if (e != E_OK || range.start.v == range.end.v)
        return e;
    if (!mem_may_lock(virt_range_size(range) - locked_in(range)))
        return E_NOMEM;
    e = mem_lock_change(range, flags);
    if (e != E_OK || flags & AREA_LOCK_ON_FAULT)
        return e;
    virt_t at = range.start;
    while (e == E_OK && at.v < range.end.v) {
        const struct area *a = areas_find(space_current(), at);
        if (a == NULL) /* another thread has unmapped it meanwhile */
            return E_NOMEM;
        virt_t end = a->range.end.v < range.end.v ? a->range.end : range.end;
        e = mem_populate((struct virt_range){at, end},
                         prot_can_write(a->prot) && !(a->flags & AREA_SHARED));
        at = end;
    }
    /* POSIX mlock(): ENOMEM if a page cannot be made present, EAGAIN for a shortage of memory. */
    return e == E_NOMEM ? E_AGAIN : e == E_OK ? E_OK : E_NOMEM;
}

enum err sys_mlock(struct syscall *call)
{
    return lock(call, AREA_LOCKED);
}

enum err sys_mlock2(struct syscall *call)
{
    if (call->arg[2] & ~(uint64_t)MLOCK_ONFAULT)
        return E_INVAL;
    return lock(call, call->arg[2] & MLOCK_ONFAULT ? LOCK_FLAGS : AREA_LOCKED);
}

enum err sys_munlock(struct syscall *call)
{
    struct virt_range range;
    enum err e = mem_lock_lock_range(call, &range);
    return e != E_OK || range.start.v == range.end.v ? e : mem_lock_change(range, 0);
}

static enum err change_all(uint32_t set)
{
    struct address_space *space = space_current();
    const struct area_owner *owner = &process_current()->program->areas;
    enum err e = E_OK;
    const struct area *a = areas_next(space, virt(0));
    while (a != NULL && e == E_OK) {
        virt_t end = a->range.end;
        if (a->owner == owner)
            e = areas_change(space, a->range, set, LOCK_FLAGS & ~set);
        thread_give_way();
        a = areas_next(space, end);
    }
    return e;
}

enum err sys_mlockall(struct syscall *call)
{
    struct address_space *space = space_current();
    uint64_t how = call->arg[0];
    if (how == 0 || how == MCL_ONFAULT || how & ~(uint64_t)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
        return E_INVAL;
    if (!mem_can_lock())
        return E_PERM;
    if (how & MCL_CURRENT && !capable(CAP_IPC_LOCK) &&
        process_current()->program->areas.bytes > process_current()->rlimits[RLIMIT_MEMLOCK].soft)
        return E_NOMEM;
    uint32_t flags = how & MCL_ONFAULT ? LOCK_FLAGS : AREA_LOCKED;
    mem_set_future_lock(how & MCL_FUTURE ? flags : 0);
    if (!(how & MCL_CURRENT))
        return E_OK;
    enum err e = change_all(flags);
    if (e == E_OK && !(how & MCL_ONFAULT))
        for (const struct area *a = areas_next(space, virt(0)); a != NULL;) {
            struct virt_range range = a->range;
            if (a->owner == &process_current()->program->areas)
                mem_populate_mapped(range);
            a = areas_next(space, range.end);
        }
    return e;
}

enum err sys_munlockall(struct syscall *call)
{
    (void)call;
    mem_set_future_lock(0);
    return change_all(0);
}
