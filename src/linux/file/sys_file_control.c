/* SPDX-License-Identifier: MIT */
/*
 * System calls that control an open file: fcntl(2) with record locks, flock(2), ioctl(2), sizes,
 * holes and synchronisation. ioctl() handles the requests of every file and passes others to the
 * file type.
 */
#include "linux/file/sys_file.h"

#include "fs/pipe/pipe.h"
#include "fs/ram/ramfs.h"
#include "fs/vfs/async.h"
#include "fs/vfs/lease.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/process.h"
#include "fs/vfs/range_lock.h"
#include "fs/vfs/store.h"
#include "linux/file/args.h"
#include "linux/task/process.h"
#include "mm/vm/usercopy.h"

enum fcntl_command {
    F_DUPFD = 0,
    F_GETFD = 1,
    F_SETFD = 2,
    F_GETFL = 3,
    F_SETFL = 4,
    F_GETLK = 5,
    F_SETLK = 6,
    F_SETLKW = 7,
    F_SETOWN = 8,
    F_GETOWN = 9,
    F_SETSIG = 10,
    F_GETSIG = 11,
    F_SETOWN_EX = 15,
    F_GETOWN_EX = 16,
    F_GETOWNER_UIDS = 17,
    F_OFD_GETLK = 36,
    F_OFD_SETLK = 37,
    F_OFD_SETLKW = 38,
    F_DUPFD_CLOEXEC = 1030,
    F_SETLEASE = 1024,
    F_GETLEASE = 1025,
    F_NOTIFY = 1026,
    F_SETPIPE_SZ = 1031,
    F_GETPIPE_SZ = 1032,
    F_ADD_SEALS = 1033,
    F_GET_SEALS = 1034,
    F_GET_RW_HINT = 1035,
    F_SET_RW_HINT = 1036,
};

#define FD_CLOEXEC     1u
#define SETTABLE_FLAGS (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

#define LOCK_SH        1u
#define LOCK_EX        2u
#define LOCK_NB        4u
#define LOCK_UN        8u
#define LOCK_MAND      32u /* had a meaning before Linux 5.16: now a success without effect */

struct flock {
    int16_t type, whence;
    int64_t start, length;
    int32_t pid;
};

enum {
    F_RDLCK,
    F_WRLCK,
    F_UNLCK,
};

static enum err duplicate_above(struct syscall *call, struct file *file, bool close_on_exec)
{
    if (call->arg[2] >= fs_limit(FS_RLIMIT_NOFILE))
        return E_INVAL;
    int fd;
    file_get(file);
    enum err e =
        file_table_add(file_table_current(), file, (uint32_t)call->arg[2], close_on_exec, &fd);
    if (e != E_OK) {
        file_put(file);
        return e;
    }
    call->result = (uint64_t)fd;
    return E_OK;
}

static enum err set_status_flags(struct file *file, int fd, uint32_t flags)
{
    enum err e = E_OK;
    if ((flags & O_NOATIME) && !(file->flags & O_NOATIME)) {
        e = inode_owner_check(file->inode);
        if (e != E_OK)
            return e;
    }
    if ((flags & O_DIRECT) && !mode_is(file->inode->mode, S_IFIFO) && !file->ops->direct)
        return E_INVAL;
    if (((flags ^ file->flags) & O_ASYNC) && file->ops->async_group)
        e = async_set(file, fd, flags & O_ASYNC);
    if (e != E_OK)
        return e;
    file->flags = (file->flags & ~SETTABLE_FLAGS) | (flags & SETTABLE_FLAGS);
    return E_OK;
}

static enum err file_control_lock_range(const struct file *file, const struct flock *flock,
                                        struct range_lock *lock)
{
    int64_t base = 0, start, last = INT64_MAX;
    if (flock->whence == SEEK_CUR)
        base = (int64_t)file->offset;
    else if (flock->whence == SEEK_END)
        base = (int64_t)file->inode->size;
    else if (flock->whence != SEEK_SET)
        return E_INVAL;
    if (__builtin_add_overflow(base, flock->start, &start))
        return E_OVERFLOW;
    if (start < 0)
        return E_INVAL;
    if (flock->length > 0 && __builtin_add_overflow(start, flock->length - 1, &last))
        return E_OVERFLOW;
    if (flock->length < 0) { /* a negative length: the bytes before `start` */
        last = start - 1;
        start += flock->length;
        if (start < 0)
            return E_INVAL;
    }
    lock->start = (uint64_t)start;
    lock->last = (uint64_t)last;
    return E_OK;
}

static enum err lock_test(struct file *file, struct flock *flock, const struct range_lock *wanted,
                          uint64_t to)
{
    const struct range_lock *lock = range_lock_conflict(file->inode, wanted);
    flock->type = F_UNLCK;
    if (lock)
        *flock = (struct flock){
            .type = lock->write ? F_WRLCK : F_RDLCK,
            .whence = SEEK_SET,
            .start = (int64_t)lock->start,
            .length = lock->last == INT64_MAX ? 0 : (int64_t)(lock->last - lock->start + 1),
            .pid = lock->pid,
        };
    return copy_out(virt(to), flock, sizeof(*flock));
}

static enum err lock_set(struct syscall *call, struct file *file, const struct flock *flock,
                         const struct range_lock *wanted, bool wait)
{
    if (flock->type == F_UNLCK)
        return range_lock_clear(file->inode, wanted);
    if (!(wanted->write ? file_can_write(file) : file_can_read(file)))
        return E_BADF;
    file_get(file);
    enum err e = range_lock_set(file->inode, wanted, wait);
    /* If another thread closed the descriptor during the sleep, its close did not release this
     * lock. */
    if (e == E_OK && wanted->pid >= 0 && fd_any(call->arg[0]) != file)
        range_locks_end(file->inode, wanted->owner);
    file_put(file);
    if (e == E_INTR)
        call->restart = true;
    return e;
}

static enum err record_lock(struct syscall *call, struct file *file)
{
    uint32_t command = (uint32_t)call->arg[1];
    bool of_file = command >= F_OFD_GETLK;
    bool test = command == F_GETLK || command == F_OFD_GETLK;
    struct flock flock;
    enum err e = copy_in(&flock, virt(call->arg[2]), sizeof(flock));
    if (e != E_OK)
        return e;
    if (flock.type < F_RDLCK || flock.type > F_UNLCK || (test && flock.type == F_UNLCK) ||
        (of_file && flock.pid != 0))
        return E_INVAL;
    struct range_lock wanted = {
        .owner = of_file ? (const void *)file : file_table_current(),
        .pid = of_file ? -1 : process_current()->pid,
        .write = flock.type == F_WRLCK,
    };
    e = file_control_lock_range(file, &flock, &wanted);
    if (e != E_OK)
        return e;
    if (test)
        return lock_test(file, &flock, &wanted, call->arg[2]);
    return lock_set(call, file, &flock, &wanted, command == F_SETLKW || command == F_OFD_SETLKW);
}

struct owner_ex {
    int32_t type;
    int32_t id;
};

static enum err owner_control(struct file *file, uint32_t command, uint64_t at)
{
    struct owner_ex owner;
    struct fs_owner now = async_owner(file);
    uint32_t uids[2] = {now.uid, now.euid};
    if (command == F_GETOWNER_UIDS)
        return copy_out(virt(at), uids, sizeof(uids));
    if (command == F_GETOWN_EX) {
        owner = (struct owner_ex){(int32_t)now.type, (int32_t)now.id};
        return copy_out(virt(at), &owner, sizeof(owner));
    }
    enum err e = copy_in(&owner, virt(at), sizeof(owner));
    if (e != E_OK)
        return e;
    if (owner.type < FS_OWNER_THREAD || owner.type > FS_OWNER_GROUP)
        return E_INVAL;
    return async_set_owner(file, (enum fs_owner_type)owner.type, (uint32_t)owner.id);
}

/* How long the data will be of use: kept, and without effect, as for any device that does not ask. */
COLD static enum err write_hint(struct inode *inode, bool set, uint64_t at)
{
    uint64_t hint = inode->write_hint;
    if (!set)
        return copy_out(virt(at), &hint, sizeof(hint));
    enum err e = copy_in(&hint, virt(at), sizeof(hint));
    if (e == E_OK && hint > 5) /* RWH_WRITE_LIFE_EXTREME */
        return E_INVAL;
    if (e == E_OK)
        inode->write_hint = (uint8_t)hint;
    return e;
}

static enum err control_data(struct syscall *call, struct file *file)
{
    uint64_t argument = call->arg[2];
    uint32_t value = 0;
    enum err e;
    switch ((uint32_t)call->arg[1]) {
    case F_SETFL:
        return set_status_flags(file, (int)call->arg[0], (uint32_t)argument);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return record_lock(call, file);
    case F_SETOWN:
        return async_set_number(file, (int32_t)argument);
    case F_SETSIG:
        return async_set_signal(file, argument);
    case F_GETOWN:
        call->result = (uint64_t)(int64_t)async_number(file);
        return E_OK;
    case F_GETSIG:
        call->result = (uint64_t)async_signal(file);
        return E_OK;
    case F_SETOWN_EX:
    case F_GETOWN_EX:
    case F_GETOWNER_UIDS:
        return owner_control(file, (uint32_t)call->arg[1], argument);
    case F_SETLEASE:
        return lease_set(file, (int)call->arg[0], argument);
    case F_GETLEASE:
        value = lease_type(file);
        e = E_OK;
        break;
    case F_SETPIPE_SZ:
        e = pipe_set_capacity(file, (uint32_t)argument, &value);
        break;
    case F_GETPIPE_SZ:
        e = pipe_capacity(file, &value);
        break;
    case F_NOTIFY:
        return notify_by_signal(file, (int)call->arg[0], (uint32_t)argument);
    case F_GET_RW_HINT:
    case F_SET_RW_HINT:
        return write_hint(file->inode, (uint32_t)call->arg[1] == F_SET_RW_HINT, argument);
    case F_ADD_SEALS:
        return memfd_add_seals(file, (uint32_t)argument);
    case F_GET_SEALS:
        e = memfd_seals(file, &value);
        break;
    default:
        return E_INVAL;
    }
    if (e == E_OK)
        call->result = value;
    return e;
}

enum err sys_fcntl(struct syscall *call)
{
    struct file *file = fd_any(call->arg[0]);
    if (!file)
        return E_BADF;
    struct file_table_slot *slot = &file_table_current()->slots[(uint32_t)call->arg[0]];
    switch ((uint32_t)call->arg[1]) {
    case F_DUPFD:
        return duplicate_above(call, file, false);
    case F_DUPFD_CLOEXEC:
        return duplicate_above(call, file, true);
    case F_GETFD:
        call->result = slot->close_on_exec ? FD_CLOEXEC : 0;
        return E_OK;
    case F_SETFD:
        slot->close_on_exec = call->arg[2] & FD_CLOEXEC;
        return E_OK;
    case F_GETFL:
        call->result = file->flags;
        return E_OK;
    default:
        return (file->flags & O_PATH) ? E_BADF : control_data(call, file);
    }
}

enum err sys_flock(struct syscall *call)
{
    struct file *file = fd_file(call->arg[0]);
    uint32_t operation = (uint32_t)call->arg[1];
    uint8_t op;
    if (operation & LOCK_MAND)
        return E_OK;
    switch (operation & ~LOCK_NB) {
    case LOCK_SH:
        op = FILE_LOCK_SHARED;
        break;
    case LOCK_EX:
        op = FILE_LOCK_EXCLUSIVE;
        break;
    case LOCK_UN:
        op = FILE_LOCK_NONE;
        break;
    default:
        return E_INVAL;
    }
    if (!file)
        return E_BADF;
    enum err e = file_lock(file, op, !(operation & LOCK_NB));
    if (e == E_INTR)
        call->restart = true;
    return e;
}

#define FITRIM UINT32_C(0xc0185879)

static enum err trim_free(struct store *store, uint64_t argument)
{
    uint64_t range[3]; /* start, length, minimum */
    enum err e = capable(CAP_SYS_ADMIN) ? copy_in(range, virt(argument), sizeof(range)) : E_PERM;
    if (e == E_OK)
        e = store->ops->trim(store, range);
    return e == E_OK ? copy_out(virt(argument), range, sizeof(range)) : e;
}

/* The ioctl() requests of all file types. *known: false for others. */
static enum err ioctl_generic(struct syscall *call, struct file *file, bool *known)
{
    struct file_table_slot *slot = &file_table_current()->slots[(uint32_t)call->arg[0]];
    int32_t value;
    enum err e = E_OK;
    *known = true;
    switch ((uint32_t)call->arg[1]) {
    case FIOCLEX:
        slot->close_on_exec = true;
        return E_OK;
    case FIONCLEX:
        slot->close_on_exec = false;
        return E_OK;
    case FIONBIO:
        e = copy_in(&value, virt(call->arg[2]), sizeof(value));
        if (e == E_OK)
            file->flags = value ? file->flags | O_NONBLOCK : file->flags & ~O_NONBLOCK;
        return e;
    case FIOASYNC:
        e = copy_in(&value, virt(call->arg[2]), sizeof(value));
        if (e == E_OK && (value != 0) != ((file->flags & O_ASYNC) != 0))
            e = async_set(file, (int)call->arg[0], value != 0);
        return e;
    case FIONREAD:
        if (!mode_is(file->inode->mode, S_IFREG))
            break;
        value = (int32_t)(file->inode->size - file->offset);
        return copy_out(virt(call->arg[2]), &value, sizeof(value));
    case FITRIM:
        if (!file->inode->fs->store || !file->inode->fs->store->ops->trim)
            break;
        return trim_free(file->inode->fs->store, call->arg[2]);
    default:
        break;
    }
    *known = false;
    return E_NOTTY;
}

enum err sys_ioctl(struct syscall *call)
{
    struct file *file = fd_file(call->arg[0]);
    if (!file)
        return E_BADF;
    bool known;
    enum err e = ioctl_generic(call, file, &known);
    if (known)
        return e;
    if (!file->ops->control)
        return E_NOTTY;
    call->restart = true;
    return file->ops->control(file, (uint32_t)call->arg[1], call->arg[2], &call->result);
}

#define SYNC_FILE_RANGE_WRITE 2

/* True for regular files and directories of a file system that keeps them, and for files that are synchronised: not those of /proc. */
static bool is_stored(const struct file *file)
{
    uint32_t mode = file->inode->mode;
    const struct filesystem *fs = file->inode->fs;
    if (mode_is(mode, S_IFDIR))
        return fs->attributes || fs->store;
    return file->ops->sync || (fs->attributes && mode_is(mode, S_IFREG));
}

/* Bytes [from, end) of the file, and no more than `how`. Holds a reference over the sleep. */
COLD static enum err synchronise(struct file *file, uint64_t from, uint64_t end, enum file_sync how)
{
    if (!file->ops->sync)
        return E_OK; /* the file lives in memory */
    file_get(file);
    enum err e = file->ops->sync(file, from, end, how);
    file_put(file);
    return e;
}

static enum err synchronise_all(uint64_t fd, enum file_sync how)
{
    struct file *file = fd_file(fd);
    if (!file)
        return E_BADF;
    return is_stored(file) ? synchronise(file, 0, UINT64_MAX, how) : E_INVAL;
}

enum err sys_fsync(struct syscall *call)
{
    return synchronise_all(call->arg[0], FILE_SYNC_ALL);
}

enum err sys_fdatasync(struct syscall *call)
{
    return synchronise_all(call->arg[0], FILE_SYNC_DATA);
}

enum err sys_sync(struct syscall *call)
{
    (void)call;
    enum err e = vfs_sync(true);
    (void)e; /* sync(2) never fails */
    return E_OK;
}

enum err sys_syncfs(struct syscall *call)
{
    struct file *file = fd_file(call->arg[0]);
    if (!file)
        return E_BADF;
    return file->inode->fs->store ? vfs_sync_one(file) : E_OK;
}

enum err sys_sync_file_range(struct syscall *call)
{
    struct file *file = fd_file(call->arg[0]);
    if (!file)
        return E_BADF;
    int64_t end;
    if (__builtin_add_overflow((int64_t)call->arg[1], (int64_t)call->arg[2], &end))
        return E_INVAL;
    if ((int64_t)call->arg[1] < 0 || (int64_t)call->arg[2] < 0 || (call->arg[3] & ~UINT64_C(7)))
        return E_INVAL;
    if (file->ops->sync && call->arg[3] != 0)
        return synchronise(file, call->arg[1], call->arg[2] != 0 ? (uint64_t)end : UINT64_MAX,
                           call->arg[3] == SYNC_FILE_RANGE_WRITE ? FILE_SYNC_START
                                                                 : FILE_SYNC_WAIT);
    bool stored = mode_is(file->inode->mode, S_IFREG) || mode_is(file->inode->mode, S_IFDIR) ||
                  mode_is(file->inode->mode, S_IFBLK);
    return stored ? E_OK : E_SPIPE;
}

enum err sys_truncate(struct syscall *call)
{
    if (call->arg[1] > INT64_MAX)
        return E_INVAL;
    struct location at;
    enum err e = lookup_at((uint64_t)AT_FDCWD, call->arg[0], 0, &at);
    if (e != E_OK)
        return e;
    struct inode *inode = at.dentry->inode;
    if (mode_is(inode->mode, S_IFDIR))
        e = E_ISDIR;
    else if (!mode_is(inode->mode, S_IFREG))
        e = E_INVAL;
    else
        e = mount_writable(at.mount, inode->fs);
    if (e == E_OK)
        e = inode_permission(inode, MAY_WRITE);
    if (e == E_OK && (inode->quick & INODE_LEASED))
        e = lease_break(inode, true, true);
    if (e == E_OK)
        e = vfs_truncate(at.dentry, call->arg[1]);
    call->restart = e == E_INTR;
    location_put(&at);
    return e;
}

enum err sys_ftruncate(struct syscall *call)
{
    if (call->arg[1] > INT64_MAX)
        return E_INVAL;
    struct file *file = fd_file(call->arg[0]);
    if (!file)
        return E_BADF;
    if (!mode_is(file->inode->mode, S_IFREG) || !file_can_write(file))
        return E_INVAL;
    file_get(file); /* it gives way */
    enum err e = vfs_truncate(file->dentry, call->arg[1]);
    file_put(file);
    return e;
}

enum err sys_fallocate(struct syscall *call)
{
    int64_t offset = (int64_t)call->arg[2], size = (int64_t)call->arg[3], end;
    struct file *file = fd_file(call->arg[0]);
    if (!file)
        return E_BADF;
    if (offset < 0 || size <= 0)
        return E_INVAL;
    if (!file_can_write(file))
        return E_BADF;
    struct inode *inode = file->inode;
    if (mode_is(inode->mode, S_IFIFO))
        return E_SPIPE;
    if (mode_is(inode->mode, S_IFDIR))
        return E_ISDIR;
    if (!mode_is(inode->mode, S_IFREG))
        return E_NODEV;
    if (__builtin_add_overflow(offset, size, &end))
        return E_FBIG;
    if (!inode->ops || !inode->ops->allocate)
        return E_NOTSUP;
    file_get(file); /* it gives way */
    enum err e =
        inode->ops->allocate(inode, (uint32_t)call->arg[1], (uint64_t)offset, (uint64_t)size);
    if (e == E_OK)
        notify(file->dentry, NOTIFY_MODIFY);
    file_put(file);
    return e;
}

/* Bytes [from, from + size), to the end of the file if size is 0. */
COLD static void advise(struct file *file, uint64_t from, uint64_t size, enum file_advice advice)
{
    uint64_t end = size == 0 || size > INT64_MAX - from ? INT64_MAX : from + size;
    if (!file->ops->advise)
        return;
    file_get(file);
    file->ops->advise(file, from, end, advice);
    file_put(file);
}

enum err sys_fadvise64(struct syscall *call)
{
    struct file *file = fd_file(call->arg[0]);
    if (!file)
        return E_BADF;
    if (mode_is(file->inode->mode, S_IFIFO))
        return E_SPIPE;
    if ((int64_t)call->arg[2] < 0 || (uint32_t)call->arg[3] > FILE_ADVICE_NO_REUSE)
        return E_INVAL;
    if (call->arg[1] <= INT64_MAX)
        advise(file, call->arg[1], call->arg[2], (enum file_advice)call->arg[3]);
    return E_OK;
}

enum err sys_readahead(struct syscall *call)
{
    struct file *file = fd_file(call->arg[0]);
    if (!file || !file_can_read(file))
        return E_BADF;
    if (!(file->ops->advise || mode_is(file->inode->mode, S_IFREG)) || call->arg[2] > INT64_MAX)
        return E_INVAL;
    if (call->arg[1] <= INT64_MAX && call->arg[2] > 0)
        advise(file, call->arg[1], call->arg[2], FILE_ADVICE_WILL_NEED);
    return E_OK;
}
