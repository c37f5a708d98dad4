/* SPDX-License-Identifier: MIT */
/* Mount namespaces: a tree of mounts for those that have left the first one (fs/vfs/mount.h). */
#include "fs/vfs/context.h"
#include "fs/vfs/mount_tree.h"
#include "fs/vfs/store_table.h"
#include "fs/vfs/wait.h"
#include "mm/heap/heap.h"

struct mount_namespace mounts_first;
static struct list ended = LIST_INIT(ended);

bool mount_is_here(const struct mount *mount)
{
    return mount && mount->ns && mount->ns == fs_current()->mounts;
}

/* Its tree is taken apart later, since that sleeps. */
static void namespace_end(struct namespace *ns)
{
    list_add_tail(&ended, &((struct mount_namespace *)ns)->ended);
    vfs_reap_wanted = true;
    store_wake_worker();
}

void mount_namespaces_reap(void)
{
    while (!list_empty(&ended)) {
        struct mount_namespace *ns = CONTAINER_OF(ended.next, struct mount_namespace, ended);
        list_remove(&ns->ended);
        mount_detach(ns->root);
        heap_free(ns);
    }
}

/* The location as it is seen through the copy of its mount, when `copy` has followed `from` through its tree. */
static void see_through(struct location *at, const struct mount *from, struct mount *copy)
{
    if (at->mount != from)
        return;
    const struct location old = *at;
    at->mount = copy;
    location_get(at);
    location_put(&old);
}

/* mounts_lock. */
static enum err copy_tree(struct fs_context *context, struct mount_namespace *ns)
{
    struct mount *top = context->mounts->root;
    const struct location from = {top, top->root};
    enum err e = store_start_worker(); /* which takes it apart */
    if (e == E_OK)
        e = mount_copy(&from, MOUNT_ALL, &ns->root);
    if (e != E_OK)
        return e;
    mount_add_all(ns->root, ns);
    const struct mount *m = top;
    unsigned count = 0;
    for (struct mount *copy = ns->root; copy; copy = mount_next(copy, ns->root)) {
        if (++count % GIVE_WAY_AT == 0)
            (void)fs_give_way();
        see_through(&context->root, m, copy);
        see_through(&context->cwd, m, copy);
        m = mount_next(m, top);
    }
    mount_put(ns->root); /* it is in the tree */
    return E_OK;
}

enum err vfs_unshare_mounts(struct fs_context *context)
{
    struct mount_namespace *ns = heap_alloc_zero(sizeof(*ns)), *old = context->mounts;
    if (!ns)
        return E_NOMEM;
    mounts_lock();
    enum err e = copy_tree(context, ns);
    mounts_unlock();
    if (e != E_OK) {
        heap_free(ns);
        return e;
    }
    namespace_init(&ns->base, CLONE_NEWNS, 0, namespace_end);
    context->mounts = ns;
    namespace_put(&old->base);
    return E_OK;
}

void vfs_join_mounts(struct mount_namespace *ns)
{
    struct fs_context *context = fs_current();
    struct mount_namespace *old = context->mounts;
    struct location root = {ns->root, ns->root->root};
    location_get(&root);
    location_descend(&root);
    namespace_get(&ns->base);
    context->mounts = ns;
    fs_set_root(&root);
    fs_set_cwd(&root);
    location_put(&root);
    namespace_put(&old->base);
}
