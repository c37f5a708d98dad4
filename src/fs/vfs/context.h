/* SPDX-License-Identifier: MIT */
/*
 * What path names and new files depend on, and the descriptors: of a process, shared by its threads
 * (struct thread.fs_context), and by those that clone(CLONE_FS) made.
 */
#pragma once

#include "fs/vfs/dentry.h"

struct file_table;

struct fs_context {
    uint32_t references;
    struct dentry *root;       /* a directory; one reference */
    struct dentry *cwd;        /* a directory; one reference */
    struct dentry *executable; /* /proc/self/exe; one reference, or NULL before exec */
    uint32_t umask;            /* bits of 0777 */
    uint32_t uid, gid; /* fsuid and fsgid: linux/ keeps them as setuid() and its kin change them */
    struct file_table *files; /* one reference */
};

/* The first process's, and that of threads of the kernel. */
extern struct fs_context fs_first;

/* A new one like `from`, with one reference; its descriptors are a copy too, unless they are
 * shared. E_NOMEM. */
MUST_CHECK enum err fs_context_copy(const struct fs_context *from, bool share_files,
                                    struct fs_context **out);
/* The last reference closes and frees; never fs_first's. */
void fs_context_put(struct fs_context *context);

/* Of the calling thread. Callers: threads, after vfs_init(). fs/vfs/current.c */
struct fs_context *fs_current(void);
/* Makes `directory` (a reference is taken) the root or the working directory. */
void fs_set_root(struct dentry *directory);
void fs_set_cwd(struct dentry *directory);
/* exec: what /proc/self/exe leads to. A reference is taken; NULL: nothing. */
void fs_set_executable(struct dentry *dentry);
