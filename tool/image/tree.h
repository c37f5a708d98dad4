/* SPDX-License-Identifier: MIT */
/*
 * The files that the machine will have under /: an array sorted by path, so that a folder precedes
 * its files, and equal input gives equal archives. The tree has names and attributes; the data stays
 * in the host's files until it is packed.
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
    struct stat stat; /* type, mode, owner, size, time; device and inode identify hard links */
    char *target;     /* of a symbolic link; else NULL */
    char *source;     /* host file with the data of a regular file; else NULL */
    bool examined;    /* image/rules.c looked at it */
};

struct tree {
    struct entry *entry;
    size_t count;
};

/* Reads the folder `from` (NULL: none) into the tree, and adds /dev, /home, /proc, /root, /run, /tmp and
 * /var/tmp if missing. Fails
 * the tool if the folder cannot be read. Sockets are left out with a warning. */
void tree_load(struct tree *tree, const char *from);
/* Adds an entry, whose strings the tree owns from then on, in any order: tree_sort() comes before anything else. */
void tree_append(struct tree *tree, const struct entry *entry);
void tree_sort(struct tree *tree);
/* The entry at an absolute path of path_normalise(), with symbolic links followed inside the tree;
 * NULL: none. Valid until the tree changes. */
const struct entry *tree_follow(const struct tree *tree, const char *path);
/* Adds a regular file with the data of `source` at an absolute path. Missing parents are added, links
 * among them followed. Fails the tool if the path exists. */
void tree_add_file(struct tree *tree, const char *path, const char *source);
/* As tree_add_file(), for a text of `size` bytes (NULL for 0). Does nothing if the path exists. */
void tree_add_text(struct tree *tree, const char *path, const char *text, size_t size);
/* Adds an empty folder with its parents; does nothing if there is one. Fails the tool if something else is there. */
void tree_add_folder(struct tree *tree, const char *path);
/* As tree_add_text(), for a symbolic link; its parents are no links. */
void tree_add_link(struct tree *tree, const char *path, const char *target);

/*
 * The tree is an overlay of this computer's files: a path that it lacks is looked up on this computer.
 * So a library is found where ld.so in the machine will find it, after it was added. With tree_sysroot()
 * the files of a folder stand for this computer's.
 */

/* --sysroot: absolute paths name files in `folder`, and so do the absolute links there. Call it before
 * the others; fails the tool if it is no folder. */
void tree_sysroot(const char *folder);
/* True with tree_sysroot(). */
bool tree_has_sysroot(void);
/* That folder, absolute, without a trailing slash; "" without one. */
const char *tree_sysroot_folder(void);
/* The file on this computer that an absolute path, or one relative to the current directory, names,
 * links resolved; malloc'ed, NULL if there is none (errno). */
char *tree_host_file(const char *path);

enum overlay {
    OVERLAY_LOOK, /* the tree does not change */
    OVERLAY_TAKE, /* all components of the path are added: folders, links as links, the file */
};

/* Returns the path with all links resolved, malloc'ed; NULL if it does not exist or is neither file
 * nor folder. *source (unless NULL) is the host file with the data of a regular file, malloc'ed, or
 * NULL. */
char *tree_overlay(struct tree *tree, const char *path, enum overlay what, char **source);
/* Adds the contents of a folder of this computer at /, where links in the tree and on this computer lead them; the rest as
 * tree_add_all(). */
void tree_add_inside(struct tree *tree, const char *folder, struct args *added);
/* Adds a file, or a folder with its contents, at an absolute path; existing entries stay. Files
 * outside that links point to are added too. `added` lists the new regular files by their paths in
 * the machine. Fails the tool if `from` cannot be read. */
void tree_add_all(struct tree *tree, const char *path, const char *from, struct args *added);
