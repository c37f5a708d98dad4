/* SPDX-License-Identifier: MIT */
/*
 * Memory policies on a machine with one node, 0: set_mempolicy(2), get_mempolicy(2), mbind(2),
 * migrate_pages(2), move_pages(2). All memory is on the node that any policy may name, so a policy is checked,
 * kept for the thread and shown; mbind() keeps none.
 */
#include "kern/thread.h"
#include "linux/memory/sys_mem.h"
#include "linux/task/process.h"
#include "mm/layout.h"
#include "mm/vm/areas.h"
#include "mm/vm/usercopy.h"

enum {
    MPOL_DEFAULT,
    MPOL_PREFERRED,
    MPOL_BIND,
    MPOL_INTERLEAVE,
    MPOL_LOCAL,
    MPOL_PREFERRED_MANY,
    MPOL_MAX,

    MPOL_BALANCING = 0x2000,
    MPOL_RELATIVE = 0x4000,
    MPOL_STATIC = 0x8000,
    MPOL_FLAGS = 0xe000,

    MPOL_F_NODE = 1,
    MPOL_F_ADDR = 2,
    MPOL_F_ALLOWED = 4,

    MPOL_STRICT = 1,
    MPOL_MOVE = 2,
    MPOL_MOVE_ALL = 4,
};

#define NODE_BITS 1024 /* MAX_NUMNODES of Debian's kernel */

/* As Linux's get_nodes: the first word of a mask of max - 1 bits; a node above all that Linux has is E_INVAL, one above
 * the first word makes no difference to none. */
static enum err numa_nodes(uint64_t from, uint64_t max, uint64_t *out)
{
    *out = 0;
    if (--max == 0 || from == 0)
        return E_OK;
    if (max > (uint64_t)PAGE_SIZE * 8)
        return E_INVAL;
    for (uint64_t bit = 0; bit < max; bit += 64) {
        uint64_t word;
        enum err e = copy_in(&word, virt(from + bit / 8), sizeof word);
        if (e != E_OK)
            return e;
        if (max - bit < 64)
            word &= (UINT64_C(1) << (max - bit)) - 1;
        if (bit == 0)
            *out = word;
        else if (word != 0 && bit >= NODE_BITS)
            return E_INVAL;
        else if (word != 0)
            *out |= UINT64_C(1) << 63; /* some node that is not there */
    }
    return E_OK;
}

/* As Linux's sanitize_mpol_flags and mpol_new. *out: mode and flags. */
static enum err numa_policy(uint32_t mode, uint64_t nodes, uint32_t *out)
{
    uint32_t flags = mode & MPOL_FLAGS;
    mode &= ~(uint32_t)MPOL_FLAGS;
    bool relative = flags & (MPOL_STATIC | MPOL_RELATIVE);
    if (mode >= MPOL_MAX ||
        (flags & (MPOL_STATIC | MPOL_RELATIVE)) == (MPOL_STATIC | MPOL_RELATIVE) ||
        ((flags & MPOL_BALANCING) && mode != MPOL_BIND))
        return E_INVAL;
    if (mode == MPOL_PREFERRED && nodes == 0)
        mode = relative ? MPOL_MAX : MPOL_LOCAL;
    else if (mode == MPOL_LOCAL && (nodes != 0 || relative))
        return E_INVAL;
    else if (mode != MPOL_LOCAL && (mode == MPOL_DEFAULT) != (nodes == 0))
        return E_INVAL;
    bool names = mode != MPOL_DEFAULT && mode != MPOL_LOCAL;
    if (mode == MPOL_MAX || (names && !(nodes & 1) && !(flags & MPOL_RELATIVE)))
        return E_INVAL;
    *out = mode | (mode == MPOL_DEFAULT ? 0 : flags);
    return E_OK;
}

enum err sys_set_mempolicy(struct syscall *call)
{
    uint64_t nodes;
    uint32_t policy;
    uint32_t mode = (uint32_t)call->arg[0];
    if ((mode & ~(uint32_t)MPOL_FLAGS) >= MPOL_MAX)
        return E_INVAL;
    enum err e = numa_nodes(call->arg[1], call->arg[2], &nodes);
    if (e == E_OK)
        e = numa_policy(mode, nodes, &policy);
    if (e == E_OK)
        linux_current()->memory_policy = (uint16_t)policy;
    return e;
}

/* As Linux's copy_nodes_to_user. */
static enum err numa_put_nodes(uint64_t to, uint64_t max, uint64_t nodes)
{
    uint64_t bytes = (max - 1 + 63) / 64 * 8, word = sizeof nodes;
    if (bytes > word) {
        if (bytes > PAGE_SIZE)
            return E_INVAL;
        enum err e = clear_out(virt(to + word), bytes - word);
        if (e != E_OK)
            return e;
        bytes = word;
    }
    return copy_out(virt(to), &nodes, bytes);
}

enum err sys_get_mempolicy(struct syscall *call)
{
    uint64_t mask = call->arg[1], max = call->arg[2], address = call->arg[3], flags = call->arg[4];
    uint32_t policy = linux_current()->memory_policy, mode = policy & ~(uint32_t)MPOL_FLAGS;
    uint64_t nodes = mode != MPOL_DEFAULT && mode != MPOL_LOCAL;
    int value = (int)policy;
    if ((mask != 0 && max < 1) || (flags & ~(uint64_t)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_ALLOWED)))
        return E_INVAL;
    if (flags & MPOL_F_ALLOWED) {
        if (flags & (MPOL_F_NODE | MPOL_F_ADDR))
            return E_INVAL;
        value = 0;
        nodes = 1;
    } else if (flags & MPOL_F_ADDR) {
        if (address >= LAYOUT_PROGRAM_END || areas_find(space_current(), virt(address)) == NULL)
            return E_FAULT;
        if (flags & MPOL_F_NODE)
            value = 0;
    } else if (address != 0 || ((flags & MPOL_F_NODE) && mode != MPOL_INTERLEAVE)) {
        return E_INVAL;
    } else if (flags & MPOL_F_NODE) {
        value = 0;
    }
    enum err e = call->arg[0] != 0 ? copy_out(virt(call->arg[0]), &value, sizeof value) : E_OK;
    return e == E_OK && mask != 0 ? numa_put_nodes(mask, max, nodes) : e;
}

/* E_FAULT: part of the range is not mapped. */
static enum err numa_all_mapped(struct virt_range range)
{
    for (uint64_t v = range.start.v; v < range.end.v;) {
        const struct area *area = areas_find(space_current(), virt(v));
        if (area == NULL)
            return E_FAULT;
        v = area->range.end.v;
    }
    return E_OK;
}

enum err sys_mbind(struct syscall *call)
{
    uint64_t start = call->arg[0], end, nodes;
    uint32_t mode = (uint32_t)call->arg[2], flags = (uint32_t)call->arg[5], policy;
    if ((mode & ~(uint32_t)MPOL_FLAGS) >= MPOL_MAX)
        return E_INVAL;
    enum err e = numa_nodes(call->arg[3], call->arg[4], &nodes);
    if (e != E_OK)
        return e;
    if (flags & ~(uint32_t)(MPOL_STRICT | MPOL_MOVE | MPOL_MOVE_ALL))
        return E_INVAL;
    if ((flags & MPOL_MOVE_ALL) && !capable(CAP_SYS_NICE))
        return E_PERM;
    if (!is_aligned(start, PAGE_SIZE))
        return E_INVAL;
    if (__builtin_add_overflow(start, align_up(call->arg[1], PAGE_SIZE), &end))
        return E_INVAL;
    if (end == start)
        return E_OK;
    e = numa_policy(mode, nodes, &policy);
    if (e != E_OK)
        return e;
    if (policy == MPOL_DEFAULT && flags == 0 && areas_find(space_current(), virt(start)) != NULL)
        return E_OK; /* gaps do not matter */
    return end <= LAYOUT_PROGRAM_END ? numa_all_mapped(virt_range(start, end)) : E_FAULT;
}

static bool numa_may_move(const struct process *process)
{
    return process->leader == NULL || process_may_trace(process->leader, false);
}

enum err sys_migrate_pages(struct syscall *call)
{
    uint64_t from, to;
    enum err e = numa_nodes(call->arg[2], call->arg[1], &from);
    if (e == E_OK)
        e = numa_nodes(call->arg[3], call->arg[1], &to);
    if (e != E_OK)
        return e;
    const struct process *process = process_by_tid((int)call->arg[0]);
    if (process == NULL)
        return E_SRCH;
    if (!numa_may_move(process))
        return E_PERM;
    if (to & ~UINT64_C(1) && !capable(CAP_SYS_NICE))
        return E_PERM;
    return to & 1 ? E_OK : E_INVAL; /* 0: no page was left behind */
}

/* The node of the page at an address, or a negative error number. */
static int numa_page(uint64_t address)
{
    virt_t at = virt(align_down(address, PAGE_SIZE));
    const struct area *area = address < LAYOUT_PROGRAM_END ? areas_find(space_current(), at) : NULL;
    if (area == NULL || area->kind == AREA_GUARD)
        return -E_FAULT;
    return mem_is_mapped(at) ? 0 : -E_NOENT;
}

#define PAGES_AT_ONCE 16 /* as Linux reads their addresses */

enum err sys_move_pages(struct syscall *call)
{
    uint64_t count = call->arg[1], pages = call->arg[2], nodes = call->arg[3], to = call->arg[4];
    uint32_t flags = (uint32_t)call->arg[5];
    if (flags & ~(uint32_t)(MPOL_MOVE | MPOL_MOVE_ALL))
        return E_INVAL;
    if ((flags & MPOL_MOVE_ALL) && !capable(CAP_SYS_NICE))
        return E_PERM;
    const struct process *process = process_by_tid((int)call->arg[0]);
    if (process == NULL)
        return E_SRCH;
    if (!numa_may_move(process))
        return E_PERM;
    if (process->program == NULL || process->program->space != space_current())
        return E_INVAL;
    uint64_t page[PAGES_AT_ONCE];
    for (uint64_t i = 0; i < count; i++) {
        int node = 0;
        enum err e = E_OK;
        if (i % PAGES_AT_ONCE == 0)
            e = copy_in(page, virt(pages + i * sizeof page[0]),
                        (count - i < PAGES_AT_ONCE ? count - i : PAGES_AT_ONCE) * sizeof page[0]);
        if (e == E_OK && nodes != 0)
            e = copy_in(&node, virt(nodes + i * sizeof node), sizeof node);
        if (e == E_OK && node != 0)
            e = E_NODEV;
        int status = e == E_OK ? numa_page(page[i % PAGES_AT_ONCE]) : 0;
        if (e == E_OK)
            e = copy_out(virt(to + i * sizeof status), &status, sizeof status);
        if (e != E_OK)
            return e;
        thread_give_way();
    }
    return E_OK;
}
