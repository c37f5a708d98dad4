/* SPDX-License-Identifier: MIT */
/*
 * The files that the machine will see under /, in memory: a list sorted by path, so that parents
 * come before what they hold and equal input gives equal archives. Only names and attributes; data
 * stays in the host's files until it is packed.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct entry {
    char *path;       /* "" is the root, else without a leading slash: "usr/bin/env" */
    struct stat stat; /* kind, mode, owner, size, time; device and inode tell hard links */
    char *target;     /* of a symbolic link; else NULL */
    char *source;     /* host file with the data of a regular file; else NULL */
};

struct tree {
    struct entry *entry;
    size_t count;
};

/* Reads the folder `from` (NULL: an empty one) and adds what every root needs: /dev /proc /root
 * /tmp. Fails the tool when the folder cannot be read. Sockets are left out with a warning. */
void tree_load(struct tree *tree, const char *from);
/* The entry at an absolute path of path_normalise(), symbolic links followed inside the tree as the
 * machine will follow them; NULL when there is none. Valid until the tree changes. */
const struct entry *tree_follow(const struct tree *tree, const char *path);
/* Puts a regular file with the data of `source` at an absolute path; parents are made as needed,
 * links among them followed. Replaces nothing: fails the tool when something is in the way. */
void tree_add_file(struct tree *tree, const char *path, const char *source);
