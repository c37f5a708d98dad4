/* SPDX-License-Identifier: MIT */
/*
 * sendfile(2), copy_file_range(2): copies between files through a kernel buffer. The input position
 * advances by the number of bytes that the output accepted, so a short write loses no data.
 */
#include "linux/file/sys_file_copy.h"

#include "base/checked.h"
#include "kern/thread.h"
#include "linux/file/args.h"
#include "linux/file/sys_file.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

enum err copy_some(struct copy *copy, char *buffer, uint64_t most, bool *more)
{
    uint64_t size = copy->left < COPY_BUFFER ? copy->left : COPY_BUFFER;
    if (size > most)
        size = most;
    uint64_t at = *copy->in_offset, got, put = 0;
    struct io io = io_kernel(buffer, size);
    enum err e = file_read(copy->in, &io, &at, &got);
    if (e != E_OK)
        return e;
    if (got > 0) {
        io = io_kernel(buffer, got);
        e = file_write(copy->out, &io, copy->out_offset, &put);
        if (e != E_OK)
            return e;
    }
    *copy->in_offset += put;
    copy->left -= put;
    copy->done += put;
    *more = put > 0 && put == got && copy->left > 0;
    return E_OK;
}

static enum err copy_all(struct syscall *call, struct copy *copy)
{
    char *buffer = heap_alloc(COPY_BUFFER);
    if (!buffer)
        return E_NOMEM;
    bool more = copy->left > 0;
    enum err e = E_OK;
    file_get(copy->in);
    file_get(copy->out);
    while (more && e == E_OK) {
        thread_give_way();
        e = copy_some(copy, buffer, UINT64_MAX, &more);
    }
    file_put(copy->out);
    file_put(copy->in);
    heap_free(buffer);
    if (copy->done > 0)
        e = E_OK;
    if (e == E_OK)
        call->result = copy->done;
    else if (e == E_INTR)
        call->restart = true;
    return e;
}

enum err offset_copy_in(struct offset_argument *offset, uint64_t from, struct file *file)
{
    offset->use = &file->offset;
    if (from == 0)
        return E_OK;
    offset->use = &offset->value;
    enum err e = copy_in(&offset->value, virt(from), sizeof(offset->value));
    if (e != E_OK)
        return e;
    if (offset->value > INT64_MAX)
        return E_INVAL;
    return file->ops->seekable ? E_OK : E_SPIPE;
}

enum err offset_copy_out(const struct offset_argument *offset, uint64_t to)
{
    return to == 0 ? E_OK : copy_out(virt(to), &offset->value, sizeof(offset->value));
}

enum err sys_sendfile(struct syscall *call)
{
    struct file *out = fd_file(call->arg[0]), *in = fd_file(call->arg[1]);
    if (!in || !file_can_read(in))
        return E_BADF;
    struct offset_argument offset;
    enum err e = offset_copy_in(&offset, call->arg[2], in);
    if (e != E_OK)
        return e;
    if (!out || !file_can_write(out))
        return E_BADF;
    if (!in->ops->seekable || !in->ops->read || !out->ops->write || (out->flags & O_APPEND))
        return E_INVAL;
    if (mode_is(in->inode->mode, S_IFDIR) || call->arg[3] > INT64_MAX ||
        *offset.use > INT64_MAX - call->arg[3])
        return E_INVAL;
    uint64_t size = call->arg[3] < IO_BYTES_MAX ? call->arg[3] : IO_BYTES_MAX;
    struct copy copy = {in, out, offset.use, &out->offset, size, 0};
    e = copy_all(call, &copy);
    return e == E_OK ? offset_copy_out(&offset, call->arg[2]) : e;
}

static enum err copy_range_allowed(const struct file *in, const struct file *out)
{
    if (mode_is(in->inode->mode, S_IFDIR) || mode_is(out->inode->mode, S_IFDIR))
        return E_ISDIR;
    if (!mode_is(in->inode->mode, S_IFREG) || !mode_is(out->inode->mode, S_IFREG))
        return E_INVAL;
    if (!file_can_read(in) || !file_can_write(out) || (out->flags & O_APPEND))
        return E_BADF;
    return in->inode->fs == out->inode->fs ? E_OK : E_XDEV;
}

/* Limits the size to what `in` has. E_OVERFLOW, E_FBIG, E_INVAL: a negative position, or the ranges
 * overlap. The order of the checks is Linux's. */
static enum err copy_range_limit(const struct file *in, const struct file *out, uint64_t from,
                                 uint64_t to, uint64_t *size)
{
    uint64_t sum, end = in->inode->size;
    if (!checked_add(from, *size, &sum) || !checked_add(to, *size, &sum))
        return E_OVERFLOW;
    uint64_t left = from < end ? end - from : 0;
    *size = *size < left ? *size : left;
    *size = *size < IO_BYTES_MAX ? *size : IO_BYTES_MAX;
    if (to == INT64_MAX)
        return E_FBIG;
    bool overlaps = in->inode == out->inode && from < to + *size && to < from + *size;
    return from > INT64_MAX || to > INT64_MAX || overlaps ? E_INVAL : E_OK;
}

static enum err position_copy_in(struct offset_argument *offset, uint64_t from)
{
    if (from == 0)
        return E_OK;
    offset->use = &offset->value;
    return copy_in(&offset->value, virt(from), sizeof(offset->value));
}

enum err sys_copy_file_range(struct syscall *call)
{
    struct file *in = fd_file(call->arg[0]), *out = fd_file(call->arg[2]);
    if (!in || !out)
        return E_BADF;
    struct offset_argument from = {.use = &in->offset}, to = {.use = &out->offset};
    enum err e = position_copy_in(&from, call->arg[1]);
    if (e == E_OK)
        e = position_copy_in(&to, call->arg[3]);
    if (e == E_OK && (uint32_t)call->arg[5] != 0)
        e = E_INVAL;
    if (e == E_OK)
        e = copy_range_allowed(in, out);
    uint64_t size = call->arg[4];
    if (e == E_OK)
        e = copy_range_limit(in, out, *from.use, *to.use, &size);
    if (e != E_OK)
        return e;
    struct copy copy = {in, out, from.use, to.use, size, 0};
    e = copy_all(call, &copy);
    if (e == E_OK)
        e = offset_copy_out(&from, call->arg[1]);
    return e == E_OK ? offset_copy_out(&to, call->arg[3]) : e;
}
