/* SPDX-License-Identifier: MIT */
/* What all files have in common as page sources. */
#include "base/panic.h"
#include "base/str.h"
#include "fs/vfs/dentry.h"
#include "fs/vfs/inode.h"

void inode_source_get(struct page_source *source)
{
    struct inode *inode = CONTAINER_OF(source, struct inode, pages);
    inode_get(inode);
    if (inode->mappings++ == 0 && inode->mapped_as)
        dentry_get(inode->mapped_as);
}

void inode_source_put(struct page_source *source)
{
    struct inode *inode = CONTAINER_OF(source, struct inode, pages);
    assert(inode->mappings > 0);
    if (--inode->mappings == 0) {
        struct dentry *name = inode->mapped_as;
        inode->mapped_as = NULL;
        dentry_put(name);
    }
    inode_put(inode);
}

void inode_source_name(struct page_source *source, char *to, size_t size)
{
    struct inode *inode = CONTAINER_OF(source, struct inode, pages);
    char *path;
    if (!inode->mapped_as || dentry_path(inode->mapped_as, NULL, true, to, size, &path) != E_OK) {
        str_copy(to, "(unknown)", size);
        return;
    }
    memmove(to, path, strlen(path) + 1);
}

uint64_t inode_source_number(struct page_source *source)
{
    return CONTAINER_OF(source, struct inode, pages)->ino;
}
