/* SPDX-License-Identifier: MIT */
#include "fs/vfs/inode.h"

#include "base/panic.h"
#include "cpu/lock.h"
#include "fs/vfs/dentry.h"
#include "fs/vfs/file.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/store_table.h"
#include "fs/vfs/xattr.h"
#include "kern/time.h"
#include "mm/heap/heap.h"
#include "mm/vm/areas.h"

#define DAY_SECONDS (24 * 60 * 60)

struct fs_time fs_time_now(void)
{
    uint64_t now = time_realtime_ns();
    return (struct fs_time){(int64_t)(now / NS_PER_SECOND), (uint32_t)(now % NS_PER_SECOND)};
}

enum err inode_alloc_after(struct filesystem *fs, size_t before, size_t size_of, uint32_t mode,
                           struct inode **out)
{
    char *block = heap_alloc_zero(before + size_of);
    if (!block)
        return E_NOMEM;
    struct inode *inode = (struct inode *)(void *)(block + before);
    inode->fs = fs;
    inode->mode = mode;
    inode_mode_changed(inode);
    inode->references = 1;
    inode->created = fs_time_now();
    inode->accessed = inode->modified = inode->changed = inode->created;
    if (mode_is(mode, S_IFDIR)) {
        inode->directory = heap_alloc(sizeof(*inode->directory));
        if (!inode->directory) {
            heap_free(block);
            return E_NOMEM;
        }
        directory_init(inode->directory);
    }
    *out = inode;
    return E_OK;
}

enum err inode_alloc(struct filesystem *fs, size_t size_of, uint32_t mode, struct inode **out)
{
    enum err e = inode_alloc_after(fs, 0, size_of, mode, out);
    if (e == E_OK)
        (*out)->ino = fs->next_ino++;
    return e;
}

uint64_t filesystem_inodes(const struct filesystem *fs)
{
    uint64_t first = fs->root ? fs->root->inode->ino : fs->next_ino;
    return fs->next_ino - first - fs->freed + fs->links;
}

void inode_get(struct inode *inode)
{
    CPUS_ADD(inode->references, 1);
}

void inode_put(struct inode *inode)
{
    if (!inode)
        return;
    assert(inode->references > 0);
    if (!kernel_lock_put(&inode->references))
        return;
    inode->fs->freed++;
    if (unlikely(inode->fs->store))
        store_inode_unused(inode);
    else
        inode_free(inode, inode);
}

void inode_free(struct inode *inode, void *block)
{
    if (inode->ops && inode->ops->destroy)
        inode->ops->destroy(inode);
    if (inode->directory) {
        directory_destroy(inode->directory);
        heap_free(inode->directory);
    }
    heap_free(inode->link);
    if (inode->attributes)
        attributes_free(inode->attributes);
    heap_free(block);
}

void inode_touch_modified(struct inode *inode)
{
    inode->modified = inode->changed = fs_time_now();
}

void inode_touch_changed(struct inode *inode)
{
    inode->changed = fs_time_now();
}

static bool time_before(struct fs_time a, struct fs_time b)
{
    return a.seconds < b.seconds || (a.seconds == b.seconds && a.nanoseconds < b.nanoseconds);
}

/* Of several CPUs: of threads that share kernel_lock, the times of all files. */
static struct short_lock accessed_lock;

void inode_touch_accessed(struct inode *inode, const struct mount *mount, bool start)
{
    bool stale = !time_before(inode->modified, inode->accessed) ||
                 !time_before(inode->changed, inode->accessed);
    if (!stale && !start)
        return;
    struct fs_time now = fs_time_now();
    if (!stale && now.seconds - inode->accessed.seconds < DAY_SECONDS)
        return;
    uint32_t never = MS_RDONLY | MS_NOATIME | (mode_is(inode->mode, S_IFDIR) ? MS_NODIRATIME : 0);
    if ((inode->fs->flags & MS_RDONLY) || mount_has(mount, never))
        return;
    if (inode->fs->store)
        kernel_lock_alone();
    SHORT_LOCK(&accessed_lock, class_files);
    inode->accessed = now;
    SHORT_UNLOCK(&accessed_lock, class_files);
    if (inode->fs->store)
        store_inode_dirty(inode);
}

struct fs_time inode_accessed_beside(const struct inode *inode)
{
    SHORT_LOCK(&accessed_lock, class_files);
    struct fs_time time = inode->accessed;
    SHORT_UNLOCK(&accessed_lock, class_files);
    return time;
}

struct inode_waiters {
    struct wait_queue queue;
    uint32_t count;
};

enum err inode_wait(struct inode *inode, fs_condition condition, void *context,
                    uint64_t deadline_ns, bool one)
{
    struct inode_waiters *waiters = inode->waiters;
    if (condition(context))
        return E_OK;
    if (!waiters) {
        waiters = heap_alloc_zero(sizeof(*waiters));
        if (!waiters)
            return E_NOMEM;
        wait_queue_init(&waiters->queue);
        inode->waiters = waiters;
    }
    waiters->count++;
    enum err e = (one ? fs_wait_one : fs_wait)(&waiters->queue, condition, context, deadline_ns);
    if (--waiters->count == 0) {
        inode->waiters = NULL;
        heap_free(waiters);
    }
    return e;
}

void inode_wake(const struct inode *inode)
{
    if (inode->waiters)
        wait_queue_wake(&inode->waiters->queue);
}

void inode_mode_changed(struct inode *inode)
{
    uint32_t mode = inode->mode, quick = mode & mode >> 3 & mode >> 6 & 7;
    if (inode->attributes && attributes_acl(inode->attributes, ATTRIBUTE_ACCESS_ACL).acl)
        quick = 0;
    if ((mode & (S_ISUID | S_ISGID)) || attributes_capable(inode))
        quick |= INODE_PRIVILEGED;
    if (inode->fs->flags & MS_RDONLY)
        quick &= ~(uint32_t)MAY_WRITE;
    inode->quick = (uint8_t)(quick | (inode->quick & INODE_LEASED));
}

/* The access control list decides for all but the owner, if the group, or its mask, may anything. */
static bool may_by_list(const struct inode *inode, const struct credentials *c, uint32_t may,
                        bool *granted)
{
    if (!inode->attributes || c->uid.fs == inode->uid || !(inode->mode & 0070))
        return false;
    struct attribute_acl list = attributes_acl(inode->attributes, ATTRIBUTE_ACCESS_ACL);
    if (!list.acl)
        return false;
    *granted = acl_grants(list.acl, list.count, c, inode->gid, may) ||
               credentials_may_override(c, inode->mode, may);
    return true;
}

/* What a write to it would change is in the file system; not so of devices, fifos and sockets. */
static bool is_stored_in_it(const struct inode *inode)
{
    return mode_is(inode->mode, S_IFREG) || mode_is(inode->mode, S_IFDIR) ||
           mode_is(inode->mode, S_IFLNK);
}

static NOINLINE enum err check_credentials(const struct inode *inode, uint32_t may)
{
    const struct credentials *c = credentials_current();
    bool granted;
    if ((may & MAY_WRITE) && (inode->fs->flags & MS_RDONLY) && is_stored_in_it(inode))
        return E_ROFS;
    if (!may_by_list(inode, c, may, &granted))
        granted = credentials_may_access(c, inode_rights(inode), may);
    if (granted)
        return E_OK;
    return inode->ops && inode->ops->unguarded && inode->ops->unguarded(inode) ? E_OK : E_ACCES;
}

enum err inode_permission(const struct inode *inode, uint32_t may)
{
    return may & ~(uint32_t)inode->quick ? check_credentials(inode, may) : E_OK;
}

enum err inode_owner_check(const struct inode *inode)
{
    const struct credentials *c = credentials_current();
    return c->uid.fs == inode->uid || credentials_have(c, CAP_FOWNER) ? E_OK : E_PERM;
}

void inode_drop_privileges(struct inode *inode)
{
    const struct credentials *c = credentials_current();
    uint32_t lost = credentials_lost_set_ids(c, inode_rights(inode));
    if (!mode_is(inode->mode, S_IFREG) || credentials_have(c, CAP_FSETID))
        lost = 0;
    if (!attributes_drop_capabilities(inode) && lost == 0)
        return;
    inode->mode &= ~lost;
    inode_mode_changed(inode);
    inode_touch_changed(inode);
    if (inode->fs->store)
        store_inode_dirty(inode);
}

void inode_pages_changed(struct inode *inode, uint64_t first, uint64_t end)
{
    if (inode->mappings > 0)
        areas_forget_pages(&inode->pages, first, end);
}

void inode_pages_cut(struct inode *inode, uint64_t first)
{
    struct areas_place place = {0};
    while (inode->mappings > 0 && areas_truncate(&inode->pages, first, &place))
        inode_give_way(inode);
}

void inode_pages_written(struct inode *inode, uint64_t first, uint64_t end)
{
    if (inode->mappings > 0)
        areas_pages_written(&inode->pages, first, end);
}
