/* SPDX-License-Identifier: MIT */
#include "fs/vfs/file.h"

#include "base/panic.h"
#include "base/str.h"
#include "cpu/lock.h"
#include "fs/vfs/async.h"
#include "fs/vfs/file_block.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/range_lock.h"
#include "fs/vfs/store_table.h"
#include "fs/vfs/wait.h"
#include "kern/thread.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

/* Cookies of entries from inode_ops.list() are above all cookies of a directory's table. */
#define COOKIE_LISTED (UINT64_C(1) << 40)

static void unlock(struct file *file)
{
    struct inode *inode = file->inode;
    if (file->lock == FILE_LOCK_NONE)
        return;
    if (file->lock == FILE_LOCK_EXCLUSIVE)
        inode->locked_by = NULL;
    else
        inode->locked_shared--;
    file->lock = FILE_LOCK_NONE;
    inode_wake(inode);
}

/* True if a thread that shares kernel_lock may end it. */
static bool ends_plainly(const struct file *file)
{
    return file->lock == FILE_LOCK_NONE && !file->inode->locks && notify_watches == 0 &&
           !file->watched && !file->async && !file->ops->release;
}

void file_put(struct file *file)
{
    if (!file)
        return;
    assert(file->references > 0);
    if ((SEVERAL_CPUS ? __atomic_sub_fetch(&file->references, 1, __ATOMIC_ACQ_REL)
                      : --file->references) > 0)
        return;
    if (!ends_plainly(file))
        kernel_lock_alone();
    unlock(file);
    if (file->inode->locks)
        range_locks_end(file->inode, file);
    if (notify_watches > 0 && !(file->flags & O_PATH))
        notify_file(file->dentry, file_can_write(file) ? NOTIFY_CLOSE_WRITE : NOTIFY_CLOSE);
    if (file->watched)
        epoll_forget(file);
    if (file->async)
        async_end(file);
    if (file->ops->release)
        file->ops->release(file);
    if (file_can_write(file)) {
        CPUS_ADD(file->inode->writers, UINT32_MAX);
        if (file->mount && mode_is(file->inode->mode, S_IFREG))
            CPUS_ADD(file->mount->writers, UINT32_MAX);
    }
    location_put(&file->location);
    file_block_give(file);
}

static unsigned turns; /* reads and writes in file_give_way() */

void file_turn_keep(struct file *file, const uint64_t *offset, bool writes)
{
    if (offset == &file->offset)
        file->busy++;
    if (writes)
        file->inode->busy++;
    turns++;
}

void file_turn_end(struct file *file, const uint64_t *offset, bool writes)
{
    turns--;
    if (offset == &file->offset)
        file->busy--;
    if (writes)
        file->inode->busy--;
    inode_wake(file->inode);
}

void file_give_way(struct file *file, const uint64_t *offset, bool writes)
{
    kernel_lock_alone();
    file_turn_keep(file, offset, writes);
    fs_give_way();
    file_turn_end(file, offset, writes);
}

void inode_turn_keep(struct inode *inode)
{
    inode->busy++;
    turns++;
}

void inode_turn_end(struct inode *inode)
{
    turns--;
    inode->busy--;
    inode_wake(inode);
}

void inode_give_way(struct inode *inode)
{
    inode_turn_keep(inode);
    fs_give_way();
    inode_turn_end(inode);
}

static bool is_my_turn(void *busy)
{
    return *(const uint8_t *)busy == 0;
}

enum err inode_take_turn(struct inode *inode)
{
    enum err e = E_OK;
    while (e == E_OK && inode->busy)
        e = inode_wait(inode, is_my_turn, &inode->busy, NO_DEADLINE, false);
    return e;
}

/* Waits until no read or write that has given way uses the position or the contents. E_INTR. */
static NOINLINE enum err take_turn(struct file *file, const uint64_t *offset, bool writes)
{
    enum err e = E_OK;
    kernel_lock_alone();
    while (e == E_OK) {
        uint8_t *busy = file->busy && offset == &file->offset ? &file->busy : NULL;
        if (!busy && writes && file->inode->busy)
            busy = &file->inode->busy;
        if (!busy)
            break;
        e = inode_wait(file->inode, is_my_turn, busy, NO_DEADLINE, false);
    }
    return e;
}

/* The operation has stopped with `e`; the cursor had `left` bytes at the start. Goes on with it if a
 * device has the page of the program's memory at which it stopped. What is read from other files than
 * regular ones may be gone meanwhile, and the call must not sleep for more. */
COLD static enum err go_on(struct file *file, struct io *io, uint64_t *offset, uint64_t left,
                           bool writes, enum err e)
{
    while (e == E_INTR) {
        file_turn_keep(file, offset, writes);
        e = copy_wait(e);
        file_turn_end(file, offset, writes);
        if (e != E_OK)
            break;
        if (!writes && !file->ops->seekable && io_left(io) != left &&
            !(file_poll(file) & POLL_READABLE))
            break;
        e = writes ? file->ops->write(file, io, offset) : file->ops->read(file, io, offset);
    }
    return e;
}

/* *done: the bytes that the cursor has less than `left`, which are counted and announced. */
static ALWAYS_INLINE enum err bytes_moved(struct file *file, const struct io *io, uint64_t left,
                                          bool write, uint64_t *done)
{
    struct io_counts *moved = &thread_current()->moved;
    *done = left - io_left(io);
    moved->calls[write]++;
    if (*done > 0) {
        moved->bytes[write] += *done;
        notify(file->dentry, write ? NOTIFY_MODIFY : NOTIFY_ACCESS);
    }
    return E_OK;
}

COLD static NOINLINE enum err read_stopped(struct file *file, struct io *io, uint64_t *offset,
                                           uint64_t *done, uint64_t left, enum err e)
{
    kernel_lock_alone();
    e = go_on(file, io, offset, left, false, e);
    if (e == E_OK || io_left(io) != left)
        return bytes_moved(file, io, left, false, done);
    thread_current()->moved.calls[false]++;
    return e;
}

COLD static NOINLINE enum err write_stopped(struct file *file, struct io *io, uint64_t *offset,
                                            uint64_t *done, uint64_t left, enum err e)
{
    kernel_lock_alone();
    e = go_on(file, io, offset, left, true, e);
    if (e == E_OK || io_left(io) != left)
        return bytes_moved(file, io, left, true, done);
    thread_current()->moved.calls[true]++;
    return e;
}

static ALWAYS_INLINE enum err read_now(struct file *file, struct io *io, uint64_t *offset,
                                       uint64_t *done)
{
    uint64_t left = io_left(io);
    enum err e = file->ops->read(file, io, offset);
    if (unlikely(e != E_OK))
        return read_stopped(file, io, offset, done, left, e);
    return bytes_moved(file, io, left, false, done);
}

static NOINLINE enum err read_in_turn(struct file *file, struct io *io, uint64_t *offset,
                                      uint64_t *done)
{
    enum err e = take_turn(file, offset, false);
    return e == E_OK ? read_now(file, io, offset, done) : e;
}

COLD enum err file_read_uncounted(struct file *file, struct io *io, uint64_t *offset,
                                  uint64_t *done)
{
    struct io_counts *moved = &thread_current()->moved, before = *moved;
    enum err e = read_in_turn(file, io, offset, done);
    moved->bytes[false] = before.bytes[false];
    moved->calls[false] = before.calls[false];
    return e;
}

enum err file_read(struct file *file, struct io *io, uint64_t *offset, uint64_t *done)
{
    if (!file_can_read(file))
        return E_BADF;
    if (!file->ops->read)
        return E_INVAL;
    if (unlikely(turns > 0))
        return read_in_turn(file, io, offset, done);
    return read_now(file, io, offset, done);
}

static ALWAYS_INLINE enum err write_now(struct file *file, struct io *io, uint64_t *offset,
                                        uint64_t *done)
{
    if ((file->flags & O_APPEND) && file->ops->seekable && !file->ops->size)
        *offset = file->inode->size;
    uint64_t left = io_left(io);
    enum err e = file->ops->write(file, io, offset);
    if (unlikely(e != E_OK))
        return write_stopped(file, io, offset, done, left, e);
    return bytes_moved(file, io, left, true, done);
}

static NOINLINE enum err write_in_turn(struct file *file, struct io *io, uint64_t *offset,
                                       uint64_t *done)
{
    enum err e = take_turn(file, offset, true);
    return e == E_OK ? write_now(file, io, offset, done) : e;
}

COLD enum err file_write_uncounted(struct file *file, struct io *io, uint64_t *offset,
                                   uint64_t *done)
{
    struct io_counts *moved = &thread_current()->moved, before = *moved;
    enum err e = write_in_turn(file, io, offset, done);
    moved->bytes[true] = before.bytes[true];
    moved->calls[true] = before.calls[true];
    return e;
}

enum err file_write(struct file *file, struct io *io, uint64_t *offset, uint64_t *done)
{
    if (!file_can_write(file))
        return E_BADF;
    if (!file->ops->write)
        return E_INVAL;
    if (unlikely(turns > 0))
        return write_in_turn(file, io, offset, done);
    return write_now(file, io, offset, done);
}

enum err file_read_at(struct file *file, void *to, uint64_t size, uint64_t offset, uint64_t *done)
{
    uint64_t total = 0;
    while (total < size) {
        struct io io = io_kernel((char *)to + total, size - total);
        uint64_t moved;
        enum err e = file_read(file, &io, &offset, &moved);
        if (e != E_OK)
            return e;
        if (moved == 0)
            break;
        total += moved;
    }
    *done = total;
    return E_OK;
}

static bool position_is_free(void *context)
{
    const struct file *file = context;
    return file->busy == 0 &&
           !(SEVERAL_CPUS && __atomic_load_n(&file->positioned, __ATOMIC_ACQUIRE));
}

enum err file_take_position(struct file *file, bool *out)
{
    *out = false;
    if (file->ops->no_position || !(file->ops->seekable || file->inode->directory))
        return E_OK;
    if (kernel_lock_is_shared()) {
        *out = file->busy == 0 && !__atomic_test_and_set(&file->positioned, __ATOMIC_ACQUIRE);
        if (likely(*out))
            return E_OK;
        kernel_lock_alone();
    }
    return inode_wait(file->inode, position_is_free, file, NO_DEADLINE, false);
}

void file_give_position(struct file *file)
{
    __atomic_clear(&file->positioned, __ATOMIC_RELEASE);
    inode_wake(file->inode);
}

static enum err seek_base(struct file *file, uint32_t whence, uint64_t *base)
{
    switch (whence) {
    case SEEK_SET:
        *base = 0;
        return E_OK;
    case SEEK_CUR:
        *base = file->offset;
        return E_OK;
    case SEEK_END:
        *base = file->ops->size ? file->ops->size(file) : file->inode->size;
        return mode_is(file->inode->mode, S_IFDIR) ? E_INVAL : E_OK;
    default:
        return E_INVAL;
    }
}

COLD enum err file_seek(struct file *file, int64_t offset, uint32_t whence, uint64_t *out)
{
    if (file->flags & O_PATH)
        return E_BADF;
    if (whence > SEEK_HOLE)
        return E_INVAL;
    if (file->ops->no_position) {
        *out = 0;
        return E_OK;
    }
    if (!file->ops->seekable)
        return E_SPIPE;
    uint64_t to;
    enum err e;
    if (whence > SEEK_END || file->ops->size)
        kernel_lock_alone();
    if (whence == SEEK_DATA || whence == SEEK_HOLE) {
        if (!file->ops->find)
            return E_INVAL;
        if (offset < 0 || (uint64_t)offset >= file->inode->size)
            return E_NXIO;
        e = file->ops->find(file, (uint64_t)offset, whence == SEEK_DATA, &to);
        if (e != E_OK)
            return e;
    } else {
        uint64_t base;
        int64_t sum;
        e = seek_base(file, whence, &base);
        if (e != E_OK)
            return e;
        if (__builtin_add_overflow((int64_t)base, offset, &sum) || sum < 0 ||
            (file->ops->size && (uint64_t)sum > file->ops->size(file)))
            return E_INVAL;
        to = (uint64_t)sum;
    }
    file->offset = to;
    *out = to;
    return E_OK;
}

static bool list_dots(struct file *file, directory_sink sink, void *context)
{
    if (file->offset == 0) {
        struct directory_entry self = {".", 1, file->inode->ino, 1, S_IFDIR >> 12};
        if (!sink(context, &self))
            return false;
        file->offset = 1;
    }
    if (file->offset == 1) {
        uint64_t ino = location_above(&file->location, NULL).dentry->inode->ino;
        struct directory_entry above = {"..", 2, ino, COOKIE_FIRST, S_IFDIR >> 12};
        if (!sink(context, &above))
            return false;
        file->offset = COOKIE_FIRST;
    }
    return true;
}

static bool list_table(struct file *file, directory_sink sink, void *context)
{
    struct dentry *d;
    while ((d = directory_next(file->inode->directory, file->offset)) && d->cookie < file->limit) {
        struct directory_entry entry = {d->name, d->length, d->inode->ino, d->cookie + 1,
                                        mode_entry_type(d->inode->mode)};
        /* The sink copies to the program and may take page faults, but a fault removes no entry. */
        if (!sink(context, &entry))
            return false;
        file->offset = entry.next;
    }
    return true;
}

COLD static void list_more(struct file *file, directory_sink sink, void *context)
{
    struct inode *inode = file->inode;
    char name[NAME_MAX_LENGTH + 1];
    uint64_t cookie = file->offset < COOKIE_LISTED ? 0 : file->offset - COOKIE_LISTED;
    struct directory_entry entry = {.name = name};
    while (inode->ops->list(inode, &cookie, name, &entry.length, &entry.ino, &entry.type)) {
        cookie++;
        entry.next = COOKIE_LISTED + cookie;
        if (!sink(context, &entry))
            return;
        file->offset = entry.next;
    }
}

/* An error after entries is for the next call. */
COLD static enum err list_stored(struct file *file, directory_sink sink, void *context)
{
    uint64_t start = file->offset;
    enum err e = E_OK;
    file_turn_keep(file, &file->offset, false);
    if (list_dots(file, sink, context))
        e = store_list(file, sink, context);
    file_turn_end(file, &file->offset, false);
    if (file->offset != start)
        e = E_OK;
    if (e == E_OK)
        notify(file->dentry, NOTIFY_ACCESS);
    return e;
}

COLD enum err file_list(struct file *file, directory_sink sink, void *context)
{
    struct inode *inode = file->inode;
    if (file->flags & O_PATH)
        return E_BADF;
    if (!inode->directory)
        return E_NOTDIR;
    if (inode->nlink == 0)
        return E_NOENT;
    enum err e = inode->ops && inode->ops->fill ? inode->ops->fill(inode) : E_OK;
    if (e != E_OK)
        return e;
    if (file->offset == 0)
        file->limit = inode->directory->next_cookie;
    if (!(file->flags & O_NOATIME))
        inode_touch_accessed(inode, file->mount, true);
    if (inode->fs->store)
        return list_stored(file, sink, context);
    if (list_dots(file, sink, context) && list_table(file, sink, context) && inode->ops &&
        inode->ops->list)
        list_more(file, sink, context);
    notify(file->dentry, NOTIFY_ACCESS);
    return E_OK;
}

uint32_t file_poll(struct file *file)
{
    return file->ops->poll ? file->ops->poll(file) : POLL_READABLE | POLL_WRITABLE;
}

size_t file_queues(struct file *file, uint32_t events, struct wait_queue *queues[2])
{
    size_t count = 0;
    if (!file->ops->queue)
        return 0;
    bool write = events & POLL_ALL_WRITABLE;
    if (write && (queues[count] = file->ops->queue(file, true)))
        count++;
    if (!write || (events & ~(POLL_ALL_WRITABLE | POLL_ERR | POLL_HUP))) {
        queues[count] = file->ops->queue(file, false);
        count += queues[count] && (count == 0 || queues[0] != queues[count]);
    }
    return count;
}

struct lock_request {
    struct file *file;
    uint8_t op;
};

static bool lock_is_free(void *context)
{
    const struct lock_request *request = context;
    const struct inode *inode = request->file->inode;
    return !inode->locked_by && (request->op == FILE_LOCK_SHARED || inode->locked_shared == 0);
}

COLD enum err file_lock(struct file *file, uint8_t op, bool wait)
{
    if (op == file->lock)
        return E_OK;
    /* A conversion releases the old lock first, and may lose it (flock(2)). */
    unlock(file);
    if (op == FILE_LOCK_NONE)
        return E_OK;
    struct lock_request request = {file, op};
    if (!lock_is_free(&request) && !wait)
        return E_AGAIN;
    file_get(file);
    enum err e =
        inode_wait(file->inode, lock_is_free, &request, NO_DEADLINE, op == FILE_LOCK_EXCLUSIVE);
    if (e == E_OK) {
        file->lock = op;
        if (op == FILE_LOCK_EXCLUSIVE)
            file->inode->locked_by = file;
        else
            file->inode->locked_shared++;
    }
    file_put(file);
    return e;
}

struct page_source *file_page_source(struct file *file)
{
    if ((file->flags & O_PATH))
        return NULL;
    if (file->ops->pages)
        return file->ops->pages(file);
    const struct file *pages = file->ops->mapped ? file->ops->mapped(file) : file;
    struct inode *inode = pages ? pages->inode : NULL;
    if (!inode || !inode->pages.ops)
        return NULL;
    if (inode->mappings == 0) {
        inode->mapped_as = file->dentry;
        inode->mapped_in = file->mount;
    }
    return &inode->pages;
}

bool file_maps_zeros(const struct file *file)
{
    return !(file->flags & O_PATH) && file->ops->zeros;
}

enum err file_deny_write(struct inode *inode)
{
    if (inode->writers > 0)
        return E_TXTBSY;
    inode->executing++;
    return E_OK;
}

void file_allow_write(struct inode *inode)
{
    assert(inode->executing > 0);
    inode->executing--;
}

static enum err directory_read(struct file *file, struct io *io, uint64_t *offset)
{
    (void)file;
    (void)io;
    (void)offset;
    return E_ISDIR;
}

/* Names are durable when all of the file system is. */
static enum err directory_sync(struct file *file, uint64_t from, uint64_t end, enum file_sync how)
{
    (void)from;
    (void)end;
    struct store *store = file->inode->fs->store;
    return store && how >= FILE_SYNC_DATA ? store_sync_used(store, true) : E_OK;
}

const struct file_ops file_ops_directory = {
    .read = directory_read, .sync = directory_sync, .seekable = true};
const struct file_ops file_ops_path = {.seekable = false};
