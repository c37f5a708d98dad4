/* SPDX-License-Identifier: MIT */
/*
 * Path resolution (path_resolution(7)): from a path to a dentry.
 *
 * Symbolic links are followed without recursion: the unread rests of path and link targets are on a
 * stack of at most SYMLINKS_MAX. A link at the end of a text replaces that text, so each text below
 * the top of the stack has at least one more component, and the last component of the path is the
 * last one of the only text left.
 */
#pragma once

#include "fs/vfs/location.h"

enum walk_flags {
    WALK_FOLLOW = 1,    /* a symbolic link as the last component is followed */
    WALK_DIRECTORY = 2, /* the result must be a directory */
    WALK_PARENT =
        4, /* for creation, removal, rename: a trailing slash has no effect, what is mounted on the last is not crossed */
    WALK_EMPTY = 8,   /* "" is `at` itself (AT_EMPTY_PATH) */
    WALK_CREATE = 16, /* open(O_CREAT): a trailing slash is E_ISDIR */
    /* RESOLVE_* of openat2(2): */
    WALK_NO_XDEV = 0x100,       /* E_XDEV: another mount */
    WALK_NO_MAGICLINKS = 0x200, /* E_LOOP: inode_ops.jump */
    WALK_NO_SYMLINKS = 0x400,   /* E_LOOP */
    WALK_BENEATH = 0x800,       /* E_XDEV: leaves `at` */
    WALK_IN_ROOT = 0x1000,      /* `at` is the root */
    WALK_RESOLVE = 0x1f00,
};

enum walk_last {
    WALK_NAME,   /* an ordinary name: parent and name are set */
    WALK_DOT,    /* "." */
    WALK_DOTDOT, /* ".." */
    WALK_ROOT,   /* "/", or the end of a jump */
};

struct walk {
    struct mount *mount;   /* of `found`, else of `parent`; one reference */
    struct dentry *parent; /* of the last component; one reference; WALK_NAME only, else NULL */
    struct dentry *found;  /* one reference; NULL if the last component does not exist */
    enum walk_last last;
    bool trailing_slash;
    uint32_t length; /* of name */
    char name[NAME_MAX_LENGTH + 1];
};

/* Walks from `at`, or from the root if the path starts with a slash; NULL is the working directory.
 * E_OK also if only the last component is missing. On success the caller must call walk_end().
 * E_NOENT, E_NOTDIR, E_ACCES, E_LOOP, E_NAMETOOLONG, E_NOMEM. */
MUST_CHECK enum err walk_path(const struct location *at, const char *path, uint32_t flags,
                              struct walk *out);
void walk_end(struct walk *walk);

/* Walks to an existing object. *out: with references. Errors as walk_path(); E_NOENT: missing. */
MUST_CHECK enum err walk_lookup(const struct location *at, const char *path, uint32_t flags,
                                struct location *out);
