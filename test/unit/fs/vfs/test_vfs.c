/* SPDX-License-Identifier: MIT */
#include "unit.h"
#include "fs_native.h"
#include "native.h"
#include "vfs_names.h"
#include "dentries.h"

#include "fs/vfs/context.h"
#include "fs/vfs/file_table.h"
#include "fs/ram/ramfs.h"
#include "fs/vfs/vfs.h"
#include "fs/vfs/walk.h"

#include <stdio.h>
#include <string.h>

static struct filesystem root;
static size_t live_before;

static int setup(void **state)
{
    (void)state;
    live_before = native_heap_live();
    fs_current()->umask = 022;
    native_credentials = &credentials_first;
    assert_int_equal(ramfs_init(&root, "tmpfs", 2), E_OK);
    vfs_init(&root);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    file_table_clear(file_table_current());
    vfs_end();
    assert_int_equal(ramfs_used_pages(), 0);
    assert_int_equal(native_heap_live(), live_before);
    return 0;
}

static enum err make(const char *path)
{
    return vfs_make_node(place(path), S_IFREG | 0644, 0);
}

static enum err open_flags(const char *path, uint32_t flags)
{
    struct file *f;
    enum err e = vfs_open(NULL, path, flags, 0666, &f);
    if (e == E_OK)
        file_put(f);
    return e;
}

static uint32_t links_of(const char *path)
{
    struct dentry *d;
    assert_int_equal(dentry_lookup(path, 0, &d), E_OK);
    uint32_t n = d->inode->nlink;
    dentry_put(d);
    return n;
}

static void test_walk_names(void **state)
{
    (void)state;
    uint64_t a, b;
    char name[300];
    assert_int_equal(make_dir("/d"), E_OK);
    assert_int_equal(make_dir("/d/e"), E_OK);
    assert_int_equal(make("/d/f"), E_OK);
    assert_int_equal(look("/d/f", 0, &a), E_OK);
    assert_int_equal(look("//d///./e/..//f", 0, &b), E_OK);
    assert_int_equal(a, b);
    assert_int_equal(look("/../../d/f", 0, &b), E_OK);
    assert_int_equal(a, b);
    assert_int_equal(look("d/f", 0, &b), E_OK);
    assert_int_equal(look("", 0, NULL), E_NOENT);
    assert_int_equal(look("/d/f/", 0, NULL), E_NOTDIR);
    assert_int_equal(look("/d/f/.", 0, NULL), E_NOTDIR);
    assert_int_equal(look("/d/f/x", 0, NULL), E_NOTDIR);
    assert_int_equal(look("/d/x/y", 0, NULL), E_NOENT);
    assert_int_equal(look("/d/e/", 0, NULL), E_OK);
    memset(name, 'x', sizeof name);
    name[255] = '\0';
    assert_int_equal(make(name), E_OK);
    name[255] = 'x';
    name[256] = '\0';
    assert_int_equal(make(name), E_NAMETOOLONG);
}

static void test_walk_symlinks(void **state)
{
    (void)state;
    uint64_t a, b;
    char text[PATH_MAX_SIZE];
    assert_int_equal(make_dir("/d"), E_OK);
    assert_int_equal(make("/d/f"), E_OK);
    assert_int_equal(make_link("d", "/l"), E_OK);
    assert_int_equal(make_link("/l/f", "/d/up"), E_OK);
    assert_int_equal(make_link("f/", "/d/slash"), E_OK);
    assert_int_equal(make_link("../l/../l/up", "/d/far"), E_OK);
    assert_int_equal(make_link("loop", "/loop"), E_OK);
    assert_int_equal(make_link("nowhere", "/dangling"), E_OK);
    assert_int_equal(look("/d/f", 0, &a), E_OK);
    assert_int_equal(look("/l/far", WALK_FOLLOW, &b), E_OK);
    assert_int_equal(a, b);
    assert_int_equal(look("/l/up", 0, &b), E_OK);
    assert_int_not_equal(a, b);
    assert_int_equal(look("/l/", 0, &b), E_OK);
    assert_int_equal(look("/d", 0, &a), E_OK);
    assert_int_equal(a, b);
    assert_int_equal(look("/d/slash", WALK_FOLLOW, NULL), E_NOTDIR);
    assert_int_equal(look("/loop", WALK_FOLLOW, NULL), E_LOOP);
    assert_int_equal(look("/loop/x", 0, NULL), E_LOOP);
    assert_int_equal(look("/dangling", WALK_FOLLOW, NULL), E_NOENT);
    assert_int_equal(look("/dangling", 0, NULL), E_OK);
    struct dentry *d;
    assert_int_equal(dentry_lookup("/d/far", 0, &d), E_OK);
    assert_int_equal(vfs_read_link(HERE(d), text), E_OK);
    assert_string_equal(text, "../l/../l/up");
    dentry_put(d);
    assert_int_equal(open_flags("/dangling", O_WRONLY | O_CREAT | O_EXCL), E_EXIST);
    assert_int_equal(open_flags("/dangling", O_WRONLY | O_CREAT), E_OK);
    assert_int_equal(look("/nowhere", 0, NULL), E_OK);
    assert_int_equal(open_flags("/l", O_RDONLY | O_NOFOLLOW), E_LOOP);
    assert_int_equal(open_flags("/l", O_RDONLY | O_DIRECTORY), E_OK);
}

static void test_walk_forty_links(void **state)
{
    (void)state;
    char path[16], text[16];
    assert_int_equal(make("/0"), E_OK);
    for (int i = 1; i <= 41; i++) {
        snprintf(path, sizeof path, "/%d", i);
        snprintf(text, sizeof text, "%d", i - 1);
        assert_int_equal(make_link(text, path), E_OK);
    }
    assert_int_equal(look("/40", WALK_FOLLOW, NULL), E_OK);
    assert_int_equal(look("/41", WALK_FOLLOW, NULL), E_LOOP);
    assert_int_equal(make_link("./.", "/s"), E_OK);
    char deep[256] = "";
    for (int i = 0; i < 40; i++)
        strcat(deep, "/s");
    assert_int_equal(look(deep, WALK_FOLLOW, NULL), E_OK);
    strcat(deep, "/s");
    assert_int_equal(look(deep, WALK_FOLLOW, NULL), E_LOOP);
}

static void test_open_flags(void **state)
{
    (void)state;
    assert_int_equal(make_dir("/d"), E_OK);
    assert_int_equal(open_flags("/f", O_RDONLY), E_NOENT);
    assert_int_equal(open_flags("/f/", O_RDWR | O_CREAT), E_ISDIR);
    assert_int_equal(open_flags("/f", O_RDWR | O_CREAT), E_OK);
    assert_int_equal(open_flags("/f", O_RDWR | O_CREAT | O_EXCL), E_EXIST);
    assert_int_equal(open_flags("/f", O_RDONLY | O_DIRECTORY), E_NOTDIR);
    assert_int_equal(open_flags("/d", O_RDWR), E_ISDIR);
    assert_int_equal(open_flags("/d", O_RDONLY | O_CREAT), E_ISDIR);
    assert_int_equal(open_flags("/d/", O_RDONLY), E_OK);
    assert_int_equal(open_flags("/d/x/y", O_RDWR | O_CREAT), E_NOENT);
    assert_int_equal(open_flags("/f/y", O_RDWR | O_CREAT), E_NOTDIR);
    struct dentry *d;
    assert_int_equal(dentry_lookup("/f", 0, &d), E_OK);
    assert_int_equal(d->inode->mode, S_IFREG | 0644);
    assert_int_equal(file_deny_write(d->inode), E_OK);
    assert_int_equal(open_flags("/f", O_WRONLY), E_TXTBSY);
    assert_int_equal(open_flags("/f", O_RDONLY | O_TRUNC), E_TXTBSY);
    file_allow_write(d->inode);
    dentry_put(d);
}

static void test_make_and_remove_errors(void **state)
{
    (void)state;
    assert_int_equal(make_dir("/"), E_EXIST);
    assert_int_equal(make_dir("/."), E_EXIST);
    assert_int_equal(make_dir("/d/"), E_OK);
    assert_int_equal(make("/d/f/"), E_NOENT);
    assert_int_equal(make("/d/f"), E_OK);
    assert_int_equal(links_of("/d"), 2);
    assert_int_equal(make_dir("/d/e"), E_OK);
    assert_int_equal(links_of("/d"), 3);
    assert_int_equal(vfs_remove_directory(place("/d")), E_NOTEMPTY);
    assert_int_equal(vfs_remove_directory(place("/d/f")), E_NOTDIR);
    assert_int_equal(vfs_remove_directory(place("/d/.")), E_INVAL);
    assert_int_equal(vfs_remove_directory(place("/d/..")), E_NOTEMPTY);
    assert_int_equal(vfs_remove_directory(place("/")), E_BUSY);
    assert_int_equal(vfs_unlink(place("/d")), E_ISDIR);
    assert_int_equal(vfs_unlink(place("/d/f/")), E_NOTDIR);
    assert_int_equal(vfs_unlink(place("/d/x")), E_NOENT);
    assert_int_equal(vfs_unlink(place("/d/f")), E_OK);
    assert_int_equal(vfs_remove_directory(place("/d/e")), E_OK);
    assert_int_equal(links_of("/d"), 2);
    struct dentry *d;
    assert_int_equal(dentry_lookup("/d", 0, &d), E_OK);
    fs_set_cwd(HERE(d));
    dentry_put(d);
    assert_int_equal(vfs_remove_directory(place("/d")), E_OK);
    assert_int_equal(make("here"), E_NOENT);
    assert_int_equal(look(".", 0, NULL), E_OK);
    assert_int_equal(look("..", 0, NULL), E_OK);
}

static void test_hard_links(void **state)
{
    (void)state;
    struct dentry *d;
    assert_int_equal(make("/a"), E_OK);
    assert_int_equal(make_dir("/d"), E_OK);
    assert_int_equal(dentry_lookup("/d", 0, &d), E_OK);
    assert_int_equal(vfs_link(HERE(d), place("/x")), E_PERM);
    dentry_put(d);
    assert_int_equal(dentry_lookup("/a", 0, &d), E_OK);
    assert_int_equal(vfs_link(HERE(d), place("/a")), E_EXIST);
    assert_int_equal(vfs_link(HERE(d), place("/d/b")), E_OK);
    assert_int_equal(links_of("/a"), 2);
    assert_int_equal(vfs_rename(place("/a"), place("/d/b"), 0), E_OK);
    assert_int_equal(look("/a", 0, NULL), E_OK);
    assert_int_equal(vfs_unlink(place("/a")), E_OK);
    assert_int_equal(vfs_unlink(place("/d/b")), E_OK);
    assert_int_equal(vfs_link(HERE(d), place("/c")), E_NOENT);
    dentry_put(d);
}

static void test_rename(void **state)
{
    (void)state;
    assert_int_equal(make("/a"), E_OK);
    assert_int_equal(make("/b"), E_OK);
    assert_int_equal(make_dir("/d"), E_OK);
    assert_int_equal(make_dir("/d/sub"), E_OK);
    assert_int_equal(make_dir("/e"), E_OK);
    assert_int_equal(vfs_rename(place("/x"), place("/y"), 0), E_NOENT);
    assert_int_equal(vfs_rename(place("/d"), place("/d/sub/z"), 0), E_INVAL);
    assert_int_equal(vfs_rename(place("/d"), place("/d"), 0), E_OK);
    assert_int_equal(vfs_rename(place("/d/sub"), place("/d"), 0), E_NOTEMPTY);
    assert_int_equal(vfs_rename(place("/a"), place("/d"), 0), E_ISDIR);
    assert_int_equal(vfs_rename(place("/d"), place("/a"), 0), E_NOTDIR);
    assert_int_equal(vfs_rename(place("/e"), place("/d"), 0), E_NOTEMPTY);
    assert_int_equal(vfs_rename(place("/a/"), place("/c"), 0), E_NOTDIR);
    assert_int_equal(vfs_rename(place("/a"), place("/c/"), 0), E_NOTDIR);
    assert_int_equal(vfs_rename(place("/d/."), place("/c"), 0), E_BUSY);
    assert_int_equal(vfs_rename(place("/a"), place("/b"), RENAME_NOREPLACE), E_EXIST);
    assert_int_equal(vfs_rename(place("/a"), place("/n"), RENAME_EXCHANGE), E_NOENT);
    assert_int_equal(vfs_rename(place("/a"), place("/b"), 6), E_INVAL);
    assert_int_equal(vfs_rename(place("/a"), place("/b"), 3), E_INVAL);
    uint64_t a, b;
    assert_int_equal(look("/a", 0, &a), E_OK);
    assert_int_equal(vfs_rename(place("/a"), place("/b"), 0), E_OK);
    assert_int_equal(look("/a", 0, NULL), E_NOENT);
    assert_int_equal(look("/b", 0, &b), E_OK);
    assert_int_equal(a, b);
    assert_int_equal(vfs_rename(place("/d/sub"), place("/e/"), 0), E_OK);
    assert_int_equal(links_of("/d"), 2);
    assert_int_equal(links_of("/"), 4);
    assert_int_equal(vfs_rename(place("/b"), place("/d"), RENAME_EXCHANGE), E_OK);
    assert_int_equal(look("/b/", 0, NULL), E_OK);
    assert_int_equal(look("/d", 0, &b), E_OK);
    assert_int_equal(a, b);
    assert_int_equal(vfs_rename(place("/d"), place("/b/f"), 0), E_OK);
    assert_int_equal(vfs_rename(place("/b/f"), place("/e"), RENAME_EXCHANGE), E_OK);
    assert_int_equal(links_of("/b"), 3);
    assert_int_equal(links_of("/"), 3);
}

struct listing {
    char text[4096];
    int room;
};

static bool list_sink(void *context, const struct directory_entry *entry)
{
    struct listing *l = context;
    if (l->room-- <= 0)
        return false;
    strncat(l->text, entry->name, entry->length);
    strcat(l->text, " ");
    return true;
}

static void test_listing_is_stable(void **state)
{
    (void)state;
    struct file *f;
    char path[32];
    assert_int_equal(make_dir("/d"), E_OK);
    for (int i = 0; i < 6; i++) {
        snprintf(path, sizeof path, "/d/%d", i);
        assert_int_equal(make(path), E_OK);
    }
    assert_int_equal(vfs_open(NULL, "/d", O_RDONLY | O_DIRECTORY, 0, &f), E_OK);
    struct listing l = {"", 4};
    assert_int_equal(file_list(f, list_sink, &l), E_OK);
    assert_string_equal(l.text, ". .. 0 1 ");
    uint64_t here = f->offset;
    assert_int_equal(vfs_unlink(place("/d/2")), E_OK);
    assert_int_equal(make("/d/new"), E_OK);
    assert_int_equal(vfs_rename(place("/d/3"), place("/d/three"), 0), E_OK);
    l = (struct listing){"", 100};
    assert_int_equal(file_list(f, list_sink, &l), E_OK);
    assert_string_equal(l.text, "three 4 5 ");
    uint64_t at;
    assert_int_equal(file_seek(f, (int64_t)here, SEEK_SET, &at), E_OK);
    l = (struct listing){"", 100};
    assert_int_equal(file_list(f, list_sink, &l), E_OK);
    assert_string_equal(l.text, "three 4 5 ");
    assert_int_equal(file_seek(f, 0, SEEK_SET, &at), E_OK);
    l = (struct listing){"", 100};
    assert_int_equal(file_list(f, list_sink, &l), E_OK);
    assert_string_equal(l.text, ". .. 0 1 three 4 5 new ");
    file_put(f);
}

static void test_many_entries(void **state)
{
    (void)state;
    char path[64];
    assert_int_equal(make_dir("/d"), E_OK);
    for (int i = 0; i < 3000; i++) {
        snprintf(path, sizeof path, "/d/a-name-that-is-not-inline-%d", i);
        assert_int_equal(make(path), E_OK);
    }
    for (int i = 0; i < 3000; i++) {
        snprintf(path, sizeof path, "/d/a-name-that-is-not-inline-%d", i);
        assert_int_equal(i % 3 ? vfs_unlink(place(path)) : look(path, 0, NULL), E_OK);
    }
    struct dentry *d;
    assert_int_equal(dentry_lookup("/d", 0, &d), E_OK);
    assert_int_equal(d->inode->directory->names.count, 1000);
    dentry_put(d);
}

static void test_path_of(void **state)
{
    (void)state;
    struct dentry *d;
    char buffer[64], *path;
    assert_int_equal(make_dir("/d"), E_OK);
    assert_int_equal(make("/d/f"), E_OK);
    assert_int_equal(dentry_lookup("/d/f", 0, &d), E_OK);
    assert_int_equal(dentry_path(d, root.root, buffer, sizeof buffer, &path), E_OK);
    assert_string_equal(path, "/d/f");
    assert_int_equal(dentry_path(d, root.root, buffer, 4, &path), E_NAMETOOLONG);
    assert_int_equal(dentry_path(root.root, root.root, buffer, 2, &path), E_OK);
    assert_string_equal(path, "/");
    assert_int_equal(vfs_unlink(place("/d/f")), E_OK);
    assert_int_equal(dentry_path(d, root.root, buffer, sizeof buffer, &path), E_OK);
    assert_string_equal(path, "/d/f (deleted)");
    dentry_put(d);
}

static void test_mount(void **state)
{
    (void)state;
    static struct filesystem other;
    uint64_t ino;
    char buffer[64], *path;
    struct dentry *d;
    assert_int_equal(ramfs_init(&other, "other", 3), E_OK);
    assert_int_equal(make_dir("/m"), E_OK);
    assert_int_equal(vfs_mount("/m", &other), E_OK);
    assert_int_equal(make("/m/f"), E_OK);
    assert_int_equal(vfs_remove_directory(place("/m")), E_BUSY);
    assert_int_equal(vfs_rename(place("/m/f"), place("/f"), 0), E_XDEV);
    assert_int_equal(vfs_rename(place("/m"), place("/n"), 0), E_BUSY);
    assert_int_equal(look("/m/..", 0, &ino), E_OK);
    assert_int_equal(ino, root.root->inode->ino);
    assert_int_equal(dentry_lookup("/m/f", 0, &d), E_OK);
    assert_int_equal(dentry_path(d, root.root, buffer, sizeof buffer, &path), E_OK);
    assert_string_equal(path, "/m/f");
    dentry_put(d);
    assert_int_equal(dentry_lookup("/m", 0, &d), E_OK);
    assert_ptr_equal(d, other.root);
    assert_int_equal(dentry_path(d, root.root, buffer, sizeof buffer, &path), E_OK);
    assert_string_equal(path, "/m");
    dentry_put(d);
}

static void test_chroot(void **state)
{
    (void)state;
    struct dentry *d;
    uint64_t a, b;
    assert_int_equal(make_dir("/jail"), E_OK);
    assert_int_equal(make("/jail/f"), E_OK);
    assert_int_equal(make_link("/f", "/jail/l"), E_OK);
    assert_int_equal(look("/jail/f", 0, &a), E_OK);
    assert_int_equal(dentry_lookup("/jail", 0, &d), E_OK);
    fs_set_root(HERE(d));
    fs_set_cwd(HERE(d));
    dentry_put(d);
    assert_int_equal(look("/../../l", WALK_FOLLOW, &b), E_OK);
    assert_int_equal(a, b);
}

static void test_permissions_of_others(void **state)
{
    (void)state;
    assert_int_equal(vfs_make_directory(place("/t"), 01777), E_OK);
    struct dentry *d;
    assert_int_equal(dentry_lookup("/t", 0, &d), E_OK);
    assert_int_equal(vfs_change_mode(d, 01777), E_OK);
    dentry_put(d);
    assert_int_equal(make("/t/roots"), E_OK);
    const struct credentials user = {.uid = {1000, 1000, 1000, 1000}};
    native_credentials = &user;
    assert_int_equal(open_flags("/t/roots", O_RDWR), E_ACCES);
    assert_int_equal(open_flags("/t/roots", O_RDONLY), E_OK);
    assert_int_equal(vfs_unlink(place("/t/roots")), E_PERM);
    assert_int_equal(make("/mine"), E_ACCES);
    assert_int_equal(make("/t/mine"), E_OK);
    assert_int_equal(vfs_unlink(place("/t/mine")), E_OK);
    native_credentials = &credentials_first;
}

/* Each operation fails at each of its allocations in turn, and leaks nothing. */
static void test_short_of_memory(void **state)
{
    (void)state;
    char name[64];
    memset(name, 'n', 60);
    name[0] = '/';
    name[60] = '\0';
    for (long successes = 0; successes < 8; successes++) {
        size_t live = native_heap_live();
        native_heap_fail_after(successes);
        enum err e = open_flags(name, O_RDWR | O_CREAT);
        native_heap_fail_after(-1);
        if (e == E_OK) {
            assert_int_equal(vfs_unlink(place(name)), E_OK);
            continue;
        }
        assert_int_equal(e, E_NOMEM);
        if (look(name, 0, NULL) == E_OK)
            assert_int_equal(vfs_unlink(place(name)), E_OK);
        assert_in_range(native_heap_live(), live, live + 1);
    }
    assert_int_equal(make("/a"), E_OK);
    assert_int_equal(make_dir("/d"), E_OK);
    for (long successes = 0; successes < 3; successes++) {
        native_heap_fail_after(successes);
        enum err e = vfs_rename(place("/a"), place("/d/a-name-that-is-not-inline-at-all"), 0);
        native_heap_fail_after(-1);
        assert_int_equal(look("/a", 0, NULL), e == E_OK ? E_NOENT : E_OK);
        if (e == E_OK)
            break;
        assert_int_equal(e, E_NOMEM);
    }
}

static void test_lowest_free_descriptor(void **state)
{
    (void)state;
    struct file_table *t = file_table_current();
    struct file *f;
    int fd;
    assert_int_equal(vfs_open(NULL, "/f", O_RDWR | O_CREAT, 0600, &f), E_OK);
    assert_int_equal(file_table_add(t, f, 0, false, &fd), E_OK);
    assert_int_equal(fd, 0);
    assert_int_equal(file_table_set(t, 5, f, true), E_OK);
    file_get(f);
    assert_int_equal(file_table_add(t, f, 5, false, &fd), E_OK);
    assert_int_equal(fd, 6);
    file_get(f);
    assert_int_equal(file_table_add(t, f, 0, false, &fd), E_OK);
    assert_int_equal(fd, 1);
    assert_int_equal(file_table_close(t, 0), E_OK);
    assert_int_equal(file_table_close(t, 0), E_BADF);
    file_get(f);
    assert_int_equal(file_table_add(t, f, 0, false, &fd), E_OK);
    assert_int_equal(fd, 0);
    assert_null(file_table_find(t, UINT32_MAX));
    assert_ptr_equal(file_table_find(t, UINT64_C(0x100000001)), f);
    file_table_exec(t);
    assert_null(file_table_find(t, 5));
    assert_int_equal(file_table_set(t, 1024, f, false), E_BADF);
    for (int i = 0; i < 1024; i++) {
        file_get(f);
        enum err e = file_table_add(t, f, 0, false, &fd);
        if (e == E_OK)
            continue;
        assert_int_equal(e, E_MFILE);
        file_put(f);
    }
    assert_int_equal(t->used, 1024);
}

static void test_file_locks_exclude(void **state)
{
    (void)state;
    struct file *a, *b;
    assert_int_equal(vfs_open(NULL, "/f", O_RDWR | O_CREAT, 0600, &a), E_OK);
    assert_int_equal(vfs_open(NULL, "/f", O_RDWR, 0, &b), E_OK);
    assert_int_equal(file_lock(a, FILE_LOCK_SHARED, false), E_OK);
    assert_int_equal(file_lock(b, FILE_LOCK_SHARED, false), E_OK);
    assert_int_equal(file_lock(b, FILE_LOCK_EXCLUSIVE, false), E_AGAIN);
    file_put(a);
    assert_int_equal(file_lock(b, FILE_LOCK_EXCLUSIVE, false), E_OK);
    assert_int_equal(vfs_open(NULL, "/f", O_RDWR, 0, &a), E_OK);
    assert_int_equal(file_lock(a, FILE_LOCK_SHARED, true), E_INTR);
    assert_int_equal(file_lock(b, FILE_LOCK_NONE, false), E_OK);
    assert_int_equal(file_lock(a, FILE_LOCK_EXCLUSIVE, true), E_OK);
    file_put(a);
    file_put(b);
}

/* openat2(2)'s RESOLVE_*: a row is a path from /top, and for each restriction the error. */
static void test_walk_restrictions(void **state)
{
    static const uint32_t restrictions[] = {WALK_NO_XDEV, WALK_NO_MAGICLINKS, WALK_NO_SYMLINKS,
                                            WALK_BENEATH, WALK_IN_ROOT};
    static const struct {
        const char *path;
        enum err expected[ARRAY_LENGTH(restrictions)];
    } rows[] = {
        {"near", {E_OK, E_OK, E_LOOP, E_OK, E_OK}},
        {"absolute", {E_NOENT, E_NOENT, E_LOOP, E_XDEV, E_OK}},
        {"out", {E_OK, E_OK, E_LOOP, E_XDEV, E_NOENT}},
        {"in/../..", {E_OK, E_OK, E_OK, E_XDEV, E_OK}},
        {"in/../../in/file", {E_NOENT, E_NOENT, E_NOENT, E_XDEV, E_OK}},
        {"mount", {E_XDEV, E_OK, E_OK, E_OK, E_OK}},
    };
    static struct filesystem other;
    struct location top, found;
    (void)state;
    assert_int_equal(make_dir("/top"), E_OK);
    assert_true(make_dir("/top/in") == E_OK && make_dir("/top/mount") == E_OK);
    assert_int_equal(make("/top/in/file"), E_OK);
    assert_int_equal(make_link("in/file", "/top/near"), E_OK);
    assert_int_equal(make_link("/in/file", "/top/absolute"), E_OK);
    assert_int_equal(make_link("../top/near", "/top/out"), E_OK);
    assert_int_equal(ramfs_init(&other, "tmpfs", 3), E_OK);
    assert_int_equal(vfs_mount("/top/mount", &other), E_OK);
    assert_int_equal(walk_lookup(NULL, "/top", 0, &top), E_OK);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        for (size_t r = 0; r < ARRAY_LENGTH(restrictions); r++) {
            enum err e = walk_lookup(&top, rows[i].path, WALK_FOLLOW | restrictions[r], &found);
            if (e != rows[i].expected[r])
                fail_msg("%s, %x: %d", rows[i].path, restrictions[r], e);
            if (e == E_OK)
                location_put(&found);
        }
    }
    assert_int_equal(walk_lookup(&top, "/top", WALK_BENEATH, &found), E_XDEV);
    location_put(&top);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_walk_names),
        T(test_walk_symlinks),
        T(test_walk_forty_links),
        T(test_walk_restrictions),
        T(test_open_flags),
        T(test_make_and_remove_errors),
        T(test_hard_links),
        T(test_rename),
        T(test_listing_is_stable),
        T(test_many_entries),
        T(test_path_of),
        T(test_mount),
        T(test_chroot),
        T(test_permissions_of_others),
        T(test_short_of_memory),
        T(test_lowest_free_descriptor),
        T(test_file_locks_exclude),
    };
    return RUN_TESTS(tests);
}
