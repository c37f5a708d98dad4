/* SPDX-License-Identifier: MIT */
/* Volumes: mounted, locked, committed by a thread 5 s after a change, unmounted. */
#define LOG_TAG "ext4"
#include "fs/ext4/vfs/mount.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/str.h"
#include "fs/cache/device_pages.h"
#include "fs/ext4/vfs/volume.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/text.h"
#include "fs/vfs/wait.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"

#define EXT4_FS_MAGIC   0xef53
#define COMMIT_NS       (5 * NS_PER_SECOND)
#define FRAMES_A_BLOCK  64 /* of memory, for each block of metadata that may be idle in it */
#define BLOCKS_AT_LEAST 128

static struct volume *first_volume;
static uint64_t commit_at; /* 0: nothing is to be committed */
static struct wait_queue commit_queue = WAIT_QUEUE_INIT(commit_queue);

/* ---- The lock ---- */

static bool volume_is_free(void *context)
{
    return !((const struct volume *)context)->locked;
}

enum err volume_lock(struct volume *volume, const struct fs_time *now)
{
    if (volume->locked)
        fs_wait_surely(&volume->queue, volume_is_free, volume);
    if (volume->fs == NULL) {
        wait_queue_wake_one(&volume->queue);
        return E_IO;
    }
    volume->locked = true;
    volume->now = now;
    return E_OK;
}

void volume_unlock(struct volume *volume)
{
    assert(volume->locked);
    volume->locked = false;
    volume->now = NULL;
    if (commit_at == 0 && volume->fs != NULL && ext4_commit_pending(volume->fs)) {
        commit_at = time_now_ns() + COMMIT_NS;
        wait_queue_wake(&commit_queue);
    }
    wait_queue_wake_one(&volume->queue);
}

/* ---- The thread ---- */

void volume_add(struct volume *volume)
{
    volume->next = first_volume;
    first_volume = volume;
}

void volume_remove(struct volume *volume)
{
    struct volume **at = &first_volume;
    while (*at != volume)
        at = &(*at)->next;
    *at = volume->next;
}

static struct volume *volume_to_commit(void)
{
    struct volume *volume = first_volume;
    while (volume && (volume->locked || volume->fs == NULL || !ext4_commit_pending(volume->fs)))
        volume = volume->next;
    return volume;
}

static bool volume_never(void *context)
{
    (void)context;
    return false;
}

static bool commit_is_due(void *context)
{
    (void)context;
    return commit_at != 0;
}

static void committer(void *unused)
{
    (void)unused;
    kernel_lock_assert();
    for (;;) {
        fs_wait_surely(&commit_queue, commit_is_due, NULL);
        (void)!fs_wait(&commit_queue, volume_never, NULL, commit_at);
        commit_at = 0;
        for (struct volume *volume; (volume = volume_to_commit()) != NULL;) {
            if (volume_lock(volume, NULL) != E_OK)
                break;
            enum err e = ext4_commit(volume->fs);
            volume_unlock(volume);
            if (e != E_OK)
                break;
        }
    }
}

static enum err committer_start(void)
{
    static struct thread *thread;
    kernel_lock_assert();
    return thread ? E_OK : thread_create("ext4", committer, NULL, &thread);
}

/* ---- The whole ---- */

static enum err volume_statfs(struct store *store, struct store_room *out)
{
    struct volume *volume = (struct volume *)store;
    struct ext4_statfs s;
    enum err e = volume_lock(volume, NULL);
    if (e != E_OK)
        return e;
    ext4_statfs(volume->fs, &s);
    *out = (struct store_room){.blocks = s.blocks,
                               .free = s.free_blocks,
                               .available = s.available_blocks,
                               .files = s.inodes,
                               .free_files = s.free_inodes,
                               .block_size = ext4_block_size(volume->fs),
                               .name_max = 255};
    for (size_t i = 0; i < 16; i++)
        ((uint8_t *)out->id)[i % 8] ^= s.uuid[i];
    volume_unlock(volume);
    return E_OK;
}

static enum err volume_sync(struct store *store, bool wait)
{
    struct volume *volume = (struct volume *)store;
    enum err e = page_cache_sync_all(&store->fs, wait), committed = volume_lock(volume, NULL);
    if (committed == E_OK) {
        committed = ext4_readonly(volume->fs) ? E_OK : ext4_commit(volume->fs);
        volume_unlock(volume);
    }
    return e == E_OK ? committed : e;
}

static enum err volume_trim(struct store *store, uint64_t range[3])
{
    struct volume *volume = (struct volume *)store;
    uint64_t least = (uint64_t)volume->device->limits.discard_blocks << BLOCK_SECTOR_SHIFT;
    enum err e = volume_lock(volume, NULL);
    if (e != E_OK)
        return e;
    uint64_t size = ext4_block_size(volume->fs), first = range[0] / size, count = range[1] / size;
    if (least < range[2])
        least = range[2];
    struct ext4_trim trim = {.at = first,
                             .end = count < UINT64_MAX - first ? first + count : UINT64_MAX,
                             .least = least > size ? least / size : 1};
    do {
        e = ext4_trim(volume->fs, &trim);
        volume_unlock(volume);
        fs_give_way();
    } while (e == E_OK && trim.at < trim.end && (e = volume_lock(volume, NULL)) == E_OK);
    range[1] = trim.done * size;
    return e;
}

/* The device is free for others. */
static void volume_leave(struct volume *volume)
{
    device_pages_settle(volume->device);
    block_unclaim(volume->device);
    block_release(volume->device);
    heap_free(volume);
}

static void volume_unmount(struct store *store, bool at_end)
{
    struct volume *volume = (struct volume *)store;
    if (volume_lock(volume, NULL) == E_OK) {
        struct ext4 *fs = volume->fs;
        volume_remove(volume);
        if (ext4_unmount(fs) != E_OK)
            log_err("%s: could not be written to the end", volume->device->name);
        volume->fs = NULL;
        volume_unlock(volume);
    }
    if (at_end)
        return;
    volume_leave(volume);
}

static const struct store_ops volume_ops = {
    .lookup = volume_lookup,
    .list = volume_list,
    .create = volume_create,
    .link = volume_link,
    .unlink = volume_unlink,
    .rename = volume_rename,
    .change = volume_node_change,
    .set_attribute = volume_node_attribute,
    .evict = volume_node_evict,
    .droppable = volume_node_droppable,
    .statfs = volume_statfs,
    .place = volume_node_place,
    .trim = volume_trim,
    .sync = volume_sync,
    .unmount = volume_unmount,
};

/* "discard" and "nodiscard"; other options have no effect. The last one holds. False: there are others. */
static bool take_options(struct volume *volume, const char *options)
{
    bool known = true;
    while (*options != '\0') {
        size_t length = 0;
        while (options[length] != '\0' && options[length] != ',')
            length++;
        bool on = length == 7 && strncmp(options, "discard", length) == 0;
        if (on || (length == 9 && strncmp(options, "nodiscard", length) == 0))
            ext4_set_discard(volume->fs, volume->discard = on);
        else
            known = false;
        options += length + (options[length] == ',');
    }
    return known;
}

static enum err volume_configure(struct filesystem *fs, const char *options)
{
    return take_options((struct volume *)fs->store, options) ? E_OK : E_INVAL;
}

static void volume_show(const struct filesystem *fs, struct text *text)
{
    if (((const struct volume *)fs->store)->discard)
        text_printf(text, ",discard");
}

static enum err volume_open(struct volume *volume, bool readonly)
{
    struct ext4_io io;
    struct ext4_options options = {.readonly = readonly};
    uint64_t blocks = machine_frames.total_frames / FRAMES_A_BLOCK;
    options.cache_blocks = blocks < BLOCKS_AT_LEAST ? BLOCKS_AT_LEAST : (uint32_t)blocks;
    volume_io(volume, &io);
    return ext4_mount(&io, &options, &volume->fs);
}

static enum err root_make(struct volume *volume)
{
    struct inode *root;
    store_init(&volume->store, &volume_ops);
    volume->store.fs.type = "ext4";
    volume->store.fs.magic = EXT4_FS_MAGIC;
    volume->store.fs.device = (uint64_t)volume->device->major << 8 | volume->device->minor;
    volume->store.fs.attributes = true;
    volume->store.fs.configure = volume_configure;
    volume->store.fs.show = volume_show;
    if (ext4_readonly(volume->fs)) /* for a feature, which the log names */
        volume->store.fs.flags |= MS_RDONLY;
    enum err e = volume_node_get(volume, 2, &root);
    if (e == E_OK)
        e = store_set_root(&volume->store, root);
    if (e != E_OK)
        store_abandon(&volume->store);
    return e;
}

static enum err volume_mount(const struct mount_source *from, struct filesystem **out)
{
    bool path = strncmp(from->source, "/dev/", 5) == 0, readonly = (from->flags & MS_RDONLY) != 0;
    struct block_device *device = block_find(path ? from->source + 5 : from->source);
    if (!device)
        return path ? E_NODEV : E_INVAL;
    enum err e = block_claim(device);
    if (e != E_OK)
        return e;
    struct volume *volume = heap_alloc_zero(sizeof(*volume));
    if (!volume) {
        block_unclaim(device);
        return E_NOMEM;
    }
    block_hold(device);
    device_pages_settle(device);
    volume->device = device;
    wait_queue_init(&volume->queue);
    e = volume_open(volume, readonly);
    if (e == E_OK && device->readonly && !readonly)
        e = E_ROFS;
    if (e == E_OK)
        e = committer_start();
    if (e == E_OK)
        (void)take_options(volume, from->options);
    if (e == E_OK)
        e = root_make(volume);
    if (e != E_OK) {
        if (volume->fs)
            (void)ext4_unmount(volume->fs);
        volume_leave(volume);
        return e;
    }
    volume_add(volume);
    *out = &volume->store.fs;
    return E_OK;
}

void ext4_type_register(void)
{
    static struct filesystem_type type = {.name = "ext4", .mount = volume_mount};
    filesystem_type_register(&type);
}
