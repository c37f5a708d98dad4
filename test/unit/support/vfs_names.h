/* SPDX-License-Identifier: MIT */
/* Short names of what the tests of names ask of the VFS: paths are those of the root. */
#pragma once

#include "dentries.h"

#include "fs/vfs/dentry.h"
#include "fs/vfs/vfs.h"
#include "fs/vfs/walk.h"

static inline struct vfs_place place(const char *path)
{
    return (struct vfs_place){NULL, path};
}

static inline enum err make_dir(const char *path)
{
    return vfs_make_directory(place(path), 0777);
}

static inline enum err make_link(const char *text, const char *path)
{
    return vfs_make_symlink(text, place(path));
}

static inline enum err look(const char *path, uint32_t flags, uint64_t *ino)
{
    struct dentry *d;
    enum err e = dentry_lookup(path, flags, &d);
    if (e != E_OK)
        return e;
    if (ino)
        *ino = d->inode->ino;
    dentry_put(d);
    return E_OK;
}
