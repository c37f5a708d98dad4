/* SPDX-License-Identifier: MIT */
/*
 * The file system context of a process: root, working directory, umask and descriptors (Linux's
 * fs_struct and files_struct). Threads of a process and processes made by clone(CLONE_FS | CLONE_FILES) share it
 * (struct thread.fs_context). With CLONE_FILES alone two contexts share the descriptors; with CLONE_FS alone they are in
 * one ring, and a change of root, working directory or umask is made in all of the ring, so that a path walk finds
 * them in its own. The rights of a thread are not in it: fs/vfs/credentials.h.
 */
#pragma once

#include "base/list.h"
#include "fs/vfs/location.h"

struct file_table;
struct mount_namespace;

struct fs_context {
    uint32_t references;
    struct location root;           /* a directory; with references */
    struct location cwd;            /* a directory; with references */
    struct location executable;     /* /proc/self/exe; with references, or NULL before exec */
    uint32_t umask;                 /* bits of 0777 */
    struct mount_namespace *mounts; /* one reference; the same in the ring */
    struct list place_link; /* the ring of those with the same root, working directory and umask */
    struct file_table *files; /* one reference */
};

/* The context of the first process and of kernel threads. */
extern struct fs_context fs_first;

/* A copy of `from`, with one reference; the descriptors are copied or shared, and so is the place, with its
 * later changes. E_NOMEM. */
MUST_CHECK enum err fs_context_copy(struct fs_context *from, bool share_files, bool share_place,
                                    struct fs_context **out);
/* True if another process shares root and working directory. */
bool fs_context_place_is_shared(const struct fs_context *context);
/* *out: a copy of a context of which anything is shared, with descriptors or a place of its own, else NULL. E_NOMEM. */
MUST_CHECK enum err fs_context_own(struct fs_context *context, bool files, bool place,
                                   struct fs_context **out);
/* Dropping the last reference closes the descriptors and frees the context; fs_first only
 * loses its descriptors. */
void fs_context_put(struct fs_context *context);

/* The context of the calling thread. Callers: threads, after vfs_init(). fs/vfs/current.c */
struct fs_context *fs_current(void);
/* Set the root, the working directory or the umask of the calling thread's context, and of those that share its
 * place; take references. O(those). */
void fs_set_root(const struct location *directory);
void fs_set_cwd(const struct location *directory);
void fs_set_umask(uint32_t umask);
/* Sets the target of /proc/self/exe, for exec; takes a reference. NULL: none. */
void fs_set_executable(const struct location *file);
