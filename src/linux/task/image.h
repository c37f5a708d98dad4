/* SPDX-License-Identifier: MIT */
/* Opens, checks and maps an executable file. For linux/exec/exec.c. */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "fs/vfs/file.h"
#include "parse/elf64.h"

#define EXEC_HEAD_SIZE 256 /* limit of a script's first line (BINPRM_BUF_SIZE) */

/* The reason why a program does not start, for the user. */
struct exec_refusal {
    int exit_status;    /* as in shells: 127 not found, 126 cannot be run */
    bool too_late;      /* the old program has been removed */
    char sentence[256]; /* "/prog: not an ELF file" */
};

struct exec_image {
    struct file *file;       /* one reference, writes denied; NULL if closed */
    struct elf64_image *elf; /* heap; NULL before exec_image_parse() */
    uint64_t bias;           /* valid after exec_image_map() */
};

/* Opens an executable regular file. On failure (E_NOENT, E_ACCES, E_TXTBSY, ...) *why is filled
 * in. */
MUST_CHECK enum err exec_image_open(const char *path, struct exec_image *out,
                                    struct exec_refusal *why);
/* The same by its place: E_ACCES (also for what is no regular file), E_TXTBSY, ... */
MUST_CHECK enum err exec_image_open_at(const struct location *at, struct exec_image *out);
/* Reads the first EXEC_HEAD_SIZE bytes, zero-filled past the end of the file. */
MUST_CHECK enum err exec_image_head(struct exec_image *image, uint8_t head[EXEC_HEAD_SIZE]);
/* Parses the ELF headers. E_NOEXEC, E_NOMEM, E_IO, ...; *why is filled in. */
MUST_CHECK enum err exec_image_parse(struct exec_image *image, const char *path,
                                     struct exec_refusal *why);
/* Maps all segments, moved by `bias` if the image is position-independent. E_NOMEM. */
MUST_CHECK enum err exec_image_map(struct exec_image *image, uint64_t bias);
/* Where code and data of a mapped image are, as Linux says it: the code from the first to the last executable segment, the data
 * from the start of the last segment to the end of what comes from the file. O(segments). */
struct program_layout;
void exec_image_describe(const struct exec_image *image, struct program_layout *out);
void exec_image_close(struct exec_image *image);
/* A second use of the open file; the ELF headers are not copied. */
void exec_image_copy(const struct exec_image *image, struct exec_image *out);

/* Fills in *why with the sentence "path: what". Returns e. */
enum err exec_refuse(struct exec_refusal *why, enum err e, const char *path, const char *what);
