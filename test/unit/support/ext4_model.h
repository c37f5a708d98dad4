/* SPDX-License-Identifier: MIT */
/*
 * A file system that is a list in memory: random operations are done on it and on ext4, and both must agree, in what each
 * answers and, looked at from the root, in what is there.
 */
#pragma once

#include "ext4_disk.h"

#define MODEL_FILES 64
#define MODEL_NAMES 128
#define MODEL_BYTES 200000

struct model_file {
    uint32_t ino; /* 0: none */
    uint32_t mode, links, uid, gid;
    uint32_t parent; /* of a directory */
    bool open;       /* it stays when its last name goes */
    bool unsure;     /* an operation in several steps failed: its contents may be either */
    uint64_t size;
    uint8_t *bytes;
    char attribute[2][600]; /* user.a, user.bb; "": none */
    char *target;
};

struct model_name {
    uint32_t dir; /* index of the file; MODEL_FILES: the name is free */
    uint32_t file;
    char name[256];
};

struct model {
    struct model_file file[MODEL_FILES]; /* 0 is the root */
    struct model_name name[MODEL_NAMES];
    uint64_t random;
};

void model_init(struct model *model, uint64_t seed);
void model_free(struct model *model);
/* A number below `below`. */
uint32_t model_random(struct model *model, uint32_t below);
/* One operation on both. `full`: ENOSPC of ext4 is an answer. True if ext4 said so, or E_IO with `failing`. */
bool model_step(struct model *model, struct disk *disk, struct ext4 *fs, bool full, bool failing);
/* Fails the test unless all that the model has is there, and no more. */
void model_compare(struct model *model, struct disk *disk, struct ext4 *fs);
/* Orphans of the model go, as at the end of a machine. */
void model_close_all(struct model *model);
/* A copy, for a state to which a power cut may go back. */
struct model *model_clone(const struct model *model);
