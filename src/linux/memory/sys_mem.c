/* SPDX-License-Identifier: MIT */
#define LOG_TAG "mem"
#include "linux/memory/sys_mem.h"

#include "base/checked.h"
#include "base/log.h"
#include "cpu/lock.h"
#include "fs/ram/ramfs.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/mount.h"
#include "kern/thread.h"
#include "linux/memory/range.h"
#include "linux/task/process.h"
#include "mm/layout.h"
#include "mm/vm/areas.h"
#include "mm/vm/history.h"
#include "mm/vm/usercopy.h"

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
    MAP_NONBLOCK = 0x10000,
    MAP_HUGETLB = 0x40000,
    MAP_FIXED_NOREPLACE = 0x100000,
    MAP_ALONE = MAP_FIXED | MAP_GROWSDOWN | MAP_LOCKED | MAP_POPULATE | MAP_HUGETLB |
                MAP_FIXED_NOREPLACE, /* kernel_lock is not shared */
    /* Accepted with MAP_SHARED_VALIDATE: all older flags, the size bits of MAP_HUGETLB included. */
    MAP_VALID = 0x7c07f9ff | MAP_FIXED_NOREPLACE,

    PROT_KNOWN = 7 | 8, /* READ WRITE EXEC SEM */
    PROT_GROWSDOWN = 0x01000000,
    PROT_GROWSUP = 0x02000000,
    PROT_GROWS = PROT_GROWSDOWN | PROT_GROWSUP,
};

#define MAP_32BIT_END UINT64_C(0x80000000)

void mem_exec_reset(virt_t start)
{
    struct program *program = process_current()->program;
    program->layout.brk_start = program->layout.brk = start;
}

void mem_note(const struct syscall *call, enum history_kind kind, struct virt_range range,
              prot_t prot)
{
    uint64_t caller;
    if (copy_in(&caller, virt(call->frame->rsp), sizeof caller) != E_OK)
        caller = 0;
    *history_next() = (struct history_event){
        .range = range,
        .time_ns = time_now_ns(),
        .rip = call->frame->rip,
        .caller = caller,
        .thread = thread_current()->id,
        .call = (uint16_t)call->frame->error,
        .kind = (uint8_t)kind,
        .prot = prot,
    };
}

struct virt_range mem_heap(void)
{
    const struct program *program = process_current()->program;
    return (struct virt_range){program->layout.brk_start, program->layout.brk};
}

struct request {
    uint64_t address, size, prot, flags, offset;
    struct file *file; /* NULL: anonymous */
    struct area area;
};

static bool wants_shared(const struct request *r)
{
    return (r->flags & MAP_TYPE) != MAP_PRIVATE;
}

/* Chooses the range of the mapping. Does not unmap what MAP_FIXED replaces. */
static enum err choose_place(struct request *r)
{
    struct address_space *space = space_current();
    struct virt_range *out = &r->area.range;
    uint64_t address = r->address, size = r->size;
    if (!(r->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))) {
        bool large = r->file == NULL && size >= LARGE_SIZE && address == 0;
        virt_t hint = virt(align_down(address, PAGE_SIZE));
        if (r->flags & MAP_32BIT) {
            bool near = hint.v != 0 && areas_find_hole(space, size, PAGE_SIZE, hint, out) == E_OK &&
                        out->end.v <= MAP_32BIT_END;
            return near ? E_OK
                        : areas_find_hole_below(space, size, PAGE_SIZE, virt(MAP_32BIT_END), out);
        }
        if (large && areas_find_hole(space, size, LARGE_SIZE, hint, out) == E_OK)
            return E_OK;
        return areas_find_hole(space, size, PAGE_SIZE, hint, out);
    }
    if (!is_aligned(address, PAGE_SIZE))
        return E_INVAL;
    if (address > LAYOUT_PROGRAM_END || size > LAYOUT_PROGRAM_END - address)
        return E_NOMEM;
    if (address < LAYOUT_PROGRAM_START)
        return E_PERM;
    *out = virt_range(address, address + size);
    if (r->flags & MAP_FIXED && !mem_is_ours(*out))
        return E_NOMEM;
    return r->flags & MAP_FIXED_NOREPLACE && !mem_is_free(*out) ? E_EXIST : E_OK;
}

/* Checks the file of the request and fills in the area. E_OVERFLOW (the end of the mapping is beyond
 * INT64_MAX in the file), E_ACCES, E_NODEV, E_PERM (sealed), E_INVAL, E_NOTSUP. */
static enum err mem_check_file(struct request *r)
{
    struct file *file = r->file;
    bool shared = wants_shared(r), can_write = file_can_write(file);
    uint64_t type = r->flags & MAP_TYPE, end;
    bool regular = mode_is(file->inode->mode, S_IFREG);
    if (regular && (!checked_add(r->offset, r->size, &end) || end > INT64_MAX))
        return E_OVERFLOW;
    if (type == MAP_SHARED_VALIDATE && r->flags & ~(uint64_t)MAP_VALID)
        return E_NOTSUP;
    if (type == 0 || type > MAP_SHARED_VALIDATE)
        return E_INVAL;
    if (!file_can_read(file) || (shared && r->prot & 2 && !can_write))
        return E_ACCES;
    if (file_maps_zeros(file)) {
        r->file = NULL; /* /dev/zero: anonymous */
        if (shared && !can_write)
            r->area.flags |= AREA_READ_ONLY;
        return E_OK;
    }
    if (r->prot & 4 && mount_has(file->mount, MS_NOEXEC))
        return E_PERM;
    struct page_source *source = file_page_source(file);
    if (source == NULL)
        return E_NODEV;
    if (r->flags & MAP_GROWSDOWN)
        return E_INVAL;
    bool sealed = ramfs_is_write_sealed(source);
    if (shared && sealed && r->prot & 2)
        return E_PERM;
    r->area.kind = AREA_FILE;
    r->area.source = source;
    r->area.offset = r->offset;
    if (shared && (!can_write || sealed))
        r->area.flags |= AREA_READ_ONLY;
    return E_OK;
}

static enum err check_anonymous(const struct request *r)
{
    uint64_t type = r->flags & MAP_TYPE;
    if (type != MAP_PRIVATE && type != MAP_SHARED)
        return E_INVAL;
    return type == MAP_SHARED && r->flags & MAP_GROWSDOWN ? E_INVAL : E_OK;
}

/* The checks in Linux's order, which decides between several errors. */
static enum err mem_check(struct request *r)
{
    if (r->size == 0)
        return E_INVAL;
    if (r->size > LAYOUT_PROGRAM_END)
        return E_NOMEM;
    r->size = align_up(r->size, PAGE_SIZE);
    enum err e = choose_place(r);
    if (e != E_OK)
        return e;
    if (r->flags & MAP_LOCKED && !mem_can_lock())
        return E_PERM;
    if (r->area.flags & AREA_LOCKED && !mem_may_lock(r->size))
        return E_AGAIN;
    e = r->file != NULL ? mem_check_file(r) : check_anonymous(r);
    if (e != E_OK)
        return e;
    if (r->flags & MAP_HUGETLB)
        return E_NOMEM; /* as in Linux with an empty pool of huge pages */
    struct area *area = &r->area;
    area->prot = mem_prot_from_linux(r->prot);
    uint64_t replaced = r->flags & MAP_FIXED ? mem_bytes_in(area->range) : 0;
    bool fits = mem_may_expand(area->prot, area->flags, r->size - replaced);
    bool accountable = area->kind == AREA_ANONYMOUS || !(area->flags & AREA_SHARED);
    return fits && !(accountable && mem_overcommits(area->prot, area->flags, r->size)) ? E_OK
                                                                                       : E_NOMEM;
}

/* Takes the area's reference to its source; creates the source of a shared anonymous mapping. */
static enum err hold_source(struct request *r)
{
    struct area *area = &r->area;
    if (area->source == NULL && area->flags & AREA_SHARED) {
        area->kind = AREA_FILE;
        return ramfs_share_memory(r->size, &area->source);
    }
    if (area->source != NULL)
        area->source->ops->get(area->source);
    return E_OK;
}

/* Puts the area in the place of what is there, in pieces, between which other threads run: they see
 * the old area or the new one at each address, never a hole. */
static enum err mem_replace(struct address_space *space, const struct area *area)
{
    struct area part = *area;
    enum err e;
    do {
        part.range.end = area->range.end;
        if (!areas_is_piece(space, part.range))
            part.range = areas_piece(space, part.range);
        e = areas_remove(space, part.range);
        if (e != E_OK)
            break;
        if (part.source != NULL)
            part.source->ops->get(part.source);
        e = areas_add(space, &part);
        if (e != E_OK && part.source != NULL)
            part.source->ops->put(part.source);
        part.offset += virt_range_size(part.range);
        part.range.start = part.range.end;
        if (part.range.start.v < area->range.end.v)
            thread_give_way();
    } while (e == E_OK && part.range.start.v < area->range.end.v);
    return e;
}

static enum err mem_map(struct request *r)
{
    struct address_space *space = space_current();
    enum err e = hold_source(r);
    bool replaces = r->flags & MAP_FIXED;
    if (e == E_OK)
        e = replaces ? mem_replace(space, &r->area) : areas_add(space, &r->area);
    if ((e != E_OK || replaces) && r->area.source != NULL)
        r->area.source->ops->put(r->area.source);
    return e == E_OK ? E_OK : E_NOMEM; /* also for a guard in the range */
}

enum err sys_mmap(struct syscall *call)
{
    struct request r = {
        .address = call->arg[0],
        .size = call->arg[1],
        .prot = call->arg[2],
        .flags = call->arg[3],
        .offset = call->arg[5],
        .area = {.kind = AREA_ANONYMOUS,
                 .flags = mem_future_lock(),
                 .owner = &process_current()->program->areas,
                 .file_end = UINT64_MAX},
    };
    if (!is_aligned(r.offset, PAGE_SIZE))
        return E_INVAL;
    if ((r.flags & (MAP_TYPE | MAP_ANONYMOUS | MAP_ALONE)) != (MAP_PRIVATE | MAP_ANONYMOUS))
        kernel_lock_alone();
    if (!(r.flags & MAP_ANONYMOUS)) {
        r.file = file_table_find(file_table_current(), call->arg[4]);
        if (r.file == NULL || r.file->flags & O_PATH)
            return E_BADF;
    }
    if (wants_shared(&r))
        r.area.flags |= AREA_SHARED;
    if (r.flags & MAP_GROWSDOWN)
        r.area.flags |= AREA_GROWS_DOWN;
    if (r.flags & MAP_LOCKED)
        r.area.flags |= AREA_LOCKED;
    if (r.flags & MAP_NORESERVE)
        r.area.flags |= AREA_NO_RESERVE;
    bool shared = mem_share_begin(virt_range(0, 0));
    enum err e = mem_check(&r);
    if (e == E_OK)
        e = mem_map(&r);
    mem_share_end(shared);
    if (e != E_OK)
        return e;
    if (r.file != NULL && !(r.file->flags & O_NOATIME))
        inode_touch_accessed(r.file->inode, r.file->mount, true); /* a mapping is a read */
    bool populate = (r.flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE;
    bool lock = (r.area.flags & (AREA_LOCKED | AREA_LOCK_ON_FAULT)) == AREA_LOCKED;
    if (populate || lock)
        mem_populate_mapped(r.area.range);
    mem_note(call, HISTORY_MAP, r.area.range, r.area.prot);
    call->result = r.area.range.start.v;
    return E_OK;
}

enum err sys_munmap(struct syscall *call)
{
    uint64_t at = call->arg[0], size = call->arg[1];
    if (!is_aligned(at, PAGE_SIZE) || size == 0 || at > LAYOUT_PROGRAM_END ||
        size > LAYOUT_PROGRAM_END - at)
        return E_INVAL;
    struct virt_range range = virt_range(at, at + align_up(size, PAGE_SIZE));
    bool shared = mem_share_begin(range);
    enum err e = mem_remove(range);
    mem_share_end(shared);
    if (e == E_OK)
        mem_note(call, HISTORY_UNMAP, range, prot_none());
    return e;
}

/* *read_only: bytes of private read-only memory in the range. False if the range has an area that
 * must not become writable (AREA_READ_ONLY: file opened for reading, or sealed). */
static bool mem_may_write(struct virt_range range, uint64_t *read_only)
{
    struct address_space *space = space_current();
    *read_only = 0;
    for (const struct area *a = areas_next(space, range.start);
         a != NULL && a->range.start.v < range.end.v;
         a = a->range.end.v < range.end.v ? areas_after(space, a) : NULL) {
        if (a->flags & AREA_READ_ONLY)
            return false;
        if (!prot_can_write(a->prot) && !(a->flags & (AREA_SHARED | AREA_GROWS_DOWN)))
            *read_only += virt_range_size(virt_range_intersection(a->range, range));
    }
    return true;
}

/* areas_protect() in pieces, between which other threads run. */
static NOINLINE enum err protect_in_pieces(struct address_space *space, struct virt_range range,
                                           prot_t to)
{
    enum err e = E_OK;
    uint64_t read_only;
    for (struct virt_range rest = range; e == E_OK && rest.start.v < range.end.v;) {
        struct virt_range piece = areas_piece(space, rest);
        if (prot_can_write(to) && !mem_may_write(piece, &read_only))
            return E_ACCES; /* another thread has mapped it meanwhile */
        e = areas_protect(space, piece, to);
        if (e == E_NOMEM) /* the rest at once needs one area less at the limit */
            return areas_protect(space, rest, to);
        rest.start = piece.end;
        thread_give_way();
    }
    return e;
}

/* PROT_GROWSDOWN: extends the range to the start of its area, which must grow down. E_NOMEM,
 * E_INVAL. */
static enum err grow_range(uint64_t grows, struct virt_range *range)
{
    const struct area *a = areas_next(space_current(), range->start);
    if (a == NULL || a->kind == AREA_GUARD)
        return E_NOMEM;
    if (grows == PROT_GROWSUP)
        return a->range.start.v > range->start.v ? E_NOMEM : E_INVAL;
    if (a->range.start.v >= range->end.v)
        return E_NOMEM;
    range->start = a->range.start;
    return a->flags & AREA_GROWS_DOWN ? E_OK : E_INVAL;
}

/* Cuts the range at its first hole; false: it has none, or begins with one. */
static bool ends_at_hole(struct virt_range *range)
{
    struct address_space *space = space_current();
    virt_t end = range->start;
    for (const struct area *a = areas_next(space, end);
         a != NULL && a->range.start.v <= end.v && end.v < range->end.v; a = areas_after(space, a))
        end = a->range.end;
    if (end.v >= range->end.v || end.v == range->start.v)
        return false;
    range->end = end;
    return true;
}

/* Behind a hole no area is looked at: those before it change all the same. */
COLD static enum err protect_to_hole(const struct syscall *call, virt_t hole)
{
    const uint64_t arg[] = {call->arg[0], hole.v - call->arg[0], call->arg[2]};
    struct syscall part = *call;
    part.arg = arg;
    enum err e = sys_mprotect(&part);
    return e == E_OK ? E_NOMEM : e;
}

enum err sys_mprotect(struct syscall *call)
{
    struct virt_range range;
    uint64_t prot = call->arg[2], grows = prot & PROT_GROWS, read_only;
    if (!is_aligned(call->arg[0], PAGE_SIZE) || grows == PROT_GROWS)
        return E_INVAL;
    if (call->arg[1] == 0)
        return E_OK;
    if (unlikely(!mem_range(call->arg[0], call->arg[1], &range)))
        return call->arg[0] >= LAYOUT_PROGRAM_END ||
                       align_up(call->arg[1], PAGE_SIZE) + call->arg[0] <= call->arg[0]
                   ? E_NOMEM
                   : protect_to_hole(call, virt(LAYOUT_PROGRAM_END));
    if (prot & ~(uint64_t)(PROT_KNOWN | PROT_GROWS))
        return E_INVAL;
    if (grows != 0) {
        kernel_lock_alone();
        enum err e = grow_range(grows, &range);
        if (e != E_OK)
            return e;
    }
    prot_t to = mem_prot_from_linux(prot);
    bool shared = mem_share_begin(range);
    if (prot & 2) {
        if (!mem_may_write(range, &read_only)) /* not of plain memory */
            return ends_at_hole(&range) ? protect_to_hole(call, range.end) : E_ACCES;
        if (read_only != 0 &&
            ((!mem_may_expand(to, 0, read_only) && mem_may_expand(prot_ro(), 0, read_only)) ||
             mem_overcommits(to, 0, read_only))) {
            mem_share_end(shared);
            return E_NOMEM;
        }
    }
    struct address_space *space = space_current();
    enum err e = likely(areas_is_piece(space, range)) ? areas_protect(space, range, to)
                                                      : protect_in_pieces(space, range, to);
    mem_share_end(shared);
    if (e == E_OK)
        mem_note(call, HISTORY_PROTECT, range, to);
    return e;
}

/* Grows the heap by the pages of `more`. */
static enum err grow_heap(struct virt_range more)
{
    struct address_space *space = space_current();
    struct area area = {
        .range = more,
        .kind = AREA_ANONYMOUS,
        .flags = AREA_HEAP | mem_future_lock(),
        .owner = &process_current()->program->areas,
        .prot = prot_rw(),
        .file_end = UINT64_MAX,
    };
    uint64_t size = virt_range_size(more);
    const struct area *next = areas_next(space, more.start);
    /* One page stays free below the next area; AREA_STACK_GAP below a stack. */
    uint64_t gap = next != NULL && next->flags & AREA_GROWS_DOWN ? AREA_STACK_GAP : PAGE_SIZE;
    if ((next != NULL && next->range.start.v < more.end.v + gap) ||
        (area.flags & AREA_LOCKED && !mem_may_lock(size)) ||
        !mem_may_expand(area.prot, area.flags, size) ||
        mem_overcommits(area.prot, area.flags, size))
        return E_NOMEM;
    enum err e = areas_add(space, &area);
    if (e == E_OK && (area.flags & (AREA_LOCKED | AREA_LOCK_ON_FAULT)) == AREA_LOCKED)
        mem_populate_mapped(more);
    return e;
}

/* Returns the break in any case: on failure the old one, without an error (brk(2)). */
COLD enum err sys_brk(struct syscall *call)
{
    struct program *program = process_current()->program;
    uint64_t want = call->arg[0], data = process_current()->rlimits[RLIMIT_DATA].soft;
    call->result = program->layout.brk.v;
    if (want < program->layout.brk_start.v || want > LAYOUT_PROGRAM_END - PAGE_SIZE ||
        (data != RLIM_INFINITY && want - program->layout.brk_start.v > data))
        return E_OK;
    uint64_t have_end = align_up(program->layout.brk.v, PAGE_SIZE),
             want_end = align_up(want, PAGE_SIZE);
    enum err e = E_OK;
    if (want_end < have_end) {
        program->layout.brk.v = want; /* first: other threads run while the heap is removed */
        e = mem_remove(virt_range(want_end, have_end));
    } else if (want_end > have_end)
        e = grow_heap(virt_range(have_end, want_end));
    if (e != E_OK) {
        program->layout.brk.v = call->result;
        return E_OK;
    }
    if (want_end < have_end)
        mem_note(call, HISTORY_UNMAP, virt_range(want_end, have_end), prot_none());
    else if (want_end > have_end)
        mem_note(call, HISTORY_MAP, virt_range(have_end, want_end), prot_rw());
    if (want_end >= have_end)
        program->layout.brk.v = want;
    call->result = want;
    return E_OK;
}
