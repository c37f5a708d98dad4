/* SPDX-License-Identifier: MIT */
#include "base/str.h"
#include "fs/overlay/layers.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/text.h"
#include "mm/heap/heap.h"

static enum err overlay_refresh(struct inode *inode)
{
    struct inode *real = overlay_real(inode)->inode;
    enum err e = store_of(real) ? store_refresh(real) : E_OK;
    if (e == E_OK)
        overlay_follow(inode);
    return e;
}

static enum err overlay_statfs(struct store *store, struct store_room *out)
{
    const struct filesystem *upper = ((struct overlay *)store)->upper->inode->fs;
    if (!upper->store) {
        if (!upper->room)
            return E_OK;
        upper->room(upper, &out->blocks, &out->free);
        out->available = out->free;
        out->files = upper->inodes;
        out->free_files = upper->inodes != 0 ? upper->inodes - filesystem_inodes(upper) : 0;
        return E_OK;
    }
    store_lock(upper->store);
    enum err e = upper->store->ops->statfs ? upper->store->ops->statfs(upper->store, out) : E_OK;
    store_unlock(upper->store);
    return e;
}

static enum err overlay_sync(struct store *store, bool wait)
{
    const struct filesystem *upper = ((struct overlay *)store)->upper->inode->fs;
    return upper->store ? store_sync_used(upper->store, wait) : E_OK;
}

static enum err overlay_set_readonly(struct store *store, bool readonly)
{
    return !readonly && ((struct overlay *)store)->readonly ? E_ROFS : E_OK;
}

static void overlay_unmount(struct store *store, bool at_end)
{
    struct overlay *overlay = (struct overlay *)store;
    if (at_end)
        return; /* the layers are file systems of their own */
    struct dentry *const layers[] = {overlay->lower, overlay->upper};
    for (size_t i = 0; i < ARRAY_LENGTH(layers); i++) {
        struct filesystem *fs = layers[i]->inode->fs;
        dentry_put(layers[i]);
        filesystem_release(fs);
    }
    heap_free(overlay->options);
    heap_free(overlay);
}

static const struct store_ops overlay_ops = {
    .lookup = overlay_lookup,
    .list = overlay_list,
    .create = overlay_create,
    .link = overlay_link,
    .unlink = overlay_unlink,
    .rename = overlay_rename,
    .change = overlay_change,
    .set_attribute = overlay_set_attribute,
    .refresh = overlay_refresh,
    .statfs = overlay_statfs,
    .sync = overlay_sync,
    .set_readonly = overlay_set_readonly,
    .unmount = overlay_unmount,
    .own_attributes = true,
};

static void overlay_show(const struct filesystem *fs, struct text *text)
{
    const char *options = ((const struct overlay *)fs->store)->options;
    text_append(text, options, strlen(options));
}

/* A remount does not change the layers, whatever it says (Linux: ovl_remount). */
static enum err overlay_configure(struct filesystem *fs, const char *options)
{
    (void)fs;
    (void)options;
    return E_OK;
}

static enum err overlay_root(struct overlay *overlay, bool readonly)
{
    struct inode *root;
    store_init(&overlay->store, &overlay_ops);
    overlay->store.fs.type = "overlay";
    overlay->store.fs.magic = OVERLAY_MAGIC;
    overlay->store.fs.device = vfs_device_number();
    overlay->store.fs.attributes = true;
    overlay->store.fs.show = overlay_show;
    overlay->store.fs.configure = overlay_configure;
    overlay->readonly = readonly || (overlay->upper->inode->fs->flags & MS_RDONLY);
    overlay->store.fs.flags |= overlay->readonly ? MS_RDONLY : 0;
    dentry_get(overlay->upper);
    dentry_get(overlay->lower);
    enum err e = overlay_node_get(overlay, overlay->upper, overlay->lower, &root);
    if (e == E_OK)
        e = store_set_root(&overlay->store, root);
    if (e != E_OK)
        store_abandon(&overlay->store);
    return e;
}

static enum err overlay_join(struct dentry *lower, struct dentry *upper, const char *options,
                             bool readonly, struct filesystem **out)
{
    if (!mode_is(lower->inode->mode, S_IFDIR) || !mode_is(upper->inode->mode, S_IFDIR))
        return E_NOTDIR;
    if (dentry_is_below(lower, upper))
        return E_LOOP;
    struct overlay *overlay = heap_alloc_zero(sizeof(*overlay));
    size_t size = strlen(options) + 1;
    char *text = heap_alloc(size);
    if (!overlay || !text) {
        heap_free(text);
        heap_free(overlay);
        return E_NOMEM;
    }
    memcpy(text, options, size);
    overlay->options = text;
    overlay->lower = lower;
    overlay->upper = upper;
    dentry_get(lower);
    dentry_get(upper);
    filesystem_hold(lower->inode->fs);
    filesystem_hold(upper->inode->fs);
    enum err e = overlay_root(overlay, readonly);
    if (e != E_OK) {
        overlay_unmount(&overlay->store, false);
        return e;
    }
    *out = &overlay->store.fs;
    return E_OK;
}

enum err overlay_make(struct dentry *lower, struct dentry *upper, const char *options,
                      struct filesystem **out)
{
    const struct filesystem *above = upper->inode->fs;
    if (!above->attributes || !(above->create || (above->store && above->store->ops->create)))
        return E_INVAL;
    return overlay_join(lower, upper, options, false, out);
}

/* ---- mount(2) ---- */

enum {
    LOWER_MOST = 8, /* each is a level of calls */
    UPPER = LOWER_MOST,
    WORK,
    LAYERS
};

struct settings {
    struct location layer[LAYERS]; /* the lower ones from the top on */
    size_t lower;                  /* how many */
};

/* "/a:/b:/c"; cuts it. */
static enum err lower_take(struct settings *s, char *value)
{
    char *colon;
    do {
        colon = strchr(value, ':');
        if (colon)
            *colon = '\0';
        if (s->lower == LOWER_MOST)
            return E_INVAL;
        enum err e = walk_lookup(NULL, value, WALK_FOLLOW | WALK_DIRECTORY, &s->layer[s->lower]);
        if (e != E_OK)
            return e;
        s->lower++;
        value = colon + 1;
    } while (colon);
    return E_OK;
}

static bool setting_is(const char *name, size_t length, const char *which)
{
    return strlen(which) == length && memcmp(name, which, length) == 0;
}

/* "lowerdir=/a" and the like. */
static enum err setting_take(struct settings *s, const char *name, size_t length, char *value)
{
    static const char *const off[] = {"redirect_dir", "index", "metacopy", "nfs_export"};
    for (size_t i = 0; i < ARRAY_LENGTH(off); i++)
        if (setting_is(name, length, off[i]))
            return strcmp(value, "off") == 0 ? E_OK : E_INVAL;
    if (setting_is(name, length, "lowerdir"))
        return s->lower > 0 ? E_INVAL : lower_take(s, value);
    size_t i = setting_is(name, length, "upperdir") ? UPPER : WORK;
    if (i == WORK && !setting_is(name, length, "workdir"))
        return setting_is(name, length, "xino") ? E_OK : E_INVAL;
    return s->layer[i].dentry
               ? E_INVAL
               : walk_lookup(NULL, value, WALK_FOLLOW | WALK_DIRECTORY, &s->layer[i]);
}

/* Cuts `text`. */
static enum err settings_take(struct settings *s, char *text)
{
    while (*text != '\0') {
        char *end = strchr(text, ','), *value = strchr(text, '=');
        if (end)
            *end = '\0';
        if (!value || (end && value > end))
            return E_INVAL;
        enum err e = setting_take(s, text, (size_t)(value - text), value + 1);
        if (e != E_OK)
            return e;
        if (end)
            text = end + 1;
        else
            break;
    }
    if (!s->layer[UPPER].dentry) /* it is read-only, and one layer alone is none */
        return s->lower > 1 ? E_OK : E_INVAL;
    bool all = s->lower > 0 && s->layer[WORK].dentry;
    return all && s->layer[UPPER].mount == s->layer[WORK].mount ? E_OK : E_INVAL;
}

/* Several lower layers are overlays, which nobody writes, of the lowest two, of that and the next one, and so on. */
static enum err layers_join(const struct settings *s, const char *options, struct filesystem **out)
{
    struct dentry *below = s->layer[s->lower - 1].dentry, *upper = s->layer[UPPER].dentry;
    struct filesystem *fs, *joined = NULL;
    enum err e = E_OK;
    for (size_t i = s->lower - 1; e == E_OK && i-- > (upper ? 0 : 1u);) {
        e = overlay_join(below, s->layer[i].dentry, "", true, &fs);
        if (joined)
            filesystem_release(joined); /* fs has it */
        joined = NULL;
        if (e != E_OK)
            break;
        filesystem_hold(fs);
        joined = fs;
        below = fs->root;
    }
    if (e == E_OK)
        e = upper ? overlay_make(below, upper, options, out)
                  : overlay_join(below, s->layer[0].dentry, options, true, out);
    if (joined)
        filesystem_release(joined);
    return e;
}

static enum err overlay_mount(const struct mount_source *from, struct filesystem **out)
{
    struct settings s = {0};
    size_t size = strlen(from->options) + 2;
    char *shown = heap_alloc(2 * size), *cut = shown + size;
    if (!shown)
        return E_NOMEM;
    shown[0] = ',';
    memcpy(shown + 1, from->options, size - 1);
    memcpy(cut, from->options, size - 1);
    enum err e = settings_take(&s, cut);
    if (e == E_OK)
        e = layers_join(&s, shown, out);
    for (size_t i = 0; i < LAYERS; i++)
        location_put(&s.layer[i]);
    heap_free(shown);
    return e;
}

void overlay_register(void)
{
    static struct filesystem_type type = {
        .name = "overlay", .without_device = true, .any_source = true, .mount = overlay_mount};
    filesystem_type_register(&type);
}
