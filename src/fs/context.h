/* SPDX-License-Identifier: MIT */
/* What path names and new files depend on, a program's own: one program, one context so far. */
#pragma once

#include "fs/dentry.h"

struct file_table;

struct fs_context {
    struct dentry *root;       /* a directory; one reference */
    struct dentry *cwd;        /* a directory; one reference */
    struct dentry *executable; /* /proc/self/exe; one reference, or NULL before exec */
    uint32_t umask;            /* bits of 0777 */
    uint32_t uid, gid; /* fsuid and fsgid: linux/ keeps them as setuid() and its kin change them */
    struct file_table *files;
};

/* Of the calling thread. Callers: threads, after vfs_init(). */
struct fs_context *fs_current(void);
/* Makes `directory` (a reference is taken) the root or the working directory. */
void fs_set_root(struct dentry *directory);
void fs_set_cwd(struct dentry *directory);
/* exec: what /proc/self/exe leads to. A reference is taken; NULL: nothing. */
void fs_set_executable(struct dentry *dentry);
