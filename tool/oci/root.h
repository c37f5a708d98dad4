/* SPDX-License-Identifier: MIT */
/*
 * The file system of a container while its layers are applied, lowest first. Paths come from outside: each is resolved inside
 * the root, whatever links say, and none leaves it. Pure, but that the file of data that no name has any more is unlinked.
 *
 *   node    a name in a folder; found by a hash of folder and name: O(1)
 *   inode   what hard links share
 *   layer   each node knows the last layer that named it: a whiteout removes what older layers have
 *
 * Functions return NULL, or a reason (a static string); after one the root is only good for root_free().
 */
#pragma once

#include "host/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define ROOT_NODES_MAX 1000000u
#define ROOT_BYTES_MAX UINT32_MAX /* of all files: what the archive holds (image/cpio_writer.h) */

struct root_inode {
    struct stat stat; /* st_ino is unique; st_nlink counts names; st_dev is 0 */
    char *target;     /* of a symbolic link; else NULL */
    char *source;     /* file with the data; NULL: none */
};

struct root;

struct root *root_new(void);
void root_free(struct root *root);
/* From now on names are of the next layer. */
void root_next_layer(struct root *root);
/* Bytes of regular files that may still come. */
uint64_t root_room(const struct root *root);

/* Names a file, which takes the place of another; a folder in the place of a folder keeps what is in it. `target` and the name
 * `source` are copied; the file `source` is the root's from then on. */
const char *root_put(struct root *root, const char *path, const struct stat *stat,
                     const char *target, const char *source);
/* A further name, of the file at `to`, whose last component is not followed. */
const char *root_link(struct root *root, const char *path, const char *to);
/* Removes what older layers have at the path; nothing there is no error. */
const char *root_whiteout(struct root *root, const char *path);
/* Removes what older layers have in the folder. */
const char *root_opaque(struct root *root, const char *path);

/* Calls `visit` for each name but the root's own (its path is ""), parents before what is in them. O(names). */
void root_each(const struct root *root,
               void (*visit)(void *context, const char *path, const struct root_inode *inode),
               void *context);
