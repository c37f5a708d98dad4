/* SPDX-License-Identifier: MIT */
/* Arguments common to file-system calls: paths, starting directories, descriptors, iovecs. */
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

#define IO_BYTES_MAX        UINT64_C(0x7ffff000) /* upper bound for one call (MAX_RW_COUNT) */
#define IO_SEGMENTS_MAX     1024u

/* A path copied from the program; short ones are kept in `near`, without a heap allocation. */
struct path {
    char *text; /* NUL-terminated; `near` or heap */
    char near[232];
};

/* Copies a path in. On success the caller calls path_free(). E_FAULT, E_NAMETOOLONG, E_NOMEM. */
MUST_CHECK enum err path_copy_in(struct path *path, virt_t from);
void path_free(struct path *path);

/* A path argument with its starting directory. After a successful path_at_begin() the caller calls
 * path_at_end(). */
struct path_at {
    struct path path;
    struct location at;
    struct vfs_place place; /* place.at: &at, or NULL */
};
/* Sets where at->place.path starts, borrowed: NULL for AT_FDCWD and absolute paths. E_BADF, E_NOTDIR. */
MUST_CHECK enum err path_base(struct path_at *at, uint64_t dirfd);
MUST_CHECK enum err path_at_begin(struct path_at *at, uint64_t dirfd, uint64_t path);
void path_at_end(struct path_at *at);

/* Looks up (dirfd, path), which must exist. Flags other than AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH and LOOKUP_CHANGES
 * are ignored. *out: with references. */
#define LOOKUP_CHANGES 0x80000000u /* attributes are to be changed: E_ROFS */
MUST_CHECK enum err lookup_at(uint64_t dirfd, uint64_t path, uint32_t flags, struct location *out);
/* The same of an open file (fchmod(2)). E_ROFS. */
static inline enum err file_changes(const struct file *file)
{
    return mount_writable(file->mount, file->inode->fs);
}

/* The open file of a descriptor, borrowed; NULL if the descriptor is free or of O_PATH. */
struct file *fd_file(uint64_t fd);
/* As fd_file(), with a reference. For callers that share kernel_lock, and for those that do not. */
struct file *fd_hold_shared(uint64_t fd);
struct file *fd_hold_alone(uint64_t fd);
/* As fd_file(), descriptors of O_PATH included. */
struct file *fd_any(uint64_t fd);
/* As fd_any(), with a reference, for callers that share kernel_lock. */
struct file *fd_any_shared(uint64_t fd);
/* Installs the file at the lowest free descriptor, which becomes the call's result. Consumes the
 * caller's reference, on failure too. E_MFILE, E_NOMEM. */
MUST_CHECK enum err fd_install(struct syscall *call, struct file *file, bool close_on_exec);

/* As fd_install(), for two files; the descriptors are written to the program's address `to`.
 * E_MFILE, E_NOMEM, E_FAULT. */
MUST_CHECK enum err fd_install_pair(struct file *const files[2], bool close_on_exec, uint64_t to);

/* The program's iovec array as a struct io. On success the caller calls iov_free(). E_INVAL,
 * E_FAULT, E_NOMEM. */
struct iov {
    struct io io;
    struct io_segment *segments; /* `near` or heap */
    struct io_segment near[8];
};
MUST_CHECK enum err iov_copy_in(struct iov *iov, uint64_t from, uint64_t count);
void iov_free(struct iov *iov);
