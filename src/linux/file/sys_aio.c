/* SPDX-License-Identifier: MIT */
#include "linux/file/sys_aio.h"

#include "base/str.h"
#include "fs/pipe/eventfd.h"
#include "fs/vfs/wait.h"
#include "kern/thread.h"
#include "linux/abi/time.h"
#include "linux/file/args.h"
#include "linux/file/sys_file.h"
#include "linux/memory/range.h"
#include "linux/task/process.h"
#include "linux/task/signal.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"
#include "mm/vm/usercopy.h"

#define RING_MAGIC   0xa10a10a1u
#define RESFD        1u /* iocb.flags: an eventfd counts the event */
#define EVENTS_LIMIT (0x10000000u / sizeof(struct aio_event))

struct aio_event { /* struct io_event */
    uint64_t data, iocb;
    int64_t result, result2;
};

struct aio_ring {
    uint32_t id, slots, head, tail, magic, compatible, incompatible, header_length;
};
_Static_assert(sizeof(struct aio_ring) == sizeof(struct aio_event), "slot 0 of the first page");

struct iocb {
    uint64_t data;
    uint32_t key, rw_flags;
    uint16_t opcode;
    int16_t priority;
    uint32_t fd;
    uint64_t buffer, size;
    int64_t offset;
    uint64_t reserved;
    uint32_t flags, event_fd;
};
_Static_assert(sizeof(struct iocb) == 64, "linux/aio_abi.h");

enum opcode {
    PREAD = 0,
    PWRITE = 1,
    FSYNC = 2,
    FDSYNC = 3,
    PREADV = 7,
    PWRITEV = 8,
};

struct aio {
    struct page_source source;
    const struct address_space *space; /* fork() copies the area, not the context */
    uint32_t references;               /* of areas, and of calls that sleep */
    uint32_t asked, slots, tail, page_count;
    bool dead;
    struct wait_queue completed;
    struct aio_ring *pages[]; /* of kpage_alloc() */
};

uint64_t aio_count, aio_max = 65536;

static struct aio *aio_at(struct page_source *source)
{
    return CONTAINER_OF(source, struct aio, source);
}

static enum err aio_page(struct page_source *source, uint64_t index, bool for_write, phys_t *out)
{
    const struct aio *aio = aio_at(source);
    (void)for_write;
    if (index >= aio->page_count)
        return E_INVAL;
    *out = kpage_phys(aio->pages[index]);
    frames_get(&machine_frames, *out);
    return E_OK;
}

static enum err aio_read(struct page_source *source, uint64_t offset, void *to, size_t size)
{
    const struct aio *aio = aio_at(source);
    for (size_t done = 0, part; done < size; done += part, offset += part) {
        uint64_t index = offset / PAGE_SIZE, inside = offset % PAGE_SIZE;
        part = size - done < PAGE_SIZE - inside ? size - done : PAGE_SIZE - inside;
        if (index < aio->page_count)
            memcpy((char *)to + done, (char *)aio->pages[index] + inside, part);
        else if (done == 0)
            return E_INVAL;
        else
            memset((char *)to + done, 0, part);
    }
    return E_OK;
}

static bool aio_present(struct page_source *source, uint64_t index)
{
    return index < aio_at(source)->page_count;
}

static enum err aio_punch(struct page_source *source, uint64_t offset, uint64_t size)
{
    (void)source;
    (void)offset;
    (void)size;
    return E_NOTSUP;
}

static void aio_get(struct page_source *source)
{
    aio_at(source)->references++;
}

static void aio_put(struct page_source *source)
{
    struct aio *aio = aio_at(source);
    if (--aio->references > 0)
        return;
    aio_count -= aio->asked;
    while (aio->page_count > 0)
        kpage_free(aio->pages[--aio->page_count]);
    heap_free(aio);
}

static void aio_name(struct page_source *source, char *to, size_t size)
{
    (void)source;
    str_copy(to, "/[aio] (deleted)", size);
}

static uint64_t aio_inode(struct page_source *source)
{
    return aio_at(source)->pages[0]->id;
}

static const struct page_source_ops aio_ops = {
    .page = aio_page,
    .read = aio_read,
    .present = aio_present,
    .punch = aio_punch,
    .get = aio_get,
    .put = aio_put,
    .name = aio_name,
    .inode = aio_inode,
};

/* With a reference; NULL: no context of this program has the id. */
static struct aio *aio_find(uint64_t id)
{
    const struct area *area = areas_find(space_current(), virt(id));
    if (area == NULL || area->source == NULL || area->source->ops != &aio_ops ||
        area->range.start.v != id || area->offset != 0)
        return NULL;
    struct aio *aio = aio_at(area->source);
    if (aio->space != space_current() || aio->dead)
        return NULL;
    aio->references++;
    return aio;
}

/* ---- the ring ---- */

static uint32_t ring_used(const struct aio *aio)
{
    uint32_t head = *(volatile uint32_t *)&aio->pages[0]->head % aio->slots; /* the program's */
    return (aio->tail + aio->slots - head) % aio->slots;
}

static struct aio_event *ring_slot(const struct aio *aio, uint32_t index)
{
    uint64_t at = sizeof(struct aio_ring) + index * sizeof(struct aio_event);
    return (struct aio_event *)((char *)aio->pages[at / PAGE_SIZE] + at % PAGE_SIZE);
}

static void ring_put(struct aio *aio, const struct aio_event *event)
{
    *ring_slot(aio, aio->tail) = *event;
    aio->tail = (aio->tail + 1) % aio->slots;
    __atomic_store_n(&aio->pages[0]->tail, aio->tail, __ATOMIC_RELEASE);
    wait_queue_wake(&aio->completed);
}

/* *out: a context of `asked` events, with a reference. */
static enum err aio_make(uint32_t asked, struct aio **out)
{
    static uint32_t last_id;
    uint32_t slots = (asked < 4 ? 4 : asked) * 2;
    if (slots > EVENTS_LIMIT)
        return E_INVAL;
    if (slots == 0 || asked > aio_max || aio_count > aio_max - asked)
        return E_AGAIN;
    uint64_t bytes = align_up((slots + 3) * sizeof(struct aio_event), PAGE_SIZE);
    struct aio *aio = heap_alloc_zero(sizeof *aio + bytes / PAGE_SIZE * sizeof aio->pages[0]);
    if (aio == NULL)
        return E_NOMEM;
    aio->source.ops = &aio_ops;
    aio->space = space_current();
    aio->references = 1;
    wait_queue_init(&aio->completed);
    aio_count += aio->asked = asked;
    aio->slots = (uint32_t)(bytes / sizeof(struct aio_event)) - 1;
    for (; aio->page_count < bytes / PAGE_SIZE; aio->page_count++) {
        aio->pages[aio->page_count] = kpage_alloc();
        if (aio->pages[aio->page_count] == NULL) {
            aio_put(&aio->source);
            return E_NOMEM;
        }
        thread_give_way();
    }
    *aio->pages[0] = (struct aio_ring){++last_id, aio->slots, 0, 0, RING_MAGIC, 1, 0, 32};
    *out = aio;
    return E_OK;
}

enum err sys_io_setup(struct syscall *call)
{
    uint64_t id;
    struct aio *aio;
    enum err e = copy_in_waiting(&id, virt(call->arg[1]), sizeof id);
    if (e != E_OK)
        return e;
    if (id != 0 || (uint32_t)call->arg[0] == 0)
        return E_INVAL;
    e = aio_make((uint32_t)call->arg[0], &aio);
    if (e != E_OK)
        return e;
    struct area area = {
        .kind = AREA_FILE,
        .flags = AREA_SHARED | mem_future_lock(),
        .prot = prot_rw(),
        .owner = &process_current()->program->areas,
        .source = &aio->source,
        .file_end = UINT64_MAX,
    };
    uint64_t size = aio->page_count * PAGE_SIZE;
    e = mem_may_expand(area.prot, area.flags, size)
            ? areas_find_hole(space_current(), size, PAGE_SIZE, virt(0), &area.range)
            : E_NOMEM;
    if (e == E_OK)
        e = areas_add(space_current(), &area);
    if (e != E_OK) {
        aio_put(&aio->source);
        return e;
    }
    e = put_out(virt(call->arg[1]), area.range.start.v);
    return e == E_OK || mem_remove(area.range) != E_OK ? e : E_FAULT;
}

/* The threads that wait for its events get EINVAL. */
enum err sys_io_destroy(struct syscall *call)
{
    struct aio *aio = aio_find(call->arg[0]);
    if (aio == NULL)
        return E_INVAL;
    aio->dead = true;
    wait_queue_wake(&aio->completed);
    virt_t at = virt(call->arg[0]);
    enum err e = mem_remove(virt_range(at.v, at.v + aio->page_count * PAGE_SIZE));
    aio_put(&aio->source);
    return e;
}

/* ---- requests ---- */

/* What preadv2() and pwritev2() take, but for RWF_NOWAIT. */
#define RWF_DSYNC  2u
#define RWF_SYNC   4u
#define RWF_APPEND 16u
#define RWF_KNOWN  (1u | RWF_DSYNC | RWF_SYNC | RWF_APPEND)

/* Reads or writes. An error means that the request was refused; else *result is its end. */
static enum err aio_transfer(const struct iocb *r, struct file *file, struct aio_event *event)
{
    bool write = r->opcode == PWRITE || r->opcode == PWRITEV;
    uint64_t offset = (uint64_t)r->offset, done = 0;
    struct iov iov;
    if (r->rw_flags & ~RWF_KNOWN)
        return E_NOTSUP;
    if (!(write ? file_can_write(file) : file_can_read(file)))
        return E_BADF;
    if (mode_is(file->inode->mode, S_IFDIR) || !(write ? file->ops->write : file->ops->read))
        return E_INVAL;
    bool vector = r->opcode >= PREADV;
    if (!vector && !user_range_ok(virt(r->buffer), r->size))
        return E_FAULT;
    iov.io = io_user(virt(r->buffer), r->size < IO_BYTES_MAX ? r->size : IO_BYTES_MAX);
    enum err e = vector ? iov_copy_in(&iov, r->buffer, r->size) : E_OK;
    if (e != E_OK)
        return e;
    if (write && r->rw_flags & RWF_APPEND)
        offset = file->inode->size;
    if (file->ops->seekable && offset > INT64_MAX - iov.io.left) {
        e = E_INVAL;
    } else {
        enum err end = write ? file_write(file, &iov.io, &offset, &done)
                             : file_read(file, &iov.io, &offset, &done);
        if (end == E_OK && write && r->rw_flags & (RWF_SYNC | RWF_DSYNC) && file->ops->sync)
            end = file->ops->sync(file, 0, UINT64_MAX,
                                  r->rw_flags & RWF_SYNC ? FILE_SYNC_ALL : FILE_SYNC_DATA);
        event->result = end == E_OK ? (int64_t)done : -(int64_t)end;
    }
    if (vector)
        iov_free(&iov);
    return e;
}

static enum err aio_sync(const struct iocb *r, struct aio_event *event)
{
    const uint64_t fd[6] = {r->fd};
    struct syscall call = {.arg = fd};
    if (r->buffer != 0 || r->size != 0 || r->offset != 0 || r->rw_flags != 0)
        return E_INVAL;
    enum err e = r->opcode == FSYNC ? sys_fsync(&call) : sys_fdatasync(&call);
    event->result = -(int64_t)e;
    return e == E_INVAL || e == E_BADF ? e : E_OK;
}

/* Performs a request with references to its files. */
static enum err aio_perform(struct aio *aio, const struct iocb *r, uint64_t at, struct file *file,
                            struct file *counter)
{
    struct aio_event event = {r->data, at, 0, 0};
    if (counter != NULL && eventfd_add(counter, 0) != E_OK)
        return E_INVAL;
    enum err e = put_out(virt(at + offsetof(struct iocb, key)), 0);
    if (e != E_OK)
        return E_FAULT;
    switch (r->opcode) {
    case PREAD:
    case PREADV:
    case PWRITE:
    case PWRITEV:
        e = aio_transfer(r, file, &event);
        break;
    case FSYNC:
    case FDSYNC:
        e = aio_sync(r, &event);
        break;
    default:
        return E_INVAL;
    }
    if (e != E_OK)
        return e;
    ring_put(aio, &event);
    return counter != NULL ? eventfd_add(counter, 1) : E_OK;
}

static enum err aio_submit(struct aio *aio, uint64_t at)
{
    struct iocb r;
    enum err e = copy_in_waiting(&r, virt(at), sizeof r);
    if (e != E_OK)
        return e;
    if (r.reserved != 0 || (int64_t)r.size < 0)
        return E_INVAL;
    if (ring_used(aio) == aio->slots - 1)
        return E_AGAIN;
    struct file *file = fd_file(r.fd), *counter = r.flags & RESFD ? fd_file(r.event_fd) : NULL;
    if (file == NULL || (r.flags & RESFD && counter == NULL))
        return E_BADF;
    file_get(file);
    if (counter != NULL)
        file_get(counter);
    e = aio_perform(aio, &r, at, file, counter);
    file_put(counter);
    file_put(file);
    return e;
}

enum err sys_io_submit(struct syscall *call)
{
    int64_t count = (int64_t)call->arg[1], done = 0;
    if (count < 0)
        return E_INVAL;
    struct aio *aio = aio_find(call->arg[0]);
    if (aio == NULL)
        return E_INVAL;
    enum err e = E_OK;
    for (; e == E_OK && done < count && done < aio->slots; thread_give_way()) {
        uint64_t at;
        e = copy_in_waiting(&at, virt(call->arg[2] + (uint64_t)done * 8), sizeof at);
        if (e == E_OK)
            e = aio_submit(aio, at);
        done += e == E_OK;
    }
    aio_put(&aio->source);
    call->result = (uint64_t)done;
    return done > 0 ? E_OK : e;
}

/* No request is under way. */
enum err sys_io_cancel(struct syscall *call)
{
    uint32_t key;
    enum err e = copy_in_waiting(&key, virt(call->arg[1] + offsetof(struct iocb, key)), sizeof key);
    return e == E_OK ? E_INVAL : e;
}

/* ---- events ---- */

static bool aio_has_events(void *context)
{
    const struct aio *aio = context;
    return aio->dead || ring_used(aio) > 0;
}

/* Moves events to the program until there are no more, or `count`. */
static enum err aio_take(struct aio *aio, uint64_t to, uint64_t count, uint64_t *taken)
{
    enum err e = E_OK;
    for (; e == E_OK && *taken < count && ring_used(aio) > 0; thread_give_way()) {
        uint32_t head = aio->pages[0]->head % aio->slots;
        e = copy_out_now(virt(to + *taken * sizeof(struct aio_event)), ring_slot(aio, head),
                         sizeof(struct aio_event));
        if (e == E_OK) {
            aio->pages[0]->head = (head + 1) % aio->slots;
            ++*taken;
        } else {
            e = copy_wait(e);
        }
    }
    return e;
}

static enum err aio_events(struct syscall *call, uint64_t deadline)
{
    int64_t least = (int64_t)call->arg[1], most = (int64_t)call->arg[2];
    struct aio *aio = aio_find(call->arg[0]);
    if (aio == NULL)
        return E_INVAL;
    enum err e = least < 0 || least > most ? E_INVAL : E_OK;
    while (e == E_OK) {
        e = aio_take(aio, call->arg[3], (uint64_t)most, &call->result);
        if (e != E_OK || call->result >= (uint64_t)least || deadline == 0)
            break;
        e = fs_wait(&aio->completed, aio_has_events, aio, deadline);
        if (e == E_OK && aio->dead)
            e = E_INVAL;
    }
    aio_put(&aio->source);
    return e == E_TIMEDOUT || call->result > 0 ? E_OK : e;
}

/* A time need not be normalised, and a negative one is without end. */
static enum err aio_deadline(uint64_t at, uint64_t *out)
{
    struct timespec t;
    int64_t ns;
    *out = NO_DEADLINE;
    if (at == 0)
        return E_OK;
    enum err e = copy_in_waiting(&t, virt(at), sizeof t);
    if (e == E_OK && !__builtin_mul_overflow(t.seconds, 1000000000, &ns) &&
        !__builtin_add_overflow(ns, t.nanoseconds, &ns) && ns >= 0)
        *out = ns == 0 ? 0 : deadline_after((uint64_t)ns);
    return e;
}

enum err sys_io_getevents(struct syscall *call)
{
    uint64_t deadline;
    enum err e = aio_deadline(call->arg[4], &deadline);
    return e == E_OK ? aio_events(call, deadline) : e;
}

enum err sys_io_pgetevents(struct syscall *call)
{
    uint64_t deadline, mask[2] = {0, 0}; /* address, size */
    enum err e = aio_deadline(call->arg[4], &deadline);
    if (e == E_OK && call->arg[5] != 0)
        e = copy_in_waiting(mask, virt(call->arg[5]), sizeof mask);
    if (e == E_OK)
        e = signal_wait_mask_begin(virt(mask[0]), mask[1]);
    if (e != E_OK)
        return e;
    e = aio_events(call, deadline);
    signal_wait_mask_end(e == E_INTR);
    call->restart_unhandled = true;
    return e;
}
