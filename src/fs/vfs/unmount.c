/* SPDX-License-Identifier: MIT */
/* umount2(2), the end of file systems without mounts, and that of the machine. */
#define LOG_TAG "fs"
#include "base/log.h"
#include "base/panic.h"
#include "fs/vfs/context.h"
#include "fs/vfs/mount_tree.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/process.h"
#include "fs/vfs/store_table.h"
#include "fs/vfs/wait.h"
#include "mm/heap/heap.h"

static struct list ending = LIST_INIT(ending); /* struct filesystem.end_link: without mounts */
bool vfs_reap_wanted;

void filesystem_release(struct filesystem *fs)
{
    assert(fs->mounts > 0);
    if (--fs->mounts > 0)
        return;
    list_add_tail(&ending, &fs->end_link);
    vfs_reap_wanted = true;
    store_wake_worker();
}

/* ---- Trees of file systems in memory ---- */

static void remove_tree(struct dentry *top)
{
    struct dentry *at = top;
    for (;;) {
        struct directory *directory = at->inode->directory;
        struct dentry *child = directory ? directory_next(directory, 0) : NULL;
        if (child) {
            at = child;
            continue;
        }
        if (at == top)
            return;
        struct dentry *parent = at->parent;
        dentry_unlink(at);
        at = parent;
    }
}

bool tree_any(struct dentry *top, bool (*test)(struct dentry *at))
{
    struct dentry *at = top;
    uint64_t cookie = 0;
    for (;;) {
        if (cookie == 0 && test(at))
            return true;
        struct directory *directory = at->inode->directory;
        struct dentry *child = directory ? directory_next(directory, cookie) : NULL;
        if (child) {
            at = child;
            cookie = 0;
        } else if (at == top) {
            return false;
        } else {
            cookie = at->cookie + 1;
            at = at->parent;
        }
    }
}

/* Watches are no use: they end. */
static bool inode_is_used(struct inode *inode)
{
    return inode->references > notify_watches_of(inode) + (inode->fs->root->inode == inode);
}

static bool end_watches(struct dentry *at)
{
    notify_unmounted(at->inode);
    return false;
}

static struct inode *watched;

static bool find_watched(struct inode *inode)
{
    if (inode->watches)
        watched = inode;
    return inode->watches;
}

/* ---- The end of a file system ---- */

/* True if an inode is in use without a location, as of the return: a thread writes its pages. Sleeps. */
static bool in_use(struct filesystem *fs)
{
    if (!fs->store)
        return false;
    store_empty(fs->store);
    return store_any(fs->store, inode_is_used);
}

/* It has no mounts, and nothing of it is in use. Sleeps. */
static void finish(struct filesystem *fs)
{
    struct store *store = fs->store;
    heap_free(fs->source);
    fs->source = NULL;
    if (!store) {
        if (notify_watches > 0)
            (void)tree_any(fs->root, end_watches);
        remove_tree(fs->root);
    }
    while (store && store_any(store, find_watched))
        notify_unmounted(watched);
    dentry_put(fs->root);
    fs->root = NULL;
    if (!store) {
        if (fs->end)
            fs->end(fs);
        return;
    }
    store_empty(store);
    if (store_sync(store, true) != E_OK)
        log_err("%s: an error at its end, something may be lost", fs->type);
    store_end(store);
    if (store->ops->unmount)
        store->ops->unmount(store, false);
}

bool vfs_reap_detached(void)
{
    if (!vfs_reap_wanted && list_empty(&ending))
        return false;
    vfs_reap_wanted = false;
    mounts_lock();
    mount_namespaces_reap();
    for (struct list *it = ending.next; it != &ending;) {
        struct filesystem *fs = CONTAINER_OF(it, struct filesystem, end_link);
        bool ends = !in_use(fs);
        it = it->next; /* after in_use(): it sleeps */
        if (ends) {
            list_remove(&fs->end_link);
            finish(fs);
            it = ending.next; /* the layers of an overlay may have come */
        }
    }
    mounts_unlock();
    return !list_empty(&ending);
}

/* ---- umount2(2) ---- */

/* One reference for being in the tree, and the caller's. */
static bool is_busy(const struct mount *mount)
{
    return mount->references > 2 || !list_empty(&mount->children);
}

void mount_detach(struct mount *top)
{
    struct mount *m = top, *parent;
    for (unsigned count = 0; m; m = parent) {
        while (!list_empty(&m->children))
            m = CONTAINER_OF(m->children.prev, struct mount, sibling);
        parent = m != top ? m->parent : NULL;
        if (++count % GIVE_WAY_AT == 0)
            (void)fs_give_way();
        mount_remove(m);
    }
}

/* The mounts like this one on what follows its parent, if that is shared; without `detached` those that have mounts of their
 * own stay. What is mounted over the root of one takes its place. */
static enum err followers(const struct location *at, bool detached, bool check_only)
{
    for (struct mount *m = NULL; (m = mount_follower(at, m)) != NULL;) {
        struct mount *copy = mount_on(m, at->dentry);
        if (!copy)
            continue;
        struct mount *over = mount_on(copy, copy->root);
        const struct list *children = &copy->children;
        bool alone = over ? children->next == children->prev : list_empty(children);
        if (!detached && !alone)
            continue;
        if (check_only) {
            if (copy->references > (over ? 2 : 1))
                return E_BUSY;
            continue;
        }
        if (over)
            mount_unhook(over);
        mount_detach(copy);
        if (over)
            mount_hook(over, &(const struct location){m, at->dentry});
    }
    return E_OK;
}

static enum err unmount(struct mount *mount, uint32_t flags)
{
    bool detached = flags & MNT_DETACH;
    const struct location at = {mount->parent, mount->point};
    if (flags & MNT_EXPIRE) {
        if (mount == fs_current()->root.mount || (flags & (MNT_FORCE | MNT_DETACH)))
            return E_INVAL;
        if (is_busy(mount))
            return E_BUSY;
        if (!mount->expires)
            return E_AGAIN;
    }
    if (!at.mount)
        return E_BUSY; /* the root file system */
    enum err e;
    if (detached)
        e = store_start_worker(); /* which ends what comes out of use later */
    else
        e = is_busy(mount) ? E_BUSY : followers(&at, false, true);
    struct store *store = mount->fs->mounts == 1 ? mount->fs->store : NULL;
    if (e == E_OK && store && !detached) {
        (void)!store_sync(store, true); /* afterwards no thread writes its pages */
        e = is_busy(mount) ? E_BUSY : E_OK;
    }
    if (e != E_OK)
        return e;
    location_get(&at);
    if (detached)
        mount_detach(mount);
    else
        mount_remove(mount);
    e = followers(&at, detached, false);
    location_put(&at);
    return e;
}

enum err vfs_unmount(const char *path, uint32_t flags)
{
    struct location root;
    if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
        return E_INVAL;
    enum err e = walk_lookup(NULL, path, flags & UMOUNT_NOFOLLOW ? 0 : WALK_FOLLOW, &root);
    if (e != E_OK)
        return e;
    struct mount *mount = root.mount;
    bool mounted = mount && root.dentry == mount->root;
    dentry_put(root.dentry);
    mounts_lock();
    if (!capable(CAP_SYS_ADMIN))
        e = E_PERM;
    else if (!mounted || !mount_is_here(mount))
        e = E_INVAL;
    else
        e = unmount(mount, flags);
    mounts_unlock();
    mount_put(mount);
    if (e == E_AGAIN)
        mount->expires = true; /* this was no use */
    (void)vfs_reap_detached();
    return e;
}

/* ---- The end of the machine ---- */

static void shut_down(struct store *store)
{
    if (store_sync(store, true) != E_OK)
        log_err("%s: an error at the end, something may be lost", store->fs.type);
    store_lock(store);
    store_evict_gone(store);
    if (store->ops->unmount)
        store->ops->unmount(store, true);
    store->ended = true; /* the lock is never free again */
}

void vfs_shut_down(void)
{
    if (!store_first)
        return;
    fs_stop_others();
    mounts_lock();
    for (struct store *store = store_first; store; store = store->next)
        if (!store->ended)
            shut_down(store);
    mounts_unlock();
}

void vfs_end(void)
{
    vfs_join_mounts(&mounts_first);
    fs_set_root(NULL);
    fs_set_cwd(NULL);
    fs_set_executable(NULL);
    (void)vfs_reap_detached(); /* trees that are to be taken apart */
    while (!list_empty(&mounts))
        mount_remove(mount_of(mounts.prev));
    (void)vfs_reap_detached();
}
