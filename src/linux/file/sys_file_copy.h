/* SPDX-License-Identifier: MIT */
/* Copies between open files; shared by sys_file_copy.c and sys_file_splice.c. */
#pragma once

#include "fs/vfs/file.h"

#define COPY_BUFFER 16384u /* bytes, from the heap */

struct copy {
    struct file *in, *out;
    uint64_t *in_offset, *out_offset;
    uint64_t left;
    uint64_t done;
};

/* Copies up to `most` bytes, at most COPY_BUFFER. *more: false at the end of the input and after a
 * short write. */
MUST_CHECK enum err copy_some(struct copy *copy, char *buffer, uint64_t most, bool *more);

/* An optional offset argument; the file position if the program passed NULL. */
struct offset_argument {
    uint64_t value;
    uint64_t *use;
};

/* E_FAULT; E_INVAL; E_SPIPE: the file is not seekable. */
MUST_CHECK enum err offset_copy_in(struct offset_argument *offset, uint64_t from,
                                   struct file *file);
MUST_CHECK enum err offset_copy_out(const struct offset_argument *offset, uint64_t to);
