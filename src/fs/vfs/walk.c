/* SPDX-License-Identifier: MIT */
#include "fs/vfs/walk.h"

#include "base/str.h"
#include "cpu/lock.h"
#include "fs/vfs/context.h"
#include "fs/vfs/missed.h"
#include "fs/vfs/store_table.h"

struct pending {
    const char *rest;   /* unread rest of the text below */
    struct inode *link; /* the link whose target is the text above; one reference */
};

struct state {
    struct location root; /* of the context; with references if `slept` */
    bool slept;           /* the context's root may be another now */
    struct dentry *at;    /* current directory of the walk; one reference */
    struct mount *mount;  /* through which it is seen; one reference */
    const char *rest;     /* unread rest of the top text */
    uint32_t flags;
    uint32_t depth;             /* entries of `stack` in use */
    uint32_t links;             /* number of links followed */
    const struct mount *device; /* WALK_NO_XDEV: the only one */
    struct pending stack[SYMLINKS_MAX];
};

static const char *skip_slashes(const char *p)
{
    while (*p == '/')
        p++;
    return p;
}

static void move_to(struct state *s, struct dentry *to)
{
    dentry_put(s->at);
    s->at = to;
}

/* Takes over the references. */
static void move_far(struct state *s, const struct location *to)
{
    struct mount *mount = s->mount;
    move_to(s, to->dentry);
    s->mount = to->mount;
    mount_put(mount);
}

static NOINLINE void move_up(struct state *s)
{
    const struct location at = {s->mount, s->at};
    struct location above = location_above(&at, &s->root);
    location_get(&above);
    location_descend(&above);
    move_far(s, &above);
}

/* Before what threads that share kernel_lock cannot do. */
static void walk_alone(struct state *s)
{
    if (!kernel_lock_is_shared())
        return;
    if (!s->slept) {
        s->slept = true;
        location_get(&s->root);
    }
    kernel_lock_alone();
}

/* The name is not in the table. */
static NOINLINE enum err lookup_missed(struct state *s, const char *name, size_t length,
                                       struct dentry **out)
{
    const struct inode_ops *ops = s->at->inode->ops;
    enum err e = E_NOENT;
    if (ops && ops->lookup) {
        if (s->at->inode->fs->store && !s->slept) {
            s->slept = true;
            location_get(&s->root);
        }
        e = ops->lookup(s->at, name, length, out);
    }
    if (e == E_NOENT && missed_wanted)
        missed_note(&(const struct location){s->mount, s->at}, &s->root, name, length, s->rest);
    return e;
}

/* `found`: an entry on which something is mounted, which is walk_step()'s to cross, or one whose file system must be asked. */
static NOINLINE enum err lookup_special(struct state *s, struct dentry *found, const char *name,
                                        struct dentry **out)
{
    if ((found->special & DENTRY_ASKS) && !mount_on(s->mount, found))
        return lookup_missed(s, name, found->length, out);
    dentry_get(found);
    *out = found;
    return E_OK;
}

static enum err lookup(struct state *s, const char *name, size_t length, struct dentry **out)
{
    struct dentry *found = directory_find(s->at, name, length);
    if (unlikely(!found || (found->special & DENTRY_ASKS)) && kernel_lock_is_shared()) {
        walk_alone(s);
        found = directory_find(s->at, name, length);
    }
    if (!found)
        return lookup_missed(s, name, length, out);
    if (unlikely(found->special))
        return lookup_special(s, found, name, out);
    dentry_get(found);
    *out = found;
    return E_OK;
}

/* Continues the walk in the link's target; s->at is the link's directory. */
static enum err push_link(struct state *s, struct inode *link)
{
    const char *text = link->link;
    if (*text == '\0')
        return E_NOENT;
    const char *rest = skip_slashes(s->rest);
    if (*rest == '\0' && s->depth > 0) {
        inode_put(s->stack[s->depth - 1].link);
        s->depth--;
        rest = s->stack[s->depth].rest;
    }
    if (s->depth == SYMLINKS_MAX)
        return E_LOOP;
    inode_get(link);
    s->stack[s->depth++] = (struct pending){rest, link};
    s->rest = text;
    if (*text == '/') {
        location_get(&s->root);
        move_far(s, &s->root);
    }
    return E_OK;
}

static enum err follow(struct state *s, struct dentry *link)
{
    struct inode *inode = link->inode;
    if (++s->links > SYMLINKS_MAX || (s->flags & WALK_NO_SYMLINKS))
        return E_LOOP;
    if (unlikely(s->flags & WALK_RESOLVE) && (!inode->link || *inode->link == '/')) {
        if (!inode->link && (s->flags & WALK_NO_MAGICLINKS))
            return E_LOOP;
        if ((s->flags & WALK_BENEATH) || (!inode->link && (s->flags & WALK_IN_ROOT)))
            return E_XDEV;
    }
    if (inode->fs->store || (inode->ops && inode->ops->jump))
        walk_alone(s);
    inode_touch_accessed(inode, s->mount, true);
    if (!inode->ops || !inode->ops->jump)
        return push_link(s, inode);
    struct location to;
    enum err e = inode->ops->jump(inode, &to);
    if (e == E_OK)
        move_far(s, &to);
    return e;
}

/* Pops texts that are completely read. True if nothing is left to read. */
static bool at_end(struct state *s)
{
    for (;;) {
        s->rest = skip_slashes(s->rest);
        if (*s->rest != '\0')
            return false;
        if (s->depth == 0)
            return true;
        s->depth--;
        inode_put(s->stack[s->depth].link);
        s->rest = s->stack[s->depth].rest;
    }
}

/* True if no component follows the one that was just taken. */
static bool is_last(const struct state *s)
{
    if (*skip_slashes(s->rest) != '\0')
        return false;
    for (uint32_t i = 0; i < s->depth; i++) {
        if (*skip_slashes(s->stack[i].rest) != '\0')
            return false;
    }
    return true;
}

struct component {
    const char *name;
    size_t length;
    bool last, slash; /* slash: the component is followed by a slash */
};

static enum err take_component(struct state *s, struct component *c)
{
    c->name = s->rest;
    c->length = 0;
    while (c->name[c->length] != '\0' && c->name[c->length] != '/')
        c->length++;
    s->rest = c->name + c->length;
    if (!mode_is(s->at->inode->mode, S_IFDIR))
        return E_NOTDIR;
    enum err e = inode_permission(s->at->inode, MAY_EXECUTE);
    if (e != E_OK)
        return e;
    if (c->length > NAME_MAX_LENGTH)
        return E_NAMETOOLONG;
    c->last = is_last(s);
    c->slash = *s->rest == '/';
    return E_OK;
}

static void remember_last(struct state *s, const struct component *c, struct walk *out)
{
    out->last = WALK_NAME;
    out->length = (uint32_t)c->length;
    memcpy(out->name, c->name, c->length);
    out->name[c->length] = '\0';
    dentry_get(s->at);
    dentry_put(out->parent);
    out->parent = s->at;
}

static void forget_last(struct walk *out, enum walk_last last)
{
    dentry_put(out->parent);
    out->parent = NULL;
    out->last = last;
}

static bool is_dots(const struct component *c)
{
    return c->name[0] == '.' && (c->length == 1 || (c->length == 2 && c->name[1] == '.'));
}

/* To what is mounted on the child, to which it takes over the reference. */
static NOINLINE enum err cross(struct state *s, struct dentry *child)
{
    struct location to = {s->mount, child};
    mount_get(to.mount);
    location_descend(&to);
    move_far(s, &to);
    return E_OK;
}

/* Walks one ordinary name. *missing: it is the last one and does not exist. */
static enum err walk_step(struct state *s, const struct component *c, struct walk *out,
                          bool *missing)
{
    if (c->last && c->slash && (s->flags & WALK_CREATE))
        return E_ISDIR;
    if (c->last) {
        out->trailing_slash |= c->slash;
        remember_last(s, c, out);
    }
    struct dentry *child;
    enum err e = lookup(s, c->name, c->length, &child);
    if (e == E_NOENT && c->last) {
        *missing = true;
        return E_OK;
    }
    if (e != E_OK)
        return e;
    bool follows =
        !c->last || (s->flags & WALK_FOLLOW) || (!(s->flags & WALK_PARENT) && out->trailing_slash);
    if (mode_is(child->inode->mode, S_IFLNK) && follows) {
        if (c->last)
            forget_last(out, WALK_ROOT);
        e = follow(s, child);
        dentry_put(child);
        return e;
    }
    if (unlikely(dentry_is_mounted_on(child)) && !(c->last && (s->flags & WALK_PARENT)))
        return cross(s, child);
    move_to(s, child);
    return E_OK;
}

static enum err walk_check_device(const struct state *s)
{
    return (s->flags & WALK_NO_XDEV) && s->mount != s->device ? E_XDEV : E_OK;
}

static enum err walk_all(struct state *s, struct walk *out, bool *missing)
{
    while (!*missing && !at_end(s)) {
        struct component c;
        enum err e = take_component(s, &c);
        if (e != E_OK)
            return e;
        if (!is_dots(&c)) {
            e = walk_step(s, &c, out, missing);
            if (e == E_OK && unlikely(s->flags & WALK_NO_XDEV))
                e = walk_check_device(s);
            if (e != E_OK)
                return e;
            continue;
        }
        if (c.last) {
            out->trailing_slash |= c.slash;
            forget_last(out, c.length == 1 ? WALK_DOT : WALK_DOTDOT);
        }
        if (c.length == 2) {
            if (s->at == s->root.dentry && s->mount == s->root.mount && (s->flags & WALK_BENEATH))
                return E_XDEV;
            move_up(s);
            if ((e = walk_check_device(s)) != E_OK)
                return e;
        }
    }
    return E_OK;
}

/* Restricts the walk as openat2(2) asks. */
COLD static enum err walk_restrict(struct state *s, const struct location *at, const char *path)
{
    bool scoped = s->flags & (WALK_BENEATH | WALK_IN_ROOT);
    s->device = at->mount;
    if (*path == '/' && (s->flags & WALK_BENEATH))
        return E_XDEV;
    if (scoped)
        s->root = *at;
    if (*path == '/') {
        s->at = s->root.dentry;
        s->mount = s->root.mount;
    }
    return walk_check_device(s);
}

enum err walk_path(const struct location *at, const char *path, uint32_t flags, struct walk *out)
{
    struct fs_context *context = fs_current();
    if (*path == '\0' && !(flags & WALK_EMPTY))
        return E_NOENT;
    if (!at)
        at = &context->cwd;
    struct state s;
    s.root = context->root;
    const struct location *from = *path == '/' ? &s.root : at;
    s.at = from->dentry;
    s.mount = from->mount;
    s.rest = path;
    s.flags = flags;
    s.depth = s.links = 0;
    s.slept = false;
    if (unlikely(flags & WALK_RESOLVE)) {
        enum err refused = walk_restrict(&s, at, path);
        if (refused != E_OK)
            return refused;
    }
    dentry_get(s.at);
    mount_get(s.mount);
    out->parent = out->found = NULL;
    out->last = WALK_ROOT;
    out->trailing_slash = false;
    out->length = 0;
    out->name[0] = '\0';
    bool missing = false;
    enum err e = walk_all(&s, out, &missing);
    while (s.depth > 0)
        inode_put(s.stack[--s.depth].link);
    if (unlikely(s.slept))
        location_put(&s.root);
    bool directory = (flags & WALK_DIRECTORY) || (out->trailing_slash && !(flags & WALK_PARENT));
    if (e == E_OK && !missing && directory && !mode_is(s.at->inode->mode, S_IFDIR))
        e = E_NOTDIR;
    out->mount = s.mount;
    if (e == E_OK && !missing) {
        out->found = s.at;
        return E_OK;
    }
    dentry_put(s.at);
    if (e != E_OK)
        walk_end(out);
    return e;
}

void walk_end(struct walk *walk)
{
    dentry_put(walk->parent);
    dentry_put(walk->found);
    mount_put(walk->mount);
}

enum err walk_lookup(const struct location *at, const char *path, uint32_t flags,
                     struct location *out)
{
    struct walk walk;
    enum err e = walk_path(at, path, flags, &walk);
    if (e != E_OK)
        return e;
    dentry_put(walk.parent);
    *out = (struct location){walk.mount, walk.found};
    if (walk.found)
        return E_OK;
    mount_put(walk.mount);
    return E_NOENT;
}
