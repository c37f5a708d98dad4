/* SPDX-License-Identifier: MIT */
#include "fs/vfs/context.h"

#include "fs/vfs/file_table.h"
#include "fs/vfs/mount.h"
#include "mm/heap/heap.h"

static struct file_table first_files = {.references = 1};
struct fs_context fs_first = {.references = 1,
                              .umask = 022,
                              .files = &first_files,
                              .place_link = LIST_INIT(fs_first.place_link)};

/* `to` NULL: nothing. */
static void replace(struct location *slot, const struct location *to)
{
    const struct location old = *slot;
    if (to)
        location_get(to);
    *slot = to ? *to : (struct location){0};
    location_put(&old);
}

/* The next context of the ring; `own` ends it, and is its last. */
static bool next_of_place(const struct fs_context *own, struct fs_context **at)
{
    bool first = !*at;
    if (!first && *at == own)
        return false;
    const struct list *link = first ? own->place_link.next : (*at)->place_link.next;
    *at = CONTAINER_OF(link, struct fs_context, place_link);
    return true;
}

void fs_set_root(const struct location *directory)
{
    for (struct fs_context *at = NULL; next_of_place(fs_current(), &at);)
        replace(&at->root, directory);
}

void fs_set_cwd(const struct location *directory)
{
    for (struct fs_context *at = NULL; next_of_place(fs_current(), &at);)
        replace(&at->cwd, directory);
}

void fs_set_umask(uint32_t umask)
{
    for (struct fs_context *at = NULL; next_of_place(fs_current(), &at);)
        at->umask = umask;
}

bool fs_context_place_is_shared(const struct fs_context *context)
{
    return context->references > 1 || !list_empty(&context->place_link);
}

void fs_set_executable(const struct location *file)
{
    replace(&fs_current()->executable, file);
}

enum err fs_context_copy(struct fs_context *from, bool share_files, bool share_place,
                         struct fs_context **out)
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
    list_init(&to->place_link);
    if (share_place)
        list_add_tail(&from->place_link, &to->place_link);
    location_get(&to->root);
    location_get(&to->cwd);
    namespace_get(&to->mounts->base);
    if (to->executable.dentry)
        location_get(&to->executable);
    *out = to;
    return E_OK;
}

enum err fs_context_own(struct fs_context *context, bool files, bool place, struct fs_context **out)
{
    *out = NULL;
    bool shared = context->references > 1 || (files && context->files->references > 1) ||
                  (place && fs_context_place_is_shared(context));
    return shared ? fs_context_copy(context, !files, !place, out) : E_OK;
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
    list_remove(&context->place_link);
    if (context == &fs_first)
        return; /* kernel threads use root and working directory */
    location_put(&context->root);
    location_put(&context->cwd);
    location_put(&context->executable);
    namespace_put(&context->mounts->base);
    heap_free(context);
}
