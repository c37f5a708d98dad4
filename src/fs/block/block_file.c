/* SPDX-License-Identifier: MIT */
#define LOG_TAG "block"
#include "fs/block/block_file.h"

#include "base/checked.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/str.h"
#include "fs/block/block_control.h"
#include "fs/vfs/context.h"
#include "fs/vfs/file.h"
#include "fs/vfs/vfs.h"
#include "fs/vfs/wait.h"
#include "kern/block.h"
#include "mm/heap/heap.h"

enum {
    PIECE = 64 << 10,       /* bytes that go through the kernel's memory at once */
    DIRECT_ALIGNMENT = 512, /* of addresses, as Linux's drivers have it */
};

static struct block_device *block_device_of(const struct file *file)
{
    return file->state;
}

static uint64_t block_least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* --- open --- */

static enum err block_open(struct file *file)
{
    uint64_t number = file->inode->device;
    struct block_device *device = block_find_number(device_major(number), device_minor(number));
    if (device == NULL)
        return E_NXIO;
    if (file->flags & O_EXCL) { /* as a mount: nothing else has it for itself */
        enum err e = block_claim(device);
        if (e != E_OK)
            return e;
    }
    block_hold(device);
    file->state = device;
    file->exclusive = file->flags & O_EXCL;
    return E_OK;
}

static void block_close(struct file *file)
{
    struct block_device *device = block_device_of(file);
    if (file->exclusive)
        block_unclaim(device);
    block_release(device);
}

static uint64_t block_file_size(const struct file *file)
{
    return block_bytes(block_device_of(file));
}

/* --- reading and writing --- */

static bool is_direct_aligned(const struct file *file, const struct io *io, uint64_t offset)
{
    const struct block_device *device = block_device_of(file);
    const struct io_segment *next = io->next;
    uint64_t at = io->at.v, here = io->here, left = io->left, sizes = offset, addresses = 0;
    while (left > 0) {
        uint64_t size = block_least(here, left);
        addresses |= size > 0 ? at : 0;
        sizes |= size;
        left -= size;
        if (left > 0) {
            at = next->base.v;
            here = next->size;
            next++;
        }
    }
    return (sizes & (device->logical_size - 1)) == 0 && (addresses & (DIRECT_ALIGNMENT - 1)) == 0;
}

/* Whole blocks around the next bytes of a read or write, in memory of the kernel. */
struct piece {
    char *memory;
    uint64_t from, size; /* of the blocks */
    uint64_t skip, want; /* of the bytes in them */
};

static void choose_piece(const struct block_device *device, uint64_t offset, uint64_t left,
                         struct piece *out)
{
    uint64_t block = device->logical_size;
    out->from = align_down(offset, block);
    out->skip = offset - out->from;
    out->want = block_least(left, PIECE - out->skip);
    out->want = block_least(out->want, block_bytes(device) - offset);
    out->size = align_up(out->skip + out->want, block);
}

static enum err get_memory(struct piece *p, const struct block_device *device, const struct io *io,
                           uint64_t offset)
{
    choose_piece(device, offset, io_left(io), p);
    p->memory = heap_alloc(p->size);
    return p->memory != NULL ? E_OK : E_NOMEM;
}

static enum err block_file_read(struct file *file, struct io *io, uint64_t *offset)
{
    struct block_device *device = block_device_of(file);
    struct piece p;
    uint64_t at = *offset;
    if (file->flags & O_DIRECT && !is_direct_aligned(file, io, at))
        return E_INVAL;
    if (at >= block_bytes(device) || io_left(io) == 0)
        return E_OK;
    enum err e = get_memory(&p, device, io, at);
    if (e != E_OK)
        return e;
    while (e == E_OK && io_left(io) > 0 && at < block_bytes(device)) {
        choose_piece(device, at, io_left(io), &p);
        file_turn_keep(file, offset, false);
        e = block_read(device, p.from, p.memory, p.size);
        file_turn_end(file, offset, false);
        uint64_t before = io_left(io);
        if (e == E_OK)
            e = io_put(io, p.memory + p.skip, p.want);
        at += before - io_left(io);
        if (e == E_OK && fs_give_way())
            break;
    }
    heap_free(p.memory);
    inode_touch_accessed(file->inode, file->mount, true);
    *offset = at;
    return e;
}

static bool is_free_to_write(void *device)
{
    const struct block_device *disk = device;
    return !disk->writing;
}

/* One writer at a time in a device: it may read a block, change a part of it and write it. */
static enum err block_begin_write(struct block_device *device)
{
    enum err e = fs_wait_one(&device->disk->writers, is_free_to_write, device->disk, NO_DEADLINE);
    if (e == E_OK)
        device->disk->writing = true;
    return e;
}

static void block_end_write(struct block_device *device)
{
    device->disk->writing = false;
    wait_queue_wake_one(&device->disk->writers);
}

/* The io cursor advances by what the device has taken. */
static enum err block_write_piece(struct block_device *device, struct io *io, struct piece *p)
{
    uint64_t block = device->logical_size, end = p->skip + p->want;
    struct io start = *io;
    enum err e = E_OK, fault;
    if (p->skip > 0)
        e = block_read(device, p->from, p->memory, block);
    if (e == E_OK && end % block != 0 && (p->skip == 0 || end > block))
        e = block_read(device, p->from + p->size - block, p->memory + p->size - block, block);
    if (e != E_OK)
        return e;
    fault = io_take(io, p->memory + p->skip, p->want);
    if (fault != E_OK) { /* the whole blocks before it */
        uint64_t whole = align_down(p->skip + io_left(&start) - io_left(io), block);
        *io = start;
        if (whole <= p->skip)
            return fault;
        p->size = whole;
        e = io_take(io, p->memory + p->skip, whole - p->skip);
    }
    if (e == E_OK)
        e = block_write(device, p->from, p->memory, p->size);
    if (e != E_OK)
        *io = start;
    return e != E_OK ? e : fault;
}

static enum err block_file_write(struct file *file, struct io *io, uint64_t *offset)
{
    struct block_device *device = block_device_of(file);
    struct piece p;
    if (device->readonly)
        return E_PERM;
    if (io_left(io) == 0)
        return E_OK;
    if (*offset >= block_bytes(device))
        return E_NOSPC;
    if (file->flags & O_DIRECT && !is_direct_aligned(file, io, *offset))
        return E_INVAL;
    enum err e = get_memory(&p, device, io, *offset);
    if (e != E_OK)
        return e;
    e = block_begin_write(device);
    if (e == E_OK) {
        uint64_t at = *offset;
        while (e == E_OK && io_left(io) > 0 && at < block_bytes(device)) {
            choose_piece(device, at, io_left(io), &p);
            uint64_t before = io_left(io);
            file_turn_keep(file, offset, false);
            e = block_write_piece(device, io, &p);
            file_turn_end(file, offset, false);
            at += before - io_left(io);
            if (e == E_OK && fs_give_way())
                break;
        }
        block_end_write(device);
        if (e == E_OK && file->flags & O_DSYNC)
            e = block_flush(device);
        *offset = at;
        inode_touch_modified(file->inode);
    }
    heap_free(p.memory);
    return e;
}

static enum err block_file_sync(struct file *file, uint64_t from, uint64_t end, enum file_sync how)
{
    if (how < FILE_SYNC_DATA)
        return E_OK;
    (void)from;
    (void)end;
    return block_flush(block_device_of(file));
}

const struct file_ops block_file_ops = {
    .open = block_open,
    .release = block_close,
    .read = block_file_read,
    .write = block_file_write,
    .control = block_file_control,
    .sync = block_file_sync,
    .size = block_file_size,
    .seekable = true,
    .direct = true,
};

/* --- nodes --- */

enum err block_file_make_node(const struct block_device *device)
{
    char path[sizeof "/dev/" + BLOCK_NAME];
    fmt_snprintf(path, sizeof path, "/dev/%s", device->name);
    enum err e = vfs_make_node((struct vfs_place){NULL, path}, S_IFBLK | 0660,
                               device_number(device->major, device->minor));
    return e == E_EXIST ? E_OK : e;
}

enum err block_files_start(void)
{
    enum err e = E_OK;
    uint32_t umask = fs_current()->umask;
    fs_current()->umask = 0;
    for (struct block_device *d = block_next(NULL); e == E_OK && d != NULL; d = block_next(d)) {
        if (d->partition == 0 && block_scan(d) != E_OK)
            log_warn("%s: its partitions cannot be read", d->name);
        e = block_file_make_node(d);
    }
    fs_current()->umask = umask;
    return e;
}
