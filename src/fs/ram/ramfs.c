/* SPDX-License-Identifier: MIT */
#include "fs/ram/ramfs.h"

#include "base/fmt.h"
#include "base/str.h"
#include "fs/ram/ramfs_file.h"
#include "fs/vfs/dentry.h"
#include "fs/vfs/file.h"
#include "mm/phys/frames.h"
#include "mm/phys/shrinker.h"
#include "mm/vm/areas.h"

#define TMPFS_MAGIC     0x01021994
#define FRAMES_KEPT     64 /* 256 KiB */
#define RAMFS_ROOT      2  /* inode number of the root, as on disk file systems */
#define INODES_PER_PAGE 8  /* about as many as memory holds, with their names */

static uint64_t limit = UINT64_MAX;
static uint64_t used;

void ramfs_set_limit(uint64_t pages)
{
    limit = pages;
}

uint64_t ramfs_used_pages(void)
{
    return used;
}

/* FRAMES_KEPT frames are reserved for the kernel and for page faults. */
static uint64_t available_frames(void)
{
    uint64_t free = machine_frames.free_frames + shrinkers_spare();
    return free > FRAMES_KEPT ? free - FRAMES_KEPT : 0;
}

bool ramfs_room_for(const struct filesystem *fs, uint64_t pages)
{
    if (fs->pages_most != 0 && (fs->pages > fs->pages_most || pages > fs->pages_most - fs->pages))
        return false;
    return used <= limit && pages <= limit - used && pages <= available_frames();
}

void ramfs_count_pages(struct filesystem *fs, int64_t change)
{
    fs->pages += (uint64_t)change;
    used += (uint64_t)change;
}

static void room(const struct filesystem *fs, uint64_t *total, uint64_t *available)
{
    uint64_t left = used < limit ? limit - used : 0;
    *available = left < available_frames() ? left : available_frames();
    *total = used + *available;
    if (fs->pages_most != 0) { /* more may be promised than there is, as on Linux */
        *total = fs->pages_most;
        *available = fs->pages < fs->pages_most ? fs->pages_most - fs->pages : 0;
    }
}

static enum err ramfs_create(struct filesystem *fs, uint32_t mode, uint64_t device,
                             struct inode **out)
{
    size_t size_of = mode_is(mode, S_IFREG) ? sizeof(struct ram_file) : sizeof(struct inode);
    struct inode *inode;
    if (fs->inodes != 0 && fs->root && filesystem_inodes(fs) >= fs->inodes)
        return E_NOSPC;
    enum err e = inode_alloc(fs, size_of, mode, &inode);
    if (e != E_OK)
        return e;
    inode->device = device;
    inode->seals = F_SEAL_SEAL;
    if (mode_is(mode, S_IFREG)) {
        inode->ops = &ram_file_inode_ops;
        inode->file_ops = &ram_file_ops;
        inode->pages.ops = &ram_file_page_ops;
    } else if (mode_is(mode, S_IFDIR)) {
        /* st_size of a directory is one page, as of disk file systems: programs sum it up. */
        inode->size = PAGE_SIZE;
    }
    *out = inode;
    return E_OK;
}

enum err ramfs_init(struct filesystem *fs, const char *type, uint64_t device)
{
    *fs = (struct filesystem){
        .type = type,
        .magic = TMPFS_MAGIC,
        .device = device,
        .next_ino = RAMFS_ROOT,
        .inodes = machine_frames.total_frames * INODES_PER_PAGE,
        .attributes = true,
        .create = ramfs_create,
        .room = room,
    };
    struct inode *root;
    enum err e = ramfs_create(fs, S_IFDIR | 0755, 0, &root);
    if (e != E_OK)
        return e;
    root->nlink = 2;
    e = dentry_alloc_root(fs, root);
    inode_put(root);
    return e;
}

void ramfs_set_archive(struct inode *inode, const uint8_t *bytes, uint64_t size, phys_t where)
{
    struct ram_file *ram = ram_file_of(inode);
    ram->archive = bytes;
    ram->archive_size = size;
    ram->archive_phys = where;
    inode->size = size;
}

/* The file system of memfd_create() and of shared anonymous memory; not mounted. */
static struct filesystem shared_memory = {.type = "tmpfs",
                                          .magic = TMPFS_MAGIC,
                                          .device = 1,
                                          .next_ino = 1,
                                          .attributes = true,
                                          .create = ramfs_create,
                                          .room = room};

enum err memfd_open(const char *name, bool sealable, struct file **out)
{
    char label[NAME_MAX_LENGTH + 32];
    size_t length = fmt_snprintf(label, sizeof(label), "/memfd:%s (deleted)", name);
    if (length >= sizeof(label))
        return E_INVAL;
    struct inode *inode;
    enum err e = ramfs_create(&shared_memory, S_IFREG | 0777, 0, &inode);
    if (e != E_OK)
        return e;
    if (sealable)
        inode->seals = 0;
    struct dentry *dentry;
    e = dentry_alloc(NULL, label, length, inode, &dentry);
    if (e == E_OK) {
        e = file_alloc(dentry, &ram_file_ops, O_RDWR | O_LARGEFILE, out);
        if (e == E_OK)
            inode->writers++;
        dentry_put(dentry);
    }
    inode_put(inode);
    return e;
}

enum err ramfs_share_memory(uint64_t size, struct page_source **out)
{
    static const char name[] = "/dev/zero (deleted)"; /* the name in Linux's /proc/PID/maps */
    struct inode *inode;
    enum err e = ramfs_create(&shared_memory, S_IFREG | 0777, 0, &inode);
    if (e != E_OK)
        return E_NOMEM;
    struct dentry *dentry;
    e = dentry_alloc(NULL, name, sizeof(name) - 1, inode, &dentry);
    if (e == E_OK) {
        inode->size = size;
        inode->mapped_as = dentry;
        inode->pages.ops->get(&inode->pages);
        dentry_put(dentry);
        *out = &inode->pages;
    }
    inode_put(inode);
    return e;
}

bool ramfs_is_write_sealed(struct page_source *source)
{
    return source->ops == &ram_file_page_ops &&
           CONTAINER_OF(source, struct inode, pages)->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
}

enum err memfd_add_seals(struct file *file, uint32_t seals)
{
    struct inode *inode = file->inode;
    if (inode->ops != &ram_file_inode_ops)
        return E_INVAL;
    if (!file_can_write(file))
        return E_PERM;
    if (seals & ~(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
        return E_INVAL;
    if (inode->seals & F_SEAL_SEAL)
        return E_PERM;
    if ((seals & F_SEAL_WRITE) && !(inode->seals & F_SEAL_WRITE) && areas_may_store(&inode->pages))
        return E_BUSY;
    inode->seals |= seals;
    return E_OK;
}

enum err memfd_seals(const struct file *file, uint32_t *out)
{
    if (file->inode->ops != &ram_file_inode_ops)
        return E_INVAL;
    *out = file->inode->seals;
    return E_OK;
}
