/* SPDX-License-Identifier: MIT */
#include "fs/p9/contents.h"

#include "base/str.h"
#include "fs/p9/node.h"
#include "fs/vfs/file.h"
#include "mm/heap/heap.h"

#define PIECE_MAX UINT64_C(65536) /* bytes that are moved at once */

/* One piece: [offset, offset + *size). *size: what was moved. */
static enum err read_piece(struct inode *inode, struct io *io, uint64_t offset, uint64_t *size)
{
    uint32_t fid;
    if (inode->nlink == 0) { /* its size is known here only */
        uint64_t left = offset < inode->size ? inode->size - offset : 0;
        *size = left < *size ? left : *size;
    }
    uint64_t wanted = *size;
    if (wanted == 0)
        return E_OK;
    void *bytes = heap_alloc(wanted);
    enum err e = bytes != NULL ? node_open(inode, false, &fid) : E_NOMEM;
    if (e == E_OK) {
        const struct p9_data data = {.bytes = bytes, .size = *size};
        e = p9_read(p9_fs_of(inode)->client, fid, offset, &data, size);
    }
    if (e == E_OK && inode->nlink == 0 && *size < wanted) { /* bytes that the host does not know */
        memset((uint8_t *)bytes + *size, 0, wanted - *size);
        *size = wanted;
    }
    if (e == E_OK)
        e = io_put(io, bytes, *size);
    heap_free(bytes);
    return e;
}

static uint64_t piece_of(const struct io *io)
{
    return io_left(io) < PIECE_MAX ? io_left(io) : PIECE_MAX;
}

static enum err p9_file_read(struct file *file, struct io *io, uint64_t *offset)
{
    enum err e = E_OK;
    uint64_t size = 1;
    while (e == E_OK && size > 0 && io_left(io) > 0) {
        size = piece_of(io);
        e = read_piece(file->inode, io, *offset, &size);
        *offset += e == E_OK ? size : 0;
    }
    return e;
}

/* The cursor advances by what the host has taken. */
static enum err write_piece(struct inode *inode, struct io *io, uint64_t offset, uint64_t *size)
{
    uint32_t fid;
    struct io ahead = *io;
    void *bytes = heap_alloc(*size);
    uint64_t done = 0;
    enum err e = bytes != NULL ? node_open(inode, true, &fid) : E_NOMEM;
    if (e == E_OK)
        e = io_take(&ahead, bytes, *size);
    const struct p9_data data = {.bytes = bytes, .size = io_left(io) - io_left(&ahead)};
    if (data.size > 0) {
        enum err wrote = p9_write(p9_fs_of(inode)->client, fid, offset, &data, &done);
        e = wrote != E_OK ? wrote : e;
    }
    if (done > 0 && io_take(io, bytes, done) != E_OK)
        e = E_FAULT;
    heap_free(bytes);
    *size = done;
    return e;
}

/* Bytes up to `end` are written. */
static void written(struct inode *inode, uint64_t end)
{
    node_of(inode)->changes++;
    node_of(inode)->asked_ns = 0;
    if (end > inode->size)
        inode->size = end;
    if (end > node_of(inode)->host_size)
        node_of(inode)->host_size = end;
    inode_touch_modified(inode);
}

static enum err p9_file_write(struct file *file, struct io *io, uint64_t *offset)
{
    enum err e = E_OK;
    while (e == E_OK && io_left(io) > 0) {
        uint64_t size = piece_of(io);
        e = write_piece(file->inode, io, *offset, &size);
        *offset += size;
        if (size > 0)
            written(file->inode, *offset);
    }
    return e;
}

/* Both are open from now on, whatever becomes of the name; errors are open()'s. */
static enum err p9_file_open(struct file *file)
{
    uint32_t fid;
    enum err e = file_can_write(file) ? node_open(file->inode, true, &fid) : E_OK;
    return e == E_OK && file_can_read(file) ? node_open(file->inode, false, &fid) : e;
}

const struct file_ops p9_file_ops = {
    .open = p9_file_open,
    .read = p9_file_read,
    .write = p9_file_write,
    .seekable = true,
};

void contents_begin(struct inode *inode)
{
    inode->file_ops = &p9_file_ops;
}

void contents_end(struct inode *inode)
{
    (void)inode;
}

bool contents_are_clean(const struct inode *inode)
{
    (void)inode;
    return true;
}

enum err contents_write_back(struct inode *inode)
{
    (void)inode;
    return E_OK;
}

enum err contents_truncate(struct inode *inode, uint64_t size)
{
    enum err e = node_set_size(inode, size);
    if (e != E_OK)
        return e;
    inode->size = size;
    inode_touch_modified(inode);
    return E_OK;
}
