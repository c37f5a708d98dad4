/* SPDX-License-Identifier: MIT */
/* swapon(2) and swapoff(2): one disk, partition or file at a time. */
#include "base/fmt.h"
#include "base/str.h"
#include "fs/vfs/context.h"
#include "fs/vfs/dentry.h"
#include "fs/vfs/devices.h"
#include "fs/vfs/file.h"
#include "fs/vfs/inode.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/store_table.h"
#include "fs/vfs/wait.h"
#include "kern/swap.h"
#include "linux/file/args.h"
#include "linux/file/swap_file.h"
#include "linux/file/sys_file.h"
#include "mm/heap/heap.h"

enum { /* swapon(2) */
    SWAP_FLAG_PRIO_MASK = 0x7fff,
    SWAP_FLAG_PREFER = 0x8000,
    SWAP_FLAGS = 0x7ffff,
};

static struct inode *swap_file; /* with a reference; NULL: a device, or no swap */

/* The device or file that the path names, without a reference to the device. *out: one reference. */
static enum err swap_lookup(uint64_t path, struct location *out)
{
    enum err e = lookup_at((uint64_t)AT_FDCWD, path, 0, out);
    if (e != E_OK)
        return e;
    uint32_t mode = out->dentry->inode->mode;
    if (mode_is(mode, S_IFBLK) || mode_is(mode, S_IFREG))
        return E_OK;
    location_put(out);
    return mode_is(mode, S_IFDIR) ? E_ISDIR : E_INVAL;
}

static struct block_device *device_of_node(const struct inode *inode)
{
    return mode_is(inode->mode, S_IFBLK)
               ? block_find_number(device_major(inode->device), device_minor(inode->device))
               : NULL;
}

/* Adds the whole pages of the file's bytes [from, run->at + run->bytes), of which the last lie at `run`. */
static enum err add_extent(struct swap_device *what, uint64_t offset, const struct store_run *run)
{
    uint64_t first = (offset + PAGE_SIZE - 1) / PAGE_SIZE, end = (offset + run->bytes) / PAGE_SIZE;
    uint64_t sector = run->at + (first * PAGE_SIZE - offset);
    if (end > what->pages)
        end = what->pages;
    if (end <= first)
        return E_OK;
    if (sector % run->device->logical_size != 0 || (what->extent_count == 0 && first > 0))
        return E_INVAL;
    if ((what->extent_count & (what->extent_count - 1)) == 0) { /* a power of two: all are taken */
        uint32_t room = what->extent_count > 0 ? 2 * what->extent_count : 1;
        struct swap_extent *more = heap_resize(what->extents, room * sizeof(*more));
        if (more == NULL)
            return E_NOMEM;
        what->extents = more;
    }
    what->extents[what->extent_count++] =
        (struct swap_extent){(uint32_t)first, (uint32_t)(end - first), sector / BLOCK_SECTOR};
    return E_OK;
}

/* The file system knows where the bytes of its files are. */
static bool has_place(const struct inode *inode)
{
    const struct store *store = store_of(inode);
    return store != NULL && store->ops->place != NULL;
}

/* Where the file's pages are; those that are in several places are not used. Holes are E_INVAL. O(extents). */
static enum err find_extents(struct inode *inode, struct swap_device *what)
{
    const struct store_ops *ops = store_of(inode)->ops;
    struct store_run run = {0}, next;
    uint64_t end = inode->size & ~(uint64_t)PAGE_MASK, begins = 0, at = 0;
    what->pages = end / PAGE_SIZE;
    if (what->pages < 2 || what->pages > UINT32_MAX)
        return E_INVAL;
    enum err e = E_OK;
    while (e == E_OK && at < end) {
        e = ops->place(inode, at, &next);
        if (e != E_OK)
            break;
        if (run.bytes > 0 && run.at + run.bytes == next.at) {
            run.bytes += next.bytes;
        } else {
            e = run.bytes > 0 ? add_extent(what, begins, &run) : E_OK;
            run = next;
            begins = at;
        }
        at += next.bytes;
        fs_give_way();
    }
    if (e == E_OK)
        e = add_extent(what, begins, &run);
    what->device = run.device;
    return e == E_NXIO ? E_INVAL : e;
}

static void release_file(void)
{
    swap_file->swapping = false;
    file_allow_write(swap_file);
    inode_put(swap_file);
    swap_file = NULL;
}

/* While it is mapped and used nobody writes to the file, cuts it or removes its names, so that its blocks stay its own. */
static enum err file_on(const struct location *at, struct swap_device *what)
{
    struct inode *inode = at->dentry->inode;
    enum err e = mount_writable(at->mount, inode->fs);
    if (e == E_OK)
        e = file_deny_write(inode);
    if (e != E_OK)
        return e;
    inode_get(inode);
    swap_file = inode;
    inode->swapping = true;
    e = find_extents(inode, what);
    if (e == E_OK)
        e = swap_on(what);
    if (e != E_OK) {
        heap_free(what->extents);
        release_file();
    }
    return e;
}

static enum err device_on(const struct inode *inode, struct swap_device *what)
{
    what->device = device_of_node(inode);
    if (what->device == NULL)
        return E_INVAL;
    if (swap_device != NULL && swap_device->device != what->device)
        return E_PERM; /* Linux: as above its greatest number of devices */
    fmt_snprintf(what->name, sizeof what->name, "/dev/%s", what->device->name);
    what->pages = block_bytes(what->device) / PAGE_SIZE;
    return swap_on(what);
}

enum err swapon_at(const struct location *at, int priority)
{
    struct swap_device what = {.priority = priority};
    struct inode *inode = at->dentry->inode;
    char *name;
    if (mode_is(inode->mode, S_IFBLK))
        return device_on(inode, &what);
    if (inode->swapping)
        return E_BUSY;
    if (!mode_is(inode->mode, S_IFREG) || !has_place(inode))
        return E_INVAL;
    if (swap_device != NULL || swap_file != NULL)
        return E_PERM;
    enum err e = location_path(at, NULL, LOCATION_PLAIN, what.name, sizeof what.name, &name);
    if (e != E_OK)
        return e;
    memmove(what.name, name, strlen(name) + 1);
    return file_on(at, &what);
}

enum err sys_swapon(struct syscall *call)
{
    uint32_t flags = (uint32_t)call->arg[1];
    struct location at;
    if (flags & ~(uint32_t)SWAP_FLAGS)
        return E_INVAL;
    if (!capable(CAP_SYS_ADMIN))
        return E_PERM;
    enum err e = swap_lookup(call->arg[0], &at);
    if (e != E_OK)
        return e;
    e = swapon_at(&at,
                  flags & SWAP_FLAG_PREFER ? (int)(flags & SWAP_FLAG_PRIO_MASK) : SWAP_PRIORITY);
    location_put(&at);
    return e;
}

enum err sys_swapoff(struct syscall *call)
{
    struct location at;
    if (!capable(CAP_SYS_ADMIN))
        return E_PERM;
    enum err e = swap_lookup(call->arg[0], &at);
    if (e != E_OK)
        return e;
    const struct inode *inode = at.dentry->inode;
    if (mode_is(inode->mode, S_IFBLK) && swap_file == NULL)
        e = swap_off(device_of_node(inode));
    else if (inode != swap_file || swap_device == NULL)
        e = E_INVAL;
    else if ((e = swap_off(swap_device->device)) == E_OK)
        release_file();
    location_put(&at);
    return e;
}
