/* SPDX-License-Identifier: MIT */
/*
 * The file system context of a process: root, working directory, umask and descriptors (Linux's
 * fs_struct and files_struct). Threads of a process and processes made by clone(CLONE_FS) share it
 * (struct thread.fs_context). The rights of a thread are not in it: fs/vfs/credentials.h.
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
    struct file_table *files;  /* one reference */
};

/* The context of the first process and of kernel threads. */
extern struct fs_context fs_first;

/* A copy of `from`, with one reference; the descriptors are copied or shared. E_NOMEM. */
MUST_CHECK enum err fs_context_copy(const struct fs_context *from, bool share_files,
                                    struct fs_context **out);
/* *out: a copy of a context of which anything is shared, else NULL. E_NOMEM. */
MUST_CHECK enum err fs_context_own(const struct fs_context *context, struct fs_context **out);
/* Dropping the last reference closes the descriptors and frees the context; fs_first only
 * loses its descriptors. */
void fs_context_put(struct fs_context *context);

/* The context of the calling thread. Callers: threads, after vfs_init(). fs/vfs/current.c */
struct fs_context *fs_current(void);
/* Set the root or the working directory of the calling thread's context; take a reference. */
void fs_set_root(struct dentry *directory);
void fs_set_cwd(struct dentry *directory);
/* Sets the target of /proc/self/exe, for exec; takes a reference. NULL: none. */
void fs_set_executable(struct dentry *dentry);
