/* SPDX-License-Identifier: MIT */
/*
 * System calls that make and close descriptors: open(2) and its variants, pipe(2), eventfd(2),
 * memfd_create(2), dup(2), close_range(2). Path walk and permissions are in fs/vfs.
 */
#include "linux/file/sys_file.h"

#include "base/str.h"
#include "cpu/lock.h"
#include "fs/pipe/eventfd.h"
#include "fs/pipe/pipe.h"
#include "fs/ram/ramfs.h"
#include "fs/vfs/context.h"
#include "fs/vfs/process.h"
#include "kern/thread.h"
#include "linux/file/args.h"
#include "linux/task/process.h"
#include "mm/vm/usercopy.h"

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u

#define EFD_SEMAPHORE       1u

#define MFD_CLOEXEC         1u
#define MFD_ALLOW_SEALING   2u
#define MFD_NOEXEC_SEAL     8u
#define MFD_EXEC            16u
#define MFD_NAME_MAX        249

#define VALID_FLAGS         0x7fffc3u
#define ALONE_FLAGS         (O_TRUNC | O_TMPFILE | O_PATH) /* kernel_lock is not shared */

/* Opens the path and installs the file at the lowest free descriptor. */
static enum err open_begun(struct syscall *call, struct path_at *at, uint32_t flags, uint32_t mode)
{
    struct file *file;
    enum err e = E_MFILE;
    if (file_table_has_room(file_table_current()))
        e = vfs_open(at->place.at, at->place.path, flags, mode, &file);
    path_at_end(at);
    if (e == E_INTR)
        call->restart = true;
    if (e == E_OK && (flags & (O_DIRECT | O_PATH)) == O_DIRECT && !file->ops->direct) {
        file_put(file);
        return E_INVAL;
    }
    return e == E_OK ? fd_install(call, file, flags & O_CLOEXEC) : e;
}

static enum err open_at(struct syscall *call, uint64_t dirfd, uint64_t path, uint32_t flags,
                        uint32_t mode)
{
    struct path_at at;
    flags &= VALID_FLAGS; /* open(2) ignores others */
    if ((flags & ALONE_FLAGS) || (int32_t)dirfd != AT_FDCWD)
        kernel_lock_alone();
    enum err e = path_at_begin(&at, dirfd, path);
    return e == E_OK ? open_begun(call, &at, flags, mode) : e;
}

COLD enum err file_open_at(struct syscall *call, uint64_t dirfd, uint64_t path, uint32_t flags,
                           uint32_t mode)
{
    struct path_at at;
    enum err e = path_copy_in(&at.path, virt(path));
    if (e != E_OK)
        return e;
    at.place.path = at.path.text;
    if ((flags & O_RESOLVE_IN_ROOT) && *at.place.path == '/') { /* relative to dirfd */
        while (*at.place.path == '/')
            at.place.path++;
        if (*at.place.path == '\0')
            at.place.path = ".";
    }
    e = path_base(&at, dirfd);
    if (e == E_OK)
        return open_begun(call, &at, flags, mode);
    path_free(&at.path);
    return e;
}

enum err sys_open(struct syscall *call)
{
    return open_at(call, (uint64_t)AT_FDCWD, call->arg[0], (uint32_t)call->arg[1],
                   (uint32_t)call->arg[2]);
}

enum err sys_openat(struct syscall *call)
{
    return open_at(call, call->arg[0], call->arg[1], (uint32_t)call->arg[2],
                   (uint32_t)call->arg[3]);
}

enum err sys_creat(struct syscall *call)
{
    return open_at(call, (uint64_t)AT_FDCWD, call->arg[0], O_WRONLY | O_CREAT | O_TRUNC,
                   (uint32_t)call->arg[1]);
}

enum err sys_close(struct syscall *call)
{
    return file_table_close(file_table_current(), (uint32_t)call->arg[0]);
}

enum err sys_close_range(struct syscall *call)
{
    uint32_t first = (uint32_t)call->arg[0], last = (uint32_t)call->arg[1];
    uint32_t flags = (uint32_t)call->arg[2];
    if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) || first > last)
        return E_INVAL;
    struct fs_context *own = NULL;
    enum err e = E_OK;
    if (flags & CLOSE_RANGE_UNSHARE) /* from other processes; threads of one share theirs */
        e = fs_context_own(process_current()->fs, true, false, &own);
    if (e != E_OK)
        return e;
    process_take_context(own);
    struct file_table *table = file_table_current();
    for (uint64_t fd = first; fd <= last && fd < table->capacity; fd++) {
        if (!table->slots[fd].file)
            continue;
        if (flags & CLOSE_RANGE_CLOEXEC) {
            table->slots[fd].close_on_exec = true;
        } else {
            e = file_table_close(table, (uint32_t)fd);
            if (e != E_OK)
                return e;
            thread_give_way();
        }
    }
    return E_OK;
}

static enum err make_pipe(uint64_t to, uint64_t flags)
{
    if (flags & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
        return E_INVAL;
    struct file *ends[2];
    enum err e = pipe_create((uint32_t)flags & (O_NONBLOCK | O_DIRECT), &ends[0], &ends[1]);
    return e == E_OK ? fd_install_pair(ends, flags & O_CLOEXEC, to) : e;
}

enum err sys_pipe(struct syscall *call)
{
    return make_pipe(call->arg[0], 0);
}

enum err sys_pipe2(struct syscall *call)
{
    return make_pipe(call->arg[0], (uint32_t)call->arg[1]);
}

static enum err make_eventfd(struct syscall *call, uint32_t value, uint32_t flags)
{
    if (flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
        return E_INVAL;
    struct file *file;
    enum err e = eventfd_open(value, flags & EFD_SEMAPHORE, flags & O_NONBLOCK, &file);
    return e == E_OK ? fd_install(call, file, flags & O_CLOEXEC) : e;
}

enum err sys_eventfd(struct syscall *call)
{
    return make_eventfd(call, (uint32_t)call->arg[0], 0);
}

enum err sys_eventfd2(struct syscall *call)
{
    return make_eventfd(call, (uint32_t)call->arg[0], (uint32_t)call->arg[1]);
}

enum err sys_memfd_create(struct syscall *call)
{
    uint32_t flags = (uint32_t)call->arg[1];
    if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC))
        return E_INVAL;
    char name[MFD_NAME_MAX + 1];
    size_t length;
    enum err e = copy_in_string(name, virt(call->arg[0]), sizeof(name), &length);
    if (e != E_OK)
        return e == E_NAMETOOLONG ? E_INVAL : e;
    struct file *file;
    e = memfd_open(name, flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL), &file);
    return e == E_OK ? fd_install(call, file, flags & MFD_CLOEXEC) : e;
}

enum err sys_dup(struct syscall *call)
{
    struct file *file = file_table_get(file_table_current(), call->arg[0]);
    return file ? fd_install(call, file, false) : E_BADF;
}

static enum err duplicate_to(struct syscall *call, struct file *file, uint32_t to,
                             bool close_on_exec)
{
    enum err e = file_table_set(file_table_current(), to, file, close_on_exec);
    if (e == E_OK)
        call->result = to;
    return e;
}

enum err sys_dup2(struct syscall *call)
{
    uint32_t to = (uint32_t)call->arg[1];
    struct file *file = fd_any(call->arg[0]);
    if (!file)
        return E_BADF;
    if (to == (uint32_t)call->arg[0]) {
        call->result = to;
        return E_OK;
    }
    return duplicate_to(call, file, to, false);
}

enum err sys_dup3(struct syscall *call)
{
    uint32_t to = (uint32_t)call->arg[1], flags = (uint32_t)call->arg[2];
    if ((flags & ~O_CLOEXEC) || to == (uint32_t)call->arg[0])
        return E_INVAL;
    struct file *file = fd_any(call->arg[0]);
    return file ? duplicate_to(call, file, to, flags & O_CLOEXEC) : E_BADF;
}
