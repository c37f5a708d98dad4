/* SPDX-License-Identifier: MIT */
/*
 * Operations on paths, for the system calls. Paths are kernel strings; `at` is the start of
 * relative paths, NULL is the working directory. The errors are those of Linux. Callers: threads.
 */
#pragma once

#include "fs/vfs/dentry.h"
#include "fs/vfs/walk.h"

struct file;

struct vfs_place { /* a path and its start */
    const struct location *at;
    const char *path;
};

/* Mounts `fs` as the root file system and sets root and working directory. Boot, once. E_NOMEM. */
enum err vfs_init(struct filesystem *fs);
/* Mounts `fs` on the directory at `path`. E_NOENT, E_NOTDIR, E_BUSY. More in fs/vfs/mount.h. */
MUST_CHECK enum err vfs_mount(const char *path, struct filesystem *fs);
/* Unmounts everything. No file may be open or mapped. For tests. */
void vfs_end(void);

/* open(2). `flags`: O_*; `mode` is for O_CREAT, before the umask. Fifos may sleep: E_INTR. *out:
 * one reference. */
MUST_CHECK enum err vfs_open(const struct location *at, const char *path, uint32_t flags,
                             uint32_t mode, struct file **out);
/* Opens what is there; otherwise as vfs_open(). */
MUST_CHECK enum err vfs_open_at(const struct location *at, uint32_t flags, struct file **out);
/* Opens a regular file to execute it, which takes no right to read it. E_ACCES. */
MUST_CHECK enum err vfs_open_program(const struct location *at, struct file **out);

MUST_CHECK enum err vfs_make_directory(struct vfs_place place, uint32_t mode);
/* mknod(2): S_IFREG (or 0), S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK. */
MUST_CHECK enum err vfs_make_node(struct vfs_place place, uint32_t mode, uint64_t device);
MUST_CHECK enum err vfs_make_symlink(const char *text, struct vfs_place place);
/* Makes a hard link to `target`. */
MUST_CHECK enum err vfs_link(const struct location *target, struct vfs_place place);
MUST_CHECK enum err vfs_unlink(struct vfs_place place);
MUST_CHECK enum err vfs_remove_directory(struct vfs_place place);
/* flags: RENAME_*. */
MUST_CHECK enum err vfs_rename(struct vfs_place from, struct vfs_place to, uint32_t flags);

/* The target of a symbolic link, NUL-terminated, in text[PATH_MAX_SIZE]. E_INVAL: not a link. */
MUST_CHECK enum err vfs_read_link(const struct location *link, char *text);

/* Changes of attributes: mount_writable() is the caller's to ask. */
MUST_CHECK enum err vfs_change_mode(struct dentry *dentry, uint32_t mode);
/* UINT32_MAX: uid or gid is not changed. */
MUST_CHECK enum err vfs_change_owner(struct dentry *dentry, uint32_t uid, uint32_t gid);
struct vfs_times {
    struct fs_time accessed, modified;
    bool set_accessed, set_modified;
    bool now; /* both are set to the present, for which write permission suffices */
};
MUST_CHECK enum err vfs_change_times(struct dentry *dentry, const struct vfs_times *times);
MUST_CHECK enum err vfs_truncate(struct dentry *dentry, uint64_t size);
