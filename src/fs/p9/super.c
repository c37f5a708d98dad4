/* SPDX-License-Identifier: MIT */
#include "fs/p9/super.h"

#include "base/str.h"
#include "fs/p9/node.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/process.h"
#include "mm/heap/heap.h"

#define P9_MAGIC 0x01021997 /* V9FS_MAGIC */

static uint32_t owner_uid, owner_gid;

static enum err p9_fs_statfs(struct store *store, struct store_room *out)
{
    struct p9_statfs s;
    enum err e =
        p9_statfs(((struct p9_fs *)store)->client, node_of(store->fs.root->inode)->fid, &s);
    if (e != E_OK)
        return e;
    *out = (struct store_room){
        s.blocks,     s.blocks_free, s.blocks_available, s.files,
        s.files_free, s.block_size,  s.name_max,         {(uint32_t)s.id, (uint32_t)(s.id >> 32)}};
    return E_OK;
}

/* `readonly` is QEMU's to keep; what is open for writing is closed with its inode. */
static enum err p9_fs_set_readonly(struct store *store, bool readonly)
{
    (void)store;
    (void)readonly;
    return E_OK;
}

static void p9_fs_unmount(struct store *store, bool at_end)
{
    struct p9_fs *fs = (struct p9_fs *)store;
    if (at_end) {
        fs->ended = true;
        return;
    }
    p9_detach(fs->client);
    heap_free(fs);
}

const struct store_ops p9_store_ops = {
    .lookup = p9_names_lookup,
    .list = p9_names_list,
    .create = p9_names_create,
    .link = p9_names_link,
    .unlink = p9_names_unlink,
    .rename = p9_names_rename,
    .change = p9_node_change,
    .evict = p9_node_evict,
    .droppable = p9_node_droppable,
    .valid = p9_names_valid,
    .refresh = p9_node_refresh,
    .statfs = p9_fs_statfs,
    .set_readonly = p9_fs_set_readonly,
    .unmount = p9_fs_unmount,
    .own_attributes = true,
};

/* Options of Linux's 9p that say what is so anyway. */
static bool are_options(const char *options)
{
    static const char *const known[] = {
        "trans=virtio", "version=9p2000.L", "access=", "cache=", "msize=", "aname=", "rw", "ro"};
    while (*options != '\0') {
        const char *comma = strchr(options, ',');
        size_t length = comma != NULL ? (size_t)(comma - options) : strlen(options);
        bool found = false;
        for (size_t i = 0; i < ARRAY_LENGTH(known); i++)
            found = found || strncmp(options, known[i], strlen(known[i])) == 0;
        if (!found && length > 0)
            return false;
        options += length + (comma != NULL);
    }
    return true;
}

static enum err make_root(struct p9_fs *fs, uint32_t fid)
{
    struct inode *root;
    store_init(&fs->store, &p9_store_ops);
    fs->store.fs.type = "9p";
    fs->store.fs.magic = P9_MAGIC;
    fs->store.fs.device = vfs_device_number();
    enum err e = node_get(fs, NULL, (struct store_name){"", 0}, fid, &root);
    if (e == E_OK)
        e = store_set_root(&fs->store, root);
    if (e != E_OK)
        store_abandon(&fs->store);
    return e;
}

static enum err p9_mount(const struct mount_source *from, struct filesystem **out)
{
    struct p9_channel *channel = p9_channel_find(from->source);
    struct fs_credentials owner;
    struct p9_qid qid;
    uint32_t fid;
    if (channel == NULL || !are_options(from->options))
        return E_INVAL;
    struct p9_fs *fs = heap_alloc_zero(sizeof *fs);
    if (fs == NULL)
        return E_NOMEM;
    fs_caller_credentials(false, &owner);
    fs->uid = owner.uid == 0 ? owner_uid : owner.uid;
    fs->gid = owner.uid == 0 ? owner_gid : owner.gid;
    enum err e = p9_attach(channel, &fs->client, &fid, &qid);
    if (e == E_OK && (e = make_root(fs, fid)) != E_OK)
        p9_detach(fs->client);
    if (e != E_OK) {
        heap_free(fs);
        return e;
    }
    *out = &fs->store.fs;
    return E_OK;
}

void p9_type_register(uint32_t uid, uint32_t gid)
{
    static struct filesystem_type type = {.name = "9p", .without_device = true, .mount = p9_mount};
    owner_uid = uid;
    owner_gid = gid;
    filesystem_type_register(&type);
}
