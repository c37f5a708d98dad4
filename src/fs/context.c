/* SPDX-License-Identifier: MIT */
#include "fs/context.h"

#include "fs/file_table.h"

static struct file_table files;
static struct fs_context context = {.umask = 022, .files = &files};

struct fs_context *fs_current(void)
{
    return &context;
}

struct file_table *file_table_current(void)
{
    return fs_current()->files;
}

static void replace(struct dentry **slot, struct dentry *dentry)
{
    struct dentry *old = *slot;
    if (dentry)
        dentry_get(dentry);
    *slot = dentry;
    dentry_put(old);
}

void fs_set_root(struct dentry *directory)
{
    replace(&fs_current()->root, directory);
}

void fs_set_cwd(struct dentry *directory)
{
    replace(&fs_current()->cwd, directory);
}

void fs_set_executable(struct dentry *dentry)
{
    replace(&fs_current()->executable, dentry);
}
