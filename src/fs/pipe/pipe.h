/* SPDX-License-Identifier: MIT */
/*
 * Pipes and fifos (pipe(7)). The bytes lie in a ring that grows from one page to the pipe's
 * capacity. Writes of at most PIPE_ATOMIC bytes go in whole or not at all.
 *
 * Both may sleep, so whoever calls read or write holds a reference to the file.
 */
#pragma once

#include "fs/vfs/file.h"

#define PIPE_ATOMIC       4096u    /* PIPE_BUF */
#define PIPE_CAPACITY     65536u   /* of a new pipe */
#define PIPE_CAPACITY_MAX 1048576u /* that F_SETPIPE_SZ gives (/proc/sys/fs/pipe-max-size) */

struct pipe_ring {
    char *bytes;   /* heap; NULL while `size` is 0 */
    uint32_t size; /* allocated: 0, or a power of two */
    uint32_t head; /* index of the oldest byte */
    uint32_t used;
    uint32_t capacity; /* `size` never grows beyond: a power of two, at least a page */
};

/* Moves what fits from the cursor, at most `most` bytes. E_NOMEM, E_FAULT; what was moved stays
 * moved. */
MUST_CHECK enum err pipe_ring_fill(struct pipe_ring *ring, struct io *io, uint64_t most);
/* Moves what is there to the cursor. E_FAULT likewise. */
MUST_CHECK enum err pipe_ring_drain(struct pipe_ring *ring, struct io *io);
/* E_BUSY: more than that is in it. E_NOMEM. */
MUST_CHECK enum err pipe_ring_resize(struct pipe_ring *ring, uint32_t capacity);

/* Both ends open, with O_NONBLOCK or 0 in flags; one reference each. */
MUST_CHECK enum err pipe_create(uint32_t flags, struct file **reader, struct file **writer);
/* F_GETPIPE_SZ and F_SETPIPE_SZ: E_BADF when it is no pipe. E_INVAL, E_BUSY, E_NOMEM. */
MUST_CHECK enum err pipe_capacity(const struct file *file, uint32_t *out);
MUST_CHECK enum err pipe_set_capacity(struct file *file, uint64_t size, uint32_t *out);

/* For splice() and tee(), on files of which pipe_is() is true. */
bool pipe_is(const struct file *file);
/* Sleeps until there is something to read, or no writer; or until there is room. E_AGAIN with
 * `eager`; E_INTR; E_PIPE, and the signal, when nobody will read it. */
MUST_CHECK enum err pipe_wait(struct file *file, bool write, bool eager);
uint64_t pipe_room(const struct file *file);
/* Copies up to `size` bytes from behind the first `from`; they stay there. */
uint64_t pipe_peek(const struct file *file, char *to, uint64_t size, uint64_t from);
/* Takes away the first `size` bytes, which are there. */
void pipe_skip(struct file *file, uint64_t size);
/* Puts back what was taken away. */
void pipe_unread(struct file *file, const char *bytes, uint64_t size);
