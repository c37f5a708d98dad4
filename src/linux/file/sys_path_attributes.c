/* SPDX-License-Identifier: MIT */
/*
 * System calls on the attributes of a path or descriptor: access(2), chmod(2), chown(2),
 * utimensat(2) and their variants, umask(2). They decode arguments; permissions are checked in
 * fs/vfs.
 */
#include "linux/file/sys_path.h"

#include "fs/vfs/context.h"
#include "fs/vfs/mount.h"
#include "kern/thread.h"
#include "linux/abi/time.h"
#include "linux/file/args.h"
#include "linux/task/rights.h"
#include "mm/vm/usercopy.h"

#define CWD        ((uint64_t)AT_FDCWD)

#define UTIME_NOW  0x3fffffff
#define UTIME_OMIT 0x3ffffffe

static enum err access_at(uint64_t dirfd, uint64_t path, uint64_t mode, uint32_t flags)
{
    if ((uint32_t)mode & ~(uint32_t)(MAY_READ | MAY_WRITE | MAY_EXECUTE))
        return E_INVAL;
    struct location at;
    enum err e = lookup_at(dirfd, path, flags, &at);
    if (e != E_OK)
        return e;
    const struct inode *inode = at.dentry->inode;
    bool runs = (mode & MAY_EXECUTE) && mode_is(inode->mode, S_IFREG);
    bool stored = mode_is(inode->mode, S_IFREG) || mode_is(inode->mode, S_IFDIR);
    if (runs && mount_has(at.mount, MS_NOEXEC))
        e = E_ACCES;
    else if (mode != 0)
        e = inode_permission(inode, (uint32_t)mode);
    if (e == E_OK && (mode & MAY_WRITE) && stored && mount_has(at.mount, MS_RDONLY))
        e = E_ROFS;
    location_put(&at);
    return e;
}

static bool same_rights(const struct credentials *a, const struct credentials *b)
{
    return a->uid.fs == b->uid.fs && a->gid.fs == b->gid.fs && a->effective == b->effective;
}

/* The whole walk is checked by the real ids (access(2)). */
static enum err access_as_real(uint64_t dirfd, uint64_t path, uint64_t mode, uint32_t flags)
{
    struct thread *self = thread_current();
    const struct credentials *now = credentials_current();
    struct credentials real = *now; /* the groups are borrowed */
    rights_for_access(&real);
    if ((flags & AT_EACCESS) || same_rights(&real, now))
        return access_at(dirfd, path, mode, flags);
    self->credentials = &real;
    enum err e = access_at(dirfd, path, mode, flags);
    self->credentials = now;
    return e;
}

enum err sys_access(struct syscall *call)
{
    return access_as_real(CWD, call->arg[0], call->arg[1], 0);
}

enum err sys_faccessat(struct syscall *call)
{
    return access_as_real(call->arg[0], call->arg[1], call->arg[2], 0);
}

enum err sys_faccessat2(struct syscall *call)
{
    uint32_t flags = (uint32_t)call->arg[3];
    if (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return E_INVAL;
    return access_as_real(call->arg[0], call->arg[1], call->arg[2], flags);
}

static enum err change_mode_at(uint64_t dirfd, uint64_t path, uint64_t mode, uint32_t flags)
{
    struct location at;
    enum err e = lookup_at(dirfd, path, flags | LOOKUP_CHANGES, &at);
    if (e != E_OK)
        return e;
    if (mode_is(at.dentry->inode->mode, S_IFLNK))
        e = E_NOTSUP;
    else
        e = vfs_change_mode(at.dentry, (uint32_t)mode);
    location_put(&at);
    return e;
}

enum err sys_chmod(struct syscall *call)
{
    return change_mode_at(CWD, call->arg[0], call->arg[1], 0);
}

enum err sys_fchmod(struct syscall *call)
{
    const struct file *file = fd_file(call->arg[0]);
    enum err e = file ? file_changes(file) : E_BADF;
    return e == E_OK ? vfs_change_mode(file->dentry, (uint32_t)call->arg[1]) : e;
}

enum err sys_fchmodat(struct syscall *call)
{
    return change_mode_at(call->arg[0], call->arg[1], call->arg[2], 0);
}

enum err sys_fchmodat2(struct syscall *call)
{
    uint32_t flags = (uint32_t)call->arg[3];
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return E_INVAL;
    return change_mode_at(call->arg[0], call->arg[1], call->arg[2], flags);
}

static enum err change_owner_at(uint64_t dirfd, const uint64_t arg[3], uint32_t flags)
{
    struct location at;
    enum err e = lookup_at(dirfd, arg[0], flags | LOOKUP_CHANGES, &at);
    if (e != E_OK)
        return e;
    e = vfs_change_owner(at.dentry, (uint32_t)arg[1], (uint32_t)arg[2]);
    location_put(&at);
    return e;
}

enum err sys_chown(struct syscall *call)
{
    return change_owner_at(CWD, &call->arg[0], 0);
}

enum err sys_lchown(struct syscall *call)
{
    return change_owner_at(CWD, &call->arg[0], AT_SYMLINK_NOFOLLOW);
}

enum err sys_fchownat(struct syscall *call)
{
    uint32_t flags = (uint32_t)call->arg[4];
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return E_INVAL;
    return change_owner_at(call->arg[0], &call->arg[1], flags);
}

enum err sys_fchown(struct syscall *call)
{
    const struct file *file = fd_file(call->arg[0]);
    enum err e = file ? file_changes(file) : E_BADF;
    if (e != E_OK)
        return e;
    return vfs_change_owner(file->dentry, (uint32_t)call->arg[1], (uint32_t)call->arg[2]);
}

enum err sys_umask(struct syscall *call)
{
    call->result = fs_current()->umask;
    fs_set_umask((uint32_t)call->arg[0] & 0777);
    return E_OK;
}

static struct vfs_times times_now(void)
{
    struct fs_time now = fs_time_now();
    return (struct vfs_times){now, now, true, true, true};
}

static enum err set_one_time(const struct timespec *from, struct fs_time *to, bool *set)
{
    *set = from->nanoseconds != UTIME_OMIT;
    if (from->nanoseconds == UTIME_NOW)
        *to = fs_time_now();
    else if (!*set)
        return E_OK;
    else if (from->nanoseconds < 0 || from->nanoseconds >= 1000000000)
        return E_INVAL;
    else
        *to = (struct fs_time){from->seconds, (uint32_t)from->nanoseconds};
    return E_OK;
}

/* Converts the times of utimensat(2): access, modification. E_INVAL. */
static enum err times_from(const struct timespec pair[2], struct vfs_times *out)
{
    *out = (struct vfs_times){0};
    enum err e = set_one_time(&pair[0], &out->accessed, &out->set_accessed);
    if (e == E_OK)
        e = set_one_time(&pair[1], &out->modified, &out->set_modified);
    out->now = pair[0].nanoseconds == UTIME_NOW && pair[1].nanoseconds == UTIME_NOW;
    return e;
}

static enum err change_times_at(uint64_t dirfd, uint64_t path, const struct vfs_times *times,
                                uint32_t flags)
{
    if (path == 0 && (int32_t)dirfd != AT_FDCWD) {
        const struct file *file = fd_file(dirfd);
        enum err e = file ? file_changes(file) : E_BADF;
        return e == E_OK ? vfs_change_times(file->dentry, times) : e;
    }
    struct location at;
    enum err e = lookup_at(dirfd, path, flags | LOOKUP_CHANGES, &at);
    if (e != E_OK)
        return e;
    e = vfs_change_times(at.dentry, times);
    location_put(&at);
    return e;
}

enum err sys_utimensat(struct syscall *call)
{
    uint32_t flags = (uint32_t)call->arg[3];
    struct vfs_times times = times_now();
    if (call->arg[2] != 0) {
        struct timespec pair[2];
        enum err e = copy_in(pair, virt(call->arg[2]), sizeof(pair));
        if (e == E_OK)
            e = times_from(pair, &times);
        if (e != E_OK)
            return e;
        if (!times.set_accessed && !times.set_modified)
            return E_OK;
    }
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return E_INVAL;
    if (call->arg[1] == 0 && flags != 0)
        return E_INVAL;
    return change_times_at(call->arg[0], call->arg[1], &times, flags);
}

static enum err change_times_us(uint64_t dirfd, uint64_t path, uint64_t from)
{
    struct vfs_times times = times_now();
    if (from != 0) {
        struct timeval pair[2];
        enum err e = copy_in(pair, virt(from), sizeof(pair));
        if (e != E_OK)
            return e;
        struct timespec exact[2];
        for (int i = 0; i < 2; i++) {
            if (pair[i].microseconds < 0 || pair[i].microseconds >= 1000000)
                return E_INVAL;
            exact[i] = (struct timespec){pair[i].seconds, pair[i].microseconds * 1000};
        }
        e = times_from(exact, &times);
        if (e != E_OK)
            return e;
    }
    return change_times_at(dirfd, path, &times, 0);
}

enum err sys_utimes(struct syscall *call)
{
    return change_times_us(CWD, call->arg[0], call->arg[1]);
}

enum err sys_futimesat(struct syscall *call)
{
    return change_times_us(call->arg[0], call->arg[1], call->arg[2]);
}

enum err sys_utime(struct syscall *call)
{
    struct vfs_times times = times_now();
    if (call->arg[1] != 0) {
        int64_t pair[2];
        enum err e = copy_in(pair, virt(call->arg[1]), sizeof(pair));
        if (e != E_OK)
            return e;
        times.accessed = (struct fs_time){pair[0], 0};
        times.modified = (struct fs_time){pair[1], 0};
        times.now = false;
    }
    return change_times_at(CWD, call->arg[0], &times, 0);
}
