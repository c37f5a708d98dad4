/* SPDX-License-Identifier: MIT */
/*
 * The operations on names, as the system calls know them. Paths are kernel strings; `at` is the
 * directory that relative ones start from, NULL the working directory. The errors are Linux's.
 * Callers: threads.
 */
#pragma once

#include "fs/vfs/dentry.h"
#include "fs/vfs/walk.h"

struct file;

struct vfs_place { /* where a path starts, and the path */
    struct dentry *at;
    const char *path;
};

/* Makes `fs` (with its root) the root of everything and of the context. Boot, once. */
void vfs_init(struct filesystem *fs);
/* Covers the directory at `path`. E_NOENT, E_NOTDIR, E_BUSY. */
MUST_CHECK enum err vfs_mount(const char *path, struct filesystem *fs);
/* The mounted file systems: index 0 is the root's; NULL past the end. */
struct filesystem *vfs_mounted(unsigned index);
/* Takes everything down again: no file is open, nothing is mapped. For tests that start over. */
void vfs_end(void);

/* Opens with Linux's O_* flags; mode is for a file that O_CREAT makes (the umask is applied here).
 * Fifos may sleep: E_INTR. *out has one reference. */
MUST_CHECK enum err vfs_open(struct dentry *at, const char *path, uint32_t flags, uint32_t mode,
                             struct file **out);
/* Opens what the dentry names (no creation). */
MUST_CHECK enum err vfs_open_dentry(struct dentry *dentry, uint32_t flags, struct file **out);

MUST_CHECK enum err vfs_make_directory(struct vfs_place place, uint32_t mode);
/* mknod: S_IFREG (or 0), S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK. */
MUST_CHECK enum err vfs_make_node(struct vfs_place place, uint32_t mode, uint64_t device);
MUST_CHECK enum err vfs_make_symlink(const char *text, struct vfs_place place);
/* A second name for `target`, which the caller looked up. */
MUST_CHECK enum err vfs_link(struct dentry *target, struct vfs_place place);
MUST_CHECK enum err vfs_unlink(struct vfs_place place);
MUST_CHECK enum err vfs_remove_directory(struct vfs_place place);
/* flags: RENAME_*. */
MUST_CHECK enum err vfs_rename(struct vfs_place from, struct vfs_place to, uint32_t flags);

/* The text of a symbolic link, NUL-terminated, into text[PATH_MAX_SIZE]. E_INVAL: not a link. */
MUST_CHECK enum err vfs_read_link(struct dentry *link, char *text);

MUST_CHECK enum err vfs_change_mode(struct dentry *dentry, uint32_t mode);
/* UINT32_MAX leaves the one or the other. */
MUST_CHECK enum err vfs_change_owner(struct dentry *dentry, uint32_t uid, uint32_t gid);
struct vfs_times {
    struct fs_time accessed, modified;
    bool set_accessed, set_modified;
    bool now; /* both became the present: anyone who may write may do that */
};
MUST_CHECK enum err vfs_change_times(struct dentry *dentry, const struct vfs_times *times);
MUST_CHECK enum err vfs_truncate(struct dentry *dentry, uint64_t size);
