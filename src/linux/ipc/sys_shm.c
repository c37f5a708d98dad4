/* SPDX-License-Identifier: MIT */
/*
 * System V shared memory. A segment is a page source of its own over memory as that of MAP_SHARED | MAP_ANONYMOUS, and
 * the references that areas hold to it are its attaches: fork(2) adds them, exec(2) and exit drop them.
 */
#include "linux/ipc/sys_ipc.h"

#include "base/checked.h"
#include "base/fmt.h"
#include "fs/ram/ramfs.h"
#include "fs/vfs/credentials.h"
#include "fs/vfs/inode.h"
#include "linux/abi/prot.h"
#include "linux/ipc/ids.h"
#include "linux/memory/range.h"
#include "linux/memory/sys_mem.h"
#include "linux/task/process.h"
#include "mm/heap/heap.h"
#include "mm/layout.h"
#include "mm/vm/areas.h"
#include "mm/vm/usercopy.h"

#define SHM_RDONLY    010000u
#define SHM_RND       020000u
#define SHM_REMAP     040000u
#define SHM_EXEC      0100000u
#define SHM_HUGETLB   04000u
#define SHM_NORESERVE 010000u
#define SHM_DEST      01000u /* of the mode: removed at the last detach */
#define SHM_LOCKED    02000u

enum {
    SHM_LOCK = 11,
    SHM_UNLOCK = 12,
    SHM_STAT = 13,
    SHM_INFO = 14,
    SHM_STAT_ANY = 15,
};

struct segment {
    struct ipc_object object;
    struct page_source source;
    struct page_source *memory; /* one reference */
    uint64_t size, attaches;
    int64_t attached, detached;
    int creator, last;
};

uint64_t shm_max = UINT64_MAX - (1 << 24), shm_all = UINT64_MAX - (1 << 24), shm_most = 4096;
uint64_t shm_next_id = UINT64_MAX;
static struct ipc_ids segments = IPC_IDS_INIT(segments, 4096, shm_next_id);
static uint64_t pages_total;

static struct segment *segment_of(struct ipc_object *object)
{
    return CONTAINER_OF(object, struct segment, object);
}

static struct segment *segment_at(struct page_source *source)
{
    return CONTAINER_OF(source, struct segment, source);
}

static uint64_t pages_in(const struct segment *s)
{
    return align_up(s->size, PAGE_SIZE) / PAGE_SIZE;
}

static void segment_free(struct segment *s)
{
    pages_total -= pages_in(s);
    ipc_remove(&segments, &s->object);
    s->memory->ops->put(s->memory);
    heap_free(s);
}

static enum err segment_page(struct page_source *source, uint64_t index, bool for_write,
                             phys_t *out)
{
    struct page_source *memory = segment_at(source)->memory;
    return memory->ops->page(memory, index, for_write, out);
}

static enum err segment_read(struct page_source *source, uint64_t offset, void *to, size_t size)
{
    struct page_source *memory = segment_at(source)->memory;
    return memory->ops->read(memory, offset, to, size);
}

static bool segment_present(struct page_source *source, uint64_t index)
{
    struct page_source *memory = segment_at(source)->memory;
    return memory->ops->present(memory, index);
}

static enum err segment_punch(struct page_source *source, uint64_t offset, uint64_t size)
{
    struct page_source *memory = segment_at(source)->memory;
    enum err e = memory->ops->punch(memory, offset, size);
    areas_forget_pages(source, offset / PAGE_SIZE, align_up(offset + size, PAGE_SIZE) / PAGE_SIZE);
    return e;
}

static void segment_get(struct page_source *source)
{
    struct segment *s = segment_at(source);
    s->attaches++;
    s->attached = ipc_now();
    s->last = ipc_caller_pid();
}

static void segment_put(struct page_source *source)
{
    struct segment *s = segment_at(source);
    s->detached = ipc_now();
    s->last = ipc_caller_pid();
    if (--s->attaches == 0 && (s->object.mode & SHM_DEST))
        segment_free(s);
}

static void segment_name(struct page_source *source, char *to, size_t size)
{
    fmt_snprintf(to, size, "/SYSV%08x (deleted)", (uint32_t)segment_at(source)->object.key);
}

static uint64_t segment_inode(struct page_source *source)
{
    return (uint64_t)segment_at(source)->object.id;
}

static struct page_source *segment_identity(struct page_source *source)
{
    return segment_at(source)->memory;
}

static const struct page_source_ops segment_ops = {
    .page = segment_page,
    .read = segment_read,
    .present = segment_present,
    .punch = segment_punch,
    .get = segment_get,
    .put = segment_put,
    .name = segment_name,
    .inode = segment_inode,
    .identity = segment_identity,
};

static enum err segment_make(int key, uint64_t size, uint32_t flags, struct ipc_object **out)
{
    uint64_t pages;
    if (size == 0 || size > shm_max)
        return E_INVAL;
    if (!checked_add(size, PAGE_SIZE - 1, &pages))
        return E_NOSPC;
    pages /= PAGE_SIZE;
    if (pages > shm_all || pages_total > shm_all - pages)
        return E_NOSPC;
    if (flags & SHM_HUGETLB)
        return E_NOMEM; /* as in Linux with an empty pool of huge pages */
    if (!(flags & SHM_NORESERVE) && mem_overcommits(prot_rw(), AREA_SHARED, size))
        return E_NOMEM;
    struct segment *s = heap_alloc_zero(sizeof(*s));
    if (!s)
        return E_NOMEM;
    enum err e = ramfs_share_memory(size, &s->memory);
    if (e != E_OK)
        goto free_segment;
    segments.limit = shm_most < IPC_SLOTS ? (uint32_t)shm_most : IPC_SLOTS;
    e = ipc_add(&segments, &s->object, key, flags);
    if (e != E_OK)
        goto put_memory;
    s->source.ops = &segment_ops;
    s->size = size;
    s->creator = ipc_caller_pid();
    pages_total += pages;
    *out = &s->object;
    return E_OK;

put_memory:
    s->memory->ops->put(s->memory);
free_segment:
    heap_free(s);
    return e;
}

enum err sys_shmget(struct syscall *call)
{
    int key = (int)call->arg[0];
    uint64_t size = call->arg[1];
    uint32_t flags = (uint32_t)call->arg[2];
    struct ipc_object *object;
    enum err e = ipc_lookup(&segments, key, flags, &object);
    if (e == E_OK && !object)
        e = segment_make(key, size, flags, &object);
    else if (e == E_OK)
        e = size > segment_of(object)->size ? E_INVAL : ipc_may(object, flags);
    if (e == E_OK)
        call->result = (uint64_t)object->id;
    return e;
}

/* Chooses the range of an attach and unmaps what SHM_REMAP replaces; may give way. */
static enum err choose_range(const struct segment *s, uint64_t at, uint32_t flags,
                             struct virt_range *out)
{
    uint64_t size = align_up(s->size, PAGE_SIZE), end;
    if (at == 0)
        return areas_find_hole(space_current(), size, PAGE_SIZE, virt(0), out);
    if (!checked_add(at, size, &end))
        return E_INVAL;
    *out = virt_range(at, end);
    if (end > LAYOUT_PROGRAM_END)
        return E_NOMEM;
    if (at < LAYOUT_PROGRAM_START)
        return E_PERM;
    if (flags & SHM_REMAP)
        return mem_is_ours(*out) ? mem_remove(*out) : E_NOMEM;
    return mem_is_free(*out) ? E_OK : E_INVAL;
}

static enum err segment_attach(struct segment *s, uint64_t at, uint32_t flags,
                               struct virt_range *range)
{
    bool reads = flags & SHM_RDONLY;
    uint64_t prot = 1u | (reads ? 0 : 2u) | (flags & SHM_EXEC ? 4u : 0);
    struct area area = {.kind = AREA_FILE,
                        .flags = AREA_SHARED | (reads ? (uint32_t)AREA_READ_ONLY : 0) |
                                 mem_future_lock(),
                        .prot = mem_prot_from_linux(prot),
                        .owner = &process_current()->program->areas,
                        .source = &s->source,
                        .file_end = UINT64_MAX};
    enum err e = ipc_may(&s->object, (reads ? 0400u : 0600u) | (flags & SHM_EXEC ? 0100u : 0));
    if (e != E_OK)
        return e;
    if (area.flags & AREA_LOCKED && !mem_may_lock(s->size))
        return E_AGAIN;
    if (!mem_may_expand(area.prot, area.flags, align_up(s->size, PAGE_SIZE)))
        return E_NOMEM;
    s->attaches++; /* choose_range() gives way */
    e = choose_range(s, at, flags, range);
    s->attaches--;
    area.range = *range;
    if (e == E_OK) {
        segment_get(&s->source);
        e = areas_add(space_current(), &area);
        if (e != E_OK)
            segment_put(&s->source);
    } else if (s->attaches == 0 && (s->object.mode & SHM_DEST)) {
        segment_free(s);
    }
    return e;
}

enum err sys_shmat(struct syscall *call)
{
    uint64_t at = call->arg[1];
    uint32_t flags = (uint32_t)call->arg[2];
    struct virt_range range;
    if (!is_aligned(at, PAGE_SIZE)) {
        if (!(flags & SHM_RND))
            return E_INVAL;
        at = align_down(at, PAGE_SIZE);
        if (at == 0 && flags & SHM_REMAP)
            return E_INVAL;
    }
    if (at == 0 && flags & SHM_REMAP)
        return E_INVAL;
    struct ipc_object *object = ipc_find(&segments, (int)call->arg[0]);
    if (!object)
        return E_INVAL;
    enum err e = segment_attach(segment_of(object), at, flags, &range);
    if (e != E_OK)
        return e;
    mem_note(call, HISTORY_MAP, range, prot_rw());
    call->result = range.start.v;
    return E_OK;
}

/* The segment of which an attach began at the address, whatever is left of it. O(1) if its first page is there, else
 * O(areas above). */
static struct segment *attached_at(uint64_t at)
{
    struct address_space *space = space_current();
    for (const struct area *a = areas_next(space, virt(at)); a; a = areas_after(space, a))
        if (a->source && a->source->ops == &segment_ops && a->range.start.v - a->offset == at)
            return segment_at(a->source);
    return NULL;
}

enum err sys_shmdt(struct syscall *call)
{
    struct address_space *space = space_current();
    uint64_t at = call->arg[0];
    struct segment *s = is_aligned(at, PAGE_SIZE) ? attached_at(at) : NULL;
    if (!s)
        return E_INVAL;
    struct virt_range all = virt_range(at, at + align_up(s->size, PAGE_SIZE)),
                      part = {all.start, all.start};
    enum err e = E_OK;
    s->attaches++; /* until the last area has gone */
    while (e == E_OK && part.end.v < all.end.v) {
        const struct area *a = areas_next(space, part.end);
        if (!a || a->range.start.v >= all.end.v)
            break;
        part = a->range;
        if (a->source == &s->source && part.start.v - a->offset == at)
            e = mem_remove(part);
    }
    segment_put(&s->source);
    mem_note(call, HISTORY_UNMAP, all, prot_none());
    return e;
}

struct shmid_ds {
    struct ipc_perm perm;
    uint64_t size;
    int64_t attached, detached, changed;
    int32_t creator, last;
    uint64_t attaches, unused[2];
};
_Static_assert(sizeof(struct shmid_ds) == 112, "asm-generic/shmbuf.h");

static enum err shm_stat(struct syscall *call, uint32_t command)
{
    struct ipc_object *object;
    enum err e = ipc_for_stat(&segments, (int)call->arg[0], command != IPC_STAT,
                              command == SHM_STAT_ANY, &object);
    if (e != E_OK)
        return e;
    const struct segment *s = segment_of(object);
    struct shmid_ds ds = {.perm = ipc_perm_of(object),
                          .size = s->size,
                          .attached = s->attached,
                          .detached = s->detached,
                          .changed = object->changed,
                          .creator = s->creator,
                          .last = s->last,
                          .attaches = s->attaches};
    call->result = command == IPC_STAT ? 0 : (uint64_t)object->id;
    return copy_out(virt(call->arg[2]), &ds, sizeof(ds));
}

static uint64_t resident_bytes(const struct segment *s)
{
    const struct inode *inode = CONTAINER_OF(s->memory, struct inode, pages);
    return inode->ops->blocks(inode) * 512;
}

static enum err shm_info(struct syscall *call, uint32_t command)
{
    uint64_t info[9] = {shm_max, 1, shm_most, shm_most, shm_all}, totals[6] = {segments.count};
    call->result = ipc_last_index(&segments);
    if (command == IPC_INFO)
        return copy_out(virt(call->arg[2]), info, sizeof(info));
    totals[1] = pages_total;
    for (uint32_t i = 0; i < segments.end; i++)
        if (segments.slots[i])
            totals[2] += resident_bytes(segment_of(segments.slots[i])) / PAGE_SIZE;
    return copy_out(virt(call->arg[2]), totals, sizeof(totals));
}

static enum err shm_lock(struct ipc_object *object, bool lock)
{
    uint32_t uid = credentials_current()->uid.effective;
    if (!capable(CAP_IPC_LOCK) && ((uid != object->uid && uid != object->cuid) ||
                                   (lock && process_current()->rlimits[RLIMIT_MEMLOCK].soft == 0)))
        return E_PERM;
    object->mode = lock ? object->mode | SHM_LOCKED : object->mode & ~SHM_LOCKED;
    return E_OK;
}

static enum err shm_change(struct syscall *call, uint32_t command)
{
    struct shmid_ds ds;
    enum err e = command == IPC_SET ? copy_in(&ds, virt(call->arg[2]), sizeof(ds)) : E_OK;
    struct ipc_object *object = ipc_find(&segments, (int)call->arg[0]);
    if (e == E_OK)
        e = object ? E_OK : E_INVAL;
    if (e == E_OK && command >= SHM_LOCK)
        return shm_lock(object, command == SHM_LOCK);
    if (e == E_OK)
        e = ipc_may_control(object);
    if (e != E_OK)
        return e;
    if (command == IPC_SET) {
        ipc_set(object, &ds.perm);
    } else if (segment_of(object)->attaches > 0) {
        ipc_hide(&segments, object);
        object->mode |= SHM_DEST;
    } else {
        segment_free(segment_of(object));
    }
    return E_OK;
}

enum err sys_shmctl(struct syscall *call)
{
    uint32_t command = (uint32_t)call->arg[1];
    if ((int)call->arg[0] < 0)
        return E_INVAL;
    switch (command) {
    case IPC_INFO:
    case SHM_INFO:
        return shm_info(call, command);
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY:
        return shm_stat(call, command);
    case IPC_SET:
    case IPC_RMID:
    case SHM_LOCK:
    case SHM_UNLOCK:
        return shm_change(call, command);
    default:
        return E_INVAL;
    }
}

static void show_segment(struct text *text, const struct ipc_object *o)
{
    const struct segment *s = CONTAINER_OF(o, const struct segment, object);
    text_printf(text, "%10d %10d  %4o %21lu %5u %5u  ", o->key, o->id, o->mode, s->size,
                (uint32_t)s->creator, (uint32_t)s->last);
    text_printf(text, "%5lu %5u %5u %5u %5u %10ld %10ld %10ld %21lu %21u\n", s->attaches, o->uid,
                o->gid, o->cuid, o->cgid, s->attached, s->detached, o->changed, resident_bytes(s),
                0);
}

struct ipc_table ipc_shm_table = {
    &segments,
    "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid"
    "      atime      dtime      ctime                   rss                  swap",
    show_segment};
