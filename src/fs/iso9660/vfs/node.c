/* SPDX-License-Identifier: MIT */
#include "base/str.h"
#include "fs/iso9660/vfs/volume.h"
#include "fs/vfs/file.h"
#include "fs/vfs/store_table.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"

#define PIECES       64u /* of ISO_SECTOR bytes, of one request */
#define INDEXED_FROM (4 * ISO_SECTOR)
#define SECTOR_UNITS (ISO_SECTOR / 512)

/* ---- Pages ---- */

static struct iso_node *node_of_inode(struct inode *inode)
{
    return (struct iso_node *)inode;
}

/* Where byte `offset` of the file is, and how many sectors follow it there; false: behind the end. */
static bool sector_find(const struct iso_node *node, uint64_t offset, uint64_t *at, uint64_t *left)
{
    for (uint32_t i = 0; i < node->sections; i++) {
        const struct iso_section *section = &node->section[i];
        if (offset < section->bytes) {
            *at = section->offset + offset;
            *left = (section->bytes - offset + ISO_SECTOR - 1) / ISO_SECTOR;
            return true;
        }
        offset -= section->bytes;
    }
    return false;
}

static void *piece_at(void *const pages[], uint64_t sector)
{
    const uint64_t of_page = PAGE_SIZE / ISO_SECTOR;
    return (char *)pages[sector / of_page] + sector % of_page * ISO_SECTOR;
}

static enum err iso_read_pages(struct inode *inode, uint64_t index, unsigned count,
                               void *const pages[])
{
    const struct iso_node *node = node_of_inode(inode);
    uint64_t start = index * PAGE_SIZE, sectors = (uint64_t)count * (PAGE_SIZE / ISO_SECTOR), at,
             left;
    void *piece[PIECES];
    for (uint64_t i = 0; i < sectors;) {
        if (!sector_find(node, start + i * ISO_SECTOR, &at, &left)) {
            memset(piece_at(pages, i), 0, ISO_SECTOR);
            i++;
            continue;
        }
        uint32_t run = PIECES;
        run = run > left ? (uint32_t)left : run;
        run = run > sectors - i ? (uint32_t)(sectors - i) : run;
        for (uint32_t p = 0; p < run; p++)
            piece[p] = piece_at(pages, i + p);
        enum err e = block_move_pieces(node->device, BLOCK_READ, at, ISO_SECTOR, piece, run);
        if (e != E_OK)
            return e;
        i += run;
    }
    for (unsigned i = 0; i < count; i++) { /* what lies behind the end */
        uint64_t begins = start + i * PAGE_SIZE;
        if (begins + PAGE_SIZE > inode->size) {
            uint64_t kept = inode->size > begins ? inode->size - begins : 0;
            memset((uint8_t *)pages[i] + kept, 0, PAGE_SIZE - kept);
        }
    }
    return E_OK;
}

static const struct page_cache_ops iso_page_ops = {.read_pages = iso_read_pages};

static uint64_t iso_node_blocks(const struct inode *inode)
{
    return (inode->size + ISO_SECTOR - 1) / ISO_SECTOR * SECTOR_UNITS;
}

static void iso_node_destroy(struct inode *inode)
{
    struct iso_node *node = node_of_inode(inode);
    (void)page_cache_end(inode, false);
    if (node->section != &node->one)
        heap_free(node->section);
}

static const struct inode_ops iso_node_ops = {
    .truncate = page_cache_truncate, .blocks = iso_node_blocks, .destroy = iso_node_destroy};

/* ---- Directories ---- */

static void iso_folder_destroy(struct inode *inode)
{
    heap_free(((struct iso_folder *)inode)->index);
}

static const struct inode_ops iso_folder_ops = {
    .lookup = store_lookup, .blocks = iso_node_blocks, .destroy = iso_folder_destroy};

const struct iso_index *iso_folder_index(struct inode *directory)
{
    struct iso_folder *folder = (struct iso_folder *)directory;
    struct iso *iso = &iso_volume_of(directory)->iso;
    struct iso_index count;
    if (folder->indexed || folder->section.bytes < INDEXED_FROM)
        return folder->index;
    folder->indexed = true;
    if (iso_index_make(iso, folder->section, &count, 0) != E_OK)
        return NULL;
    folder->index =
        heap_alloc(sizeof(*folder->index) + (size_t)count.count * sizeof(struct iso_index_entry));
    if (folder->index && iso_index_make(iso, folder->section, folder->index, count.count) != E_OK) {
        heap_free(folder->index);
        folder->index = NULL;
    }
    return folder->index;
}

/* ---- Inodes ---- */

static struct fs_time fs_time_of(struct iso_time time)
{
    return (struct fs_time){time.seconds, time.nanoseconds};
}

/* Each part begins with a sector of the device, and all but the last end with one of the file. */
static bool sections_even(const struct iso_stat *stat, const struct block_device *device)
{
    for (uint32_t i = 0; i < stat->sections; i++)
        if (stat->section[i].offset % device->logical_size != 0 ||
            (i + 1 < stat->sections && stat->section[i].bytes % ISO_SECTOR != 0))
            return false;
    return true;
}

static enum err file_take(struct iso_volume *volume, struct inode *inode)
{
    const struct iso_stat *stat = &volume->found;
    struct iso_node *node = node_of_inode(inode);
    inode->ops = &iso_node_ops;
    page_cache_begin(&node->cached, &iso_page_ops);
    node->device = volume->device;
    node->section = &node->one;
    node->sections = stat->sections;
    if (!sections_even(stat, volume->device))
        return E_IO;
    if (stat->sections > 1) {
        node->section = heap_alloc(stat->sections * sizeof(*node->section));
        if (!node->section)
            return E_NOMEM;
    }
    memcpy(node->section, stat->section, stat->sections * sizeof(*node->section));
    return E_OK;
}

static enum err text_take(const struct iso_stat *stat, struct inode *inode)
{
    inode->link = heap_alloc(stat->link_length + 1);
    if (!inode->link)
        return E_NOMEM;
    memcpy(inode->link, stat->link, stat->link_length + 1);
    return E_OK;
}

static enum err found_take(struct iso_volume *volume, struct inode *inode)
{
    const struct iso_stat *stat = &volume->found;
    inode->uid = stat->uid;
    inode->gid = stat->gid;
    inode->nlink = stat->nlink;
    inode->size = stat->size;
    inode->device = stat->device;
    inode->accessed = fs_time_of(stat->accessed);
    inode->modified = fs_time_of(stat->modified);
    inode->changed = fs_time_of(stat->changed);
    inode->created = fs_time_of(stat->created);
    inode_mode_changed(inode);
    switch (stat->mode & S_IFMT) {
    case S_IFREG:
        return file_take(volume, inode);
    case S_IFDIR:
        inode->ops = &iso_folder_ops;
        ((struct iso_folder *)inode)->section = stat->section[0];
        return E_OK;
    case S_IFLNK:
        return text_take(stat, inode);
    default:
        return E_OK;
    }
}

static size_t node_size(uint32_t mode)
{
    return mode_is(mode, S_IFREG)   ? sizeof(struct iso_node)
           : mode_is(mode, S_IFDIR) ? sizeof(struct iso_folder)
                                    : sizeof(struct inode);
}

enum err iso_node_get(struct iso_volume *volume, struct inode **out)
{
    const struct iso_stat *stat = &volume->found;
    *out = store_inode_get(&volume->store, stat->ino);
    if (*out)
        return E_OK;
    enum err e =
        store_inode_make(&volume->store, node_size(stat->mode), stat->ino, stat->mode, NULL, out);
    if (e != E_OK)
        return e;
    e = found_take(volume, *out);
    if (e != E_OK)
        store_inode_abandon(*out);
    return e;
}
