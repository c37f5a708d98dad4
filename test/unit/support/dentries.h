/* SPDX-License-Identifier: MIT */
/* Dentries for tests that mount each file system once: a dentry alone says where it is. */
#pragma once

#include "fs/vfs/vfs.h"

static inline enum err dentry_lookup(const char *path, uint32_t flags, struct dentry **out)
{
    struct location at;
    enum err e = walk_lookup(NULL, path, flags, &at);
    if (e != E_OK)
        return e;
    *out = at.dentry;
    mount_put(at.mount);
    return E_OK;
}

#define HERE(dentry) (&(const struct location){location_any(dentry).mount, (dentry)})

static inline enum err dentry_path(struct dentry *dentry, struct dentry *above, char *buffer,
                                   size_t size, char **out)
{
    const struct location at = location_any(dentry), top = location_any(above);
    return location_path(&at, &top, LOCATION_DELETED, buffer, size, out);
}
