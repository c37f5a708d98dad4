/* SPDX-License-Identifier: MIT */
#include "fake_store.h"
#include "dentries.h"

#include "fs/ram/ramfs.h"
#include "fs/ram/tmpfs.h"
#include "fs/vfs/context.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/xattr.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"

#include <stdio.h>
#include <string.h>

struct medium_file medium[FILES];
static uint64_t next_cookie;
unsigned calls, evictions, changes;
int fail_in;
enum err failure;
bool medium_readonly;

struct store *mounted;

static bool fails(enum err *e)
{
    calls++;
    if (fail_in == 0 || --fail_in > 0)
        return false;
    *e = failure;
    return true;
}

static struct medium_file *file_of(const struct inode *inode)
{
    return &medium[number(inode)];
}

struct medium_entry *entry_at(unsigned directory, const char *name, size_t length)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct medium_entry *e = &medium[directory].entries[i];
        if (strlen(e->name) == length && length > 0 && memcmp(e->name, name, length) == 0)
            return e;
    }
    return NULL;
}

static struct medium_entry *entry_free(unsigned directory)
{
    for (unsigned i = 0; i < ENTRIES; i++)
        if (medium[directory].entries[i].name[0] == '\0')
            return &medium[directory].entries[i];
    return NULL;
}

bool is_empty(unsigned directory)
{
    for (unsigned i = 0; i < ENTRIES; i++)
        if (medium[directory].entries[i].name[0] != '\0')
            return false;
    return true;
}

static void entry_set(struct medium_entry *e, struct store_name name, unsigned file)
{
    memset(e->name, 0, sizeof e->name);
    memcpy(e->name, name.text, name.length);
    e->file = file;
    e->cookie = next_cookie++;
}

static enum err inode_for(struct store *store, unsigned file, struct inode **out)
{
    const struct medium_file *m = &medium[file];
    struct inode *inode = store_inode_get(store, file);
    if (inode) {
        *out = inode;
        return E_OK;
    }
    enum err e = store_inode_make(store, sizeof *inode, file, m->mode, NULL, &inode);
    if (e != E_OK)
        return e;
    inode->nlink = m->nlink;
    inode->uid = m->uid;
    inode->gid = m->gid;
    inode->modified = inode->changed = m->modified;
    if (mode_is(m->mode, S_IFLNK)) {
        inode->link = heap_alloc(sizeof m->target);
        if (!inode->link) {
            store_inode_abandon(inode);
            return E_NOMEM;
        }
        memcpy(inode->link, m->target, sizeof m->target);
    }
    if (m->attribute != 0) {
        e = xattr_load(inode, "user.a", &m->attribute, sizeof m->attribute);
        if (e != E_OK) {
            store_inode_abandon(inode);
            return e;
        }
    }
    inode_mode_changed(inode);
    *out = inode;
    return E_OK;
}

static enum err fake_lookup(struct inode *directory, struct store_name name, struct inode **out)
{
    enum err e;
    if (fails(&e))
        return e;
    const struct medium_entry *entry = entry_at(number(directory), name.text, name.length);
    return entry ? inode_for(directory->fs->store, entry->file, out) : E_NOENT;
}

static enum err fake_list(struct inode *directory, uint64_t from, store_sink sink, void *context)
{
    enum err e;
    if (fails(&e))
        return e;
    for (;;) {
        const struct medium_entry *best = NULL;
        for (unsigned i = 0; i < ENTRIES; i++) {
            const struct medium_entry *at = &file_of(directory)->entries[i];
            if (at->name[0] && at->cookie >= from && (!best || at->cookie < best->cookie))
                best = at;
        }
        if (!best)
            return E_OK;
        struct directory_entry entry = {best->name, strlen(best->name), best->file,
                                        best->cookie + 1, mode_entry_type(medium[best->file].mode)};
        if (!sink(context, &entry))
            return E_OK;
        from = best->cookie + 1;
    }
}

static enum err fake_create(struct inode *directory, struct store_name name, const struct inode *as,
                            struct inode **out)
{
    enum err e;
    if (fails(&e))
        return e;
    unsigned file = 1;
    while (file < FILES && medium[file].mode != 0)
        file++;
    struct medium_entry *entry = entry_free(number(directory));
    if (file == FILES || !entry)
        return E_NOSPC;
    assert_int_equal(as->modified.seconds, directory->fs->store->now.seconds);
    struct inode *inode;
    e = store_inode_make(directory->fs->store, sizeof *inode, file, as->mode, as, &inode);
    if (e != E_OK)
        return e;
    struct medium_file *m = &medium[file];
    *m = (struct medium_file){.mode = as->mode, .uid = as->uid, .gid = as->gid};
    m->modified = as->modified;
    if (as->link)
        snprintf(m->target, sizeof m->target, "%s", as->link);
    if (name.length > 0) {
        bool is_directory = mode_is(as->mode, S_IFDIR);
        assert_null(entry_at(number(directory), name.text, name.length));
        entry_set(entry, name, file);
        m->nlink = is_directory ? 2 : 1;
        file_of(directory)->nlink += is_directory;
        file_of(directory)->modified = directory->fs->store->now;
    }
    *out = inode;
    return E_OK;
}

static enum err fake_link(struct inode *directory, struct store_name name, struct inode *inode)
{
    enum err e;
    struct medium_entry *entry = entry_free(number(directory));
    if (fails(&e))
        return e;
    if (!entry)
        return E_NOSPC;
    assert_null(entry_at(number(directory), name.text, name.length));
    entry_set(entry, name, number(inode));
    file_of(inode)->nlink++;
    file_of(directory)->modified = directory->fs->store->now;
    return E_OK;
}

static enum err fake_unlink(struct inode *directory, struct store_name name, struct inode *inode)
{
    enum err e;
    struct medium_entry *entry = entry_at(number(directory), name.text, name.length);
    assert_true(entry && entry->file == number(inode));
    if (fails(&e))
        return e;
    bool is_directory = mode_is(inode->mode, S_IFDIR);
    if (is_directory && !is_empty(number(inode)))
        return E_NOTEMPTY;
    entry->name[0] = '\0';
    file_of(inode)->nlink -= is_directory ? 2 : 1;
    file_of(directory)->nlink -= is_directory;
    file_of(directory)->modified = directory->fs->store->now;
    return E_OK;
}

static enum err fake_rename(const struct store_move *move)
{
    enum err e;
    struct medium_entry *from =
        entry_at(number(move->from), move->from_name.text, move->from_name.length);
    struct medium_entry *to = entry_at(number(move->to), move->to_name.text, move->to_name.length);
    assert_true(from && from->file == number(move->inode));
    assert_true(move->replaced ? to && to->file == number(move->replaced) : !to);
    if (fails(&e))
        return e;
    bool moves_directory = mode_is(move->inode->mode, S_IFDIR);
    bool over_directory = move->replaced && mode_is(move->replaced->mode, S_IFDIR);
    if (move->flags & RENAME_EXCHANGE) {
        to->file = number(move->inode);
        from->file = number(move->replaced);
        file_of(move->from)->nlink += (uint32_t)over_directory - (uint32_t)moves_directory;
        file_of(move->to)->nlink += (uint32_t)moves_directory - (uint32_t)over_directory;
    } else {
        if (over_directory && !is_empty(to->file))
            return E_NOTEMPTY;
        if (!to && !(to = entry_free(number(move->to))))
            return E_NOSPC;
        if (move->replaced) {
            medium[to->file].nlink -= over_directory ? 2 : 1;
            file_of(move->to)->nlink -= over_directory;
        }
        entry_set(to, move->to_name, number(move->inode));
        from->name[0] = '\0';
        file_of(move->from)->nlink -= moves_directory;
        file_of(move->to)->nlink += moves_directory;
    }
    file_of(move->from)->modified = file_of(move->to)->modified = mounted->now;
    return E_OK;
}

static enum err fake_change(struct inode *inode, const struct store_attributes *to)
{
    enum err e;
    struct medium_file *m = file_of(inode);
    changes++;
    if (fails(&e))
        return e;
    if (to->what & STORE_MODE)
        m->mode = to->mode;
    if (to->what & STORE_OWNER) {
        m->uid = to->uid;
        m->gid = to->gid;
    }
    if (to->what & STORE_MODIFIED)
        m->modified = to->modified;
    return E_OK;
}

static enum err fake_set_attribute(struct inode *inode, const char *name, const void *value,
                                   size_t size)
{
    enum err e;
    if (fails(&e))
        return e;
    assert_string_equal(name, "user.a");
    file_of(inode)->attribute = 0;
    if (value)
        memcpy(&file_of(inode)->attribute, value, size);
    return E_OK;
}

static void fake_evict(struct inode *inode)
{
    evictions++;
    if (inode->nlink == 0)
        *file_of(inode) = (struct medium_file){0};
}

static enum err fake_statfs(struct store *store, struct store_room *out)
{
    (void)store;
    out->files = FILES;
    return E_OK;
}

static enum err fake_sync(struct store *store, bool wait)
{
    (void)store, (void)wait;
    enum err e;
    return fails(&e) ? e : E_OK;
}

static enum err fake_set_readonly(struct store *store, bool readonly)
{
    (void)store;
    medium_readonly = readonly;
    return E_OK;
}

static void fake_unmount(struct store *store, bool at_end)
{
    mounted = NULL;
    if (!at_end)
        heap_free(store);
}

static const struct store_ops fake_ops = {
    .lookup = fake_lookup,
    .list = fake_list,
    .create = fake_create,
    .link = fake_link,
    .unlink = fake_unlink,
    .rename = fake_rename,
    .change = fake_change,
    .set_attribute = fake_set_attribute,
    .evict = fake_evict,
    .statfs = fake_statfs,
    .sync = fake_sync,
    .set_readonly = fake_set_readonly,
    .unmount = fake_unmount,
};

static enum err fake_mount(const struct mount_source *from, struct filesystem **out)
{
    struct inode *root;
    if (strcmp(from->source, "medium") != 0)
        return E_INVAL;
    if (mounted)
        return E_BUSY;
    struct store *store = heap_alloc_zero(sizeof *store);
    if (!store)
        return E_NOMEM;
    store_init(store, &fake_ops);
    store->fs.type = "fake";
    store->fs.device = vfs_device_number();
    store->fs.attributes = true;
    enum err e = inode_for(store, 1, &root);
    if (e == E_OK)
        e = store_set_root(store, root);
    if (e != E_OK) {
        store_abandon(store);
        heap_free(store);
        return e;
    }
    mounted = store;
    *out = &store->fs;
    return E_OK;
}

/* The machine around it */

static struct filesystem root;
static size_t live_before;
static void (*other_thread)(void); /* runs once, while the call under test waits for the lock */

static bool run_other_thread(void)
{
    void (*run)(void) = other_thread;
    if (!run)
        return false;
    other_thread = NULL;
    mounted->locked = false;
    run();
    return true;
}

enum err mount_fake(uint32_t flags)
{
    return vfs_mount_new("/m", "fake", &(struct mount_source){"medium", "", flags});
}

int fake_setup(void **state)
{
    static struct filesystem_type type = {.name = "fake", .mount = fake_mount};
    static bool registered;
    (void)state;
    if (!registered) {
        filesystem_type_register(&type);
        tmpfs_register();
    }
    registered = true;
    live_before = native_heap_live();
    native_threads = true;
    machine_frames.total_frames = 1 << 12;
    native_other_thread = run_other_thread;
    fs_current()->umask = 022;
    native_credentials = &credentials_first;
    memset(medium, 0, sizeof medium);
    medium[1] = (struct medium_file){.mode = S_IFDIR | 0755, .nlink = 2};
    next_cookie = COOKIE_FIRST;
    calls = evictions = changes = 0;
    fail_in = 0;
    assert_int_equal(ramfs_init(&root, "tmpfs", 2), E_OK);
    vfs_init(&root);
    assert_int_equal(vfs_make_directory(at("/m"), 0755), E_OK);
    assert_int_equal(mount_fake(0), E_OK);
    return 0;
}

int fake_teardown(void **state)
{
    (void)state;
    fail_in = 0;
    file_table_clear(file_table_current());
    if (mounted)
        assert_int_equal(vfs_unmount("/m", 0), E_OK);
    assert_null(mounted);
    assert_null(store_first);
    vfs_end();
    native_other_thread = NULL;
    native_threads = false;
    assert_int_equal(native_heap_live(), live_before);
    return 0;
}

enum err make(const char *path)
{
    return vfs_make_node(at(path), S_IFREG | 0644, 0);
}

enum err stat_of(const char *path, struct inode *out)
{
    struct dentry *dentry;
    enum err e = dentry_lookup(path, 0, &dentry);
    if (e == E_OK) {
        *out = *dentry->inode;
        dentry_put(dentry);
    }
    return e;
}

enum err exists(const char *path)
{
    struct inode inode;
    return stat_of(path, &inode);
}

/* Memory agrees with the medium */

bool inode_differs(struct inode *inode)
{
    const struct medium_file *m = file_of(inode);
    return m->mode != inode->mode || m->nlink != inode->nlink || m->uid != inode->uid ||
           m->gid != inode->gid || memcmp(&m->modified, &inode->modified, sizeof m->modified) != 0;
}

static void check_directory(struct dentry *directory)
{
    const struct hash_table *names = &directory->inode->directory->names;
    for (uint32_t i = 0; i <= names->mask; i++) {
        for (struct hash_link *link = names->buckets[i]; link; link = link->next) {
            struct dentry *d = CONTAINER_OF(link, struct dentry, link);
            const struct medium_entry *entry =
                entry_at(number(directory->inode), d->name, d->length);
            assert_non_null(entry);
            assert_int_equal(entry->file, d->inode->ino);
            assert_true(d->linked && d->parent == directory);
            if (mode_is(d->inode->mode, S_IFDIR))
                check_directory(d);
        }
    }
}

void check_store(void)
{
    assert_false(mounted->locked);
    assert_false(store_any(mounted, inode_differs));
    check_directory(mounted->fs.root);
}

void interrupted_by(void (*other)(void))
{
    mounted->locked = true;
    other_thread = other;
}

void not_interrupted(void)
{
    if (other_thread)
        mounted->locked = false;
    other_thread = NULL;
}

bool see(void *context, const struct directory_entry *entry)
{
    struct seen *seen = context;
    if (seen->count == seen->most)
        return false;
    snprintf(seen->names[seen->count++], 16, "%.*s", (int)entry->length, entry->name);
    return true;
}
