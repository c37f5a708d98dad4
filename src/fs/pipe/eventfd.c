/* SPDX-License-Identifier: MIT */
#include "fs/pipe/eventfd.h"

#include "cpu/lock.h"
#include "fs/vfs/anon_file.h"
#include "fs/vfs/text.h"
#include "fs/vfs/wait.h"
#include "mm/heap/heap.h"

struct counter {
    uint64_t value; /* at most UINT64_MAX - 1 */
    bool semaphore;
    struct wait_queue readable, writable;
    struct short_lock lock; /* value */
};

static bool has_value(void *context)
{
    return ((const struct counter *)context)->value > 0;
}

struct add {
    const struct counter *counter;
    uint64_t value;
};

static bool eventfd_has_room(void *context)
{
    const struct add *add = context;
    return add->value <= UINT64_MAX - 1 - add->counter->value;
}

static enum err event_read(struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    struct counter *counter = file->state;
    if (io_left(io) < sizeof(uint64_t))
        return E_INVAL;
    enum err e = E_OK;
    SHORT_LOCK(&counter->lock, class_pipe);
    while (e == E_OK && counter->value == 0) {
        SHORT_UNLOCK(&counter->lock, class_pipe);
        e = file->flags & O_NONBLOCK ? E_AGAIN
                                     : fs_wait(&counter->readable, has_value, counter, NO_DEADLINE);
        SHORT_LOCK(&counter->lock, class_pipe);
    }
    uint64_t taken = counter->semaphore && counter->value != 0 ? 1 : counter->value;
    if (e == E_OK) {
        counter->value -= taken;
        wait_queue_wake(&counter->writable);
    }
    SHORT_UNLOCK(&counter->lock, class_pipe);
    return e == E_OK ? io_put_waiting(io, &taken, sizeof(taken)) : e;
}

static enum err event_write(struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    struct counter *counter = file->state;
    struct add add = {counter, 0};
    if (io_left(io) < sizeof(uint64_t))
        return E_INVAL;
    struct io start = *io;
    enum err e = io_take(io, &add.value, sizeof(add.value));
    if (e == E_OK && add.value == UINT64_MAX)
        e = E_INVAL;
    SHORT_LOCK(&counter->lock, class_pipe);
    while (e == E_OK && !eventfd_has_room(&add)) {
        SHORT_UNLOCK(&counter->lock, class_pipe);
        e = file->flags & O_NONBLOCK
                ? E_AGAIN
                : fs_wait(&counter->writable, eventfd_has_room, &add, NO_DEADLINE);
        SHORT_LOCK(&counter->lock, class_pipe);
    }
    if (e == E_OK) {
        counter->value += add.value;
        wait_queue_wake(&counter->readable);
    } else {
        *io = start; /* no byte counts as written */
    }
    SHORT_UNLOCK(&counter->lock, class_pipe);
    return e;
}

static uint32_t event_poll(struct file *file)
{
    const struct counter *counter = file->state;
    struct add one = {counter, 1};
    return (counter->value > 0 ? POLL_READABLE : 0) | (eventfd_has_room(&one) ? POLL_WRITABLE : 0);
}

static struct wait_queue *event_queue(struct file *file, bool write)
{
    struct counter *counter = file->state;
    return write ? &counter->writable : &counter->readable;
}

static void event_release(struct file *file)
{
    heap_free(file->state);
}

static void event_describe(struct file *file, struct text *text)
{
    const struct counter *counter = file->state;
    text_printf(text, "eventfd-count: %16lx\n", counter->value);
}

static const struct file_ops event_ops = {.release = event_release,
                                          .read = event_read,
                                          .write = event_write,
                                          .poll = event_poll,
                                          .queue = event_queue,
                                          .describe = event_describe,
                                          .no_position = true,
                                          .shares = true};

enum err eventfd_open(uint32_t value, bool semaphore, uint32_t flags, struct file **out)
{
    struct counter *counter = heap_alloc_zero(sizeof(*counter));
    if (!counter)
        return E_NOMEM;
    counter->value = value;
    counter->semaphore = semaphore;
    wait_queue_init(&counter->readable);
    wait_queue_init(&counter->writable);
    enum err e = anon_file_open("anon_inode:[eventfd]", &event_ops, counter, flags, out);
    if (e != E_OK)
        heap_free(counter);
    return e;
}

enum err eventfd_add(struct file *file, uint64_t value)
{
    struct counter *counter = file->state;
    if (file->ops != &event_ops)
        return E_INVAL;
    SHORT_LOCK(&counter->lock, class_pipe);
    uint64_t room = UINT64_MAX - 1 - counter->value;
    counter->value += value < room ? value : room;
    SHORT_UNLOCK(&counter->lock, class_pipe);
    wait_queue_wake(&counter->readable);
    return E_OK;
}
