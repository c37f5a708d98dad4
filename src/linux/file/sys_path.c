/* SPDX-License-Identifier: MIT */
#include "linux/file/sys_path.h"

#include "base/str.h"
#include "fs/vfs/context.h"
#include "linux/file/args.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define CWD ((uint64_t)AT_FDCWD)

static enum err make_directory(uint64_t dirfd, uint64_t path, uint64_t mode)
{
    struct path_at at;
    enum err e = path_at_begin(&at, dirfd, path);
    if (e != E_OK)
        return e;
    e = vfs_make_directory(at.place, (uint32_t)mode);
    path_at_end(&at);
    return e;
}

enum err sys_mkdir(struct syscall *call)
{
    return make_directory(CWD, call->arg[0], call->arg[1]);
}

enum err sys_mkdirat(struct syscall *call)
{
    return make_directory(call->arg[0], call->arg[1], call->arg[2]);
}

static enum err make_node(uint64_t dirfd, uint64_t path, uint64_t mode, uint64_t device)
{
    struct path_at at;
    enum err e = path_at_begin(&at, dirfd, path);
    if (e != E_OK)
        return e;
    e = vfs_make_node(at.place, (uint32_t)mode, (uint32_t)device);
    path_at_end(&at);
    return e;
}

enum err sys_mknod(struct syscall *call)
{
    return make_node(CWD, call->arg[0], call->arg[1], call->arg[2]);
}

enum err sys_mknodat(struct syscall *call)
{
    return make_node(call->arg[0], call->arg[1], call->arg[2], call->arg[3]);
}

static enum err remove_at(uint64_t dirfd, uint64_t path, bool directory)
{
    struct path_at at;
    enum err e = path_at_begin(&at, dirfd, path);
    if (e != E_OK)
        return e;
    e = directory ? vfs_remove_directory(at.place) : vfs_unlink(at.place);
    path_at_end(&at);
    return e;
}

enum err sys_rmdir(struct syscall *call)
{
    return remove_at(CWD, call->arg[0], true);
}

enum err sys_unlink(struct syscall *call)
{
    return remove_at(CWD, call->arg[0], false);
}

enum err sys_unlinkat(struct syscall *call)
{
    uint32_t flags = (uint32_t)call->arg[2];
    if (flags & ~AT_REMOVEDIR)
        return E_INVAL;
    return remove_at(call->arg[0], call->arg[1], flags & AT_REMOVEDIR);
}

static enum err link_at(const uint64_t from[2], const uint64_t to[2], uint32_t flags)
{
    struct location target;
    uint32_t how = (flags & AT_SYMLINK_FOLLOW) ? 0 : AT_SYMLINK_NOFOLLOW;
    enum err e = lookup_at(from[0], from[1], how | (flags & AT_EMPTY_PATH), &target);
    if (e != E_OK)
        return e;
    struct path_at at;
    e = path_at_begin(&at, to[0], to[1]);
    if (e == E_OK) {
        e = vfs_link(&target, at.place);
        path_at_end(&at);
    }
    location_put(&target);
    return e;
}

enum err sys_link(struct syscall *call)
{
    return link_at((uint64_t[]){CWD, call->arg[0]}, (uint64_t[]){CWD, call->arg[1]}, 0);
}

enum err sys_linkat(struct syscall *call)
{
    uint32_t flags = (uint32_t)call->arg[4];
    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return E_INVAL;
    return link_at(&call->arg[0], &call->arg[2], flags);
}

static enum err symlink_at(uint64_t text, uint64_t dirfd, uint64_t path)
{
    struct path target;
    enum err e = path_copy_in(&target, virt(text));
    if (e != E_OK)
        return e;
    struct path_at at;
    e = path_at_begin(&at, dirfd, path);
    if (e == E_OK) {
        e = vfs_make_symlink(target.text, at.place);
        path_at_end(&at);
    }
    path_free(&target);
    return e;
}

enum err sys_symlink(struct syscall *call)
{
    return symlink_at(call->arg[0], CWD, call->arg[1]);
}

enum err sys_symlinkat(struct syscall *call)
{
    return symlink_at(call->arg[0], call->arg[1], call->arg[2]);
}

static enum err read_link(struct syscall *call, uint64_t dirfd, const uint64_t arg[3])
{
    int32_t size = (int32_t)arg[2];
    if (size <= 0)
        return E_INVAL;
    struct location link;
    enum err e = lookup_at(dirfd, arg[0], AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &link);
    if (e != E_OK)
        return e;
    char *text = heap_alloc(PATH_MAX_SIZE);
    e = text ? vfs_read_link(&link, text) : E_NOMEM;
    if (e == E_OK) {
        size_t length = strlen(text);
        if (length > (size_t)size)
            length = (size_t)size;
        e = copy_out(virt(arg[1]), text, length);
        call->result = length;
    }
    heap_free(text);
    location_put(&link);
    return e;
}

/* An empty path is ENOENT; only readlinkat() accepts it, for an O_PATH descriptor of a link. */
enum err sys_readlink(struct syscall *call)
{
    enum err e = read_link(call, CWD, &call->arg[0]);
    char first;
    if (e == E_INVAL && copy_in(&first, virt(call->arg[0]), 1) == E_OK && first == '\0')
        e = (int32_t)call->arg[2] <= 0 ? E_INVAL : E_NOENT;
    return e;
}

enum err sys_readlinkat(struct syscall *call)
{
    enum err e = read_link(call, call->arg[0], &call->arg[1]);
    char first;
    if (e == E_INVAL && copy_in(&first, virt(call->arg[1]), 1) == E_OK && first == '\0')
        e = (int32_t)call->arg[3] <= 0 ? E_INVAL : E_NOENT;
    return e;
}

static enum err rename_at(const uint64_t from[2], const uint64_t to[2], uint64_t flags)
{
    struct path_at old, new;
    enum err e = path_at_begin(&old, from[0], from[1]);
    if (e != E_OK)
        return e;
    e = path_at_begin(&new, to[0], to[1]);
    if (e == E_OK) {
        e = vfs_rename(old.place, new.place, (uint32_t)flags);
        path_at_end(&new);
    }
    path_at_end(&old);
    return e;
}

enum err sys_rename(struct syscall *call)
{
    return rename_at((uint64_t[]){CWD, call->arg[0]}, (uint64_t[]){CWD, call->arg[1]}, 0);
}

enum err sys_renameat(struct syscall *call)
{
    return rename_at(&call->arg[0], &call->arg[2], 0);
}

enum err sys_renameat2(struct syscall *call)
{
    return rename_at(&call->arg[0], &call->arg[2], call->arg[4]);
}

enum err sys_getcwd(struct syscall *call)
{
    const struct fs_context *context = fs_current();
    if (!context->cwd.dentry->linked)
        return E_NOENT;
    char *buffer = heap_alloc(PATH_MAX_SIZE), *path;
    if (!buffer)
        return E_NOMEM;
    enum err e = location_path(&context->cwd, &context->root, LOCATION_UNREACHABLE, buffer,
                               PATH_MAX_SIZE, &path);
    if (e == E_OK) {
        size_t size = strlen(path) + 1;
        e = size <= call->arg[1] ? copy_out(virt(call->arg[0]), path, size) : E_RANGE;
        call->result = size;
    }
    heap_free(buffer);
    return e;
}

static enum err path_enter(const struct location *directory, void (*set)(const struct location *))
{
    const struct inode *inode = directory->dentry->inode;
    if (!mode_is(inode->mode, S_IFDIR))
        return E_NOTDIR;
    enum err e = inode_permission(inode, MAY_EXECUTE);
    if (e == E_OK && set == fs_set_root && !capable(CAP_SYS_CHROOT))
        e = E_PERM;
    if (e == E_OK)
        set(directory);
    return e;
}

static enum err enter_path(uint64_t path, void (*set)(const struct location *))
{
    struct location directory;
    enum err e = lookup_at(CWD, path, 0, &directory);
    if (e != E_OK)
        return e;
    e = path_enter(&directory, set);
    location_put(&directory);
    return e;
}

enum err sys_chdir(struct syscall *call)
{
    return enter_path(call->arg[0], fs_set_cwd);
}

enum err sys_fchdir(struct syscall *call)
{
    struct file *file = fd_any(call->arg[0]);
    return file ? path_enter(&file->location, fs_set_cwd) : E_BADF;
}

enum err sys_chroot(struct syscall *call)
{
    return enter_path(call->arg[0], fs_set_root);
}
