/* SPDX-License-Identifier: MIT */
#include "linux/file/sys_inotify.h"

#include "fs/vfs/notify.h"
#include "linux/file/args.h"

#define KNOWN_BITS                                                                                 \
    (NOTIFY_ALL | NOTIFY_UNMOUNT | NOTIFY_OVERFLOW | NOTIFY_IGNORED | NOTIFY_ONLYDIR |             \
     NOTIFY_DONT_FOLLOW | NOTIFY_EXCL_UNLINK | NOTIFY_MASK_CREATE | NOTIFY_MASK_ADD |              \
     NOTIFY_ISDIR | NOTIFY_ONESHOT)

static enum err inotify_make(struct syscall *call, uint32_t flags)
{
    struct file *file;
    if (flags & ~(O_NONBLOCK | O_CLOEXEC))
        return E_INVAL;
    enum err e = inotify_open(flags & O_NONBLOCK, &file);
    return e == E_OK ? fd_install(call, file, flags & O_CLOEXEC) : e;
}

enum err sys_inotify_init(struct syscall *call)
{
    return inotify_make(call, 0);
}

enum err sys_inotify_init1(struct syscall *call)
{
    return inotify_make(call, (uint32_t)call->arg[0]);
}

enum err sys_inotify_add_watch(struct syscall *call)
{
    uint32_t mask = (uint32_t)call->arg[2];
    if (mask == 0 || (mask & ~KNOWN_BITS))
        return E_INVAL;
    struct file *file = fd_file(call->arg[0]);
    if (!file)
        return E_BADF;
    if (((mask & NOTIFY_MASK_ADD) && (mask & NOTIFY_MASK_CREATE)) || !inotify_is(file))
        return E_INVAL;
    struct location at;
    enum err e = lookup_at((uint64_t)AT_FDCWD, call->arg[1],
                           (mask & NOTIFY_DONT_FOLLOW) ? AT_SYMLINK_NOFOLLOW : 0, &at);
    if (e != E_OK)
        return e;
    int wd;
    if ((mask & NOTIFY_ONLYDIR) && !mode_is(at.dentry->inode->mode, S_IFDIR))
        e = E_NOTDIR;
    if (e == E_OK)
        e = inode_permission(at.dentry->inode, MAY_READ);
    if (e == E_OK)
        e = inotify_add(file, at.dentry->inode, mask, &wd);
    if (e == E_OK)
        call->result = (uint64_t)wd;
    location_put(&at);
    return e;
}

enum err sys_inotify_rm_watch(struct syscall *call)
{
    struct file *file = fd_file(call->arg[0]);
    if (!file)
        return E_BADF;
    return inotify_is(file) ? inotify_remove(file, (int)call->arg[1]) : E_INVAL;
}
