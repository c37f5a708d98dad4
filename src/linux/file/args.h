/* SPDX-License-Identifier: MIT */
/* What the file system calls have in common: paths, starting points, descriptors, iovecs of
 * buffers. */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/vfs.h"
#include "linux/abi/call.h"

#define AT_FDCWD            (-100)
#define AT_SYMLINK_NOFOLLOW 0x100u
#define AT_REMOVEDIR        0x200u /* unlinkat */
#define AT_EACCESS          0x200u /* faccessat2 */
#define AT_SYMLINK_FOLLOW   0x400u
#define AT_NO_AUTOMOUNT     0x800u
#define AT_EMPTY_PATH       0x1000u
#define AT_STATX_SYNC_TYPE  0x6000u

#define IO_BYTES_MAX        UINT64_C(0x7ffff000) /* one call moves no more */
#define IO_SEGMENTS_MAX     1024u

/* Most paths are short: they stay on the stack. */
struct path {
    char *text; /* NUL-terminated; `near` or heap */
    char near[232];
};

/* E_FAULT, E_NAMETOOLONG, E_NOMEM. On success the caller ends with path_free(). */
MUST_CHECK enum err path_copy_in(struct path *path, virt_t from);
void path_free(struct path *path);

/* Where a relative path starts: NULL for AT_FDCWD and absolute paths, else the descriptor's
 * directory, borrowed. E_BADF, E_NOTDIR. */
MUST_CHECK enum err path_base(uint64_t dirfd, const char *path, struct dentry **out);

/* A path of a system call, ready for the VFS. */
struct path_at {
    struct path path;
    struct vfs_place place;
};
MUST_CHECK enum err path_at_begin(struct path_at *at, uint64_t dirfd, uint64_t path);
void path_at_end(struct path_at *at);

/* The existing object that (dirfd, path) names. AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH count, other
 * flags are ignored. *out: one reference. */
MUST_CHECK enum err lookup_at(uint64_t dirfd, uint64_t path, uint32_t flags, struct dentry **out);

/* An open file that data can flow through; NULL for a free descriptor and one of O_PATH. Borrowed.
 */
struct file *fd_file(uint64_t fd);
/* Any open file. */
struct file *fd_any(uint64_t fd);
/* Puts the file, whose reference it takes over in any case, at the lowest free number, which becomes
 * the call's result. E_MFILE, E_NOMEM. */
MUST_CHECK enum err fd_install(struct syscall *call, struct file *file, bool close_on_exec);

/* The same with two, whose numbers are written to `to`. E_MFILE, E_NOMEM, E_FAULT. */
MUST_CHECK enum err fd_install_pair(struct file *const files[2], bool close_on_exec, uint64_t to);

/* The program's iovec array as a cursor. E_INVAL, E_FAULT, E_NOMEM. On success the caller ends with
 * iov_free(). */
struct iov {
    struct io io;
    struct io_segment *segments; /* `near` or heap */
    struct io_segment near[8];
};
MUST_CHECK enum err iov_copy_in(struct iov *iov, uint64_t from, uint64_t count);
void iov_free(struct iov *iov);
