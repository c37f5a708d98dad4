/* SPDX-License-Identifier: MIT */
#define LOG_TAG "mem"
#include "linux/sys_mem.h"

#include "base/checked.h"
#include "base/log.h"
#include "fs/file_table.h"
#include "linux/mem_range.h"
#include "mm/areas.h"
#include "mm/fault.h"
#include "mm/layout.h"
#include "mm/memory.h"
#include "mm/usercopy.h"

enum {
    MAP_SHARED = 1,
    MAP_PRIVATE = 2,
    MAP_SHARED_VALIDATE = 3,
    MAP_TYPE = 15,
    MAP_FIXED = 0x10,
    MAP_ANONYMOUS = 0x20,
    MAP_32BIT = 0x40,
    MAP_GROWSDOWN = 0x100,
    MAP_LOCKED = 0x2000,
    MAP_NORESERVE = 0x4000,
    MAP_POPULATE = 0x8000,
    MAP_HUGETLB = 0x40000,
    MAP_FIXED_NOREPLACE = 0x100000,

    PROT_KNOWN = 7 | 8, /* READ WRITE EXEC SEM */
    PROT_GROWS = 0x03000000,
};

#define MAP_32BIT_END UINT64_C(0x80000000)

static virt_t brk_start, brk_now;
static uint64_t rwx_exceptions;

prot_t mem_prot_from_linux(uint64_t prot)
{
    bool write = prot & 2, execute = prot & 4;
    if (write && execute) {
        if (rwx_exceptions++ == 0)
            log_warn(
                "the program asks for memory that is writable and executable; granted, against W^X");
        return prot_rwx_exception();
    }
    return write ? prot_rw() : execute ? prot_rx() : prot & 1 ? prot_ro() : prot_none();
}

uint64_t mem_rwx_exceptions(void)
{
    return rwx_exceptions;
}

void mem_exec_reset(virt_t start)
{
    brk_start = brk_now = start;
}

struct virt_range mem_heap(void)
{
    return (struct virt_range){brk_start, brk_now};
}

void mem_populate(struct virt_range range)
{
    for (virt_t at = range.start; at.v < range.end.v; at.v += PAGE_SIZE) {
        const struct area *a = areas_find(at);
        if (a == NULL ||
            fault_resolve(at, prot_can_write(a->prot) ? PF_WRITE : 0) != FAULT_RESOLVED)
            return; /* Linux, too, does not say that it stopped */
    }
}

/* What the file's side of the request makes of the area: E_BADF, E_ACCES, E_NODEV. */
static enum err map_file(uint64_t fd, uint64_t prot, bool shared, struct area *area)
{
    struct file *file = file_table_find(file_table_current(), fd);
    if (file == NULL || file->flags & O_PATH)
        return E_BADF;
    if (!file_can_read(file) || (shared && prot & 2 && !file_can_write(file)))
        return E_ACCES;
    if (!shared && file_maps_zeros(file))
        return E_OK; /* /dev/zero: stays anonymous */
    struct page_source *source = file_page_source(file);
    if (source == NULL)
        return E_NODEV;
    area->kind = AREA_FILE;
    area->source = source;
    if (shared && !file_can_write(file))
        area->flags |= AREA_READ_ONLY;
    return E_OK;
}

/* Linux's heuristic overcommit refuses only what could never be had. */
static bool too_much(const struct area *area, uint64_t size, uint64_t flags)
{
    struct memory_totals totals;
    memory_totals(&totals);
    return area->kind == AREA_ANONYMOUS && prot_can_write(area->prot) && !(flags & MAP_NORESERVE) &&
           size > totals.total;
}

/* Where the mapping goes; with MAP_FIXED what was there is gone afterwards. */
static enum err choose_place(uint64_t address, uint64_t size, uint64_t flags,
                             struct virt_range *out)
{
    if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))) {
        if (flags & MAP_32BIT)
            return areas_find_hole_below(size, PAGE_SIZE, virt(MAP_32BIT_END), out);
        return areas_find_hole(size, PAGE_SIZE, virt(align_down(address, PAGE_SIZE)), out);
    }
    if (!is_aligned(address, PAGE_SIZE))
        return E_INVAL;
    if (address > LAYOUT_PROGRAM_END || size > LAYOUT_PROGRAM_END - address)
        return E_NOMEM;
    if (address < LAYOUT_PROGRAM_START)
        return E_PERM;
    *out = virt_range(address, address + size);
    if (flags & MAP_FIXED_NOREPLACE) {
        const struct area *next = areas_next(out->start);
        return next != NULL && next->range.start.v < out->end.v ? E_EXIST : E_OK;
    }
    return areas_remove(*out);
}

enum err sys_mmap(struct syscall *call)
{
    uint64_t size = call->arg[1], prot = call->arg[2], flags = call->arg[3], offset = call->arg[5];
    uint64_t type = flags & MAP_TYPE, end;
    if (!is_aligned(offset, PAGE_SIZE) || size == 0 || type == 0 || type > MAP_SHARED_VALIDATE)
        return E_INVAL;
    if (size > LAYOUT_PROGRAM_END)
        return E_NOMEM;
    size = align_up(size, PAGE_SIZE);
    if (!checked_add(offset, size, &end))
        return E_OVERFLOW;
    bool shared = type != MAP_PRIVATE;
    struct area area = {
        .kind = AREA_ANONYMOUS,
        .flags = (shared ? AREA_SHARED : 0) | (flags & MAP_GROWSDOWN ? AREA_GROWS_DOWN : 0),
        .file_end = UINT64_MAX,
    };
    if (!(flags & MAP_ANONYMOUS)) {
        enum err e = map_file(call->arg[4], prot, shared, &area);
        if (e != E_OK)
            return e;
        area.offset = area.kind == AREA_FILE ? offset : 0;
    }
    if (flags & MAP_HUGETLB)
        return E_NOMEM; /* no pages are set aside for it, as on a Linux where nobody did so */
    area.prot = mem_prot_from_linux(prot);
    if (too_much(&area, size, flags))
        return E_NOMEM;
    enum err e = choose_place(call->arg[0], size, flags, &area.range);
    if (e != E_OK)
        return e;
    if (area.source != NULL)
        area.source->ops->get(area.source);
    e = areas_add(&area);
    if (e != E_OK) {
        if (area.source != NULL)
            area.source->ops->put(area.source);
        return E_NOMEM; /* also where a guard lies in the way */
    }
    if (flags & (MAP_POPULATE | MAP_LOCKED) && (prot & 7))
        mem_populate(area.range);
    call->result = area.range.start.v;
    return E_OK;
}

enum err sys_munmap(struct syscall *call)
{
    uint64_t at = call->arg[0], size = call->arg[1];
    if (!is_aligned(at, PAGE_SIZE) || size == 0 || at > LAYOUT_PROGRAM_END ||
        size > LAYOUT_PROGRAM_END - at)
        return E_INVAL;
    return areas_remove(virt_range(at, at + align_up(size, PAGE_SIZE)));
}

/* A shared mapping of a file that is open for reading must not become writable. */
static bool may_write(struct virt_range range)
{
    for (const struct area *a = areas_next(range.start);
         a != NULL && a->range.start.v < range.end.v; a = areas_next(a->range.end))
        if (a->flags & AREA_READ_ONLY)
            return false;
    return true;
}

enum err sys_mprotect(struct syscall *call)
{
    struct virt_range range;
    uint64_t prot = call->arg[2];
    if (!is_aligned(call->arg[0], PAGE_SIZE) || (prot & PROT_GROWS) == PROT_GROWS)
        return E_INVAL;
    if (call->arg[1] == 0)
        return E_OK;
    if (!mem_range(call->arg[0], call->arg[1], &range))
        return E_NOMEM;
    if (prot & ~(uint64_t)(PROT_KNOWN | PROT_GROWS))
        return E_INVAL;
    if (prot & 2 && !may_write(range))
        return E_ACCES;
    return areas_protect(range, mem_prot_from_linux(prot));
}

/* The result is the break, whether it moved or not: that is how brk(2) says no. */
enum err sys_brk(struct syscall *call)
{
    uint64_t want = call->arg[0];
    call->result = brk_now.v;
    if (want < brk_start.v || want > LAYOUT_PROGRAM_END)
        return E_OK;
    uint64_t have_end = align_up(brk_now.v, PAGE_SIZE), want_end = align_up(want, PAGE_SIZE);
    enum err e = E_OK;
    if (want_end < have_end) {
        e = areas_remove(virt_range(want_end, have_end));
    } else if (want_end > have_end) {
        struct area area = {
            .range = virt_range(have_end, want_end),
            .kind = AREA_ANONYMOUS,
            .flags = AREA_HEAP,
            .prot = prot_rw(),
            .file_end = UINT64_MAX,
        };
        e = too_much(&area, want_end - have_end, 0) ? E_NOMEM : areas_add(&area);
    }
    if (e == E_OK)
        call->result = brk_now.v = want;
    return E_OK;
}
