/* SPDX-License-Identifier: MIT */
/* Extended attributes (xattr(7)) are unsupported; as in Linux, arguments are checked before
 * ENOTSUP. */
#include "linux/file/sys_path.h"

#include "linux/file/args.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define CWD            ((uint64_t)AT_FDCWD)
#define XATTR_NAME_MAX 255
#define XATTR_SIZE_MAX 65536u
#define XATTR_CREATE   1u
#define XATTR_REPLACE  2u

static enum err path_xattr_check_name(uint64_t from)
{
    char name[XATTR_NAME_MAX + 1];
    size_t length;
    enum err e = copy_in_string(name, virt(from), sizeof(name), &length);
    if (e == E_NAMETOOLONG || (e == E_OK && length == 0))
        return E_RANGE;
    return e;
}

static enum err check_path(uint64_t path, uint32_t flags)
{
    struct dentry *dentry;
    enum err e = lookup_at(CWD, path, flags, &dentry);
    if (e == E_OK)
        dentry_put(dentry);
    return e;
}

/* The flags, the name and the value of setxattr(). */
static enum err check_value(const struct syscall *call)
{
    uint64_t size = call->arg[3];
    if ((uint32_t)call->arg[4] & ~(uint32_t)(XATTR_CREATE | XATTR_REPLACE))
        return E_INVAL;
    enum err e = path_xattr_check_name(call->arg[1]);
    if (e != E_OK || size == 0)
        return e;
    if (size > XATTR_SIZE_MAX)
        return E_2BIG;
    void *value = heap_alloc(size);
    if (!value)
        return E_NOMEM;
    e = copy_in(value, virt(call->arg[2]), size);
    heap_free(value);
    return e;
}

typedef enum err (*check)(const struct syscall *call);

static enum err check_name(const struct syscall *call)
{
    return path_xattr_check_name(call->arg[1]);
}

static enum err refuse_path(const struct syscall *call, uint32_t flags, check arguments)
{
    enum err e = check_path(call->arg[0], flags);
    if (e == E_OK)
        e = arguments(call);
    return e == E_OK ? E_NOTSUP : e;
}

static enum err refuse_file(const struct syscall *call, check arguments)
{
    enum err e = fd_file(call->arg[0]) ? arguments(call) : E_BADF;
    return e == E_OK ? E_NOTSUP : e;
}

enum err sys_setxattr(struct syscall *call)
{
    return refuse_path(call, 0, check_value);
}

enum err sys_lsetxattr(struct syscall *call)
{
    return refuse_path(call, AT_SYMLINK_NOFOLLOW, check_value);
}

enum err sys_fsetxattr(struct syscall *call)
{
    return refuse_file(call, check_value);
}

enum err sys_getxattr(struct syscall *call)
{
    return refuse_path(call, 0, check_name);
}

enum err sys_lgetxattr(struct syscall *call)
{
    return refuse_path(call, AT_SYMLINK_NOFOLLOW, check_name);
}

enum err sys_fgetxattr(struct syscall *call)
{
    return refuse_file(call, check_name);
}

/* Returns 0: an empty list. */
enum err sys_listxattr(struct syscall *call)
{
    return check_path(call->arg[0], 0);
}

enum err sys_llistxattr(struct syscall *call)
{
    return check_path(call->arg[0], AT_SYMLINK_NOFOLLOW);
}

enum err sys_flistxattr(struct syscall *call)
{
    return fd_file(call->arg[0]) ? E_OK : E_BADF;
}

enum err sys_removexattr(struct syscall *call)
{
    return refuse_path(call, 0, check_name);
}

enum err sys_lremovexattr(struct syscall *call)
{
    return refuse_path(call, AT_SYMLINK_NOFOLLOW, check_name);
}

enum err sys_fremovexattr(struct syscall *call)
{
    return refuse_file(call, check_name);
}
