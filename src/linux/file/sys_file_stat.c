/* SPDX-License-Identifier: MIT */
/*
 * System calls that report attributes: stat(2) and its variants, statx(2), statfs(2); and
 * getdents(2). They convert inodes and directory entries to the structures of the x86-64 ABI.
 */
#include "linux/file/sys_file.h"

#include "base/str.h"
#include "cpu/lock.h"
#include "fs/vfs/context.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/store.h"
#include "linux/abi/time.h"
#include "linux/file/args.h"
#include "mm/vm/usercopy.h"

#define ST_VALID              0x20u
#define ST_RELATIME           0x1000u
#define STATX_RESERVED        0x80000000u
#define STATX_BASIC_STATS     0x7ffu
#define STATX_BTIME           0x800u
#define STATX_MOUNT           0x1000u /* STATX_MNT_ID */
#define STATX_ATTR_MOUNT_ROOT 0x2000u

struct stat { /* asm/stat.h */
    uint64_t dev, ino, nlink;
    uint32_t mode, uid, gid, pad;
    uint64_t rdev;
    int64_t size, blksize, blocks;
    struct timespec atime, mtime, ctime;
    int64_t unused[3];
};
_Static_assert(sizeof(struct stat) == 144, "struct stat of the x86-64 ABI");

struct statx_time {
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t reserved;
};

struct statx { /* linux/stat.h */
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, pad0;
    uint64_t ino, size, blocks, attributes_mask;
    struct statx_time atime, btime, ctime, mtime;
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t mount, spare[13];
};
_Static_assert(sizeof(struct statx) == 256, "struct statx");

struct statfs { /* asm-generic/statfs.h */
    uint64_t type, bsize, blocks, bfree, bavail, files, ffree;
    uint32_t fsid[2];
    uint64_t namelen, frsize, flags, spare[4];
};
_Static_assert(sizeof(struct statfs) == 120, "struct statfs of the x86-64 ABI");

static uint64_t blocks_of(const struct inode *inode)
{
    if (inode->ops && inode->ops->blocks)
        return inode->ops->blocks(inode);
    return mode_is(inode->mode, S_IFDIR) ? (inode->size + 511) / 512 : 0;
}

static struct timespec timespec_of(struct fs_time time)
{
    return (struct timespec){time.seconds, time.nanoseconds};
}

static enum err file_stat_put_stat(uint64_t to, struct inode *inode)
{
    if (inode->fs->store) {
        enum err e = store_refresh(inode);
        if (e != E_OK)
            return e;
    }
    struct stat stat = {
        .dev = inode->fs->device,
        .ino = inode->ino,
        .nlink = inode->nlink,
        .mode = inode->mode,
        .uid = inode->uid,
        .gid = inode->gid,
        .rdev = inode->device,
        .size = (int64_t)inode->size,
        .blksize = PAGE_SIZE,
        .blocks = (int64_t)blocks_of(inode),
        .atime = timespec_of(inode_accessed(inode)),
        .mtime = timespec_of(inode->modified),
        .ctime = timespec_of(inode->changed),
    };
    return copy_out(virt(to), &stat, sizeof(stat));
}

static enum err stat_at(uint64_t dirfd, uint64_t path, uint64_t to, uint32_t flags)
{
    struct location at;
    enum err e = lookup_at(dirfd, path, flags, &at);
    if (e != E_OK)
        return e;
    e = file_stat_put_stat(to, at.dentry->inode);
    location_put(&at);
    return e;
}

enum err sys_stat(struct syscall *call)
{
    return stat_at((uint64_t)AT_FDCWD, call->arg[0], call->arg[1], 0);
}

enum err sys_lstat(struct syscall *call)
{
    return stat_at((uint64_t)AT_FDCWD, call->arg[0], call->arg[1], AT_SYMLINK_NOFOLLOW);
}

enum err sys_fstat(struct syscall *call)
{
    bool shared = kernel_lock_is_shared();
    struct file *file = shared ? fd_any_shared(call->arg[0]) : fd_any(call->arg[0]);
    if (!file)
        return E_BADF;
    if (!shared) {
        if (!file->inode->fs->store)
            return file_stat_put_stat(call->arg[1], file->inode);
        file_get(file);
    }
    enum err e = file_stat_put_stat(call->arg[1], file->inode);
    file_put(file);
    return e;
}

enum err sys_newfstatat(struct syscall *call)
{
    uint32_t flags = (uint32_t)call->arg[3];
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
        return E_INVAL;
    return stat_at(call->arg[0], call->arg[1], call->arg[2], flags);
}

static struct statx_time statx_time_of(struct fs_time time)
{
    return (struct statx_time){time.seconds, time.nanoseconds, 0};
}

enum err sys_statx(struct syscall *call)
{
    uint32_t flags = (uint32_t)call->arg[2], mask = (uint32_t)call->arg[3];
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
        return E_INVAL;
    if ((mask & STATX_RESERVED) || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
        return E_INVAL;
    struct location at;
    enum err e = lookup_at(call->arg[0], call->arg[1], flags, &at);
    if (e != E_OK)
        return e;
    struct inode *inode = at.dentry->inode;
    if (inode->fs->store && (e = store_refresh(inode)) != E_OK) {
        location_put(&at);
        return e;
    }
    bool is_root = at.mount && at.dentry == at.mount->root;
    struct statx statx = {
        .mask = STATX_BASIC_STATS | STATX_BTIME | (at.mount ? STATX_MOUNT : 0),
        .attributes = is_root ? STATX_ATTR_MOUNT_ROOT : 0,
        .attributes_mask = STATX_ATTR_MOUNT_ROOT,
        .mount = at.mount ? at.mount->id : 0,
        .blksize = PAGE_SIZE,
        .nlink = inode->nlink,
        .uid = inode->uid,
        .gid = inode->gid,
        .mode = (uint16_t)inode->mode,
        .ino = inode->ino,
        .size = inode->size,
        .blocks = blocks_of(inode),
        .atime = statx_time_of(inode_accessed(inode)),
        .btime = statx_time_of(inode->created),
        .ctime = statx_time_of(inode->changed),
        .mtime = statx_time_of(inode->modified),
        .rdev_major = device_major(inode->device),
        .rdev_minor = device_minor(inode->device),
        .dev_major = device_major(inode->fs->device),
        .dev_minor = device_minor(inode->fs->device),
    };
    location_put(&at);
    return copy_out(virt(call->arg[4]), &statx, sizeof(statx));
}

static enum err stored_statfs(struct store *store, struct statfs *to)
{
    struct store_room room = {.block_size = PAGE_SIZE, .name_max = NAME_MAX_LENGTH};
    store_reap(store, false); /* what was removed is free */
    store_lock(store);
    enum err e = store->ops->statfs ? store->ops->statfs(store, &room) : E_OK;
    store_unlock(store);
    to->bsize = to->frsize = room.block_size;
    to->blocks = room.blocks;
    to->bfree = room.free;
    to->bavail = room.available;
    to->files = room.files;
    to->ffree = room.free_files;
    to->namelen = room.name_max;
    memcpy(to->fsid, room.id, sizeof(to->fsid));
    return e;
}

static enum err filesystem_statfs(const struct filesystem *fs, struct statfs *to)
{
    *to = (struct statfs){
        .type = fs->magic, .bsize = PAGE_SIZE, .namelen = NAME_MAX_LENGTH, .frsize = PAGE_SIZE};
    if (fs->store)
        return stored_statfs(fs->store, to);
    if (fs->room && fs->root) { /* without a root, that of memfd_create(): no limits */
        fs->room(fs, &to->blocks, &to->bfree);
        to->bavail = to->bfree;
        to->files = fs->inodes;
        to->ffree = fs->inodes != 0 ? fs->inodes - filesystem_inodes(fs) : 0;
    }
    return E_OK;
}

static enum err put_statfs(uint64_t to, const struct location *at)
{
    const struct filesystem *fs = at->dentry->inode->fs;
    const uint64_t same_bits =
        MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS | MS_NOATIME | MS_NODIRATIME;
    uint64_t flags = fs->flags | (at->mount ? at->mount->flags : 0);
    struct statfs statfs;
    enum err e = filesystem_statfs(fs, &statfs);
    statfs.flags = ST_VALID | (flags & same_bits) | (flags & MS_RELATIME ? ST_RELATIME : 0);
    return e == E_OK ? copy_out(virt(to), &statfs, sizeof(statfs)) : e;
}

enum err sys_statfs(struct syscall *call)
{
    struct location at;
    enum err e = lookup_at((uint64_t)AT_FDCWD, call->arg[0], 0, &at);
    if (e != E_OK)
        return e;
    e = put_statfs(call->arg[1], &at);
    location_put(&at);
    return e;
}

enum err sys_fstatfs(struct syscall *call)
{
    struct file *file = fd_any(call->arg[0]);
    if (!file)
        return E_BADF;
    file_get(file);
    enum err e = put_statfs(call->arg[1], &file->location);
    file_put(file);
    return e;
}

struct ustat {
    int32_t blocks;
    uint64_t files;
    char name[6], pack[6];
};
_Static_assert(sizeof(struct ustat) == 32, "struct ustat of the x86-64 ABI");

/* O(mounts). */
enum err sys_ustat(struct syscall *call)
{
    struct mount *mount = vfs_mount_after(fs_current()->mounts, 0);
    struct statfs statfs;
    while (mount && mount->fs->device != (uint32_t)call->arg[0])
        mount = vfs_mount_next(mount);
    if (!mount)
        return E_INVAL;
    mount_get(mount);
    enum err e = filesystem_statfs(mount->fs, &statfs);
    mount_put(mount);
    const struct ustat to = {.blocks = (int32_t)statfs.bfree, .files = statfs.ffree};
    return e == E_OK ? copy_out(virt(call->arg[1]), &to, sizeof(to)) : e;
}

/* The program's buffer for directory entries. */
struct listing {
    virt_t to;
    uint64_t left; /* bytes */
    bool any;      /* an entry was written */
    bool old;      /* getdents(): the type is the last byte of the entry */
    enum err e;    /* why the listing stopped */
};

#define DIRENT_HEAD    18 /* ino, off, reclen */
#define DIRENT_HEAD_64 19 /* and type */

struct dirent {
    uint64_t ino, next;
    uint16_t size;
    char rest[NAME_MAX_LENGTH + 15]; /* type (64), name, padding, type (old) */
};

static bool put_entry(void *context, const struct directory_entry *entry)
{
    struct listing *listing = context;
    struct dirent dirent = {.ino = entry->ino, .next = entry->next};
    /* The name ends with a NUL, followed by the type in the old form. */
    uint64_t bytes = (listing->old ? DIRENT_HEAD + 1 : DIRENT_HEAD_64) + entry->length + 1;
    uint64_t size = align_up(bytes, 8);
    if (size > listing->left) {
        listing->e = listing->any ? E_OK : E_INVAL;
        return false;
    }
    dirent.size = (uint16_t)size;
    char *name = listing->old ? dirent.rest : dirent.rest + 1;
    memcpy(name, entry->name, entry->length);
    dirent.rest[listing->old ? size - DIRENT_HEAD - 1 : 0] = (char)entry->type;
    listing->e = copy_out_now(listing->to, &dirent, size);
    if (listing->e != E_OK)
        return false;
    listing->to.v += size;
    listing->left -= size;
    listing->any = true;
    return true;
}

#define LISTING_MOST 65536 /* bytes of entries of a call, which may return fewer than fit */

static enum err file_stat_list(struct syscall *call, bool old)
{
    bool taken; /* never: kernel_lock is not shared */
    struct file *file = fd_hold_alone(call->arg[0]);
    if (!file)
        return E_BADF;
    uint64_t size = (uint32_t)call->arg[2];
    if (size > INT32_MAX)
        size = 0; /* as in Linux, a size below 0 holds no entry */
    if (size > LISTING_MOST)
        size = LISTING_MOST;
    struct listing listing = {virt(call->arg[1]), size, false, old, E_OK};
    enum err e = file_take_position(file, &taken);
    if (e == E_OK)
        e = file_list(file, put_entry, &listing);
    else
        call->restart_always = true;
    file_put(file);
    if (e == E_OK && !listing.any)
        e = listing.e;
    if (e == E_OK)
        call->result = size - listing.left;
    return e;
}

enum err sys_getdents(struct syscall *call)
{
    return file_stat_list(call, true);
}

enum err sys_getdents64(struct syscall *call)
{
    return file_stat_list(call, false);
}
