/* SPDX-License-Identifier: MIT */
#include "fs/vfs/mount.h"

#include "base/panic.h"
#include "base/str.h"
#include "fs/vfs/context.h"
#include "fs/vfs/mount_tree.h"
#include "fs/vfs/process.h"
#include "fs/vfs/store_table.h"
#include "fs/vfs/wait.h"
#include "mm/heap/heap.h"

#define FLAGS_FILESYSTEM (MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC)
#define FLAGS_ATIME      (MS_NOATIME | MS_NODIRATIME | MS_RELATIME)
#define FLAGS_MOUNT      (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | FLAGS_ATIME)
#define FLAGS_SPREAD     (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

struct wait_queue mount_queue = WAIT_QUEUE_INIT(mount_queue);
uint32_t mount_changes;

uint64_t vfs_device_number(void)
{
    static uint64_t last = 32; /* those below are of file systems that are there at boot */
    return ++last;
}

/* One mount, remount or unmount at a time: they sleep. */
static bool mounting;
static struct wait_queue mounting_queue = WAIT_QUEUE_INIT(mounting_queue);

static bool nothing_mounts(void *unused)
{
    (void)unused;
    return !mounting;
}

void mounts_lock(void)
{
    fs_wait_surely(&mounting_queue, nothing_mounts, NULL);
    mounting = true;
}

void mounts_unlock(void)
{
    mounting = false;
    wait_queue_wake_one(&mounting_queue);
}

void mounts_changed(void)
{
    mount_changes++;
    wait_queue_wake(&mount_queue);
}

/* Where mount(2) mounts: on the topmost mount there. Moves the references. */
static enum err settle(struct location *at, const struct dentry *root)
{
    location_descend(at); /* another may have been mounted meanwhile */
    if (!at->dentry->linked)
        return E_NOENT;
    if (!mount_is_here(at->mount))
        return E_INVAL;
    return mode_is(at->dentry->inode->mode, S_IFDIR) == mode_is(root->inode->mode, S_IFDIR)
               ? E_OK
               : E_NOTDIR;
}

/* Mounts the root of the file system. */
static enum err mount_root_at(struct location *at, struct filesystem *fs, uint32_t flags)
{
    struct mount *mount;
    enum err e = settle(at, fs->root);
    if (e == E_OK && at->mount->fs == fs && at->dentry == fs->root)
        e = E_BUSY;
    if (e == E_OK)
        e = mount_make(fs, fs->root, flags, &mount);
    if (e != E_OK)
        return e;
    e = mount_graft(mount, at);
    mount_put(mount);
    return e;
}

enum err vfs_init(struct filesystem *fs)
{
    struct mount *mount;
    assert(fs->root && list_empty(&mounts));
    filesystem_hold(fs);
    enum err e = mount_make(fs, fs->root, MS_RELATIME, &mount);
    filesystem_release(fs);
    if (e != E_OK) {
        (void)vfs_reap_detached();
        return e;
    }
    const struct location root = {mount, fs->root};
    namespace_init(&mounts_first.base, CLONE_NEWNS, NAMESPACE_MOUNT_INO, NULL);
    mounts_first.root = mount;
    fs_first.mounts = &mounts_first;
    mount_add(mount, &mounts_first);
    fs_set_root(&root);
    fs_set_cwd(&root);
    mount_put(mount);
    return E_OK;
}

enum err vfs_mount(const char *path, struct filesystem *fs)
{
    struct location at;
    enum err e = walk_lookup(NULL, path, WALK_FOLLOW | WALK_DIRECTORY, &at);
    if (e != E_OK)
        return e;
    e = mount_root_at(&at, fs, MS_RELATIME);
    location_put(&at);
    return e;
}

/* ---- New file systems ---- */

static struct filesystem_type *types;

void filesystem_type_register(struct filesystem_type *type)
{
    struct filesystem_type **at = &types;
    while (*at)
        at = &(*at)->next;
    *at = type;
}

const char *filesystem_type_name(unsigned index, bool *without_device)
{
    static const char *const own[] = {"sockfs", "pipefs", "devpts"};
    const struct filesystem_type *type = types;
    for (; type && index > 0; index--)
        type = type->next;
    *without_device = !type || type->without_device;
    if (type)
        return type->name;
    return index < ARRAY_LENGTH(own) ? own[index] : NULL;
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

static uint32_t mount_flags(uint32_t flags)
{
    uint32_t kept = flags & FLAGS_MOUNT;
    if (flags & MS_STRICTATIME)
        return kept & ~(uint32_t)(MS_NOATIME | MS_RELATIME);
    return flags & MS_NOATIME ? kept & ~(uint32_t)MS_RELATIME : kept | MS_RELATIME;
}

/* The file system of the type on that block device, if it is mounted. */
static struct filesystem *mounted_from(const char *type, const char *source)
{
    struct location at;
    struct filesystem *found = NULL;
    if (walk_lookup(NULL, source, WALK_FOLLOW, &at) != E_OK)
        return NULL;
    const struct inode *inode = at.dentry->inode;
    list_for_each (it, &mounts) {
        struct filesystem *fs = mount_of(it)->fs;
        if (mode_is(inode->mode, S_IFBLK) && fs->device == inode->device &&
            strcmp(fs->type, type) == 0)
            found = fs;
    }
    location_put(&at);
    return found;
}

/* mounts_lock. */
static enum err filesystem_make(const struct filesystem_type *type, const struct mount_source *from,
                                struct filesystem **out)
{
    struct filesystem *fs;
    enum err e = type->mount(from, &fs);
    if (e != E_OK)
        return e;
    fs->flags |= from->flags & FLAGS_FILESYSTEM;
    filesystem_hold(fs);
    e = set_source(fs, from->source);
    if (e == E_OK && fs->store)
        e = store_start_worker();
    if (e != E_OK) {
        filesystem_release(fs);
        return e;
    }
    inode_mode_changed(fs->root->inode); /* made before the flags were set */
    *out = fs;
    return E_OK;
}

/* mounts_lock. */
static enum err mount_new(struct location *at, const struct filesystem_type *type,
                          const struct mount_source *from)
{
    struct filesystem *fs;
    enum err e = filesystem_make(type, from, &fs);
    if (e == E_BUSY && (fs = mounted_from(type->name, from->source)) != NULL &&
        !((fs->flags ^ from->flags) & MS_RDONLY)) {
        filesystem_hold(fs);
        e = E_OK;
    }
    if (e != E_OK)
        return e;
    e = mount_root_at(at, fs, mount_flags(from->flags));
    filesystem_release(fs);
    return e;
}

static enum err mount_typed(struct location *at, const char *type, const struct mount_source *from)
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

/* ---- Remounting ---- */

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

/* Without a word about atime it stays (mount(2)). */
static void set_flags(struct mount *mount, uint32_t flags)
{
    uint32_t kept = MS_UNBINDABLE;
    if (!(flags & (FLAGS_ATIME | MS_STRICTATIME)))
        kept |= FLAGS_ATIME;
    flags = kept & FLAGS_ATIME ? flags & FLAGS_MOUNT : mount_flags(flags);
    mount->flags = (mount->flags & kept) | flags;
    mounts_changed();
}

static enum err remount(struct mount *mount, uint32_t flags, const char *options)
{
    struct filesystem *fs = mount->fs;
    enum err e = E_OK;
    if (flags & MS_BIND) {
        if ((flags & MS_RDONLY) && !mount_has(mount, MS_RDONLY) && mount->writers > 0)
            return E_BUSY;
        set_flags(mount, flags);
        return E_OK;
    }
    if (*options != '\0')
        e = fs->configure ? fs->configure(fs, options) : E_INVAL;
    if (e == E_OK && ((fs->flags ^ flags) & MS_RDONLY))
        e = change_readonly(fs, flags & MS_RDONLY);
    if (e != E_OK)
        return e;
    fs->flags = (fs->flags & ~(uint32_t)FLAGS_FILESYSTEM) | (flags & FLAGS_FILESYSTEM);
    set_flags(mount, flags);
    return E_OK;
}

/* ---- Mounts of what is mounted ---- */

static enum err mount_bind(struct location *at, const char *source, bool deep)
{
    struct location from;
    struct mount *tree;
    if (*source == '\0')
        return E_INVAL;
    enum err e = walk_lookup(NULL, source, WALK_FOLLOW, &from);
    if (e != E_OK)
        return e;
    e = settle(at, from.dentry);
    if (!mount_is_here(from.mount) || mount_has(from.mount, MS_UNBINDABLE))
        e = E_INVAL;
    if (e == E_OK)
        e = mount_copy(&from, deep ? MOUNT_BELOW : MOUNT_ONE, &tree);
    location_put(&from);
    if (e != E_OK)
        return e;
    e = mount_graft(tree, at);
    if (e != E_OK)
        mount_drop_copy(tree);
    mount_put(tree);
    return e;
}

static bool tree_has(struct mount *top, uint32_t flags)
{
    for (const struct mount *m = top; m; m = mount_next(m, top))
        if (mount_has(m, flags))
            return true;
    return false;
}

static enum err move_allowed(const struct location *from, const struct location *to)
{
    struct mount *mount = from->mount;
    if (!mount_is_here(mount) || from->dentry != mount->root || !mount->parent ||
        mount->parent->group != 0 ||
        mode_is(from->dentry->inode->mode, S_IFDIR) != mode_is(to->dentry->inode->mode, S_IFDIR))
        return E_INVAL;
    if (to->mount->group != 0 && tree_has(mount, MS_UNBINDABLE))
        return E_INVAL;
    for (const struct mount *above = to->mount; above; above = above->parent)
        if (above == mount)
            return E_LOOP;
    return E_OK;
}

static enum err mount_move(struct location *at, const char *source)
{
    struct location from;
    if (*source == '\0')
        return E_INVAL;
    enum err e = walk_lookup(NULL, source, WALK_FOLLOW, &from);
    if (e != E_OK)
        return e;
    e = settle(at, at->dentry);
    if (e == E_OK)
        e = move_allowed(&from, at);
    if (e == E_OK)
        e = mount_graft(from.mount, at);
    location_put(&from);
    return e;
}

/* MS_SHARED and its like. */
static enum err change_spread(struct mount *top, uint32_t flags)
{
    uint32_t to = flags & FLAGS_SPREAD;
    if ((flags & ~(uint32_t)(FLAGS_SPREAD | MS_REC | MS_SILENT)) || (to & (to - 1)))
        return E_INVAL;
    for (struct mount *m = top; m; m = flags & MS_REC ? mount_next(m, top) : NULL)
        mount_set_spread(m, to);
    mounts_changed();
    return E_OK;
}

/* mounts_lock. */
static enum err mount_by_flags(struct location *at, const char *type,
                               const struct mount_source *from)
{
    uint32_t flags = from->flags;
    bool is_root = mount_is_here(at->mount) && at->dentry == at->mount->root;
    if (!capable(CAP_SYS_ADMIN))
        return E_PERM;
    if (flags & MS_REMOUNT)
        return is_root ? remount(at->mount, flags, from->options) : E_INVAL;
    if (flags & MS_BIND)
        return mount_bind(at, from->source, flags & MS_REC);
    if (flags & FLAGS_SPREAD)
        return is_root ? change_spread(at->mount, flags) : E_INVAL;
    if (flags & MS_MOVE)
        return mount_move(at, from->source);
    return mount_typed(at, type, from);
}

enum err vfs_mount_new(const char *path, const char *type, const struct mount_source *from)
{
    struct location at;
    enum err e = walk_lookup(NULL, path, WALK_FOLLOW, &at);
    if (e != E_OK)
        return e;
    mounts_lock();
    e = mount_by_flags(&at, type, from);
    mounts_unlock();
    location_put(&at);
    (void)vfs_reap_detached();
    return e;
}

/* ---- The first root, and words ---- */

/* Calls the types that take a source until one takes it. E_NODEV and E_INVAL if none does. mounts_lock. */
static enum err try_types(struct location *at, const struct mount_source *from,
                          struct filesystem **out)
{
    enum err e = E_NODEV;
    for (const struct filesystem_type *t = types; t; t = t->next) {
        enum err tried = t->any_source ? E_NODEV
                         : at          ? mount_new(at, t, from)
                                       : filesystem_make(t, from, out);
        if (tried != E_NODEV && tried != E_INVAL)
            return tried;
        e = tried == E_INVAL ? tried : e;
    }
    return e;
}

enum err vfs_mount_any(const char *path, const struct mount_source *from)
{
    struct location at;
    enum err e = walk_lookup(NULL, path, WALK_FOLLOW, &at);
    if (e != E_OK)
        return e;
    mounts_lock();
    e = try_types(&at, from, NULL);
    mounts_unlock();
    location_put(&at);
    return e;
}

enum err vfs_mount_root(const struct mount_source *from, mount_join join)
{
    struct filesystem *medium, *fs;
    struct mount *mount, *before = mount_of(mounts.next);
    mounts_lock();
    enum err e = try_types(NULL, from, &medium);
    if (e != E_OK) {
        mounts_unlock();
        return e;
    }
    fs = medium;
    if (medium->flags & MS_RDONLY) {
        e = join(medium->root, before->root, "", &fs);
        if (e == E_OK)
            e = set_source(fs, fs->type);
    }
    if (e == E_OK)
        e = mount_make(fs, fs->root, mount_flags(fs == medium ? from->flags : 0), &mount);
    if (e == E_OK) {
        const struct location root = {mount, fs->root};
        mount_add(mount, &mounts_first);
        mounts_first.root = mount;
        inode_mode_changed(fs->root->inode);
        fs_set_root(&root);
        fs_set_cwd(&root);
        mount_remove(before);
        mount_put(mount);
    }
    filesystem_release(medium);
    mounts_unlock();
    return e;
}
