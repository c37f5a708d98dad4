/* SPDX-License-Identifier: MIT */
#define LOG_TAG "fs"
#include "fs/vfs/mount.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/str.h"
#include "fs/vfs/context.h"
#include "fs/vfs/file.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/process.h"
#include "fs/vfs/store_table.h"
#include "fs/vfs/wait.h"
#include "mm/heap/heap.h"

static struct list mounts = LIST_INIT(mounts); /* struct filesystem.mount_link, the root first */
static struct list detached = LIST_INIT(detached); /* the same; in use, but not mounted any more */
struct wait_queue mount_queue = WAIT_QUEUE_INIT(mount_queue);
uint32_t mount_changes;
static uint32_t last_mount_id;

uint64_t vfs_device_number(void)
{
    static uint64_t last = 32; /* those below are of file systems that are there at boot */
    return ++last;
}

static struct filesystem *mount_of(struct list *link)
{
    return CONTAINER_OF(link, struct filesystem, mount_link);
}

struct filesystem *vfs_next_mount(struct filesystem *fs)
{
    struct list *next = fs ? fs->mount_link.next : mounts.next;
    return next != &mounts ? mount_of(next) : NULL;
}

/* One mount, remount or unmount at a time: they sleep. */
static bool mounting;
static struct wait_queue mounting_queue = WAIT_QUEUE_INIT(mounting_queue);

static bool nothing_mounts(void *unused)
{
    (void)unused;
    return !mounting;
}

static void mounts_lock(void)
{
    fs_wait_surely(&mounting_queue, nothing_mounts, NULL);
    mounting = true;
}

static void mounts_unlock(void)
{
    mounting = false;
    wait_queue_wake_one(&mounting_queue);
}

static void mounts_changed(void)
{
    mount_changes++;
    wait_queue_wake(&mount_queue);
}

/* Takes over the reference to `at`. */
static void attach(struct filesystem *fs, struct dentry *at)
{
    fs->covered = at;
    if (at)
        at->mounted = fs;
    fs->mount_id = ++last_mount_id;
    list_add_tail(&mounts, &fs->mount_link);
    mounts_changed();
}

void vfs_init(struct filesystem *fs)
{
    assert(fs->root && list_empty(&mounts));
    attach(fs, NULL);
    fs_set_root(fs->root);
    fs_set_cwd(fs->root);
}

enum err vfs_mount_at(struct dentry *at, struct filesystem *fs)
{
    dentry_get(at);
    at = walk_cross_mounts(at); /* another may have been mounted meanwhile */
    enum err e = E_OK;
    if (mode_is(at->inode->mode, S_IFDIR) != mode_is(fs->root->inode->mode, S_IFDIR))
        e = E_NOTDIR;
    else if (fs->mount_id != 0)
        e = E_BUSY;
    else if (!at->linked)
        e = E_NOENT;
    if (e != E_OK) {
        dentry_put(at);
        return e;
    }
    attach(fs, at);
    return E_OK;
}

enum err vfs_mount(const char *path, struct filesystem *fs)
{
    struct dentry *at;
    enum err e = walk_lookup(NULL, path, WALK_FOLLOW | WALK_DIRECTORY, &at);
    if (e != E_OK)
        return e;
    e = vfs_mount_at(at, fs);
    dentry_put(at);
    return e;
}

/* Unmounting */

static void unhook(struct filesystem *fs)
{
    struct dentry *covered = fs->covered;
    list_remove(&fs->mount_link);
    fs->mount_id = 0;
    fs->covered = NULL;
    if (covered) {
        covered->mounted =
            store_of(covered->inode) && store_of(covered->inode)->ops->valid && covered->stored
                ? &dentry_asks
                : NULL;
        dentry_put(covered);
    }
    mounts_changed();
}

/* Trees of file systems in memory */

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

/* True if the test holds of an entry. O(entries). */
static bool tree_any(struct dentry *top, bool (*test)(struct dentry *at))
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

/* References that the tree does not explain: an open or mapped file, a removed one, a working directory. */
static bool is_used(struct dentry *at)
{
    const struct directory *directory = at->inode->directory;
    uint32_t known = 1 + (at->mounted != NULL);
    return at->references > known + (directory ? directory->names.count : 0);
}

/* Open for writing; or, of a stored one, removed and still in use: its removal is a write. */
static bool inode_is_written(struct inode *inode)
{
    return inode->writers > 0 || (inode->fs->store && inode->nlink == 0);
}

static bool inode_follow_mode(struct inode *inode)
{
    inode_mode_changed(inode);
    return false;
}

static bool is_written(struct dentry *at)
{
    return inode_is_written(at->inode);
}

static bool follow_mode(struct dentry *at)
{
    return inode_follow_mode(at->inode);
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

/* Unmounting */

static bool has_mounts(const struct filesystem *fs)
{
    list_for_each (it, &mounts)
        if (mount_of(it)->covered && mount_of(it)->covered->inode->fs == fs)
            return true;
    return false;
}

/* True if something of it is in use, as of the return. For a stored one sleeps. */
static bool in_use(struct filesystem *fs)
{
    if (!fs->store)
        return has_mounts(fs) || tree_any(fs->root, is_used);
    store_empty(fs->store);
    return has_mounts(fs) || store_any(fs->store, inode_is_used) || fs->root->references > 1;
}

/* Nothing of it is in use, and it is not mounted any more. Sleeps. */
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
    if (list_empty(&detached))
        return false;
    mounts_lock();
    for (struct list *it = detached.next; it != &detached;) {
        struct filesystem *fs = mount_of(it);
        bool used = in_use(fs);
        it = it->next;
        if (used)
            continue;
        list_remove(&fs->mount_link);
        finish(fs);
    }
    mounts_unlock();
    return !list_empty(&detached);
}

/* Takes the file system, and those that are mounted in it, out of the tree: the last mounts first, as each is mounted
 * on an older one. */
static void detach(struct filesystem *fs)
{
    fs->leaving = true;
    list_for_each (it, &mounts) {
        struct filesystem *at = mount_of(it);
        at->leaving = at == fs || (at->covered && at->covered->inode->fs->leaving);
    }
    for (struct list *it = mounts.prev; it != &mounts;) {
        struct filesystem *at = mount_of(it);
        it = it->prev;
        if (!at->leaving)
            continue;
        unhook(at);
        list_add_tail(&detached, &at->mount_link);
    }
}

static enum err unmount(struct filesystem *fs, uint32_t flags)
{
    if (!fs->covered)
        return E_BUSY; /* the root file system */
    if (flags & MNT_DETACH) {
        enum err e = store_start_worker(); /* which looks for those that have come out of use */
        if (e == E_OK)
            detach(fs);
        return e;
    }
    if (in_use(fs))
        return E_BUSY;
    unhook(fs);
    finish(fs);
    return E_OK;
}

enum err vfs_unmount(const char *path, uint32_t flags)
{
    if (flags & ~(MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW))
        return E_INVAL; /* MNT_EXPIRE too: no mount knows when it was used */
    struct dentry *root;
    enum err e = walk_lookup(NULL, path, flags & UMOUNT_NOFOLLOW ? 0 : WALK_FOLLOW, &root);
    if (e != E_OK)
        return e;
    mounts_lock();
    struct filesystem *fs = root->inode->fs;
    bool mounted = fs->root == root && fs->mount_id != 0;
    dentry_put(root);
    if (!capable(CAP_SYS_ADMIN))
        e = E_PERM;
    else if (!mounted)
        e = E_INVAL;
    else
        e = unmount(fs, flags);
    mounts_unlock();
    (void)vfs_reap_detached();
    return e;
}

/* Mounting */

#define FLAGS_KEPT                                                                                 \
    (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS | MS_DIRSYNC | MS_NOATIME |     \
     MS_NODIRATIME)

static struct filesystem_type *types;

void filesystem_type_register(struct filesystem_type *type)
{
    struct filesystem_type **at = &types;
    while (*at)
        at = &(*at)->next;
    *at = type;
}

const struct filesystem_type *filesystem_type_next(const struct filesystem_type *type)
{
    return type ? type->next : types;
}

static enum err set_source(struct filesystem *fs, const char *source)
{
    if (*source == '\0')
        return E_OK;
    size_t size = strlen(source) + 1;
    fs->source = heap_alloc(size);
    if (!fs->source)
        return E_NOMEM;
    memcpy(fs->source, source, size);
    return E_OK;
}

/* mounts_lock. */
static enum err mount_new(struct dentry *at, const struct filesystem_type *type,
                          const struct mount_source *from)
{
    struct filesystem *fs;
    enum err e = type->mount(from, &fs);
    if (e != E_OK)
        return e;
    fs->flags |= from->flags & FLAGS_KEPT;
    fs->flags |= from->flags & MS_NOATIME ? 0 : MS_RELATIME;
    e = set_source(fs, from->source);
    if (e == E_OK && fs->store)
        e = store_start_worker();
    if (e == E_OK)
        e = vfs_mount_at(at, fs);
    if (e == E_OK) {
        inode_mode_changed(fs->root->inode); /* made before the flags were set */
        return E_OK;
    }
    if (fs->mount_id == 0)
        finish(fs);
    return e;
}

static enum err change_readonly(struct filesystem *fs, bool readonly)
{
    struct store *store = fs->store;
    if (readonly && (store ? store_any(store, inode_is_written) : tree_any(fs->root, is_written)))
        return E_BUSY;
    enum err e = E_OK;
    if (store) {
        if (readonly)
            e = store_sync(store, true);
        store_lock(store);
        if (e == E_OK && readonly && store_any(store, inode_is_written))
            e = E_BUSY;
        if (e == E_OK)
            e = store->ops->set_readonly ? store->ops->set_readonly(store, readonly)
                                         : (readonly ? E_OK : E_ROFS);
    }
    if (e == E_OK) {
        fs->flags ^= MS_RDONLY;
        if (store)
            (void)store_any(store, inode_follow_mode);
        else
            (void)tree_any(fs->root, follow_mode);
    }
    if (store)
        store_unlock(store);
    return e;
}

static enum err remount(struct filesystem *fs, uint32_t flags, const char *options)
{
    enum err e = E_OK;
    if (*options != '\0')
        e = fs->configure ? fs->configure(fs, options) : E_INVAL;
    if (e != E_OK)
        return e;
    if ((fs->flags ^ flags) & MS_RDONLY)
        e = change_readonly(fs, flags & MS_RDONLY);
    if (e != E_OK)
        return e;
    fs->flags = (fs->flags & ~(uint32_t)(FLAGS_KEPT | MS_RELATIME)) | (flags & FLAGS_KEPT);
    fs->flags |= flags & MS_NOATIME ? 0 : MS_RELATIME;
    mounts_changed();
    return E_OK;
}

static enum err mount_typed(struct dentry *at, const char *type, const struct mount_source *from)
{
    const struct filesystem_type *t = types;
    if (!type)
        return E_INVAL;
    while (t && strcmp(t->name, type) != 0)
        t = t->next;
    if (!t)
        return E_NODEV;
    return mount_new(at, t, from);
}

enum err vfs_mount_new(const char *path, const char *type, const struct mount_source *from)
{
    struct dentry *at;
    const uint32_t propagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
    enum err e = walk_lookup(NULL, path, WALK_FOLLOW, &at);
    if (e != E_OK)
        return e;
    mounts_lock();
    bool is_root = at->inode->fs->root == at;
    if (!capable(CAP_SYS_ADMIN))
        e = E_PERM;
    else if (from->flags & MS_REMOUNT)
        e = is_root ? remount(at->inode->fs, from->flags, from->options) : E_INVAL;
    else if (from->flags & propagation)
        e = is_root ? E_OK : E_INVAL; /* there is one name space: nothing to propagate to */
    else if (from->flags & (MS_BIND | MS_MOVE))
        e = E_INVAL;
    else
        e = mount_typed(at, type, from);
    mounts_unlock();
    dentry_put(at);
    return e;
}

/* E_NODEV and E_INVAL if no type takes the source. mounts_lock. */
static enum err mount_tried(struct dentry *at, const struct mount_source *from)
{
    enum err e = E_NODEV;
    for (const struct filesystem_type *t = types; t; t = t->next) {
        enum err tried = t->any_source ? E_NODEV : mount_new(at, t, from);
        if (tried != E_NODEV && tried != E_INVAL)
            return tried;
        e = tried == E_INVAL ? tried : e;
    }
    return e;
}

enum err vfs_mount_any(const char *path, const struct mount_source *from)
{
    struct dentry *at;
    enum err e = walk_lookup(NULL, path, WALK_FOLLOW, &at);
    if (e != E_OK)
        return e;
    mounts_lock();
    e = mount_tried(at, from);
    mounts_unlock();
    dentry_put(at);
    return e;
}

/* mounts_lock. */
static enum err make_any(const struct mount_source *from, struct filesystem **out)
{
    enum err e = E_NODEV;
    for (const struct filesystem_type *t = types; t; t = t->next) {
        enum err tried = t->any_source ? E_NODEV : t->mount(from, out);
        if (tried != E_NODEV && tried != E_INVAL)
            return tried;
        e = tried == E_INVAL ? tried : e;
    }
    return e;
}

enum err vfs_mount_root(const struct mount_source *from, mount_join join)
{
    struct filesystem *medium, *fs, *before = vfs_next_mount(NULL);
    mounts_lock();
    enum err e = make_any(from, &medium);
    if (e == E_OK)
        e = set_source(medium, from->source);
    if (e == E_OK && medium->store)
        e = store_start_worker();
    if (e == E_OK) {
        medium->flags |= (from->flags & FLAGS_KEPT) | MS_RELATIME;
        fs = medium;
        if (medium->flags & MS_RDONLY)
            e = join(medium->root, before->root, "", &fs);
    }
    if (e == E_OK) {
        fs->flags |= MS_RELATIME;
        if (fs != medium)
            e = set_source(fs, fs->type);
    }
    if (e == E_OK) {
        list_remove(&before->mount_link);
        before->mount_id = 0;
        attach(fs, NULL);
        inode_mode_changed(fs->root->inode);
        fs_set_root(fs->root);
        fs_set_cwd(fs->root);
    }
    mounts_unlock();
    return e;
}

/* The end of the machine */

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
    fs_set_root(NULL);
    fs_set_cwd(NULL);
    fs_set_executable(NULL);
    while (!list_empty(&mounts)) {
        struct filesystem *fs = mount_of(mounts.prev);
        unhook(fs);
        finish(fs);
    }
}
