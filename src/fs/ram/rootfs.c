/* SPDX-License-Identifier: MIT */
#include "fs/ram/rootfs.h"

#include "base/panic.h"
#include "base/str.h"
#include "fs/ram/ramfs.h"
#include "fs/vfs/context.h"
#include "fs/vfs/vfs.h"
#include "fs/vfs/vfs_create.h"
#include "mm/heap/heap.h"
#include "parse/cpio.h"

#define ROOT_DEVICE  2 /* major 0: no block device */
#define LINK_BUCKETS 256

/* An inode for which more hard links may follow. */
struct link_entry {
    struct link_entry *next;
    struct dentry *dentry; /* one reference */
    uint32_t ino, dev_major, dev_minor, type;
};

/* Times of directories are set at the end, because each new entry changes that of its directory. */
struct directory_time {
    struct directory_time *next;
    struct dentry *dentry; /* one reference */
    uint32_t modified;
};

struct fill {
    struct cpio_reader reader;
    phys_t archive_phys;
    struct parse_fault *fault;
    struct link_entry *links[LINK_BUCKETS];
    struct directory_time *directories;
    char path[PATH_MAX_SIZE];
};

static struct filesystem root;

static enum err rootfs_refuse(struct fill *fill, const char *what)
{
    fill->fault->what = what;
    return E_INVAL;
}

/* Stores the name as an absolute path in fill->path. E_INVAL: "..", or a name is too long. */
static enum err take_path(struct fill *fill, const struct cpio_entry *entry)
{
    const char *name = entry->name;
    if (entry->name_length + 2 > sizeof(fill->path))
        return rootfs_refuse(fill, "a name in the archive is too long");
    for (const char *at = name; *at != '\0';) {
        size_t length = 0;
        while (at[length] != '\0' && at[length] != '/')
            length++;
        if (length > NAME_MAX_LENGTH)
            return rootfs_refuse(fill, "a name in the archive is too long");
        if (length == 2 && at[0] == '.' && at[1] == '.')
            return rootfs_refuse(fill, "a name in the archive leads upwards");
        at += length;
        while (*at == '/')
            at++;
    }
    fill->path[0] = '/';
    memcpy(fill->path + 1, name, entry->name_length + 1);
    return E_OK;
}

/* Makes the missing directories above the last component. */
static enum err make_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        enum err e = vfs_make_directory((struct vfs_place){NULL, path}, 0755);
        *slash = '/';
        if (e != E_OK && e != E_EXIST)
            return e;
    }
    return E_OK;
}

static void set_attributes(struct inode *inode, const struct cpio_entry *entry)
{
    inode->mode = (inode->mode & S_IFMT) | (entry->mode & MODE_ALL);
    inode_mode_changed(inode);
    inode->uid = entry->uid;
    inode->gid = entry->gid;
    inode->modified = (struct fs_time){entry->mtime, 0};
    inode->accessed = inode->changed = inode->modified;
}

static struct link_entry **link_find(struct fill *fill, const struct cpio_entry *entry)
{
    struct link_entry **at = &fill->links[(entry->ino ^ entry->dev_minor) % LINK_BUCKETS];
    while (*at && ((*at)->ino != entry->ino || (*at)->dev_major != entry->dev_major ||
                   (*at)->dev_minor != entry->dev_minor || (*at)->type != (entry->mode & S_IFMT)))
        at = &(*at)->next;
    return at;
}

static enum err link_remember(struct link_entry **at, const struct cpio_entry *entry,
                              struct dentry *dentry)
{
    struct link_entry *link = heap_alloc(sizeof(*link));
    if (!link)
        return E_NOMEM;
    dentry_get(dentry);
    *link = (struct link_entry){.dentry = dentry,
                                .ino = entry->ino,
                                .dev_major = entry->dev_major,
                                .dev_minor = entry->dev_minor,
                                .type = entry->mode & S_IFMT};
    *at = link;
    return E_OK;
}

static void links_free(struct fill *fill)
{
    for (size_t i = 0; i < LINK_BUCKETS; i++) {
        struct link_entry *next;
        for (struct link_entry *link = fill->links[i]; link; link = next) {
            next = link->next;
            dentry_put(link->dentry);
            heap_free(link);
        }
    }
}

static enum err directory_remember(struct fill *fill, const struct cpio_entry *entry,
                                   struct dentry *dentry)
{
    struct directory_time *time = heap_alloc(sizeof(*time));
    if (!time)
        return E_NOMEM;
    dentry_get(dentry);
    *time = (struct directory_time){fill->directories, dentry, entry->mtime};
    fill->directories = time;
    return E_OK;
}

/* Sets the times in the order of the archive, so that the last entry of a directory applies; the
 * list is in reverse order. */
static void directories_finish(struct fill *fill)
{
    struct directory_time *reversed = NULL, *next;
    for (struct directory_time *time = fill->directories; time; time = next) {
        next = time->next;
        time->next = reversed;
        reversed = time;
    }
    for (struct directory_time *time = reversed; time; time = next) {
        struct inode *inode = time->dentry->inode;
        next = time->next;
        inode->modified = (struct fs_time){time->modified, 0};
        inode->accessed = inode->changed = inode->modified;
        dentry_put(time->dentry);
        heap_free(time);
    }
}

static enum err fill_directory(struct fill *fill, const struct cpio_entry *entry)
{
    struct vfs_place place = {NULL, fill->path};
    enum err e = vfs_make_directory(place, 0755);
    if (e == E_EXIST) {
        /* An earlier file of that name is replaced; a directory is kept with its entries. */
        e = vfs_unlink(place);
        if (e == E_OK)
            e = vfs_make_directory(place, 0755);
        else if (e == E_ISDIR)
            e = E_OK;
    }
    struct location at;
    if (e == E_OK)
        e = walk_lookup(NULL, fill->path, 0, &at);
    if (e != E_OK)
        return e;
    set_attributes(at.dentry->inode, entry);
    e = directory_remember(fill, entry, at.dentry);
    location_put(&at);
    return e;
}

static enum err make_symlink(struct fill *fill, const struct cpio_entry *entry)
{
    if (entry->size == 0 || entry->size >= PATH_MAX_SIZE)
        return rootfs_refuse(fill, "a symbolic link in the archive is empty or too long");
    char *text = heap_alloc(entry->size + 1);
    if (!text)
        return E_NOMEM;
    memcpy(text, entry->data, entry->size);
    text[entry->size] = '\0';
    enum err e = *text == '\0'
                     ? rootfs_refuse(fill, "a symbolic link in the archive is empty or too long")
                     : vfs_make_symlink(text, (struct vfs_place){NULL, fill->path});
    heap_free(text);
    return e;
}

static enum err make_other(struct fill *fill, const struct cpio_entry *entry)
{
    if (mode_is(entry->mode, S_IFLNK))
        return make_symlink(fill, entry);
    uint64_t device = device_number(entry->rdev_major, entry->rdev_minor);
    switch (entry->mode & S_IFMT) {
    case S_IFREG:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
        return vfs_make_node((struct vfs_place){NULL, fill->path}, entry->mode, device);
    default:
        return rootfs_refuse(fill, "an entry of the archive has no known file type");
    }
}

/* Removes an earlier entry of that name. E_NOTEMPTY for a directory that is not empty. */
static enum err clear_name(struct fill *fill)
{
    struct vfs_place place = {NULL, fill->path};
    enum err e = vfs_unlink(place);
    if (e == E_ISDIR)
        e = vfs_remove_directory(place);
    return e == E_NOENT ? E_OK : e;
}

/* Makes the file, or links it to an earlier entry: true. */
static bool name_other(struct fill *fill, const struct cpio_entry *entry, struct link_entry **link,
                       enum err *e)
{
    bool known = link && *link && (*link)->dentry->inode->nlink > 0;
    if (known) {
        const struct location from = location_any((*link)->dentry);
        *e = vfs_link(&from, (struct vfs_place){NULL, fill->path});
    } else {
        *e = make_other(fill, entry);
    }
    return known;
}

static void set_data(struct fill *fill, struct inode *inode, const struct cpio_entry *entry)
{
    /* A hard link without data: the data is with another name of the file. */
    if (!mode_is(entry->mode, S_IFREG) || (entry->size == 0 && entry->nlink > 1))
        return;
    uint64_t offset = (uint64_t)(entry->data - fill->reader.bytes);
    ramfs_set_archive(inode, entry->data, entry->size, phys(fill->archive_phys.v + offset));
}

static enum err fill_other(struct fill *fill, const struct cpio_entry *entry)
{
    enum err e;
    struct link_entry **link = entry->nlink > 1 ? link_find(fill, entry) : NULL;
    bool known = name_other(fill, entry, link, &e);
    if (e == E_EXIST) {
        e = clear_name(fill);
        if (e == E_OK)
            known = name_other(fill, entry, link, &e);
    }
    if (e != E_OK)
        return e;
    struct location at;
    e = walk_lookup(NULL, fill->path, 0, &at);
    if (e != E_OK)
        return e;
    struct dentry *dentry = at.dentry;
    set_data(fill, dentry->inode, entry);
    set_attributes(dentry->inode, entry);
    if (link && !known && *link) {
        dentry_put((*link)->dentry);
        dentry_get(dentry);
        (*link)->dentry = dentry;
    } else if (link && !known) {
        e = link_remember(link, entry, dentry);
    }
    location_put(&at);
    return e;
}

static enum err fill_entry(struct fill *fill, const struct cpio_entry *entry)
{
    return mode_is(entry->mode, S_IFDIR) ? fill_directory(fill, entry) : fill_other(fill, entry);
}

/* Most archives have a directory before its entries, so the parents are made when they are missing. */
static enum err fill_with_parents(struct fill *fill, const struct cpio_entry *entry)
{
    enum err e = take_path(fill, entry);
    if (e == E_OK)
        e = fill_entry(fill, entry);
    if (e != E_NOENT)
        return e;
    e = make_parents(fill->path);
    return e == E_OK ? fill_entry(fill, entry) : e;
}

static enum err fill_all(struct fill *fill)
{
    for (;;) {
        struct cpio_entry entry;
        uint64_t offset = fill->reader.offset;
        switch (cpio_read(&fill->reader, &entry, fill->fault)) {
        case CPIO_END:
            return E_OK;
        case CPIO_BROKEN:
            return E_INVAL;
        case CPIO_ENTRY:
            break;
        }
        *fill->fault =
            (struct parse_fault){offset, "an entry of the archive cannot be unpacked here"};
        enum err e = fill_with_parents(fill, &entry);
        if (e == E_NOMEM || e == E_NOSPC) {
            fill->fault->what = "memory is too small for the files of the archive";
            return E_NOMEM;
        }
        if (e != E_OK)
            return E_INVAL;
    }
}

enum err rootfs_fill(const void *archive, uint64_t size, phys_t archive_phys,
                     struct parse_fault *fault)
{
    *fault = (struct parse_fault){0, "memory is too small for the files of the archive"};
    enum err e = ramfs_init(&root, "tmpfs", ROOT_DEVICE);
    if (e != E_OK)
        return e;
    e = vfs_init(&root);
    struct fill *fill = e == E_OK ? heap_alloc_zero(sizeof(*fill)) : NULL;
    if (!fill)
        return E_NOMEM;
    fill->archive_phys = archive_phys;
    fill->fault = fault;
    cpio_open(&fill->reader, archive ? archive : "", size);
    uint32_t umask = fs_current()->umask;
    fs_current()->umask = 0;
    e = fill_all(fill);
    fs_current()->umask = umask;
    directories_finish(fill);
    links_free(fill);
    heap_free(fill);
    return e;
}
