/* SPDX-License-Identifier: MIT */
/*
 * splice(2), tee(2), vmsplice(2). Data is copied through a buffer; moving pages instead, as Linux
 * does, would only be faster.
 */
#include "linux/file/sys_file.h"

#include "fs/pipe/pipe.h"
#include "linux/file/args.h"
#include "linux/file/sys_file_copy.h"
#include "mm/heap/heap.h"

#define SPLICE_F_NONBLOCK 2u
#define SPLICE_F_ALL      15u

/* Copies up to `left` bytes out of a pipe, at most COPY_BUFFER; bytes that the output rejects
 * return to the pipe. */
static enum err splice_from(struct copy *copy, char *buffer, bool *more)
{
    uint64_t size = copy->left < COPY_BUFFER ? copy->left : COPY_BUFFER, got, put = 0;
    if (pipe_is(copy->out) && size > pipe_room(copy->out))
        size = pipe_room(copy->out);
    got = pipe_peek(copy->in, buffer, size, 0);
    pipe_skip(copy->in, got);
    *more = false;
    if (got == 0)
        return E_OK;
    struct io io = io_kernel(buffer, got);
    enum err e = file_write(copy->out, &io, copy->out_offset, &put);
    pipe_unread(copy->in, buffer + put, got - put);
    copy->left -= put;
    copy->done += put;
    *more = put == got && copy->left > 0;
    return e;
}

static enum err splice_wait(const struct copy *copy, uint32_t flags)
{
    enum err e = E_OK;
    bool eager = flags & SPLICE_F_NONBLOCK;
    if (pipe_is(copy->in))
        e = pipe_wait(copy->in, false, eager || (copy->in->flags & O_NONBLOCK));
    if (e == E_OK && pipe_is(copy->out))
        e = pipe_wait(copy->out, true, eager || (copy->out->flags & O_NONBLOCK));
    return e;
}

static enum err file_splice_splice(struct copy *copy, uint32_t flags)
{
    char *buffer = heap_alloc(COPY_BUFFER);
    if (!buffer)
        return E_NOMEM;
    bool more = true;
    enum err e = splice_wait(copy, flags);
    while (e == E_OK && more) {
        uint64_t room = pipe_is(copy->out) ? pipe_room(copy->out) : UINT64_MAX;
        if (room == 0)
            break;
        e = pipe_is(copy->in) ? splice_from(copy, buffer, &more)
                              : copy_some(copy, buffer, room, &more);
        if (!pipe_is(copy->in) && !copy->in->ops->seekable)
            break; /* a second read might sleep */
    }
    heap_free(buffer);
    return e;
}

static enum err file_splice_finish(struct syscall *call, enum err e, uint64_t done)
{
    call->result = done;
    if (done > 0)
        return E_OK;
    if (e == E_INTR)
        call->restart = true;
    return e;
}

enum err sys_splice(struct syscall *call)
{
    struct file *in = fd_file(call->arg[0]), *out = fd_file(call->arg[2]);
    struct offset_argument from, to;
    uint32_t flags = (uint32_t)call->arg[5];
    if (call->arg[4] == 0)
        return E_OK;
    if (flags & ~SPLICE_F_ALL)
        return E_INVAL;
    if (!in || !out)
        return E_BADF;
    if ((pipe_is(in) && call->arg[1] != 0) || (pipe_is(out) && call->arg[3] != 0))
        return E_SPIPE;
    enum err e = offset_copy_in(&to, call->arg[3], out);
    if (e == E_OK)
        e = offset_copy_in(&from, call->arg[1], in);
    if (e == E_SPIPE)
        e = E_INVAL;
    if (e != E_OK)
        return e;
    if (!file_can_read(in) || !file_can_write(out))
        return E_BADF;
    if (!(pipe_is(in) || pipe_is(out)) || in->inode == out->inode || (out->flags & O_APPEND) ||
        !in->ops->read || !out->ops->write || mode_is(in->inode->mode, S_IFDIR) ||
        (call->arg[4] > INT64_MAX && !(pipe_is(in) && pipe_is(out))))
        return E_INVAL;
    uint64_t size = call->arg[4] < IO_BYTES_MAX ? call->arg[4] : IO_BYTES_MAX;
    struct copy copy = {in, out, from.use, to.use, size, 0};
    file_get(in);
    file_get(out);
    e = file_splice_splice(&copy, flags);
    file_put(out);
    file_put(in);
    e = file_splice_finish(call, e, copy.done);
    if (e == E_OK)
        e = offset_copy_out(&to, call->arg[3]);
    return e == E_OK ? offset_copy_out(&from, call->arg[1]) : e;
}

static enum err tee(struct copy *copy, uint32_t flags)
{
    char *buffer = heap_alloc(COPY_BUFFER);
    if (!buffer)
        return E_NOMEM;
    enum err e = splice_wait(copy, flags);
    uint64_t got = 1, put = 1;
    while (e == E_OK && put > 0) {
        uint64_t size = copy->left < COPY_BUFFER ? copy->left : COPY_BUFFER;
        if (size > pipe_room(copy->out))
            size = pipe_room(copy->out);
        got = pipe_peek(copy->in, buffer, size, copy->done);
        if (got == 0)
            break;
        struct io io = io_kernel(buffer, got);
        e = file_write(copy->out, &io, copy->out_offset, &put);
        copy->done += e == E_OK ? put : 0;
        copy->left -= e == E_OK ? put : 0;
    }
    heap_free(buffer);
    return e;
}

enum err sys_tee(struct syscall *call)
{
    struct file *in = fd_file(call->arg[0]), *out = fd_file(call->arg[1]);
    uint32_t flags = (uint32_t)call->arg[3];
    if (flags & ~SPLICE_F_ALL)
        return E_INVAL;
    if (call->arg[2] == 0)
        return E_OK;
    if (!in || !out || !file_can_read(in) || !file_can_write(out))
        return E_BADF;
    if (!pipe_is(in) || !pipe_is(out) || in->inode == out->inode)
        return E_INVAL;
    uint64_t size = call->arg[2] < IO_BYTES_MAX ? call->arg[2] : IO_BYTES_MAX;
    struct copy copy = {in, out, &in->offset, &out->offset, size, 0};
    file_get(in);
    file_get(out);
    enum err e = tee(&copy, flags);
    file_put(out);
    file_put(in);
    return file_splice_finish(call, e, copy.done);
}

enum err sys_vmsplice(struct syscall *call)
{
    struct file *file = fd_file(call->arg[0]);
    uint32_t flags = (uint32_t)call->arg[3];
    if (flags & ~SPLICE_F_ALL)
        return E_INVAL;
    if (!file || !pipe_is(file))
        return E_BADF;
    struct iov iov;
    enum err e = iov_copy_in(&iov, call->arg[1], (uint32_t)call->arg[2]);
    if (e != E_OK)
        return e;
    bool write = file_can_write(file);
    uint64_t done = 0;
    file_get(file);
    if (io_left(&iov.io) > 0)
        e = pipe_wait(file, write, flags & SPLICE_F_NONBLOCK); /* O_NONBLOCK does not count */
    if (write && io_left(&iov.io) > pipe_room(file))
        io_truncate(&iov.io, pipe_room(file)); /* as Linux: does not wait again */
    if (e == E_OK)
        e = write ? file_write(file, &iov.io, &file->offset, &done)
                  : file_read(file, &iov.io, &file->offset, &done);
    file_put(file);
    iov_free(&iov);
    return file_splice_finish(call, e, done);
}
