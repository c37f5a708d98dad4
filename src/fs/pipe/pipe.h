/* SPDX-License-Identifier: MIT */
/*
 * Pipes and fifos (pipe(7)). The bytes are in a ring that grows from one page to the pipe's
 * capacity. Writes of at most PIPE_ATOMIC bytes are atomic. A write to an end with O_DIRECT makes
 * packets: a read takes at most one and drops what it has no room for (pipe(2)). splice() forgets
 * where the packets that it takes began.
 *
 * Reads and writes may sleep: the caller must hold a reference to the file.
 */
#pragma once

#include "fs/vfs/file.h"

#define PIPE_ATOMIC       4096u  /* PIPE_BUF */
#define PIPE_CAPACITY     65536u /* of a new pipe */
#define PIPE_CAPACITY_MAX 1048576u
/* Limit of F_SETPIPE_SZ without CAP_SYS_RESOURCE: fs.pipe-max-size. */
extern uint64_t pipe_capacity_max;
#define PIPE_CAPACITY_TOP                                                                          \
    8388608u /* ... with CAP_SYS_RESOURCE: what is copied between two preemption points */

struct pipe_ring {
    char *bytes;   /* heap; NULL while `size` is 0 */
    uint32_t size; /* bytes allocated: 0, or a power of two */
    uint32_t head; /* index of the oldest byte */
    uint32_t used;
    uint32_t capacity; /* limit of `size`: a power of two, at least a page */
};

/* Moves bytes from the cursor to the ring: as many as fit, at most `most`. E_NOMEM, E_FAULT: bytes
 * that were moved before the error stay moved. */
MUST_CHECK enum err pipe_ring_fill(struct pipe_ring *ring, struct io *io, uint64_t most);
/* Moves bytes from the ring to the cursor. E_FAULT as pipe_ring_fill(). */
MUST_CHECK enum err pipe_ring_drain(struct pipe_ring *ring, struct io *io);
/* Sets the capacity. E_BUSY: the ring holds more bytes than that. E_NOMEM. */
MUST_CHECK enum err pipe_ring_resize(struct pipe_ring *ring, uint32_t capacity);

/* Makes a pipe and opens both ends. flags: O_NONBLOCK, O_DIRECT. One reference each. */
MUST_CHECK enum err pipe_create(uint32_t flags, struct file **reader, struct file **writer);
/* F_GETPIPE_SZ and F_SETPIPE_SZ. E_BADF: not a pipe. E_INVAL, E_PERM, E_BUSY, E_NOMEM. */
MUST_CHECK enum err pipe_capacity(const struct file *file, uint32_t *out);
MUST_CHECK enum err pipe_set_capacity(struct file *file, uint64_t size, uint32_t *out);

/* For splice() and tee(); the functions after pipe_is() take only files for which it is true. */
bool pipe_is(const struct file *file);
/* Sleeps until the pipe has room (`write`), or bytes or no writer (!write). E_AGAIN instead of
 * sleeping if `eager`; E_INTR; E_PIPE with SIGPIPE: no reader. */
MUST_CHECK enum err pipe_wait(struct file *file, bool write, bool eager);
uint64_t pipe_room(const struct file *file);
/* Copies up to `size` bytes from offset `from` in the pipe, without removing them. Returns their
 * number. */
uint64_t pipe_peek(const struct file *file, char *to, uint64_t size, uint64_t from);
/* Removes the first `size` bytes; the pipe must hold as many. */
void pipe_skip(struct file *file, uint64_t size);
/* Inserts bytes before the first; they are lost if memory is short. */
void pipe_unread(struct file *file, const char *bytes, uint64_t size);
