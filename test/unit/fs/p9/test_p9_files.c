/* SPDX-License-Identifier: MIT */
/* The file system type 9p under VFS, against a server over a folder in memory whose files others change too. */
#include "unit.h"
#include "fs_native.h"
#include "native.h"

#include "fs/p9/super.h"
#include "fs/ram/ramfs.h"
#include "fs/vfs/context.h"
#include "fs/vfs/file.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/store.h"
#include "fs/vfs/wait.h"
#include "kern/time.h"
#include "mm/phys/frames.h"
#include "mm/vm/areas.h"
#include "p9_native.h"
#include "dentries.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Of the kernel below the page cache: nothing is mapped, and nothing waits for a device. */
uint32_t frames_references(const struct frames *f, phys_t block)
{
    (void)f;
    (void)block;
    return 1;
}

void areas_pages_clean(const struct page_source *source, uint64_t first, uint64_t end)
{
    (void)source;
    (void)first;
    (void)end;
}

void fs_wait_device(struct wait_queue *queue, fs_condition condition, void *context)
{
    fs_wait_surely(queue, condition, context);
}

static struct filesystem ram_root;
static size_t live_before;

static void mount_share(void)
{
    const struct mount_source from = {"share", "trans=virtio,msize=524288", 0};
    assert_int_equal(vfs_mount_new("/mnt", "9p", &from), E_OK);
}

/* Nothing of the share is left, here and there. */
static void unmount_share(void)
{
    assert_int_equal(vfs_unmount("/mnt", 0), E_OK);
    assert_int_equal(model.fids, 0);
    assert_false(native.channel.open);
}

static int setup(void **state)
{
    (void)state;
    native_threads = true;
    fs_current()->umask = 022;
    native_credentials = &credentials_first;
    p9_model_begin(&model);
    live_before = native_heap_live();
    assert_int_equal(ramfs_init(&ram_root, "tmpfs", 2), E_OK);
    vfs_init(&ram_root);
    assert_int_equal(vfs_make_directory((struct vfs_place){NULL, "/mnt"}, 0755), E_OK);
    mount_share();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    file_table_clear(file_table_current());
    unmount_share();
    vfs_end();
    assert_int_equal(native_heap_live(), live_before);
    p9_model_end(&model);
    return 0;
}

static int begin_all(void **state)
{
    (void)state;
    machine_frames.total_frames = 1 << 20; /* a part of them may be dirty */
    p9_type_register(7, 8);
    p9_native_begin(&native, &model, P9_PARTS_MAX);
    p9_channel_register(&native.channel);
    return 0;
}

static struct vfs_place place(const char *path)
{
    return (struct vfs_place){NULL, path};
}

static struct file *open_file(const char *path, uint32_t flags)
{
    struct file *f;
    assert_int_equal(vfs_open(NULL, path, flags, 0644, &f), E_OK);
    return f;
}

static enum err try_open(const char *path, uint32_t flags)
{
    struct file *f;
    enum err e = vfs_open(NULL, path, flags, 0644, &f);
    if (e == E_OK)
        file_put(f);
    return e;
}

static void put_at(struct file *f, uint64_t offset, const char *text)
{
    struct io io = io_kernel(text, strlen(text));
    uint64_t done;
    assert_int_equal(file_write(f, &io, &offset, &done), E_OK);
    assert_int_equal(done, strlen(text));
}

static void check_text(struct file *f, const char *text)
{
    char got[256] = {0};
    uint64_t done;
    assert_int_equal(file_read_at(f, got, sizeof got - 1, 0, &done), E_OK);
    assert_string_equal(got, text);
}

static void check_start(struct file *f, const char *text)
{
    char got[256];
    uint64_t done;
    assert_int_equal(file_read_at(f, got, strlen(text), 0, &done), E_OK);
    assert_int_equal(done, strlen(text));
    assert_memory_equal(got, text, done);
}

static void check_path(const char *path, const char *text)
{
    struct file *f = open_file(path, O_RDONLY);
    check_text(f, text);
    file_put(f);
}

static void check_host(const char *path, const char *text)
{
    size_t size;
    struct p9_node *node = p9_model_find(&model, path);
    assert_non_null(node);
    assert_int_equal(vfs_sync(true), E_OK);
    const uint8_t *bytes = p9_model_bytes(node, &size);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
}

static void host_writes(const char *path, const char *text)
{
    p9_model_make(&model, path, S_IFREG | 0644, text, strlen(text));
}

static void test_files_of_the_host(void **state)
{
    (void)state;
    p9_model_make(&model, "dir", S_IFDIR | 0755, NULL, 0);
    host_writes("dir/file", "of the host");
    p9_model_make(&model, "link", S_IFLNK | 0777, "dir/file", 8);
    check_path("/mnt/dir/file", "of the host");
    check_path("/mnt/link", "of the host");
    assert_int_equal(try_open("/mnt/nothing", O_RDONLY), E_NOENT);
    assert_int_equal(try_open("/mnt/dir/file/more", O_RDONLY), E_NOTDIR);
    struct dentry *d;
    assert_int_equal(dentry_lookup("/mnt/dir/file", 0, &d), E_OK);
    assert_int_equal(d->inode->size, 11);
    assert_int_equal(d->inode->mode, S_IFREG | 0644);
    assert_int_equal(d->inode->uid, 7); /* the program's, whoever has it on the host */
    dentry_put(d);
}

static void test_files_of_the_program(void **state)
{
    (void)state;
    struct file *f = open_file("/mnt/new", O_CREAT | O_RDWR);
    put_at(f, 0, "hello");
    put_at(f, 5, " world");
    check_text(f, "hello world");
    file_put(f);
    check_host("new", "hello world");
    assert_int_equal(p9_model_mode(p9_model_find(&model, "new")), S_IFREG | 0644);
    f = open_file("/mnt/new", O_WRONLY | O_APPEND);
    put_at(f, 0, "!");
    file_put(f);
    check_host("new", "hello world!");
    f = open_file("/mnt/new", O_RDWR | O_TRUNC);
    check_text(f, "");
    put_at(f, 3, "x");
    check_text(f, ""); /* three NULs */
    assert_int_equal(f->inode->size, 4);
    file_put(f);
    assert_int_equal(try_open("/mnt/new", O_CREAT | O_EXCL | O_RDWR), E_EXIST);
}

static void test_the_host_changes_a_file(void **state)
{
    (void)state;
    host_writes("file", "first");
    check_path("/mnt/file", "first");
    host_writes("file", "second, longer");
    check_path("/mnt/file", "second, longer");
    p9_model_remove(&model, "file"); /* another file of the name, as editors do it */
    host_writes("file", "third");
    check_path("/mnt/file", "third");
    p9_model_remove(&model, "file");
    assert_int_equal(try_open("/mnt/file", O_RDONLY), E_NOENT);
    host_writes("file", "fourth");
    check_path("/mnt/file", "fourth");
    p9_model_remove(&model, "file");
    p9_model_make(&model, "file", S_IFDIR | 0755, NULL, 0);
    host_writes("file/below", "fifth");
    check_path("/mnt/file/below", "fifth");
}

/* The host gives the number of a file that has gone to one of another type. */
static void test_numbers_that_are_used_again(void **state)
{
    (void)state;
    host_writes("file", "first");
    struct file *f = open_file("/mnt/file", O_RDONLY);
    p9_model_remove(&model, "file");
    model.next_path--;
    p9_model_make(&model, "dir", S_IFDIR | 0755, NULL, 0);
    host_writes("dir/below", "below");
    check_path("/mnt/dir/below", "below");
    check_text(f, "first"); /* it is open */
    file_put(f);
    check_path("/mnt/dir/below", "below");
}

static void test_names(void **state)
{
    (void)state;
    char text[PATH_MAX_SIZE];
    struct dentry *d;
    assert_int_equal(vfs_make_directory(place("/mnt/dir"), 0755), E_OK);
    assert_int_equal(vfs_make_directory(place("/mnt/dir"), 0755), E_EXIST);
    assert_int_equal(try_open("/mnt/dir/a", O_CREAT | O_RDWR), E_OK);
    assert_int_equal(vfs_rename(place("/mnt/dir/a"), place("/mnt/b"), 0), E_OK);
    assert_null(p9_model_find(&model, "dir/a"));
    assert_int_equal(try_open("/mnt/dir/a", O_RDONLY), E_NOENT);
    host_writes("c", "replaced");
    assert_int_equal(vfs_rename(place("/mnt/b"), place("/mnt/c"), 0), E_OK);
    check_path("/mnt/c", "");
    assert_int_equal(vfs_rename(place("/mnt/c"), place("/mnt/dir"), 2 /* EXCHANGE */), E_INVAL);
    assert_int_equal(vfs_rename(place("/mnt/dir"), place("/mnt/moved"), 0), E_OK);
    assert_int_equal(vfs_remove_directory(place("/mnt/moved")), E_OK);
    assert_int_equal(vfs_make_symlink("../c", place("/mnt/link")), E_OK);
    assert_int_equal(dentry_lookup("/mnt/link", 0, &d), E_OK);
    assert_int_equal(vfs_read_link(HERE(d), text), E_OK);
    assert_string_equal(text, "../c");
    dentry_put(d);
    assert_int_equal(vfs_make_node(place("/mnt/fifo"), S_IFIFO | 0600, 0), E_OK);
    assert_int_equal(vfs_make_node(place("/mnt/device"), S_IFCHR | 0600, 259), E_PERM);
    assert_int_equal(vfs_rename(place("/mnt/c"), place("/c"), 0), E_XDEV);
    static const char *const left[] = {"/mnt/c", "/mnt/link", "/mnt/fifo"};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(vfs_unlink(place(left[i])), E_OK);
    assert_int_equal(vfs_unlink(place("/mnt/c")), E_NOENT);
}

static void test_directories_that_are_full(void **state)
{
    (void)state;
    assert_int_equal(vfs_make_directory(place("/mnt/dir"), 0755), E_OK);
    host_writes("dir/by the host", "");
    assert_int_equal(vfs_remove_directory(place("/mnt/dir")), E_NOTEMPTY);
    p9_model_remove(&model, "dir/by the host");
    assert_int_equal(vfs_remove_directory(place("/mnt/dir")), E_OK);
}

static void test_hard_links(void **state)
{
    (void)state;
    struct dentry *d;
    host_writes("a", "text");
    assert_int_equal(dentry_lookup("/mnt/a", 0, &d), E_OK);
    assert_int_equal(vfs_link(HERE(d), place("/mnt/b")), E_OK);
    assert_int_equal(d->inode->nlink, 2);
    struct inode *a = d->inode;
    dentry_put(d);
    assert_int_equal(dentry_lookup("/mnt/b", 0, &d), E_OK);
    assert_ptr_equal(d->inode, a);
    dentry_put(d);
    struct file *f = open_file("/mnt/b", O_RDWR);
    assert_int_equal(vfs_unlink(place("/mnt/a")), E_OK);
    put_at(f, 0, "TEXT");
    file_put(f);
    check_path("/mnt/b", "TEXT");
    assert_int_equal(dentry_lookup("/mnt/b", 0, &d), E_OK);
    assert_int_equal(d->inode->nlink, 1);
    dentry_put(d);
    p9_model_remove(&model, "b"); /* the other name, by the host */
    assert_int_equal(try_open("/mnt/b", O_RDONLY), E_NOENT);
}

static void test_open_files_without_a_name(void **state)
{
    (void)state;
    struct file *f = open_file("/mnt/gone", O_CREAT | O_RDWR);
    put_at(f, 0, "here");
    assert_int_equal(vfs_unlink(place("/mnt/gone")), E_OK);
    assert_null(p9_model_find(&model, "gone"));
    check_text(f, "here");
    put_at(f, 4, " still");
    check_text(f, "here still");
    assert_int_equal(f->inode->nlink, 0);
    host_writes("gone", "another of this name");
    assert_int_equal(vfs_truncate(f->dentry, 4), E_OK);
    check_text(f, "here");
    assert_int_equal(vfs_truncate(f->dentry, 6), E_OK);
    put_at(f, 6, "!");
    char got[16] = {0};
    uint64_t done;
    assert_int_equal(file_read_at(f, got, sizeof got, 0, &done), E_OK);
    assert_int_equal(done, 7);
    assert_memory_equal(got, "here\0\0!", 7);
    assert_int_equal(vfs_change_mode(f->dentry, 0400), E_OK);
    check_host("gone", "another of this name");
    p9_model_remove(&model, "gone");
    assert_int_equal(try_open("/mnt/gone", O_RDONLY), E_NOENT);
    file_put(f);
    /* Opened for writing, not written to until it has no name. */
    host_writes("late", "12345");
    f = open_file("/mnt/late", O_RDWR);
    assert_int_equal(vfs_unlink(place("/mnt/late")), E_OK);
    put_at(f, 0, "abc");
    check_text(f, "abc45");
    file_put(f);
    /* Opened for reading, not read until it has no name. */
    host_writes("read", "12345");
    f = open_file("/mnt/read", O_RDONLY);
    assert_int_equal(vfs_unlink(place("/mnt/read")), E_OK);
    check_text(f, "12345");
    file_put(f);
    /* Replaced. */
    host_writes("old", "old text");
    host_writes("new", "new text");
    f = open_file("/mnt/old", O_RDONLY);
    assert_int_equal(vfs_rename(place("/mnt/new"), place("/mnt/old"), 0), E_OK);
    check_text(f, "old text");
    check_path("/mnt/old", "new text");
    file_put(f);
}

enum {
    FILES = 800,
};

struct listing {
    unsigned room, count;
    bool seen[FILES];
};

static bool take_entry(void *context, const struct directory_entry *entry)
{
    struct listing *l = context;
    char name[64];
    unsigned number;
    if (entry->name[0] == '.')
        return true;
    if (l->room == 0)
        return false;
    l->room--;
    snprintf(name, sizeof name, "%.*s", (int)entry->length, entry->name);
    assert_int_equal(sscanf(name, "file%u", &number), 1);
    assert_true(number < FILES && !l->seen[number]);
    l->seen[number] = true;
    l->count++;
    return true;
}

/* Half of what was listed is removed meanwhile. */
static void remove_listed(const struct listing *l)
{
    char name[32];
    for (unsigned i = 1; i < FILES; i += 2) {
        snprintf(name, sizeof name, "file%u", i);
        if (l->seen[i])
            p9_model_remove(&model, name);
    }
}

static void test_large_directories(void **state)
{
    (void)state;
    static struct listing l;
    char name[32];
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "file%u", i);
        host_writes(name, "");
    }
    struct file *f = open_file("/mnt", O_RDONLY | O_DIRECTORY);
    memset(&l, 0, sizeof l);
    for (unsigned before = 1; before != l.count;) {
        before = l.count;
        l.room = 170;
        assert_int_equal(file_list(f, take_entry, &l), E_OK);
        if (before == 340)
            remove_listed(&l);
    }
    assert_int_equal(l.count, FILES);
    file_put(f);
}

static void test_attributes_change(void **state)
{
    (void)state;
    struct dentry *d;
    host_writes("file", "12345");
    assert_int_equal(dentry_lookup("/mnt/file", 0, &d), E_OK);
    assert_int_equal(vfs_change_mode(d, 0600), E_OK);
    assert_int_equal(p9_model_mode(p9_model_find(&model, "file")), S_IFREG | 0600);
    assert_int_equal(vfs_change_owner(d, 7, 8), E_OK);
    assert_int_equal(vfs_change_owner(d, 1000, UINT32_MAX), E_PERM);
    const struct vfs_times times = {{5, 6}, {7, 8}, true, true, false};
    assert_int_equal(vfs_change_times(d, &times), E_OK);
    assert_int_equal(vfs_truncate(d, 2), E_OK);
    check_host("file", "12");
    assert_int_equal(vfs_change_times(d, &times), E_OK);
    assert_int_equal(store_refresh(d->inode), E_OK);
    assert_int_equal(d->inode->modified.seconds, 7);
    assert_int_equal(d->inode->modified.nanoseconds, 8);
    dentry_put(d);
    check_path("/mnt/file", "12");
}

static void test_errors_reach_the_program(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        uint32_t error;
    } errors[] = {{P9_LCREATE, EROFS}, {P9_LCREATE, ENOSPC}, {P9_LCREATE, EACCES}};
    for (size_t i = 0; i < 3; i++) {
        model.lie = P9_LIE_ERROR;
        model.lie_type = errors[i].type;
        model.error = errors[i].error;
        assert_int_equal(try_open("/mnt/new", O_CREAT | O_RDWR), errors[i].error);
        model.lie = P9_HONEST;
        assert_int_equal(try_open("/mnt/new", O_RDWR), E_NOENT);
    }
    host_writes("file", "12345");
    struct file *f = open_file("/mnt/file", O_RDWR);
    put_at(f, 0, "x");
    model.lie = P9_LIE_ERROR;
    model.lie_type = P9_WRITE;
    model.error = ENOSPC;
    assert_int_equal(f->ops->sync(f, 0, UINT64_MAX, FILE_SYNC_ALL), E_NOSPC);
    model.lie = P9_HONEST;
    assert_int_equal(f->ops->sync(f, 0, UINT64_MAX, FILE_SYNC_ALL), E_OK); /* told once */
    file_put(f);
    check_host("file", "12345");
    static const uint8_t changes[] = {P9_MKDIR, P9_UNLINKAT, P9_RENAMEAT, P9_SYMLINK};
    for (size_t i = 0; i < sizeof changes; i++) {
        model.lie = P9_LIE_ERROR;
        model.lie_type = changes[i];
        model.error = EROFS;
        enum err e = changes[i] == P9_MKDIR      ? vfs_make_directory(place("/mnt/d"), 0755)
                     : changes[i] == P9_UNLINKAT ? vfs_unlink(place("/mnt/file"))
                     : changes[i] == P9_RENAMEAT
                         ? vfs_rename(place("/mnt/file"), place("/mnt/b"), 0)
                         : vfs_make_symlink("x", place("/mnt/l"));
        assert_int_equal(e, E_ROFS);
        model.lie = P9_HONEST;
    }
    check_path("/mnt/file", "12345");
    assert_int_equal(try_open("/mnt/d", O_RDONLY), E_NOENT);
}

static void test_contents_are_cached(void **state)
{
    (void)state;
    static char text[200];
    memset(text, 't', sizeof text - 1);
    host_writes("file", text);
    check_path("/mnt/file", text);
    unsigned reads = model.messages[P9_READ], opens = model.messages[P9_LOPEN];
    check_path("/mnt/file", text);
    assert_int_equal(model.messages[P9_READ], reads);
    assert_int_equal(model.messages[P9_LOPEN], opens);
    /* What was written here is not read again, and its time is the program's. */
    struct file *f = open_file("/mnt/new", O_CREAT | O_RDWR);
    for (unsigned i = 0; i < 100; i++)
        put_at(f, i * 100, text);
    assert_int_equal(model.messages[P9_WRITE], 0);
    struct fs_time written = f->inode->modified;
    assert_int_equal(f->ops->sync(f, 0, UINT64_MAX, FILE_SYNC_ALL), E_OK);
    assert_int_equal(model.messages[P9_WRITE], 1);
    assert_int_equal(model.messages[P9_FSYNC], 1);
    file_put(f);
    f = open_file("/mnt/new", O_RDONLY);
    assert_int_equal(f->inode->modified.seconds, written.seconds);
    assert_int_equal(f->inode->modified.nanoseconds, written.nanoseconds);
    assert_int_equal(f->inode->size, 99 * 100 + 199);
    check_start(f, text);
    assert_int_equal(model.messages[P9_READ], reads);
    file_put(f);
    /* Times that the program sets are not those of a later write-back. */
    f = open_file("/mnt/new", O_RDWR);
    put_at(f, 0, "x");
    const struct vfs_times times = {{5, 6}, {7, 8}, true, true, false};
    assert_int_equal(vfs_change_times(f->dentry, &times), E_OK);
    file_put(f);
    assert_int_equal(vfs_sync(true), E_OK);
    f = open_file("/mnt/new", O_RDONLY);
    assert_int_equal(f->inode->modified.seconds, 7);
    file_put(f);
}

/* Changes here and there that meet. */
static void test_the_host_changes_an_open_file(void **state)
{
    (void)state;
    host_writes("file", "12345");
    struct file *f = open_file("/mnt/file", O_RDWR);
    check_text(f, "12345");
    host_writes("file", "abcdefgh");
    check_path("/mnt/file", "abcdefgh"); /* by another open() */
    check_text(f, "abcdefgh");
    host_writes("file", "ab");
    assert_int_equal(store_refresh(f->inode), E_OK);
    native_clock += NS_PER_SECOND;
    assert_int_equal(store_refresh(f->inode), E_OK);
    check_text(f, "ab");
    put_at(f, 0, "AB"); /* not written back: the host's later size does not count */
    host_writes("file", "of the host");
    native_clock += NS_PER_SECOND;
    assert_int_equal(store_refresh(f->inode), E_OK);
    check_text(f, "AB");
    file_put(f);
}

static void test_mounts(void **state)
{
    (void)state;
    struct mount_source from = {"share", "", 0};
    assert_int_equal(vfs_make_directory(place("/other"), 0755), E_OK);
    assert_int_equal(vfs_mount_new("/other", "9p", &from), E_BUSY);
    from.source = "nothing";
    assert_int_equal(vfs_mount_new("/other", "9p", &from), E_INVAL);
    unmount_share();
    from = (struct mount_source){"share", "trans=fd", 0};
    assert_int_equal(vfs_mount_new("/mnt", "9p", &from), E_INVAL);
    from = (struct mount_source){"share", "", MS_RDONLY};
    assert_int_equal(vfs_mount_new("/mnt", "9p", &from), E_OK);
    host_writes("file", "12345");
    check_path("/mnt/file", "12345");
    assert_int_equal(try_open("/mnt/file", O_RDWR), E_ROFS);
    assert_int_equal(vfs_unlink(place("/mnt/file")), E_ROFS);
    unmount_share();
    model.lie = P9_LIE_CUT;
    from.flags = 0;
    assert_int_equal(vfs_mount_new("/mnt", "9p", &from), E_IO);
    model.lie = P9_HONEST;
    mount_share();
}

int main(void)
{
#define SHARE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        SHARE_TEST(test_files_of_the_host),
        SHARE_TEST(test_files_of_the_program),
        SHARE_TEST(test_the_host_changes_a_file),
        SHARE_TEST(test_numbers_that_are_used_again),
        SHARE_TEST(test_names),
        SHARE_TEST(test_directories_that_are_full),
        SHARE_TEST(test_hard_links),
        SHARE_TEST(test_open_files_without_a_name),
        SHARE_TEST(test_large_directories),
        SHARE_TEST(test_attributes_change),
        SHARE_TEST(test_contents_are_cached),
        SHARE_TEST(test_the_host_changes_an_open_file),
        SHARE_TEST(test_errors_reach_the_program),
        SHARE_TEST(test_mounts),
    };
    return cmocka_run_group_tests(tests, begin_all, NULL);
}
