/* SPDX-License-Identifier: MIT */
#include "fs/vfs/context.h"

#include "fs/vfs/file_table.h"
#include "mm/heap/heap.h"

static struct file_table first_files = {.references = 1};
struct fs_context fs_first = {.references = 1, .umask = 022, .files = &first_files};

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

enum err fs_context_copy(const struct fs_context *from, bool share_files, struct fs_context **out)
{
    struct fs_context *to = heap_alloc(sizeof(*to));
    if (!to)
        return E_NOMEM;
    *to = *from;
    to->references = 1;
    enum err e = E_OK;
    if (share_files)
        to->files->references++;
    else
        e = file_table_copy(from->files, &to->files);
    if (e != E_OK) {
        heap_free(to);
        return e;
    }
    dentry_get(to->root);
    dentry_get(to->cwd);
    if (to->executable)
        dentry_get(to->executable);
    *out = to;
    return E_OK;
}

enum err fs_context_own(const struct fs_context *context, struct fs_context **out)
{
    *out = NULL;
    bool shared = context->references > 1 || context->files->references > 1;
    return shared ? fs_context_copy(context, false, out) : E_OK;
}

void fs_context_put(struct fs_context *context)
{
    if (--context->references > 0)
        return;
    if (--context->files->references == 0) {
        file_table_clear(context->files);
        if (context->files != &first_files)
            heap_free(context->files);
    }
    if (context == &fs_first)
        return; /* kernel threads use root and working directory */
    dentry_put(context->root);
    dentry_put(context->cwd);
    dentry_put(context->executable);
    heap_free(context);
}
