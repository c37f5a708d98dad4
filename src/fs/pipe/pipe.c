/* SPDX-License-Identifier: MIT */
#include "fs/pipe/pipe.h"

#include "base/panic.h"
#include "base/str.h"
#include "cpu/lock.h"
#include "fs/vfs/anon_file.h"
#include "fs/vfs/async.h"
#include "fs/vfs/context.h"
#include "fs/vfs/process.h"
#include "fs/vfs/wait.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define PIPEFS_MAGIC 0x50495045

/* A packet of a pipe with O_DIRECT: positions in the stream of all bytes that went through the pipe. */
struct packet {
    uint64_t start, end;
};

/* As on Linux, each packet takes a page of the capacity. */
#define PACKETS_MOST (PIPE_CAPACITY_MAX / PIPE_ATOMIC)

struct pipe {
    struct pipe_ring ring;
    uint64_t taken;         /* stream position of the ring's first byte */
    struct packet *packets; /* a circle of PACKETS_MOST; NULL: none was written yet */
    uint32_t packet_first, packet_count;
    uint32_t packet_waste;               /* what the packets in the ring leave of their pages */
    uint32_t readers, writers;           /* files open now */
    uint32_t reader_opens, writer_opens; /* running counts; fifo_open() waits for a change */
    struct wait_queue readable, writable;
    struct short_lock lock; /* ring, taken, packets */
};

static struct filesystem pipefs = {
    .type = "pipefs", .magic = PIPEFS_MAGIC, .device = 12, .next_ino = 1};

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint32_t power_of_two_above(uint64_t size)
{
    uint32_t power = PAGE_SIZE;
    while (power < size)
        power *= 2;
    return power;
}

static MUST_CHECK enum err ring_move(struct pipe_ring *ring, uint32_t size)
{
    char *bytes = heap_alloc(size);
    if (!bytes)
        return E_NOMEM;
    uint32_t first = ring->size - ring->head;
    if (first > ring->used)
        first = ring->used;
    if (ring->used > 0) {
        memcpy(bytes, ring->bytes + ring->head, first);
        memcpy(bytes + first, ring->bytes, ring->used - first);
    }
    heap_free(ring->bytes);
    ring->bytes = bytes;
    ring->size = size;
    ring->head = 0;
    return E_OK;
}

/* `used` may exceed `capacity` after pipe_unread(). */
static uint32_t ring_room(const struct pipe_ring *ring)
{
    return ring->used < ring->capacity ? ring->capacity - ring->used : 0;
}

enum err pipe_ring_fill(struct pipe_ring *ring, struct io *io, uint64_t most)
{
    uint64_t todo = lesser(most, ring_room(ring));
    if (todo > ring->size - ring->used) {
        enum err e = ring_move(ring, power_of_two_above(ring->used + todo));
        if (e != E_OK && ring->size == ring->used)
            return e;
        if (e != E_OK)
            todo = ring->size - ring->used;
    }
    while (todo > 0) {
        uint32_t at = (ring->head + ring->used) & (ring->size - 1);
        uint64_t run = todo < ring->size - at ? todo : ring->size - at;
        uint64_t before = io_left(io);
        enum err e = io_take(io, ring->bytes + at, run);
        uint64_t moved = before - io_left(io);
        ring->used += (uint32_t)moved;
        todo -= moved;
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

enum err pipe_ring_drain(struct pipe_ring *ring, struct io *io)
{
    while (ring->used > 0 && io_left(io) > 0) {
        uint64_t run = ring->size - ring->head;
        if (run > ring->used)
            run = ring->used;
        if (run > io_left(io))
            run = io_left(io);
        uint64_t before = io_left(io);
        enum err e = io_put(io, ring->bytes + ring->head, run);
        uint32_t moved = (uint32_t)(before - io_left(io));
        ring->head = (ring->head + moved) & (ring->size - 1);
        ring->used -= moved;
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

COLD enum err pipe_ring_resize(struct pipe_ring *ring, uint32_t capacity)
{
    if (ring->used > capacity)
        return E_BUSY;
    if (ring->size > capacity) {
        enum err e = ring_move(ring, capacity);
        if (e != E_OK)
            return e;
    }
    ring->capacity = capacity;
    return E_OK;
}

static uint32_t space_left(const struct pipe *pipe)
{
    uint32_t room = ring_room(&pipe->ring);
    return room < pipe->packet_waste ? 0 : room - pipe->packet_waste;
}

static MUST_CHECK enum err pipe_of_inode(struct inode *inode, struct pipe **out)
{
    if (!inode->pipe) {
        struct pipe *pipe = heap_alloc_zero(sizeof(*pipe));
        if (!pipe)
            return E_NOMEM;
        pipe->ring.capacity = PIPE_CAPACITY;
        wait_queue_init(&pipe->readable);
        wait_queue_init(&pipe->writable);
        inode->pipe = pipe;
    }
    *out = inode->pipe;
    return E_OK;
}

/* The number of readers or writers has changed, which concerns all. */
static void ends_changed(struct pipe *pipe)
{
    wait_queue_wake_all(&pipe->readable);
    wait_queue_wake_all(&pipe->writable);
}

/* Bytes have left the ring, in which there was room for `before`. As on Linux, a writer sleeps until
 * there is room for PIPE_ATOMIC bytes, which is also what poll() calls writable. */
static void space_made(struct pipe *pipe, uint32_t before)
{
    if ((before < PIPE_ATOMIC || async_used) && space_left(pipe) >= PIPE_ATOMIC)
        wait_queue_wake(&pipe->writable);
}

/* The first `size` bytes have left the ring; forgets the packets that ended in them. */
static void bytes_taken(struct pipe *pipe, uint64_t size)
{
    pipe->taken += size;
    while (pipe->packet_count > 0) {
        const struct packet *first = &pipe->packets[pipe->packet_first];
        if (first->end > pipe->taken)
            break;
        pipe->packet_waste -= PIPE_ATOMIC - (uint32_t)(first->end - first->start);
        pipe->packet_first = (pipe->packet_first + 1) % PACKETS_MOST;
        pipe->packet_count--;
    }
}

static void pipe_join(struct file *file, struct pipe *pipe)
{
    if (file_can_read(file)) {
        pipe->readers++;
        pipe->reader_opens++;
    }
    if (file_can_write(file)) {
        pipe->writers++;
        pipe->writer_opens++;
    }
    file->state = pipe;
    ends_changed(pipe);
}

static void pipe_leave(struct file *file)
{
    struct pipe *pipe = file->state;
    pipe->readers -= file_can_read(file);
    pipe->writers -= file_can_write(file);
    ends_changed(pipe);
    if (pipe->readers + pipe->writers > 0)
        return;
    file->inode->pipe = NULL;
    heap_free(pipe->ring.bytes);
    heap_free(pipe->packets);
    heap_free(pipe);
}

struct open_wait {
    const uint32_t *opens;
    uint32_t seen;
};

static bool somebody_opened(void *context)
{
    const struct open_wait *wait = context;
    return *wait->opens != wait->seen;
}

/* An open for one direction waits for an open of the other (fifo(7)). */
static COLD enum err fifo_open(struct file *file)
{
    struct pipe *pipe;
    enum err e = pipe_of_inode(file->inode, &pipe);
    if (e != E_OK)
        return e;
    bool reads = file_can_read(file), writes = file_can_write(file);
    bool nonblocking = file->flags & O_NONBLOCK;
    file->limit = pipe->writers > 0 ? UINT64_MAX : pipe->writer_opens;
    pipe_join(file, pipe);
    if (reads == writes ||
        file->inode->fs == &pipefs) /* /proc/self/fd/N of an anonymous pipe does not wait */
        return E_OK;
    if (writes && pipe->readers == 0 && nonblocking) {
        e = E_NXIO;
    } else if ((reads ? pipe->writers : pipe->readers) == 0 && !nonblocking) {
        struct open_wait wait = {reads ? &pipe->writer_opens : &pipe->reader_opens, 0};
        wait.seen = *wait.opens;
        e = fs_wait(&pipe->readable, somebody_opened, &wait, NO_DEADLINE);
    }
    if (e != E_OK)
        pipe_leave(file);
    return e;
}

/* Moves bytes to the cursor, at most to the end of the first packet, whose rest is dropped (pipe(2)). */
static COLD enum err packet_drain(struct pipe *pipe, struct io *io)
{
    struct packet packet = pipe->packets[pipe->packet_first];
    struct pipe_ring part = pipe->ring;
    part.used = (uint32_t)(packet.end - pipe->taken);
    uint32_t before = part.used;
    enum err e = pipe_ring_drain(&part, io);
    uint32_t moved = before - part.used;
    if (e == E_OK && pipe->taken + moved > packet.start)
        moved = before;
    pipe->ring.head = (pipe->ring.head + moved) & (pipe->ring.size - 1);
    pipe->ring.used -= moved;
    bytes_taken(pipe, moved);
    return e;
}

static enum err pipe_drain(struct pipe *pipe, struct io *io)
{
    if (pipe->packet_count > 0)
        return packet_drain(pipe, io);
    uint32_t before = pipe->ring.used;
    enum err e = pipe_ring_drain(&pipe->ring, io);
    pipe->taken += before - pipe->ring.used;
    return e;
}

/* Bytes of the ring's end that are of no packet. */
static uint64_t bytes_at_end(const struct pipe *pipe)
{
    if (pipe->packet_count == 0)
        return pipe->ring.used;
    uint32_t last = (pipe->packet_first + pipe->packet_count - 1) % PACKETS_MOST;
    return pipe->taken + pipe->ring.used - pipe->packets[last].end;
}

/* Moves bytes from the cursor as one packet, for which there is room. As on Linux, what fits behind the bytes
 * in a page that has no packet becomes part of them. */
static COLD enum err packet_fill(struct pipe *pipe, struct io *io)
{
    uint64_t size = lesser(io_left(io), PIPE_ATOMIC), tail = bytes_at_end(pipe) % PIPE_ATOMIC;
    bool joins = tail > 0 && tail + size <= PIPE_ATOMIC;
    if (!joins && !pipe->packets)
        pipe->packets = heap_alloc(PACKETS_MOST * sizeof(*pipe->packets));
    if (!joins && !pipe->packets)
        return E_NOMEM;
    uint64_t start = pipe->taken + pipe->ring.used;
    struct io first = *io;
    uint32_t used = pipe->ring.used;
    enum err e = pipe_ring_fill(&pipe->ring, io, size);
    if (e == E_INTR) { /* half a packet, which will be whole with the next try */
        *io = first;
        pipe->ring.used = used;
    }
    if (joins || e == E_INTR)
        return e;
    uint64_t end = pipe->taken + pipe->ring.used;
    if (end == start)
        return e;
    uint32_t last = (pipe->packet_first + pipe->packet_count++) % PACKETS_MOST;
    pipe->packets[last] = (struct packet){start, end};
    pipe->packet_waste += PIPE_ATOMIC - (uint32_t)(end - start);
    return e;
}

static bool can_read(void *context)
{
    const struct pipe *pipe = context;
    return pipe->ring.used > 0 || pipe->writers == 0;
}

static enum err pipe_read(struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    struct pipe *pipe = file->state;
    if (io_left(io) == 0)
        return E_OK;
    bool slept = false;
    enum err e = E_OK;
    SHORT_LOCK(&pipe->lock, class_pipe);
    while (e == E_OK && pipe->ring.used == 0 && pipe->writers != 0) {
        if (file->flags & O_NONBLOCK) {
            e = E_AGAIN;
            break;
        }
        SHORT_UNLOCK(&pipe->lock, class_pipe);
        e = fs_wait_one(&pipe->readable, can_read, pipe, NO_DEADLINE);
        SHORT_LOCK(&pipe->lock, class_pipe);
        slept = true;
    }
    if (e == E_OK && pipe->ring.used != 0) {
        uint32_t room = space_left(pipe);
        e = pipe_drain(pipe, io);
        space_made(pipe, room);
        if (slept && pipe->ring.used > 0)
            wait_queue_wake_one(&pipe->readable);
    }
    SHORT_UNLOCK(&pipe->lock, class_pipe);
    return e;
}

struct room_wait {
    const struct pipe *pipe;
    uint32_t needed;
};

static bool can_write(void *context)
{
    const struct room_wait *wait = context;
    return wait->pipe->readers == 0 || space_left(wait->pipe) >= wait->needed;
}

/* True if pipe_ring_fill() needs more memory. */
static bool must_grow(const struct pipe *pipe, const struct io *io)
{
    return lesser(io_left(io), space_left(pipe)) > pipe->ring.size - pipe->ring.used;
}

static enum err pipe_write(struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    struct pipe *pipe = file->state;
    uint64_t total = io_left(io);
    bool packets = file->flags & O_DIRECT;
    struct room_wait wait = {pipe, total <= PIPE_ATOMIC ? (uint32_t)total : 1};
    if (packets)
        wait.needed = PIPE_ATOMIC;
    enum err e = E_OK;
    bool slept = false;
    SHORT_LOCK(&pipe->lock, class_pipe);
    while (e == E_OK && io_left(io) > 0) {
        if (kernel_lock_is_shared() && (pipe->readers == 0 || packets || must_grow(pipe, io))) {
            SHORT_UNLOCK(&pipe->lock, class_pipe);
            kernel_lock_alone(); /* for the heap, or the signal */
            SHORT_LOCK(&pipe->lock, class_pipe);
            continue;
        }
        if (pipe->readers == 0) {
            fs_raise(FS_SIGPIPE);
            e = E_PIPE;
        } else if (can_write(&wait)) {
            e = packets ? packet_fill(pipe, io)
                        : pipe_ring_fill(&pipe->ring, io, lesser(io_left(io), space_left(pipe)));
            wait_queue_wake(&pipe->readable);
            if (!packets)
                wait.needed = 1;
        } else if (file->flags & O_NONBLOCK) {
            e = E_AGAIN;
        } else {
            SHORT_UNLOCK(&pipe->lock, class_pipe);
            e = fs_wait_one(&pipe->writable, can_write, &wait, NO_DEADLINE);
            SHORT_LOCK(&pipe->lock, class_pipe);
            slept = true;
        }
    }
    if (slept && space_left(pipe) > 0)
        wait_queue_wake_one(&pipe->writable);
    SHORT_UNLOCK(&pipe->lock, class_pipe);
    return e;
}

static uint32_t pipe_poll(struct file *file)
{
    const struct pipe *pipe = file->state;
    uint32_t events = 0;
    if (file_can_read(file)) {
        if (pipe->ring.used > 0)
            events |= POLL_READABLE;
        if (pipe->writers == 0 && pipe->writer_opens != file->limit)
            events |= POLL_HUP;
    }
    if (file_can_write(file)) {
        if (space_left(pipe) >= PIPE_ATOMIC)
            events |= POLL_WRITABLE;
        if (pipe->readers == 0)
            events |= POLL_ERR;
    }
    return events;
}

static enum err pipe_control(struct file *file, uint32_t command, uint64_t argument,
                             uint64_t *result)
{
    (void)result;
    if (command != FIONREAD)
        return E_NOTTY;
    const struct pipe *pipe = file->state;
    int32_t used = (int32_t)pipe->ring.used;
    return copy_out(virt(argument), &used, sizeof(used));
}

static struct wait_queue *pipe_queue(struct file *file, bool write)
{
    struct pipe *pipe = file->state;
    return write && file_can_write(file) ? &pipe->writable : &pipe->readable;
}

const struct file_ops fifo_file_ops = {
    .open = fifo_open,
    .release = pipe_leave,
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .queue = pipe_queue,
    .async_group = async_no_group,
    .control = pipe_control,
    .shares = SHARES_READ | SHARES_WRITE,
};

COLD static MUST_CHECK enum err pipe_end(struct dentry *dentry, uint32_t flags, struct file **out)
{
    struct pipe *pipe;
    enum err e = pipe_of_inode(dentry->inode, &pipe);
    if (e == E_OK)
        e = anon_open(dentry, &fifo_file_ops, pipe, flags, out);
    if (e != E_OK)
        return e;
    (*out)->limit = UINT64_MAX;
    pipe_join(*out, pipe);
    return E_OK;
}

enum err pipe_create(uint32_t flags, struct file **reader, struct file **writer)
{
    struct dentry *dentry;
    enum err e = anon_dentry(&pipefs, S_IFIFO | 0600, "pipe:[%lu]", &dentry);
    if (e != E_OK)
        return e;
    e = pipe_end(dentry, (flags & O_NONBLOCK) | O_RDONLY, reader);
    if (e == E_OK) {
        e = pipe_end(dentry, flags | O_WRONLY, writer);
        if (e != E_OK)
            file_put(*reader);
    } else {
        heap_free(dentry->inode->pipe); /* made by pipe_end(), without a file */
    }
    dentry_put(dentry);
    return e;
}

enum err pipe_capacity(const struct file *file, uint32_t *out)
{
    if (file->ops != &fifo_file_ops)
        return E_BADF;
    *out = ((const struct pipe *)file->state)->ring.capacity;
    return E_OK;
}

uint64_t pipe_capacity_max = PIPE_CAPACITY_MAX;

COLD enum err pipe_set_capacity(struct file *file, uint64_t size, uint32_t *out)
{
    if (file->ops != &fifo_file_ops)
        return E_BADF;
    if (size > 1u << 31)
        return E_INVAL;
    if (size > pipe_capacity_max && !capable(CAP_SYS_RESOURCE))
        return E_PERM;
    if (size > PIPE_CAPACITY_TOP)
        return E_NOMEM;
    struct pipe *pipe = file->state;
    uint32_t capacity = power_of_two_above(size);
    if (pipe->ring.used + pipe->packet_waste > capacity)
        return E_BUSY;
    enum err e = pipe_ring_resize(&pipe->ring, capacity);
    if (e != E_OK)
        return e;
    wait_queue_wake_all(&pipe->writable);
    *out = capacity;
    return E_OK;
}

bool pipe_is(const struct file *file)
{
    return file->ops == &fifo_file_ops;
}

enum err pipe_wait(struct file *file, bool write, bool eager)
{
    struct pipe *pipe = file->state;
    struct room_wait wait = {pipe, 1};
    fs_condition condition = write ? can_write : can_read;
    void *context = write ? (void *)&wait : pipe;
    enum err e = E_OK;
    if (!condition(context))
        e = eager ? E_AGAIN
                  : fs_wait(write ? &pipe->writable : &pipe->readable, condition, context,
                            NO_DEADLINE);
    if (e == E_OK && write && pipe->readers == 0) {
        fs_raise(FS_SIGPIPE);
        e = E_PIPE;
    }
    return e;
}

uint64_t pipe_room(const struct file *file)
{
    return space_left(file->state);
}

COLD uint64_t pipe_peek(const struct file *file, char *to, uint64_t size, uint64_t from)
{
    struct pipe_ring ring = ((const struct pipe *)file->state)->ring; /* a copy, which is drained */
    if (from >= ring.used)
        return 0;
    ring.head = (uint32_t)(ring.head + from) & (ring.size - 1);
    ring.used -= (uint32_t)from;
    struct io io = io_kernel(to, size < ring.used ? size : ring.used);
    uint64_t before = io_left(&io);
    (void)!pipe_ring_drain(&ring, &io); /* kernel memory does not fault */
    return before - io_left(&io);
}

COLD void pipe_skip(struct file *file, uint64_t size)
{
    struct pipe *pipe = file->state;
    if (size == 0)
        return;
    uint32_t room = space_left(pipe);
    pipe->ring.head = (pipe->ring.head + (uint32_t)size) & (pipe->ring.size - 1);
    pipe->ring.used -= (uint32_t)size;
    bytes_taken(pipe, size);
    space_made(pipe, room);
}

COLD void pipe_unread(struct file *file, const char *bytes, uint64_t size)
{
    struct pipe *pipe = file->state;
    struct pipe_ring *ring = &pipe->ring;
    if (size == 0 || (size > ring->size - ring->used &&
                      ring_move(ring, power_of_two_above(ring->used + size)) != E_OK))
        return;
    for (uint64_t i = size; i > 0; i--) {
        ring->head = (ring->head - 1) & (ring->size - 1);
        ring->bytes[ring->head] = bytes[i - 1];
    }
    ring->used += (uint32_t)size;
    pipe->taken -= size;
    wait_queue_wake(&pipe->readable);
}
