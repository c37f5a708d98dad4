/* SPDX-License-Identifier: MIT */
/* An executable file: opened and checked, then mapped. For exec.c. */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "fs/vfs/file.h"
#include "parse/elf64.h"

#define EXEC_HEAD_SIZE 256 /* bytes in which a script's first line must end (BINPRM_BUF_SIZE) */

/* Why a program does not start, in one sentence for the person who wanted it. */
struct exec_refusal {
    int exit_status;    /* 127: it is not there; 126: it cannot be run */
    bool too_late;      /* the old program is gone already */
    char sentence[256]; /* "/prog: not an ELF file" */
};

struct exec_image {
    struct file *file;       /* one reference, writers kept out; NULL when nothing is held */
    struct elf64_image *elf; /* heap; NULL before exec_image_parse() */
    uint64_t bias;           /* after exec_image_map() */
};

/* Opens what may be executed: E_NOENT, E_ACCES, E_TXTBSY, ... and *why. */
MUST_CHECK enum err exec_image_open(const char *path, struct exec_image *out,
                                    struct exec_refusal *why);
/* The first bytes, zero-filled. */
MUST_CHECK enum err exec_image_head(struct exec_image *image, uint8_t head[EXEC_HEAD_SIZE]);
/* E_NOEXEC and *why when it is no program for this machine. */
MUST_CHECK enum err exec_image_parse(struct exec_image *image, const char *path,
                                     struct exec_refusal *why);
/* Maps all segments; position-independent ones move by `bias` (else 0 is used). E_NOMEM. */
MUST_CHECK enum err exec_image_map(struct exec_image *image, uint64_t bias);
void exec_image_close(struct exec_image *image);

/* Fills in the refusal: `what` says why. Returns e. */
enum err exec_refuse(struct exec_refusal *why, enum err e, const char *path, const char *what);
