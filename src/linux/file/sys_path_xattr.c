/* SPDX-License-Identifier: MIT */
/* System calls on extended attributes (xattr(7)); the rules are in fs/vfs/xattr.h. As in Linux the
 * file is found before the other arguments are looked at. */
#include "linux/file/sys_path.h"

#include "fs/vfs/xattr.h"
#include "linux/file/args.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define CWD ((uint64_t)AT_FDCWD)

/* Copies a name into name[XATTR_NAME_MAX + 1]. E_RANGE, E_FAULT. */
static enum err name_in(char *name, uint64_t from)
{
    size_t length;
    enum err e = copy_in_string(name, virt(from), XATTR_NAME_MAX + 1, &length);
    if (e == E_NAMETOOLONG || (e == E_OK && length == 0))
        return E_RANGE;
    return e;
}

static enum err change(const struct location *at, const char *name, struct xattr_value value)
{
    enum err e = mount_writable(at->mount, at->dentry->inode->fs);
    return e == E_OK ? xattr_set(at->dentry, name, value) : e;
}

static enum err set_attribute(struct syscall *call, const struct location *at)
{
    char name[XATTR_NAME_MAX + 1];
    uint64_t size = call->arg[3];
    uint32_t flags = (uint32_t)call->arg[4];
    if (flags & ~(uint32_t)(XATTR_CREATE | XATTR_REPLACE))
        return E_INVAL;
    enum err e = name_in(name, call->arg[1]);
    if (e != E_OK)
        return e;
    if (size > XATTR_SIZE_MAX)
        return E_2BIG;
    void *value = heap_alloc(size + 1);
    if (!value)
        return E_NOMEM;
    if (size > 0)
        e = copy_in(value, virt(call->arg[2]), size);
    if (e == E_OK)
        e = change(at, name, (struct xattr_value){value, size, flags});
    heap_free(value);
    return e;
}

static enum err get_attribute(struct syscall *call, const struct location *at)
{
    char name[XATTR_NAME_MAX + 1];
    const void *value;
    size_t size, room = call->arg[3];
    enum err e = name_in(name, call->arg[1]);
    if (e == E_OK)
        e = xattr_get(at->dentry->inode, name, &value, &size);
    if (e != E_OK)
        return e;
    call->result = size;
    if (room == 0)
        return E_OK;
    return size > room ? E_RANGE : copy_out_now(virt(call->arg[2]), value, size);
}

static enum err list_attributes(struct syscall *call, const struct location *at)
{
    size_t room = call->arg[2];
    if (room > XATTR_LIST_MAX)
        room = XATTR_LIST_MAX;
    size_t size = xattr_list(at->dentry->inode, NULL, 0);
    call->result = size;
    if (room == 0 || size == 0)
        return E_OK;
    if (size > room)
        return room == XATTR_LIST_MAX ? E_2BIG : E_RANGE;
    char *names = heap_alloc(size);
    if (!names)
        return E_NOMEM;
    xattr_list(at->dentry->inode, names, size);
    enum err e = copy_out(virt(call->arg[1]), names, size);
    heap_free(names);
    return e;
}

static enum err remove_attribute(struct syscall *call, const struct location *at)
{
    char name[XATTR_NAME_MAX + 1];
    enum err e = name_in(name, call->arg[1]);
    return e == E_OK ? change(at, name, (struct xattr_value){0}) : e;
}

typedef enum err (*operation)(struct syscall *call, const struct location *at);

static enum err with_path(struct syscall *call, uint32_t flags, operation run)
{
    struct location at;
    enum err e = lookup_at(CWD, call->arg[0], flags, &at);
    if (e != E_OK)
        return e;
    e = run(call, &at);
    location_put(&at);
    return e;
}

static enum err with_file(struct syscall *call, operation run)
{
    const struct file *file = fd_file(call->arg[0]);
    return file ? run(call, &file->location) : E_BADF;
}

enum err sys_setxattr(struct syscall *call)
{
    return with_path(call, 0, set_attribute);
}

enum err sys_lsetxattr(struct syscall *call)
{
    return with_path(call, AT_SYMLINK_NOFOLLOW, set_attribute);
}

enum err sys_fsetxattr(struct syscall *call)
{
    return with_file(call, set_attribute);
}

enum err sys_getxattr(struct syscall *call)
{
    return with_path(call, 0, get_attribute);
}

enum err sys_lgetxattr(struct syscall *call)
{
    return with_path(call, AT_SYMLINK_NOFOLLOW, get_attribute);
}

enum err sys_fgetxattr(struct syscall *call)
{
    return with_file(call, get_attribute);
}

enum err sys_listxattr(struct syscall *call)
{
    return with_path(call, 0, list_attributes);
}

enum err sys_llistxattr(struct syscall *call)
{
    return with_path(call, AT_SYMLINK_NOFOLLOW, list_attributes);
}

enum err sys_flistxattr(struct syscall *call)
{
    return with_file(call, list_attributes);
}

enum err sys_removexattr(struct syscall *call)
{
    return with_path(call, 0, remove_attribute);
}

enum err sys_lremovexattr(struct syscall *call)
{
    return with_path(call, AT_SYMLINK_NOFOLLOW, remove_attribute);
}

enum err sys_fremovexattr(struct syscall *call)
{
    return with_file(call, remove_attribute);
}
