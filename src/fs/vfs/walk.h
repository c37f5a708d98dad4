/* SPDX-License-Identifier: MIT */
/*
 * From a path to a dentry (path_resolution(7)).
 *
 * Symbolic links are followed without recursion: the texts that are still to be read lie on a stack
 * of at most SYMLINKS_MAX. A link that ends the text it stands in takes its place there, so every
 * text below the top of the stack has at least one more component, and the last component of the
 * whole path is the last one of the only text left.
 */
#pragma once

#include "fs/vfs/dentry.h"

enum walk_flags {
    WALK_FOLLOW = 1,    /* a symbolic link as the last component is followed */
    WALK_DIRECTORY = 2, /* the result must be a directory */
    WALK_PARENT = 4,  /* the caller will make, remove or rename the last component: a trailing slash
                         makes no difference to what it means */
    WALK_EMPTY = 8,   /* "" is `at` itself (AT_EMPTY_PATH) */
    WALK_CREATE = 16, /* open(O_CREAT): a last name with a slash behind it is E_ISDIR */
};

enum walk_last {
    WALK_NAME,   /* an ordinary name: parent and name are set */
    WALK_DOT,    /* "." */
    WALK_DOTDOT, /* ".." */
    WALK_ROOT,   /* "/", or the end of a jump */
};

struct walk {
    struct dentry *parent; /* of the last component; one reference; WALK_NAME only, else NULL */
    struct dentry *found;  /* one reference; NULL when the last component does not exist */
    enum walk_last last;
    bool trailing_slash;
    uint32_t length; /* of name */
    char name[NAME_MAX_LENGTH + 1];
};

/* Walks from `at`, or from the root when the path starts with a slash; NULL is the working
 * directory. E_OK also when only the last component is missing. On success the caller ends with
 * walk_end(). E_NOENT, E_NOTDIR, E_ACCES, E_LOOP, E_NAMETOOLONG, E_NOMEM. */
MUST_CHECK enum err walk_path(struct dentry *at, const char *path, uint32_t flags,
                              struct walk *out);
void walk_end(struct walk *walk);

/* The common case: an existing object. E_NOENT when it is missing; *out has one reference. */
MUST_CHECK enum err walk_lookup(struct dentry *at, const char *path, uint32_t flags,
                                struct dentry **out);
