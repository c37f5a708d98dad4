/* SPDX-License-Identifier: MIT */
/* The tree of mounts: copies, and what follows a change of a shared mount. */
#include "fs/vfs/mount_tree.h"

#include "fs/vfs/wait.h"
#include "mm/heap/heap.h"

#define MOUNTS_MAX 100000 /* Linux: fs.mount-max */

static uint32_t last_id, last_group, mount_count;

enum err mount_make(struct filesystem *fs, struct dentry *root, uint32_t flags, struct mount **out)
{
    struct mount *mount = heap_alloc_zero(sizeof(*mount));
    if (!mount)
        return E_NOMEM;
    mount->references = 1;
    mount->flags = flags;
    mount->fs = fs;
    filesystem_hold(fs);
    dentry_get(root);
    mount->root = root;
    list_init(&mount->children);
    *out = mount;
    return E_OK;
}

void mount_end(struct mount *mount)
{
    struct filesystem *fs = mount->fs;
    dentry_put(mount->root);
    heap_free(mount);
    filesystem_release(fs);
}

void mount_add(struct mount *mount, struct mount_namespace *ns)
{
    mount_get(mount);
    mount->ns = ns;
    mount->id = ++last_id;
    mount_count++;
    list_add_tail(&mounts, &mount->order);
    mounts_changed();
}

void mount_remove(struct mount *mount)
{
    mount_unhook(mount);
    list_remove(&mount->order);
    mount->ns = NULL;
    mount_set_spread(mount, MS_PRIVATE);
    mount_count--;
    mounts_changed();
    mount_put(mount);
}

static struct mount *first_from(const struct list *it, const struct mount_namespace *ns,
                                uint32_t id)
{
    for (; it != &mounts; it = it->next)
        if (mount_of(it)->ns == ns && mount_of(it)->id > id)
            return mount_of(it);
    return NULL;
}

struct mount *vfs_mount_after(const struct mount_namespace *ns, uint32_t id)
{
    return first_from(mounts.next, ns, id);
}

struct mount *mount_next_beside(const struct mount *mount, const struct mount *top)
{
    for (; mount != top; mount = mount->parent)
        if (mount->sibling.next != &mount->parent->children)
            return CONTAINER_OF(mount->sibling.next, struct mount, sibling);
    return NULL;
}

struct mount *mount_next(const struct mount *mount, const struct mount *top)
{
    if (!list_empty(&mount->children))
        return CONTAINER_OF(mount->children.next, struct mount, sibling);
    return mount_next_beside(mount, top);
}

struct mount *vfs_mount_next(const struct mount *mount)
{
    return first_from(mount->order.next, mount->ns, 0);
}

/* ---- Copies ---- */

static enum err copy_one(const struct mount *from, struct dentry *root, struct mount **out)
{
    enum err e = mount_make(from->fs, root, from->flags, out);
    if (e == E_OK) {
        (*out)->group = from->group;
        (*out)->master = from->master;
    }
    return e;
}

void mount_drop_copy(struct mount *top)
{
    for (unsigned count = 1; !list_empty(&top->children); count++) {
        struct mount *m = top;
        while (!list_empty(&m->children))
            m = CONTAINER_OF(m->children.next, struct mount, sibling);
        mount_unhook(m);
        mount_put(m);
        if (count % GIVE_WAY_AT == 0)
            (void)fs_give_way();
    }
}

/* True if the mount is on the part of its parent that is copied. */
static bool is_copied(const struct mount *m, const struct location *from, enum mount_depth depth)
{
    return (depth == MOUNT_ALL || !mount_has(m, MS_UNBINDABLE)) &&
           (m->parent != from->mount || dentry_is_below(m->point, from->dentry));
}

/* Copies what is mounted below. `to` follows `m` through the tree: the copy of its parent. */
static enum err copy_below(const struct location *from, enum mount_depth depth, struct mount *copy)
{
    struct mount *to = copy;
    const struct mount *at = from->mount;
    unsigned count = 0;
    for (const struct mount *m = mount_next(at, from->mount); m;) {
        for (; at != m->parent; at = at->parent)
            to = to->parent;
        if (++count % GIVE_WAY_AT == 0)
            (void)fs_give_way(); /* the tree is the lock's holder's */
        if (!is_copied(m, from, depth)) {
            m = mount_next_beside(m, from->mount);
            continue;
        }
        struct mount *made;
        enum err e = mount_count + count > MOUNTS_MAX ? E_NOSPC : copy_one(m, m->root, &made);
        if (e != E_OK)
            return e;
        mount_hook(made, &(const struct location){to, m->point});
        to = made;
        at = m;
        m = mount_next(m, from->mount);
    }
    return E_OK;
}

enum err mount_copy(const struct location *from, enum mount_depth depth, struct mount **out)
{
    enum err e = mount_count >= MOUNTS_MAX ? E_NOSPC : copy_one(from->mount, from->dentry, out);
    if (e != E_OK || depth == MOUNT_ONE)
        return e;
    e = copy_below(from, depth, *out);
    if (e != E_OK) {
        mount_drop_copy(*out);
        mount_put(*out);
    }
    return e;
}

/* ---- What follows a shared mount ---- */

static struct mount *member_of(uint32_t group)
{
    list_for_each (it, &mounts)
        if (mount_of(it)->group == group)
            return mount_of(it);
    return NULL;
}

/* A change of what is on a mount of `group` is seen on `m`, too: it is in the group, or by some steps a slave of it. */
static bool follows(const struct mount *m, uint32_t group)
{
    while (m && m->group != group && m->master != group)
        m = m->master != 0 ? member_of(m->master) : NULL;
    return m != NULL;
}

struct mount *mount_follower(const struct location *at, struct mount *after)
{
    const struct mount *parent = at->mount;
    struct list *it = after ? after->order.next : mounts.next;
    for (; parent->group != 0 && it != &mounts; it = it->next) {
        struct mount *m = mount_of(it);
        if (m != parent && m->fs == parent->fs && follows(m, parent->group) &&
            dentry_is_below(at->dentry, m->root))
            return m;
    }
    return NULL;
}

/* Into the tree, below what may be mounted there already. Takes over the reference of a copy. */
static void place_copy(struct mount *copy, struct mount *on, struct dentry *point)
{
    struct mount *covers = mount_on(on, point);
    if (covers)
        mount_unhook(covers);
    mount_hook(copy, &(const struct location){on, point});
    if (covers)
        mount_hook(covers, &(const struct location){copy, copy->root});
}

/* The copy for a member of the group is in the groups of the original, that for a slave is a slave. */
static void copy_set_groups(struct mount *copy, const struct mount *tree, bool peer)
{
    const struct mount *s = tree;
    for (struct mount *m = copy; m; m = mount_next(m, copy), s = mount_next(s, tree)) {
        m->group = peer ? s->group : 0;
        m->master = peer ? s->master : s->group;
    }
}

void mount_add_all(struct mount *top, struct mount_namespace *ns)
{
    unsigned count = 0;
    for (struct mount *m = top; m; m = mount_next(m, top)) {
        if (++count % GIVE_WAY_AT == 0)
            (void)fs_give_way(); /* mount_is_here() is false for those that are not in yet */
        mount_add(m, ns);
        if (m != top)
            mount_put(m); /* the reference of mount_copy() */
    }
}

struct copy {
    struct list link;
    struct mount *copy, *on;
};

static enum err copy_for(struct mount *tree, struct mount *on, struct list *copies)
{
    struct copy *made = heap_alloc(sizeof(*made));
    if (!made)
        return E_NOMEM;
    made->on = on;
    enum err e = mount_copy(&(const struct location){tree, tree->root}, MOUNT_BELOW, &made->copy);
    if (e == E_OK)
        list_add_tail(copies, &made->link);
    else
        heap_free(made);
    return e;
}

enum err mount_graft(struct mount *tree, const struct location *at)
{
    struct list copies = LIST_INIT(copies);
    enum err e = E_OK;
    for (struct mount *m = NULL; e == E_OK && (m = mount_follower(at, m)) != NULL;)
        e = copy_for(tree, m, &copies);
    if (e == E_OK) {
        mount_unhook(tree);
        mount_hook(tree, at);
        if (tree->ns)
            mounts_changed();
        else
            mount_add_all(tree, at->mount->ns);
        for (struct mount *m = at->mount->group != 0 ? tree : NULL; m; m = mount_next(m, tree))
            mount_set_spread(m, MS_SHARED);
    }
    while (!list_empty(&copies)) {
        struct copy *made = CONTAINER_OF(copies.next, struct copy, link);
        list_remove(&made->link);
        if (e == E_OK) {
            copy_set_groups(made->copy, tree, made->on->group == at->mount->group);
            mount_add_all(made->copy, made->on->ns);
            place_copy(made->copy, made->on, at->dentry);
        } else {
            mount_drop_copy(made->copy);
        }
        mount_put(made->copy);
        heap_free(made);
    }
    return e;
}

void mount_set_spread(struct mount *mount, uint32_t to)
{
    uint32_t group = mount->group;
    mount->flags &= ~MS_UNBINDABLE;
    if (to == MS_SHARED) {
        if (group == 0)
            mount->group = ++last_group;
        return;
    }
    mount->group = 0;
    if (group != 0 && member_of(group)) {
        mount->master = group;
    } else if (group != 0) {
        list_for_each (it, &mounts) /* its slaves are those of its own master */
            if (mount_of(it)->master == group)
                mount_of(it)->master = mount->master;
    }
    if (to != MS_SLAVE)
        mount->master = 0;
    mount->flags |= to & MS_UNBINDABLE;
}
