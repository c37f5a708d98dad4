/* SPDX-License-Identifier: MIT */
#include "fs/vfs/io.h"

#include "base/panic.h"
#include "base/str.h"
#include "fs/vfs/wait.h"
#include "kern/random.h"
#include "mm/vm/usercopy.h"

#define RANDOM_CHUNK 1024 /* divides PAGE_SIZE */

enum direction {
    PUT,
    TAKE,
    ZEROS,
};

static enum err io_move(enum direction direction, const struct io *io, char *bytes, uint64_t size)
{
    if (io->kernel) {
        if (direction == PUT)
            memcpy(ptr_of(io->at), bytes, size);
        else if (direction == TAKE)
            memcpy(bytes, ptr_of(io->at), size);
        else
            memset(ptr_of(io->at), 0, size);
        return E_OK;
    }
    if (direction == PUT)
        return copy_out_now(io->at, bytes, size);
    if (direction == TAKE)
        return copy_in(bytes, io->at, size);
    return clear_out_now(io->at, size);
}

static void advance(struct io *io, uint64_t size)
{
    io->at.v += size;
    io->here -= size;
    io->left -= size;
}

/* Repeats a move that faulted, page by page up to the page that cannot be accessed. */
static enum err move_pages(enum direction direction, struct io *io, char *bytes, uint64_t size)
{
    while (size > 0) {
        uint64_t chunk = PAGE_SIZE - (io->at.v & PAGE_MASK);
        if (chunk > size)
            chunk = size;
        enum err e = io_move(direction, io, bytes, chunk);
        if (e != E_OK)
            return e;
        advance(io, chunk);
        bytes = bytes ? bytes + chunk : NULL;
        size -= chunk;
    }
    return E_OK;
}

static enum err io_transfer(enum direction direction, struct io *io, char *bytes, uint64_t size)
{
    assert(size <= io->left);
    while (size > 0) {
        while (io->here == 0) {
            io->at = io->next->base;
            io->here = io->next->size;
            io->next++;
        }
        uint64_t chunk = io->here < size ? io->here : size;
        if (io_move(direction, io, bytes, chunk) == E_OK) {
            advance(io, chunk);
        } else {
            enum err e = move_pages(direction, io, bytes, chunk);
            if (e != E_OK)
                return e;
        }
        bytes = bytes ? bytes + chunk : NULL;
        size -= chunk;
    }
    return E_OK;
}

enum err io_put(struct io *io, const void *from, uint64_t size)
{
    return io_transfer(PUT, io, (char *)(uintptr_t)from, size);
}

enum err io_take(struct io *io, void *to, uint64_t size)
{
    return io_transfer(TAKE, io, to, size);
}

enum err io_put_zeros(struct io *io, uint64_t size)
{
    return io_transfer(ZEROS, io, NULL, size);
}

/* io_put() of `size` bytes has stopped; the cursor had `left` bytes before. */
COLD enum err io_put_again(struct io *io, const void *from, uint64_t size, uint64_t left)
{
    enum err e = E_INTR;
    while (e == E_INTR && (e = copy_wait(e)) == E_OK) {
        uint64_t done = left - io->left;
        e = io_put(io, (const char *)from + done, size - done);
    }
    return e;
}

enum err io_put_random(struct io *io)
{
    uint8_t bytes[RANDOM_CHUNK];
    uint64_t done = 0;
    enum err e = E_OK;
    while (e == E_OK && io->left > 0) {
        if (done > 0 && done % PAGE_SIZE == 0 && fs_give_way())
            break;
        uint64_t chunk = io->left < sizeof bytes ? io->left : sizeof bytes;
        random_fill(bytes, chunk);
        e = io_put_waiting(io, bytes, chunk);
        done += chunk;
    }
    memset(bytes, 0, sizeof bytes);
    return e;
}
