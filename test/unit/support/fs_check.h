/* SPDX-License-Identifier: MIT */
/* The invariants of a tree of dentries, for fuzzers and tests. */
#pragma once

#include "base/panic.h"
#include "fs/vfs/dentry.h"

#include <string.h>

static inline void check_directory(const struct dentry *dentry)
{
    const struct directory *directory = dentry->inode->directory;
    uint32_t entries = 0, directories = 0;
    uint64_t cookie = 0;
    for (const struct dentry *d; (d = directory_next(directory, cookie)); cookie = d->cookie + 1) {
        assert(d->linked && d->parent == dentry && d->references > 0);
        assert(strlen(d->name) == d->length && d->length > 0);
        assert(directory_find(dentry, d->name, d->length) == d);
        assert(d->cookie >= cookie && d->inode->nlink > 0);
        entries++;
        if (mode_is(d->inode->mode, S_IFDIR)) {
            directories++;
            check_directory(d);
        }
    }
    assert(entries == directory->names.count);
    assert(dentry->inode->nlink == directories + 2);
}
