/* SPDX-License-Identifier: MIT */
#include "fs/iso9660/vfs/mount.h"

#include "base/str.h"
#include "fs/iso9660/vfs/volume.h"
#include "fs/vfs/file.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/wait.h"
#include "mm/heap/heap.h"

#define ISOFS_MAGIC 0x9660

static struct iso_volume *first_medium;

/* ---- For the library ---- */

static enum err medium_read(void *context, uint64_t offset, void *to, size_t size)
{
    struct iso_volume *volume = context;
    uint64_t done;
    enum err e = page_cache_read(volume->whole, to, size, offset, &done);
    return e == E_OK && done != size ? E_IO : e;
}

static void medium_give_way(void *context)
{
    (void)context;
    (void)fs_give_way();
}

/* ---- For VFS ---- */

static enum err medium_lookup(struct inode *directory, struct store_name name, struct inode **out)
{
    struct iso_volume *volume = iso_volume_of(directory);
    const struct iso_place place = {((struct iso_folder *)directory)->section,
                                    iso_folder_index(directory)};
    enum err e = iso_lookup(&volume->iso, place, name.text, name.length, &volume->found);
    return e == E_OK ? iso_node_get(volume, out) : e;
}

struct medium_listing {
    store_sink sink;
    void *context;
};

static bool medium_entry(void *context, const struct iso_name *name)
{
    const struct medium_listing *listing = context;
    const struct directory_entry entry = {name->text, name->length, name->ino,
                                          COOKIE_FIRST + name->next, name->type};
    return listing->sink(listing->context, &entry);
}

static enum err medium_list(struct inode *directory, uint64_t from, store_sink sink, void *context)
{
    struct medium_listing listing = {sink, context};
    return iso_list(&iso_volume_of(directory)->iso, ((struct iso_folder *)directory)->section,
                    from - COOKIE_FIRST, medium_entry, &listing);
}

static enum err medium_statfs(struct store *store, struct store_room *out)
{
    const struct iso_volume *volume = (struct iso_volume *)store;
    *out = (struct store_room){.blocks = volume->iso.blocks,
                               .block_size = volume->iso.block,
                               .name_max = ISO_NAME_MAX,
                               .id = {(uint32_t)store->fs.device, 0}};
    return E_OK;
}

static void medium_remove(struct iso_volume *volume)
{
    struct iso_volume **at = &first_medium;
    while (*at && *at != volume)
        at = &(*at)->next;
    if (*at)
        *at = volume->next;
}

static void medium_free(struct iso_volume *volume)
{
    if (volume->whole)
        device_pages_put(volume->whole);
    if (volume->device->removable)
        block_unclaim(volume->device);
    heap_free(volume);
}

static void medium_unmount(struct store *store, bool at_end)
{
    struct iso_volume *volume = (struct iso_volume *)store;
    if (at_end)
        return;
    medium_remove(volume);
    medium_free(volume);
}

static const struct store_ops medium_ops = {
    .lookup = medium_lookup,
    .list = medium_list,
    .statfs = medium_statfs,
    .unmount = medium_unmount,
};

static enum err medium_root(struct iso_volume *volume)
{
    struct inode *root;
    store_init(&volume->store, &medium_ops);
    volume->store.fs.type = "iso9660";
    volume->store.fs.magic = ISOFS_MAGIC;
    volume->store.fs.device = (uint64_t)volume->device->major << 8 | volume->device->minor;
    volume->store.fs.flags |= MS_RDONLY;
    enum err e = iso_root(&volume->iso, &volume->found);
    if (e == E_OK)
        e = iso_node_get(volume, &root);
    if (e == E_OK)
        e = store_set_root(&volume->store, root);
    if (e != E_OK)
        store_abandon(&volume->store);
    return e;
}

static enum err medium_open(struct iso_volume *volume)
{
    enum err e = device_pages_get(volume->device, &volume->whole);
    if (e != E_OK)
        return e;
    const struct iso_io io = {volume, align_down(volume->whole->size, ISO_SECTOR), medium_read,
                              medium_give_way};
    return iso_open(&io, &volume->iso);
}

static enum err medium_mount(const struct mount_source *from, struct filesystem **out)
{
    bool path = strncmp(from->source, "/dev/", 5) == 0;
    struct block_device *device = block_find(path ? from->source + 5 : from->source);
    if (!device)
        return path ? E_NODEV : E_INVAL;
    for (const struct iso_volume *other = first_medium; other; other = other->next)
        if (other->device == device)
            return E_BUSY;
    struct iso_volume *volume = heap_alloc_zero(sizeof(*volume));
    if (!volume)
        return E_NOMEM;
    volume->device = device;
    /* A disk may have the medium, and partitions that are mounted too: an image with --data. */
    enum err e = device->removable ? block_claim(device) : E_OK;
    if (e != E_OK) {
        heap_free(volume);
        return e;
    }
    e = medium_open(volume);
    if (e == E_OK)
        e = medium_root(volume);
    if (e != E_OK) {
        medium_free(volume);
        return e;
    }
    volume->next = first_medium;
    first_medium = volume;
    *out = &volume->store.fs;
    return E_OK;
}

void iso_type_register(void)
{
    static struct filesystem_type type = {.name = "iso9660", .mount = medium_mount};
    filesystem_type_register(&type);
}
