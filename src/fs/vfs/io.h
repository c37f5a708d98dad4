/* SPDX-License-Identifier: MIT */
/*
 * A cursor over the buffer of a read or write (Linux's iov_iter): memory of the program, in one or
 * more segments, or memory of the kernel. A file operation moves runs of bytes between its pages
 * and the cursor, so nothing is copied twice and readv() is one operation.
 *
 * The cursor holds the position. An operation that fails half way returns its error; the caller
 * compares io_left() and, as Linux does, reports the bytes moved instead of the error.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io_segment { /* laid out as Linux's struct iovec */
    virt_t base;
    uint64_t size;
};

struct io {
    const struct io_segment *next; /* segments after the current one */
    virt_t at;                     /* next byte of the current segment */
    uint64_t here;                 /* bytes left of the current segment */
    uint64_t left;                 /* bytes left of all segments */
    bool kernel;                   /* the addresses are kernel memory */
};

/* A cursor over one range of the program's memory. */
static inline struct io io_user(virt_t base, uint64_t size)
{
    return (struct io){.at = base, .here = size, .left = size};
}

/* A cursor over kernel memory. const is cast away: a write operation only reads the memory. */
static inline struct io io_kernel(const void *base, uint64_t size)
{
    return (struct io){.at = virt_of(base), .here = size, .left = size, .kernel = true};
}

/* A cursor over segments of `total` bytes, which the caller keeps. */
static inline struct io io_iov(const struct io_segment *segments, uint64_t total)
{
    return (struct io){.next = segments, .left = total};
}

static inline uint64_t io_left(const struct io *io)
{
    return io->left;
}

/* Shortens the cursor to `size` <= io_left(io) bytes. */
static inline void io_truncate(struct io *io, uint64_t size)
{
    io->left = size;
}

/* Move `size` <= io_left(io) bytes into or out of the cursor. E_FAULT after moving all bytes before
 * the first page that cannot be accessed; E_INTR: a device has that page. They do not sleep: the loop
 * around them brings the page in with copy_wait() (mm/vm/usercopy.h), holding nothing, and goes on. */
MUST_CHECK enum err io_put(struct io *io, const void *from, uint64_t size);
MUST_CHECK enum err io_take(struct io *io, void *to, uint64_t size);
MUST_CHECK enum err io_put_zeros(struct io *io, uint64_t size);
/* As io_put(), but sleeps until a device has given the page: for bytes of the caller's own, which it could
 * not give back. Nothing else is held. */
MUST_CHECK enum err io_put_again(struct io *io, const void *from, uint64_t size, uint64_t left);
MUST_CHECK static inline enum err io_put_waiting(struct io *io, const void *from, uint64_t size)
{
    uint64_t left = io->left;
    enum err e = io_put(io, from, size);
    return likely(e != E_INTR) ? e : io_put_again(io, from, size, left);
}
/* Random bytes to the end of the cursor, or to a multiple of a page where a signal waits, as Linux has it. */
MUST_CHECK enum err io_put_random(struct io *io);
