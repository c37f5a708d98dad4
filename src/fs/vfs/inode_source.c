/* SPDX-License-Identifier: MIT */
/* What all files have in common as page sources. */
#include "base/panic.h"
#include "base/str.h"
#include "fs/vfs/location.h"

static struct location mapped_name(const struct inode *inode)
{
    return (struct location){inode->mapped_in, inode->mapped_as};
}

void inode_source_get(struct page_source *source)
{
    struct inode *inode = CONTAINER_OF(source, struct inode, pages);
    inode_get(inode);
    const struct location name = mapped_name(inode);
    if (inode->mappings++ == 0 && name.dentry)
        location_get(&name);
}

void inode_source_put(struct page_source *source)
{
    struct inode *inode = CONTAINER_OF(source, struct inode, pages);
    assert(inode->mappings > 0);
    if (--inode->mappings == 0) {
        const struct location name = mapped_name(inode);
        inode->mapped_as = NULL;
        inode->mapped_in = NULL;
        location_put(&name);
    }
    inode_put(inode);
}

void inode_source_name(struct page_source *source, char *to, size_t size)
{
    struct inode *inode = CONTAINER_OF(source, struct inode, pages);
    const struct location name = mapped_name(inode);
    char *path;
    if (!name.dentry || location_path(&name, NULL, LOCATION_DELETED, to, size, &path) != E_OK) {
        str_copy(to, "(unknown)", size);
        return;
    }
    memmove(to, path, strlen(path) + 1);
}

uint64_t inode_source_number(struct page_source *source)
{
    return CONTAINER_OF(source, struct inode, pages)->ino;
}
