/* SPDX-License-Identifier: MIT */
/* Owners of files and the bits that set ids: chmod(2), chown(2), mknod(2), link(2), write(2). */
#include "fs_native.h"
#include "native.h"
#include "unit.h"
#include "dentries.h"

#include "fs/ram/ramfs.h"
#include "fs/vfs/context.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/vfs.h"

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

static struct vfs_place place(const char *path)
{
    return (struct vfs_place){NULL, path};
}

static enum err make(const char *path)
{
    return vfs_make_node(place(path), S_IFREG | 0644, 0);
}

static uint32_t mode_of(const char *path)
{
    struct dentry *d;
    assert_int_equal(dentry_lookup(path, 0, &d), E_OK);
    uint32_t mode = d->inode->mode & MODE_ALL;
    dentry_put(d);
    return mode;
}

static enum err change(const char *path, uint32_t mode, uint32_t uid, uint32_t gid)
{
    struct dentry *d;
    assert_int_equal(dentry_lookup(path, 0, &d), E_OK);
    enum err e = mode != UINT32_MAX ? vfs_change_mode(d, mode) : vfs_change_owner(d, uid, gid);
    dentry_put(d);
    return e;
}

/* chmod(2), chown(2), write(2) and truncate(2) as a user with one more group, 300. */
static void test_owners_and_set_ids(void **state)
{
    (void)state;
    const uint32_t keep = UINT32_MAX;
    struct group_list *list = group_list_new(1);
    list->id[0] = 300;
    struct credentials user = {
        .references = 1, .uid = {1000, 1000, 1000, 1000}, .gid = {100, 100, 100, 100}};
    credentials_set_groups(&user, list);
    assert_int_equal(make("/f"), E_OK);
    assert_int_equal(make("/other"), E_OK);
    assert_int_equal(change("/f", keep, 1000, 100), E_OK);
    assert_int_equal(change("/other", 0604, 0, 0), E_OK);
    native_credentials = &user;
    assert_int_equal(change("/f", 06755, 0, 0), E_OK);
    assert_int_equal(mode_of("/f"), 06755);
    assert_int_equal(change("/f", keep, 7, keep), E_PERM);
    assert_int_equal(change("/f", keep, keep, 7), E_PERM);
    assert_int_equal(change("/f", keep, 1000, 300), E_OK);
    assert_int_equal(mode_of("/f"), 0755);
    assert_int_equal(change("/other", 0777, 0, 0), E_PERM);
    assert_int_equal(change("/other", keep, keep, keep), E_OK);
    native_credentials = &credentials_first;
    assert_int_equal(change("/f", keep, keep, 7), E_OK);
    native_credentials = &user;
    assert_int_equal(change("/f", 02755, 0, 0), E_OK); /* of a group of others */
    assert_int_equal(mode_of("/f"), 0755);
    native_credentials = &credentials_first;
    assert_int_equal(change("/f", 06755, 0, 0), E_OK);
    native_credentials = &user;
    struct file *file;
    assert_int_equal(vfs_open(NULL, "/f", O_WRONLY, 0, &file), E_OK);
    assert_int_equal(mode_of("/f"), 06755);
    struct io io = io_kernel("x", 1);
    uint64_t done;
    assert_int_equal(file_write(file, &io, &file->offset, &done), E_OK);
    assert_int_equal(mode_of("/f"), 0755);
    file_put(file);
    assert_int_equal(change("/f", 04755, 0, 0), E_OK);
    assert_int_equal(vfs_open(NULL, "/f", O_WRONLY | O_TRUNC, 0, &file), E_OK);
    assert_int_equal(mode_of("/f"), 0755);
    file_put(file);
    native_credentials = &credentials_first;
    credentials_set_groups(&user, NULL);
}

/* mknod(2), link(2), and the group of new files in a set-group-ID directory. */
static void test_new_names(void **state)
{
    (void)state;
    const struct credentials user = {.uid = {1000, 1000, 1000, 1000}, .gid = {100, 100, 100, 100}};
    fs_current()->umask = 0;
    assert_int_equal(vfs_make_directory(place("/d"), 0777), E_OK);
    assert_int_equal(change("/d", UINT32_MAX, 0, 300), E_OK);
    assert_int_equal(change("/d", 02777, 0, 0), E_OK);
    assert_int_equal(make("/roots"), E_OK);
    native_credentials = &user;
    assert_int_equal(vfs_make_directory(place("/d/sub"), 0755), E_OK);
    assert_int_equal(mode_of("/d/sub"), 02755);
    assert_int_equal(vfs_make_node(place("/d/runs"), S_IFREG | 02755, 0), E_OK);
    assert_int_equal(mode_of("/d/runs"), 0755);
    struct dentry *d;
    assert_int_equal(dentry_lookup("/d/runs", 0, &d), E_OK);
    assert_int_equal(d->inode->gid, 300);
    assert_int_equal(d->inode->uid, 1000);
    dentry_put(d);
    assert_int_equal(vfs_make_node(place("/d/dev"), S_IFCHR | 0600, 0x103), E_PERM);
    assert_int_equal(vfs_make_node(place("/dev"), S_IFCHR | 0600, 0x103), E_ACCES);
    assert_int_equal(vfs_make_node(place("/roots"), S_IFCHR | 0600, 0x103), E_EXIST);
    assert_int_equal(vfs_make_node(place("/d/pipe"), S_IFIFO | 0600, 0), E_OK);
    assert_int_equal(dentry_lookup("/roots", 0, &d), E_OK);
    assert_int_equal(vfs_link(HERE(d), place("/d/link")), E_PERM);
    native_credentials = &credentials_first;
    assert_int_equal(vfs_link(HERE(d), place("/d/link")), E_OK);
    dentry_put(d);
    fs_current()->umask = 022;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_owners_and_set_ids),
        T(test_new_names),
    };
    return RUN_TESTS(tests);
}
