/* SPDX-License-Identifier: MIT */
#include "fs/vfs/location.h"

#include "base/str.h"
#include "fs/vfs/mount_tree.h"
#include "fs/vfs/vfs_create.h"

static struct hash_table points = HASH_TABLE_INIT(points); /* struct mount.link */
struct list mounts = LIST_INIT(mounts);

static uint32_t point_hash(const struct mount *parent, const struct dentry *point)
{
    const uintptr_t key[] = {(uintptr_t)parent, (uintptr_t)point};
    return hash_bytes(key, sizeof key);
}

struct mount *mount_on(const struct mount *parent, const struct dentry *point)
{
    if (!parent || !dentry_is_mounted_on(point))
        return NULL;
    for (struct hash_link *link = hash_table_first(&points, point_hash(parent, point)); link;
         link = hash_link_next(link)) {
        struct mount *mount = CONTAINER_OF(link, struct mount, link);
        if (mount->parent == parent && mount->point == point)
            return mount;
    }
    return NULL;
}

void mount_hook(struct mount *mount, const struct location *at)
{
    location_get(at);
    mount->parent = at->mount;
    mount->point = at->dentry;
    at->dentry->special += DENTRY_MOUNT;
    hash_table_add(&points, &mount->link, point_hash(at->mount, at->dentry));
    list_add_tail(&at->mount->children, &mount->sibling);
}

void mount_unhook(struct mount *mount)
{
    const struct location at = {mount->parent, mount->point};
    if (!mount->parent)
        return;
    hash_table_remove(&points, &mount->link);
    list_remove(&mount->sibling);
    at.dentry->special -= DENTRY_MOUNT;
    mount->parent = NULL;
    mount->point = NULL;
    location_put(&at);
}

void location_descend(struct location *at)
{
    struct mount *mount;
    while ((mount = mount_on(at->mount, at->dentry)) != NULL) {
        const struct location root = {mount, mount->root};
        location_get(&root);
        location_put(at);
        *at = root;
    }
}

/* To the dentry that the mount covers, if it is at the mount's root. False: it is not, or covers none. */
static bool step_out(struct location *at)
{
    const struct mount *mount = at->mount;
    if (!mount || at->dentry != mount->root || !mount->parent)
        return false;
    *at = (struct location){mount->parent, mount->point};
    return true;
}

static bool is_top(const struct location *at)
{
    return !at->dentry->parent || at->dentry->parent == at->dentry ||
           (at->mount && at->dentry == at->mount->root);
}

struct location location_above(const struct location *from, const struct location *root)
{
    struct location at = *from;
    do {
        if (root && location_is(&at, root))
            return *from;
    } while (step_out(&at));
    if (is_top(&at))
        return *from;
    at.dentry = at.dentry->parent;
    return at;
}

struct location location_any(struct dentry *dentry)
{
    struct mount *found = NULL;
    list_for_each (it, &mounts)
        if (mount_of(it)->fs == dentry->inode->fs &&
            (!found || (!mount_is_here(found) && mount_is_here(mount_of(it)))))
            found = mount_of(it);
    return (struct location){found, dentry};
}

enum err mount_writable(const struct mount *mount, const struct filesystem *fs)
{
    return mount_has(mount, MS_RDONLY) ? E_ROFS : vfs_writable(fs);
}

void location_put(const struct location *at)
{
    struct mount *mount = at->mount;
    dentry_put(at->dentry);
    mount_put(mount); /* after it the file system may end */
}

static NOINLINE bool prepend(char **at, const char *start, const char *bytes, size_t length)
{
    if ((size_t)(*at - start) < length)
        return false;
    *at -= length;
    memcpy(*at, bytes, length);
    return true;
}

COLD enum err location_path(const struct location *from, const struct location *root,
                            enum location_mark mark, char *buffer, size_t size, char **out)
{
    const char *deleted = mark == LOCATION_DELETED ? " (deleted)"
                          : mark == LOCATION_ROOT  ? "//deleted"
                                                   : "";
    struct location at = *from;
    const struct dentry *dentry = at.dentry;
    *out = buffer + size;
    bool fits = prepend(out, buffer, "", 1);
    if (!dentry->linked && !dentry->anonymous)
        fits = fits && prepend(out, buffer, deleted, strlen(deleted));
    if (dentry->anonymous)
        return fits && prepend(out, buffer, dentry->name, dentry->length) ? E_OK : E_NAMETOOLONG;
    const char *end = *out;
    while (fits && !(root && location_is(&at, root))) {
        if (step_out(&at))
            continue;
        if (is_top(&at))
            break;
        fits = prepend(out, buffer, at.dentry->name, at.dentry->length) &&
               prepend(out, buffer, "/", 1);
        at.dentry = at.dentry->parent;
    }
    if (*out == end)
        fits = fits && prepend(out, buffer, "/", 1);
    if (mark == LOCATION_UNREACHABLE && !location_is(&at, root))
        fits = fits && prepend(out, buffer, "(unreachable)", 13);
    return fits ? E_OK : E_NAMETOOLONG;
}
