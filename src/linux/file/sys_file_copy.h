/* SPDX-License-Identifier: MIT */
/* Copying between open files: between sys_file_copy.c and sys_file_splice.c. */
#pragma once

#include "fs/vfs/file.h"

#define COPY_BUFFER 16384u /* bytes, from the heap */

struct copy {
    struct file *in, *out;
    uint64_t *in_offset, *out_offset;
    uint64_t left;
    uint64_t done;
};

/* At most one buffer full, and at most `most` bytes. *more is false at the end of the input and after
 * a short write. */
MUST_CHECK enum err copy_some(struct copy *copy, char *buffer, uint64_t most, bool *more);

/* An offset that the program may have given: the file's own when there is no pointer. */
struct offset_argument {
    uint64_t value;
    uint64_t *use;
};

/* E_FAULT, E_INVAL; E_SPIPE for a file without positions. */
MUST_CHECK enum err offset_copy_in(struct offset_argument *offset, uint64_t from,
                                   struct file *file);
MUST_CHECK enum err offset_copy_out(const struct offset_argument *offset, uint64_t to);
