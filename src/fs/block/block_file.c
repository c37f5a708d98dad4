/* SPDX-License-Identifier: MIT */
#define LOG_TAG "block"
#include "fs/block/block_file.h"

#include "base/fmt.h"
#include "base/log.h"
#include "base/str.h"
#include "fs/block/block_control.h"
#include "fs/cache/device_pages.h"
#include "fs/vfs/context.h"
#include "fs/vfs/file.h"
#include "fs/vfs/vfs.h"
#include "fs/vfs/wait.h"
#include "kern/block.h"
#include "mm/heap/heap.h"

enum {
    PIECE = 64 << 10,       /* bytes of O_DIRECT that go through the kernel's memory at once */
    DIRECT_ALIGNMENT = 512, /* of addresses, as Linux's drivers have it */
};

/* The open file of the device's pages, in file->state. Its flags follow. */
static struct file *pages_of(const struct file *file)
{
    struct file *pages = file->state;
    pages->flags = file->flags & ~(uint32_t)(O_DIRECT | O_APPEND);
    return pages;
}

struct block_device *block_file_device(const struct file *file)
{
    return device_of_pages(pages_of(file)->inode);
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
    struct file *pages = heap_alloc_zero(sizeof *pages);
    enum err e = pages != NULL ? E_OK : E_NOMEM;
    file->exclusive = file->flags & O_EXCL;
    if (e == E_OK && file->exclusive) /* as a mount: nothing else has it for itself */
        e = block_claim(device);
    if (e != E_OK)
        goto free_pages;
    e = device_pages_get(device, &pages->inode);
    if (e != E_OK)
        goto unclaim;
    pages->ops = &page_cache_file_ops;
    file->state = pages;
    return pages->ops->open(pages);

unclaim:
    if (file->exclusive)
        block_unclaim(device);
free_pages:
    heap_free(pages);
    return e;
}

static void block_close(struct file *file)
{
    struct file *pages = file->state;
    if (file->exclusive)
        block_unclaim(device_of_pages(pages->inode));
    device_pages_put(pages->inode);
    heap_free(pages);
}

static uint64_t block_file_size(const struct file *file)
{
    return block_bytes(block_file_device(file));
}

/* --- reading and writing --- */

static bool is_direct_aligned(const struct block_device *device, const struct io *io,
                              uint64_t offset)
{
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

/* Whole blocks from the program to the device: those before an address that cannot be read. The io cursor advances by what the
 * device has taken. */
static enum err write_piece(struct block_device *device, struct io *io, uint64_t offset,
                            void *memory, uint64_t size)
{
    struct io start = *io;
    enum err fault = io_take(io, memory, size), e;
    uint64_t whole = align_down(io_left(&start) - io_left(io), device->logical_size);
    if (fault != E_OK) {
        *io = start;
        (void)!io_take(io, memory, whole);
    }
    e = whole > 0 ? block_write(device, offset, memory, whole) : E_OK;
    if (e == E_OK)
        return fault;
    *io = start;
    return e;
}

/* O_DIRECT: between the program and the device, in pieces. */
static enum err move_direct(struct inode *pages, struct io *io, uint64_t *offset, bool write)
{
    struct block_device *device = device_of_pages(pages);
    uint64_t from = *offset, left = io_left(io);
    if (!is_direct_aligned(device, io, from))
        return E_INVAL;
    enum err e = device_pages_drop(pages, from, from + left);
    char *memory = heap_alloc(block_least(left, PIECE));
    if (e == E_OK && memory == NULL)
        e = E_NOMEM;
    while (e == E_OK && io_left(io) > 0) {
        uint64_t size = block_least(io_left(io), PIECE);
        if (write)
            e = write_piece(device, io, *offset, memory, size);
        else if ((e = block_read(device, *offset, memory, size)) == E_OK)
            e = io_put(io, memory, size);
        *offset = from + left - io_left(io);
        if (e == E_OK && fs_give_way())
            break;
    }
    heap_free(memory);
    if (write && *offset > from)
        (void)!device_pages_drop(pages, from, *offset);
    return e;
}

/* The part of the bytes that is before the end of the device. */
static enum err move_bytes(struct file *file, struct io *io, uint64_t *offset, bool write)
{
    struct file *pages = pages_of(file);
    uint64_t left = io_left(io), size = pages->inode->size;
    enum err e = E_OK;
    if (left == 0 || *offset >= size)
        return write && left > 0 ? E_NOSPC : E_OK;
    if (write)
        e = inode_take_turn(pages->inode);
    if (e != E_OK)
        return e;
    uint64_t inside = block_least(left, size - *offset);
    io_truncate(io, inside);
    file_turn_keep(file, offset, false);
    if (file->flags & O_DIRECT) {
        uint64_t from = *offset;
        e = move_direct(pages->inode, io, offset, write);
        if (write && *offset > from && (file->flags & O_DSYNC))
            e = block_flush(device_of_pages(pages->inode));
    } else {
        e = write ? pages->ops->write(pages, io, offset) : pages->ops->read(pages, io, offset);
    }
    file_turn_end(file, offset, false);
    io_truncate(io, io_left(io) + left - inside);
    return e;
}

static enum err block_file_read(struct file *file, struct io *io, uint64_t *offset)
{
    inode_touch_accessed(file->inode, file->mount, true);
    return move_bytes(file, io, offset, false);
}

static enum err block_file_write(struct file *file, struct io *io, uint64_t *offset)
{
    if (block_file_device(file)->readonly)
        return E_PERM;
    inode_touch_modified(file->inode);
    return move_bytes(file, io, offset, true);
}

static enum err block_file_sync(struct file *file, uint64_t from, uint64_t end, enum file_sync how)
{
    struct file *pages = pages_of(file);
    return pages->ops->sync(pages, from, end, how);
}

static void block_file_advise(struct file *file, uint64_t from, uint64_t end,
                              enum file_advice advice)
{
    struct file *pages = pages_of(file);
    pages->ops->advise(pages, from, end, advice);
}

static struct file *block_file_mapped(struct file *file)
{
    return pages_of(file);
}

const struct file_ops block_file_ops = {
    .open = block_open,
    .release = block_close,
    .read = block_file_read,
    .write = block_file_write,
    .control = block_file_control,
    .sync = block_file_sync,
    .advise = block_file_advise,
    .size = block_file_size,
    .mapped = block_file_mapped,
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
