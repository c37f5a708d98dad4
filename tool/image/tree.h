/* SPDX-License-Identifier: MIT */
/*
 * The files that the machine will see under /, in memory: a list sorted by path, so that parents
 * come before what they hold and equal input gives equal archives. Only names and attributes; data
 * stays in the host's files until it is packed.
 */
#pragma once

#include "base/compiler.h"
#include "host/text.h"

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
/* The same for a text, or an empty file with NULL; leaves alone what is there already. */
void tree_add_text(struct tree *tree, const char *path, const char *text, size_t size);

/*
 * The tree lies over this computer's own files: what it does not have is looked for at the same
 * absolute path there. So a library is found where ld.so in the machine would find it, once it was
 * taken.
 */
enum overlay {
    OVERLAY_LOOK, /* the tree does not change */
    OVERLAY_TAKE, /* what the path goes through is added: folders, links as links, the end */
};

/* The path with all links followed, malloc'ed, and in *source (unless NULL) the host file with the
 * data of a regular file, NULL for others; malloc'ed too. NULL when there is no such thing, or it
 * is neither file nor folder. */
char *tree_overlay(struct tree *tree, const char *path, enum overlay what, char **source);
/* Adds a file, or a folder with all that is in it, at an absolute path; what the tree has already
 * stays. Links are followed to files outside, which are added too. Regular files that came new are
 * listed in `added` as paths in the machine. Fails the tool when `from` cannot be read. */
void tree_add_all(struct tree *tree, const char *path, const char *from, struct args *added);
