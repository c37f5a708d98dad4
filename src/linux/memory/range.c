/* SPDX-License-Identifier: MIT */
#include "linux/memory/range.h"

#include "cpu/lock.h"
#include "kern/swap.h"
#include "kern/thread.h"
#include "linux/task/process.h"
#include "mm/init/memory.h"
#include "mm/pt/paging.h"
#include "mm/vm/fault.h"

uint64_t overcommit_memory, overcommit_ratio = 50;

enum {
    OVERCOMMIT_ALWAYS = 1,
    OVERCOMMIT_NEVER
};

bool mem_is_free(struct virt_range range)
{
    const struct area *next = areas_next(space_current(), range.start);
    return range.start.v >= LAYOUT_PROGRAM_START && range.end.v <= LAYOUT_PROGRAM_END &&
           (next == NULL || next->range.start.v >= range.end.v);
}

bool mem_is_ours(struct virt_range range)
{
    struct address_space *space = space_current();
    const struct area_owner *owner = &process_current()->program->areas;
    for (const struct area *a = areas_next(space, range.start);
         a != NULL && a->range.start.v < range.end.v; a = areas_next(space, a->range.end))
        if (a->owner != owner)
            return false;
    return true;
}

uint64_t mem_bytes_in(struct virt_range range)
{
    struct address_space *space = space_current();
    uint64_t bytes = 0;
    for (const struct area *a = areas_next(space, range.start);
         a != NULL && a->range.start.v < range.end.v; a = areas_after(space, a))
        bytes += virt_range_size(virt_range_intersection(a->range, range));
    return bytes;
}

static enum err err_of(enum fault_verdict verdict)
{
    switch (verdict) {
    case FAULT_RESOLVED:
        return E_OK;
    case FAULT_PAST_FILE:
        return E_FAULT;
    case FAULT_DENIED:
        return E_ACCES;
    default:
        return E_NOMEM;
    }
}

/* Makes the page at `at` present. *size: bytes from `at` to the end of the leaf if one was there,
 * else PAGE_SIZE. */
static enum err populate_at(virt_t at, bool write, uint64_t *size)
{
    struct address_space *space = space_current();
    struct pt_walk walk;
    uint64_t error = write ? PF_WRITE : 0;
    paging_walk(space, at, &walk);
    *size = PAGE_SIZE;
    if (walk.leaf_level != 0) {
        if (!write || walk.writable) {
            *size = pt_span(walk.leaf_level) - (at.v & (pt_span(walk.leaf_level) - 1));
            return E_OK;
        }
        error |= PF_PRESENT;
    }
    return err_of(fault_resolve(space, at, error));
}

enum err mem_populate(struct virt_range range, bool write)
{
    uint64_t size;
    for (virt_t at = range.start; at.v < range.end.v; at.v += size) {
        thread_give_way();
        const struct area *a = areas_find(space_current(), at);
        if (a == NULL || a->kind == AREA_GUARD)
            return E_NOMEM;
        if (write ? !prot_can_write(a->prot) : a->prot.bits == 0)
            return E_ACCES;
        enum err e = populate_at(at, write, &size);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

void mem_populate_mapped(struct virt_range range)
{
    virt_t at = range.start;
    while (at.v < range.end.v) {
        const struct area *a = areas_find(space_current(), at);
        if (a == NULL)
            return;
        virt_t end = a->range.end.v < range.end.v ? a->range.end : range.end;
        /* A read makes a shared file page present; a write would set it dirty. */
        bool write = prot_can_write(a->prot) && !(a->flags & AREA_SHARED);
        if (mem_populate((struct virt_range){at, end}, write) != E_OK)
            return; /* not reported, as in Linux */
        at = end;
    }
}

enum err mem_remove(struct virt_range range)
{
    struct address_space *space = space_current();
    if (areas_is_piece(space, range))
        return areas_remove(space, range);
    struct virt_range piece = areas_piece(space, range);
    enum err e = areas_remove(space, piece);
    if (e != E_OK) /* the whole range at once needs one area less at the limit */
        return areas_remove(space, range);
    while (e == E_OK && piece.end.v < range.end.v) {
        thread_give_way();
        piece = areas_piece(space, (struct virt_range){piece.end, range.end});
        e = areas_remove(space, piece);
    }
    return e;
}

/* The lock is held on success. */
bool mem_share_now(struct virt_range range) NO_LOCK_ANALYSIS
{
    struct address_space *space = space_current();
    if (fault_may_share() && overcommit_memory != OVERCOMMIT_NEVER && mem_future_lock() == 0) {
        SHORT_LOCK(&space->lock, class_space);
        if (areas_is_piece(space, range) && areas_are_plain(space, range))
            return true;
        SHORT_UNLOCK(&space->lock, class_space);
    }
    kernel_lock_alone();
    return false;
}

static bool is_data(prot_t prot, uint32_t flags)
{
    return prot_can_write(prot) && !(flags & (AREA_SHARED | AREA_GROWS_DOWN));
}

bool mem_may_expand(prot_t prot, uint32_t flags, uint64_t more)
{
    const struct area_owner *owner = &process_current()->program->areas;
    uint64_t all = process_current()->rlimits[RLIMIT_AS].soft,
             data = process_current()->rlimits[RLIMIT_DATA].soft;
    if (all != RLIM_INFINITY && (more > all || owner->bytes > all - more))
        return false;
    if (data == RLIM_INFINITY || !is_data(prot, flags))
        return true;
    uint64_t have = areas_bytes_of(owner, PROT_BIT_WRITE, AREA_SHARED | AREA_GROWS_DOWN);
    return more <= data && have <= data - more;
}

uint64_t mem_committed_bytes(void)
{
    uint64_t bytes = 0;
    for (struct process *p = process_first(); p != NULL; p = process_next(p)) {
        const struct program *program = p->program;
        if (program != NULL && program->users != 0)
            bytes += areas_bytes_of(&program->areas, PROT_BIT_WRITE, AREA_SHARED) / program->users;
    }
    return bytes;
}

bool mem_overcommits(prot_t prot, uint32_t flags, uint64_t more)
{
    bool strict = overcommit_memory == OVERCOMMIT_NEVER;
    if (overcommit_memory == OVERCOMMIT_ALWAYS || (flags & AREA_NO_RESERVE && !strict) ||
        !(prot_can_write(prot) || flags & AREA_SHARED))
        return false;
    uint64_t memory = memory_total(), swap = swap_total_pages() * PAGE_SIZE;
    if (!strict)
        return more > memory + swap;
    uint64_t limit = memory / 100 * overcommit_ratio + swap, have = mem_committed_bytes();
    return more > limit || have > limit - more;
}

uint32_t mem_future_lock(void)
{
    return process_current()->program->future_lock;
}

void mem_set_future_lock(uint32_t flags)
{
    process_current()->program->future_lock = flags;
}

bool mem_can_lock(void)
{
    return process_current()->rlimits[RLIMIT_MEMLOCK].soft != 0 || capable(CAP_IPC_LOCK);
}

uint64_t mem_locked_bytes(void)
{
    return areas_bytes_of(&process_current()->program->areas, AREA_LOCKED, 0);
}

bool mem_may_lock(uint64_t more)
{
    uint64_t limit = process_current()->rlimits[RLIMIT_MEMLOCK].soft;
    if (limit == RLIM_INFINITY || capable(CAP_IPC_LOCK))
        return true;
    limit = align_down(limit, PAGE_SIZE);
    return more <= limit && mem_locked_bytes() <= limit - more;
}

struct areas_policy areas_policy(void)
{
    if (thread_current() == NULL || linux_current() == NULL) /* a kernel thread, during a report */
        return (struct areas_policy){UINT64_MAX, UINT64_MAX, true};
    const struct process *process = process_current();
    return (struct areas_policy){
        .stack = process->rlimits[RLIMIT_STACK].soft,
        .all = process->rlimits[RLIMIT_AS].soft,
        .large_pages = process->thp_disable == 0,
    };
}
