/* SPDX-License-Identifier: MIT */
/*
 * Mounts: mount(2), umount2(2), the word mount= and the end of all at the machine's end.
 *
 * struct filesystem is Linux's superblock; where it is mounted, any number of times, is in fs/vfs/location.h.
 * Types register themselves; the source's meaning is the type's: a block device ("/dev/vda", "vda"), a tag
 * of a folder of the host, nothing (tmpfs).
 */
#pragma once

#include "fs/vfs/namespace.h"
#include "fs/vfs/vfs.h"
#include "kern/wait.h"

#define MS_RDONLY       0x1u
#define MS_NOSUID       0x2u
#define MS_NODEV        0x4u
#define MS_NOEXEC       0x8u
#define MS_SYNCHRONOUS  0x10u
#define MS_REMOUNT      0x20u
#define MS_DIRSYNC      0x80u
#define MS_NOATIME      0x400u
#define MS_NODIRATIME   0x800u
#define MS_BIND         0x1000u
#define MS_MOVE         0x2000u
#define MS_REC          0x4000u
#define MS_SILENT       0x8000u
#define MS_UNBINDABLE   0x20000u
#define MS_PRIVATE      0x40000u
#define MS_SLAVE        0x80000u
#define MS_SHARED       0x100000u
#define MS_RELATIME     0x200000u
#define MS_STRICTATIME  0x1000000u
#define MS_LAZYTIME     0x2000000u

#define MNT_FORCE       1u
#define MNT_DETACH      2u
#define MNT_EXPIRE      4u
#define UMOUNT_NOFOLLOW 8u

struct mount_source {
    const char *source;  /* as the program wrote it; "" if it gave none */
    const char *options; /* "" or text as of mount(8)'s -o, without what flags say */
    uint32_t flags;      /* MS_RDONLY, ... */
};

struct filesystem_type {
    const char *name;
    bool without_device; /* "nodev" in /proc/filesystems */
    bool any_source;     /* the source says nothing: the word mount= does not try the type */
    /* Makes a file system with a root. May sleep. With MS_RDONLY it must not write to the medium. E_INVAL: the source is
     * not of this type, or an option is not known; the word mount= then tries the next type. E_NODEV, E_NOTBLK: no such
     * source; E_BUSY: it is mounted already; E_ROFS: it can only be mounted read-only; E_IO, E_NOMEM. */
    enum err (*mount)(const struct mount_source *from, struct filesystem **out);
    struct filesystem_type *next;
};

/* `type` stays valid. Boot. O(1). */
void filesystem_type_register(struct filesystem_type *type);
/* The name of a type, those last that have no instance but the kernel's. NULL: there are fewer. O(types). */
const char *filesystem_type_name(unsigned index, bool *without_device);

/* st_dev of a file system without a device: 0:N. */
uint64_t vfs_device_number(void);

/* The file system lives at least until filesystem_release(), which does not sleep: when nothing holds it and it has no mounts,
 * vfs_reap_detached() ends it. O(1). */
static inline void filesystem_hold(struct filesystem *fs)
{
    fs->mounts++;
}
void filesystem_release(struct filesystem *fs);

/* mount(2). E_PERM, E_INVAL, E_NODEV (no such type), E_LOOP, and the type's. Sleeps. O(1), MS_REC: O(mounts below). */
MUST_CHECK enum err vfs_mount_new(const char *path, const char *type,
                                  const struct mount_source *from);
/* The type that takes the source; no rights are needed. E_NODEV, E_INVAL: none does. Sleeps. */
MUST_CHECK enum err vfs_mount_any(const char *path, const struct mount_source *from);
/* The type that takes the source, as the root file system in place of the present one, while nothing else is mounted. `join` makes a file
 * system of two directories: what is on a medium that is only read, below what the root has; one that is written to is the root
 * itself. Boot. E_NODEV, E_INVAL: no type takes the source; the type's errors, join's. Sleeps. */
typedef enum err (*mount_join)(struct dentry *below, struct dentry *above, const char *options,
                               struct filesystem **out);
MUST_CHECK enum err vfs_mount_root(const struct mount_source *from, mount_join join);
/* umount2(2). E_PERM, E_INVAL, E_BUSY, E_AGAIN (MNT_EXPIRE: not expired yet). O(mounts below); the last mount of a file system:
 * O(entries in memory). Sleeps. */
MUST_CHECK enum err vfs_unmount(const char *path, uint32_t flags);
/* sync(2): all stored file systems. The first error. Sleeps. */
MUST_CHECK enum err vfs_sync(bool wait);
/* syncfs(2): the file system of the file, which is a stored one. Sleeps. */
struct file;
MUST_CHECK enum err vfs_sync_one(struct file *file);
/* The end of the machine: no other thread gets back to its program, all that is dirty is written and the media are clean; from then on operations of stored file systems
 * sleep for ever. Not after a panic. Callers: threads. Sleeps. */
void vfs_shut_down(void);

/* For the thread of stored file systems: ends those that have come out of use. True: some are still used, without a mount. Sleeps. */
bool vfs_reap_detached(void);
extern bool vfs_reap_wanted; /* there are new ones */

/* A tree of mounts (mount_namespaces(7)). Locations that processes of it have may be in others' trees. */
struct mount_namespace {
    struct namespace base;
    struct mount *root;
    struct list
        ended; /* the list of namespaces without references, until mount_namespaces_reap() */
};
/* Puts the context, which shares its place with none, into a new namespace with copies of all mounts of the old one; root and working
 * directory become those in the copy. E_NOMEM, E_NOSPC: too many mounts. Sleeps. O(mounts). */
struct fs_context;
MUST_CHECK enum err vfs_unshare_mounts(struct fs_context *context);
/* setns(2): puts the calling thread's context, which shares its place with none, into the namespace, at the root. O(mounts on each other there). */
void vfs_join_mounts(struct mount_namespace *ns);

/* The first mount of the namespace with a greater number, in the order in which they came; NULL: no more. O(mounts of all). */
struct mount *vfs_mount_after(const struct mount_namespace *ns, uint32_t id);
/* The next one in that order; NULL: no more. O(mounts of others between them). */
struct mount *vfs_mount_next(const struct mount *mount);
/* Counts mounts, unmounts and remounts; each wakes the queue: for poll() of /proc/self/mounts. */
extern uint32_t mount_changes;
extern struct wait_queue mount_queue;
