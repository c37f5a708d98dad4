/* SPDX-License-Identifier: MIT */
/* Stored file systems: the names lock, the table of inodes, their eviction, and what is written lazily. */
#define LOG_TAG "fs"
#include "fs/vfs/store.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/str.h"
#include "cpu/lock.h"
#include "fs/vfs/dentry.h"
#include "fs/vfs/file.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/store_table.h"
#include "fs/vfs/wait.h"
#include "fs/vfs/xattr.h"
#include "kern/machine.h"
#include "kern/thread.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"
#include "mm/phys/shrinker.h"

#define UNUSED_LEAST    64 /* inodes without users that stay in any case */
#define CACHED_PIECE    256
#define FRAMES_A_UNUSED 4 /* frames of memory for each of the others */
#define LAZY_NS         (5 * NS_PER_SECOND)
#define DETACHED_NS     NS_PER_SECOND /* between two looks whether they are out of use */

struct store *store_first;
static struct wait_queue work_queue = WAIT_QUEUE_INIT(work_queue);
static unsigned gone_count;  /* inodes in the lists `gone` */
static uint64_t dirty_since; /* the first inode became dirty; 0: none is */

static bool store_is_free(void *context)
{
    return !((const struct store *)context)->locked;
}

void store_lock(struct store *store)
{
    if (store->locked)
        fs_wait_surely(&store->lock_queue, store_is_free, store);
    store->locked = true;
}

void store_unlock(struct store *store)
{
    assert(store->locked);
    if (store->ended)
        return;
    store->locked = false;
    wait_queue_wake_one(&store->lock_queue);
}

/* The inodes */

static uint32_t stored_hash(uint64_t ino)
{
    return (uint32_t)(ino ^ ino >> 32);
}

/* A reference to an inode that may have none. */
static void use_inode(struct store *store, struct stored *stored)
{
    if (inode_of(stored)->references++ > 0)
        return;
    list_remove(&stored->queue);
    if (stored->leaving)
        gone_count--;
    else
        store->unused_count--;
    stored->leaving = false;
}

struct inode *store_inode_get(struct store *store, uint64_t ino)
{
    struct hash_link *link = hash_table_first(&store->inodes, stored_hash(ino));
    for (; link; link = hash_link_next(link)) {
        struct stored *stored = CONTAINER_OF(link, struct stored, link);
        struct inode *inode = inode_of(stored);
        if (inode->ino == ino && !stored->evicting) {
            use_inode(store, stored);
            return inode;
        }
    }
    return NULL;
}

static enum err copy_link(struct inode *inode, const char *text)
{
    size_t size = strlen(text) + 1;
    inode->link = heap_alloc(size);
    if (!inode->link)
        return E_NOMEM;
    memcpy(inode->link, text, size);
    return E_OK;
}

enum err store_inode_new(struct store *store, const struct store_new *what, struct inode **out)
{
    struct inode *inode;
    const struct inode *as = what->as;
    enum err e =
        inode_alloc_after(&store->fs, sizeof(struct stored), what->size_of, what->mode, &inode);
    if (e != E_OK)
        return e;
    struct stored *stored = stored_of(inode);
    list_init(&stored->queue);
    list_init(&stored->dirty_link);
    inode->ino = what->ino;
    if (mode_is(what->mode, S_IFDIR))
        inode->ops = &store_directory_ops;
    if (as) {
        inode->uid = as->uid;
        inode->gid = as->gid;
        inode->device = as->device;
        inode->size = as->size;
        inode->accessed = as->accessed;
        inode->modified = as->modified;
        inode->changed = as->changed;
        inode->created = as->created;
        e = as->link ? copy_link(inode, as->link) : E_OK;
        if (e != E_OK) {
            inode_free(inode, stored);
            return e;
        }
    }
    hash_table_add(&store->inodes, &stored->link, stored_hash(what->ino));
    *out = inode;
    return E_OK;
}

static void forget_inode(struct inode *inode)
{
    struct stored *stored = stored_of(inode);
    list_remove(&stored->queue);
    list_remove(&stored->dirty_link);
    hash_table_remove(&store_of(inode)->inodes, &stored->link);
    inode_free(inode, stored);
}

void store_inode_abandon(struct inode *inode)
{
    assert(inode->references == 1);
    forget_inode(inode);
}

void store_inode_renumber(struct inode *inode, uint64_t ino)
{
    struct hash_table *inodes = &store_of(inode)->inodes;
    struct stored *stored = stored_of(inode);
    hash_table_remove(inodes, &stored->link);
    inode->ino = ino;
    hash_table_add(inodes, &stored->link, stored_hash(ino));
}

/* Without users, and nothing has to be written first. */
static bool may_drop(const struct inode *inode)
{
    const struct store_ops *ops = store_of(inode)->ops;
    return inode->nlink > 0 && !stored_of(inode)->is_dirty &&
           (!ops->evict || !ops->droppable || ops->droppable((struct inode *)(uintptr_t)inode));
}

static void leave(struct store *store, struct stored *stored)
{
    list_remove(&stored->queue);
    list_add_tail(&store->gone, &stored->queue);
    stored->leaving = true;
    gone_count++;
    wait_queue_wake(&work_queue);
}

static uint32_t unused_most(void)
{
    return UNUSED_LEAST + (uint32_t)(machine_frames.total_frames / FRAMES_A_UNUSED);
}

/* The inodes that were not used for the longest time go, until `most` are left. */
static bool trim_unused(struct store *store, uint32_t most)
{
    bool freed = false;
    for (uint32_t left = store->unused_count; left > 0 && store->unused_count > most; left--) {
        struct stored *stored = CONTAINER_OF(store->unused.next, struct stored, queue);
        store->unused_count--;
        if (may_drop(inode_of(stored))) {
            forget_inode(inode_of(stored));
            freed = true;
        } else {
            leave(store, stored);
        }
    }
    return freed;
}

/* Drops a piece of the names and inodes that nobody uses. False: there are none. */
static bool drop_cached(struct store *store)
{
    bool dropped = store_names_prune(store, UINT32_MAX, CACHED_PIECE);
    uint32_t unused = store->unused_count;
    return trim_unused(store, unused > CACHED_PIECE ? unused - CACHED_PIECE : 0) || dropped;
}

void store_inode_unused(struct inode *inode)
{
    struct store *store = store_of(inode);
    struct stored *stored = stored_of(inode);
    if (stored->evicting) {
        forget_inode(inode);
        return;
    }
    if (inode->nlink == 0) {
        leave(store, stored);
        return;
    }
    list_add_tail(&store->unused, &stored->queue);
    if (++store->unused_count > unused_most())
        (void)trim_unused(store, unused_most());
}

/* Lazy changes */

void store_inode_dirty(struct inode *inode)
{
    struct store *store = store_of(inode);
    struct stored *stored = stored_of(inode);
    if (stored->is_dirty || stored->evicting || !store->ops->change)
        return;
    stored->is_dirty = true;
    list_add_tail(&store->dirty, &stored->dirty_link);
    if (dirty_since == 0) {
        dirty_since = time_now_ns();
        wait_queue_wake(&work_queue);
    }
}

/* Names lock; the caller has a reference. */
static enum err write_attributes(struct inode *inode)
{
    struct stored *stored = stored_of(inode);
    struct store_attributes to = {
        .what = STORE_MODE | STORE_ACCESSED | STORE_MODIFIED | STORE_CHANGED | STORE_LAZY,
        .mode = inode->mode,
        .uid = inode->uid,
        .gid = inode->gid,
        .accessed = inode->accessed,
        .modified = inode->modified,
        .changed = inode->changed,
    };
    list_remove(&stored->dirty_link);
    stored->is_dirty = false;
    if (stored->capability_lost) {
        stored->capability_lost = false;
        enum err e = store_set_attribute(inode, "security.capability", NULL, 0);
        if (e != E_OK && e != E_NODATA)
            return e;
    }
    return store_of(inode)->ops->change(inode, &to);
}

enum err store_flush(struct store *store)
{
    enum err first = E_OK;
    uint32_t left = 0; /* what becomes dirty meanwhile is for the next time */
    store_lock(store);
    list_for_each (it, &store->dirty)
        left++;
    for (; left > 0 && !list_empty(&store->dirty); left--) {
        struct stored *stored = CONTAINER_OF(store->dirty.next, struct stored, dirty_link);
        struct inode *inode = inode_of(stored);
        use_inode(store, stored);
        enum err e = write_attributes(inode);
        first = first == E_OK ? e : first;
        inode_put(inode);
    }
    store_unlock(store);
    return first;
}

enum err store_sync(struct store *store, bool wait)
{
    enum err e = store_flush(store), synced = E_OK;
    if (store->ops->sync && !(store->fs.flags & MS_RDONLY))
        synced = store->ops->sync(store, wait);
    return e == E_OK ? synced : e;
}

enum err store_refresh(struct inode *inode)
{
    const struct store_ops *ops = store_of(inode)->ops;
    if (!ops->refresh)
        return E_OK;
    kernel_lock_alone();
    return ops->refresh(inode);
}

/* Eviction */

/* Names lock. The inode has no references, and is in store->gone. */
static void evict(struct store *store, struct stored *stored)
{
    struct inode *inode = inode_of(stored);
    use_inode(store, stored);
    stored->evicting = true;
    if (stored->is_dirty && inode->nlink > 0 && write_attributes(inode) != E_OK)
        log_err("inode %llu of %s: its times are lost", (unsigned long long)inode->ino,
                store->fs.type);
    if (store->ops->evict)
        store->ops->evict(inode);
    list_remove(&stored->dirty_link);
    inode_put(inode); /* frees it, unless a thread that writes its pages still has a reference */
}

void store_reap(struct store *store, bool locked)
{
    while (!list_empty(&store->gone)) {
        if (!locked)
            store_lock(store);
        if (!list_empty(&store->gone))
            evict(store, CONTAINER_OF(store->gone.next, struct stored, queue));
        if (!locked)
            store_unlock(store);
    }
}

void store_empty(struct store *store)
{
    while (drop_cached(store))
        fs_give_way();
    while (store->unused_count > 0 || !list_empty(&store->gone)) {
        (void)drop_cached(store);
        store_reap(store, false);
    }
}

static bool end_asked; /* by an interrupt too */
static int end_status;

bool machine_ends_later(int status)
{
    if (!store_first)
        return false;
    if (!end_asked) {
        end_status = status;
        end_asked = true;
        wait_queue_wake(&work_queue);
    }
    return true;
}

/* `timed`: the wait ends when what is dirty is late. */
static bool work_waits(void *timed)
{
    return end_asked || gone_count > 0 || vfs_reap_wanted ||
           (dirty_since != 0 && !*(const bool *)timed);
}

bool store_any(struct store *store, bool (*test)(struct inode *inode))
{
    for (uint32_t i = 0; i <= store->inodes.mask; i++)
        for (struct hash_link *link = store->inodes.buckets[i]; link; link = link->next)
            if (test(inode_of(CONTAINER_OF(link, struct stored, link))))
                return true;
    return false;
}

/* An inode without a name that is in use, and not being evicted. */
static bool is_gone(struct inode *inode)
{
    return inode->nlink == 0 && !stored_of(inode)->evicting;
}

static struct inode *found_gone;

static bool find_gone(struct inode *inode)
{
    if (is_gone(inode))
        found_gone = inode;
    return is_gone(inode);
}

void store_evict_gone(struct store *store)
{
    store_reap(store, true);
    while (store_any(store, find_gone)) {
        stored_of(found_gone)->evicting = true;
        inode_get(found_gone);
        if (store->ops->evict)
            store->ops->evict(found_gone);
    }
}

/* The store stays in the list of all meanwhile. */
static void use_store(struct store *store)
{
    store->users++;
}

static void leave_store(struct store *store)
{
    if (--store->users == 0)
        wait_queue_wake_all(&store->lock_queue);
}

enum err store_sync_used(struct store *store, bool wait)
{
    use_store(store);
    enum err e = store_sync(store, wait);
    leave_store(store);
    return e;
}

enum err vfs_sync(bool wait)
{
    enum err first = E_OK;
    for (struct store *store = store_first; store; store = store->next) {
        enum err e = store_sync_used(store, wait);
        first = first == E_OK ? e : first;
    }
    return first;
}

enum err vfs_sync_one(struct file *file)
{
    file_get(file); /* another thread may close it */
    enum err e = store_sync(file->inode->fs->store, true);
    file_put(file);
    return e;
}

static void work_all(bool late)
{
    for (struct store *store = store_first; store; store = store->next) {
        use_store(store);
        store_reap(store, false);
        if (late && store_flush(store) != E_OK)
            log_err("%s: attributes of files could not be written", store->fs.type);
        leave_store(store);
    }
}

static void store_worker(void *unused)
{
    (void)unused;
    kernel_lock_assert();
    for (;;) {
        bool timed = dirty_since != 0;
        uint64_t deadline = timed ? dirty_since + LAZY_NS : NO_DEADLINE;
        uint64_t look = vfs_reap_detached() ? time_now_ns() + DETACHED_NS : NO_DEADLINE;
        enum err e = fs_wait(&work_queue, work_waits, &timed, look < deadline ? look : deadline);
        (void)e;
        bool late = dirty_since != 0 && time_now_ns() >= dirty_since + LAZY_NS;
        if (end_asked) {
            vfs_shut_down();
            machine_exit(end_status);
        }
        if (late)
            dirty_since = 0;
        work_all(late);
    }
}

void store_wake_worker(void)
{
    wait_queue_wake(&work_queue);
}

enum err store_start_worker(void)
{
    static struct thread *worker;
    kernel_lock_assert();
    return worker ? E_OK : thread_create("store", store_worker, NULL, &worker);
}

/* Mounting */

static bool store_shrink(void)
{
    bool freed = false;
    for (struct store *store = store_first; store; store = store->next)
        freed = drop_cached(store) || freed;
    return freed;
}

void store_init(struct store *store, const struct store_ops *ops)
{
    static struct shrinker shrinker = {.shrink = store_shrink};
    static bool registered;
    if (!registered)
        shrinker_register(&shrinker);
    registered = true;
    store->ops = ops;
    store->fs.store = store;
    wait_queue_init(&store->lock_queue);
    hash_table_init(&store->inodes);
    list_init(&store->unused);
    list_init(&store->names);
    list_init(&store->gone);
    list_init(&store->dirty);
    store->next = store_first;
    store_first = store;
}

enum err store_set_root(struct store *store, struct inode *root)
{
    enum err e = dentry_alloc_root(&store->fs, root);
    inode_put(root);
    return e;
}

void store_abandon(struct store *store)
{
    dentry_put(store->fs.root);
    store->fs.root = NULL;
    struct list *lists[] = {&store->unused, &store->gone};
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
        while (!list_empty(lists[i])) {
            struct stored *stored = CONTAINER_OF(lists[i]->next, struct stored, queue);
            use_inode(store, stored);
            forget_inode(inode_of(stored));
        }
    }
    assert(store->inodes.count == 0);
    store_end(store);
}

static bool is_let_alone(void *context)
{
    return ((const struct store *)context)->users == 0;
}

void store_end(struct store *store)
{
    struct store **at = &store_first;
    if (store->users > 0)
        fs_wait_surely(&store->lock_queue, is_let_alone, store);
    while (*at != store)
        at = &(*at)->next;
    *at = store->next;
}
