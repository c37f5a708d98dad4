/* SPDX-License-Identifier: MIT */
/* VFS over a stored file system (fs/vfs/store.h), and mounts. */
#include "fake_store.h"
#include "dentries.h"

#include "fs/vfs/vfs_create.h"
#include "fs/vfs/xattr.h"
#include "mm/phys/shrinker.h"

#include <stdio.h>
#include <string.h>

static void test_names_come_from_the_medium(void **state)
{
    (void)state;
    assert_int_equal(exists("/m/a"), E_NOENT);
    assert_int_equal(vfs_make_directory(at("/m/d"), 0755), E_OK);
    assert_int_equal(make("/m/d/f"), E_OK);
    assert_int_equal(vfs_make_symlink("d/f", at("/m/l")), E_OK);
    assert_int_equal(make("/m/d/f"), E_EXIST);
    check_store();
    unsigned before = calls;
    assert_int_equal(exists("/m/d/f"), E_OK);
    assert_int_equal(calls, before); /* all are in the cache */
    struct dentry *held, *dentry;
    assert_int_equal(dentry_lookup("/m/d", 0, &held), E_OK);
    assert_true(native_shrinker->shrink());
    assert_true(held->linked); /* what is used stays */
    assert_int_equal(mounted->inodes.count, 2);
    dentry_put(held);
    assert_true(native_shrinker->shrink());
    assert_int_equal(mounted->inodes.count, 1);
    assert_int_equal(dentry_lookup("/m/l", WALK_FOLLOW, &dentry), E_OK);
    assert_int_equal(calls, before + 3);
    assert_int_equal(dentry->inode->mode, S_IFREG | 0644);
    assert_string_equal(dentry->name, "f");
    dentry_put(dentry);
    check_store();
}

/* A name that a walk did not find is not looked up again to be created, until names were added. */
static void test_a_missed_name_is_not_looked_up_twice(void **state)
{
    (void)state;
    struct file *file;
    assert_int_equal(vfs_open(NULL, "/m/new", O_RDONLY, 0, &file), E_NOENT);
    assert_int_equal(calls, 1);
    assert_int_equal(make("/m/new"), E_OK);
    assert_int_equal(calls, 2); /* create() alone */
    assert_int_equal(exists("/m/new"), E_OK);
    check_store();
}

static void test_listing_survives_changes(void **state)
{
    (void)state;
    struct file *file;
    char path[16];
    for (int i = 0; i < 10; i++) {
        snprintf(path, sizeof path, "/m/f%d", i);
        assert_int_equal(make(path), E_OK);
    }
    assert_int_equal(vfs_open(NULL, "/m", O_RDONLY | O_DIRECTORY, 0, &file), E_OK);
    struct seen seen = {.most = 5};
    assert_int_equal(file_list(file, see, &seen), E_OK);
    assert_string_equal(seen.names[4], "f2");
    assert_int_equal(vfs_unlink(at("/m/f1")), E_OK);
    assert_int_equal(vfs_unlink(at("/m/f4")), E_OK);
    assert_int_equal(make("/m/g"), E_OK);
    seen.most = ENTRIES;
    assert_int_equal(file_list(file, see, &seen), E_OK);
    assert_int_equal(seen.count, 12);
    assert_string_equal(seen.names[5], "f3");
    assert_string_equal(seen.names[6], "f5");
    assert_string_equal(seen.names[11], "g");
    file->offset = 0;
    fail_in = 1;
    failure = E_IO;
    seen.count = 0;
    assert_int_equal(file_list(file, see, &seen), E_OK); /* the dots; then the error stands alone */
    fail_in = 1;
    assert_int_equal(file_list(file, see, &seen), E_IO);
    file_put(file);
}

static void test_removed_files_live_until_they_are_closed(void **state)
{
    (void)state;
    struct location held;
    assert_int_equal(make("/m/x"), E_OK);
    assert_int_equal(walk_lookup(NULL, "/m/x", 0, &held), E_OK);
    unsigned file = number(held.dentry->inode);
    assert_int_equal(vfs_unlink(at("/m/x")), E_OK);
    assert_int_equal(evictions, 0);
    assert_int_equal(make("/m/x"), E_OK); /* another */
    assert_int_not_equal(entry_at(1, "x", 1)->file, file);
    assert_int_equal(medium[file].nlink, 0);
    assert_int_not_equal(medium[file].mode, 0);
    assert_int_equal(vfs_unmount("/m", 0), E_BUSY);
    location_put(&held); /* cannot sleep: the thread evicts it */
    assert_int_not_equal(medium[file].mode, 0);
    store_reap(mounted, false);
    assert_int_equal(medium[file].mode, 0);
    assert_int_equal(evictions, 1);
    assert_int_equal(vfs_unlink(at("/m/x")), E_OK); /* not used: evicted at once */
    assert_int_equal(evictions, 2);
    check_store();
}

static void test_temporary_files(void **state)
{
    (void)state;
    struct inode *inode;
    struct dentry *directory, *dentry;
    assert_int_equal(dentry_lookup("/m", 0, &directory), E_OK);
    assert_int_equal(vfs_create_inode(directory, S_IFREG | 0600, 0, &inode), E_OK);
    inode->linkable = true;
    assert_int_equal(dentry_alloc(directory, "#", 1, inode, &dentry), E_OK);
    inode_put(inode);
    assert_int_equal(vfs_link(HERE(dentry), at("/m/t")), E_OK);
    dentry_put(dentry);
    store_reap(mounted, false);
    assert_int_equal(exists("/m/t"), E_OK);
    assert_int_equal(vfs_create_inode(directory, S_IFREG | 0600, 0, &inode), E_OK);
    unsigned file = number(inode);
    inode_put(inode);
    store_reap(mounted, false);
    assert_int_equal(medium[file].mode, 0);
    dentry_put(directory);
    check_store();
}

static void test_lazy_times_reach_the_medium(void **state)
{
    (void)state;
    struct dentry *held;
    assert_int_equal(make("/m/x"), E_OK);
    assert_int_equal(dentry_lookup("/m/x", 0, &held), E_OK);
    unsigned file = number(held->inode);
    inode_touch_modified(held->inode);
    store_inode_dirty(held->inode);
    assert_true(inode_differs(held->inode));
    struct fs_time modified = held->inode->modified;
    fail_in = 1;
    failure = E_IO;
    assert_int_equal(vfs_sync(true), E_IO);
    store_inode_dirty(held->inode);
    assert_int_equal(vfs_sync(true), E_OK);
    assert_false(inode_differs(held->inode));
    inode_touch_modified(held->inode);
    modified = held->inode->modified;
    store_inode_dirty(held->inode);
    dentry_put(held);
    native_shrinker->shrink(); /* cannot drop it without a write: it is for the thread */
    assert_memory_not_equal(&medium[file].modified, &modified, sizeof modified);
    store_reap(mounted, false);
    assert_memory_equal(&medium[file].modified, &modified, sizeof modified);
    check_store();
}

static void test_attributes(void **state)
{
    (void)state;
    struct dentry *dentry;
    const void *value;
    size_t size;
    assert_int_equal(make("/m/x"), E_OK);
    assert_int_equal(dentry_lookup("/m/x", 0, &dentry), E_OK);
    fail_in = 1;
    failure = E_NOSPC;
    char bytes[] = "1234";
    assert_int_equal(xattr_set(dentry, "user.a", (struct xattr_value){bytes, 4, 0}), E_NOSPC);
    assert_int_equal(xattr_get(dentry->inode, "user.a", &value, &size), E_NODATA);
    assert_int_equal(xattr_set(dentry, "user.a", (struct xattr_value){bytes, 4, 0}), E_OK);
    fail_in = 1;
    assert_int_equal(xattr_set(dentry, "user.a", (struct xattr_value){0}), E_NOSPC);
    dentry_put(dentry);
    native_shrinker->shrink();
    assert_int_equal(dentry_lookup("/m/x", 0, &dentry), E_OK);
    assert_int_equal(xattr_get(dentry->inode, "user.a", &value, &size), E_OK);
    assert_memory_equal(value, "1234", 4);
    fail_in = 1;
    failure = E_IO;
    assert_int_equal(vfs_change_mode(dentry, 0600), E_IO);
    assert_int_equal(dentry->inode->mode, S_IFREG | 0644);
    assert_int_equal(vfs_change_mode(dentry, 0600), E_OK);
    check_store();
    dentry_put(dentry);
}

static void test_readonly(void **state)
{
    (void)state;
    struct dentry *dentry;
    struct file *file;
    assert_int_equal(make("/m/x"), E_OK);
    assert_int_equal(vfs_make_directory(at("/m/d"), 0755), E_OK);
    assert_int_equal(mount_fake(MS_REMOUNT | MS_RDONLY), E_OK);
    assert_true(medium_readonly);
    assert_int_equal(make("/m/y"), E_ROFS);
    assert_int_equal(make("/m/x"), E_EXIST);
    assert_int_equal(vfs_make_directory(at("/m/y"), 0755), E_ROFS);
    assert_int_equal(vfs_make_symlink("a", at("/m/y")), E_ROFS);
    assert_int_equal(vfs_unlink(at("/m/x")), E_ROFS);
    assert_int_equal(vfs_unlink(at("/m/none")), E_ROFS);
    assert_int_equal(vfs_remove_directory(at("/m/d")), E_ROFS);
    assert_int_equal(vfs_rename(at("/m/x"), at("/m/y"), 0), E_ROFS);
    assert_int_equal(vfs_open(NULL, "/m/y", O_RDWR | O_CREAT, 0644, &file), E_ROFS);
    assert_int_equal(vfs_open(NULL, "/m/x", O_RDWR, 0, &file), E_ROFS);
    assert_int_equal(vfs_open(NULL, "/m", O_TMPFILE | O_RDWR, 0600, &file), E_ROFS);
    assert_int_equal(dentry_lookup("/m/x", 0, &dentry), E_OK);
    assert_int_equal(vfs_link(HERE(dentry), at("/m/y")), E_ROFS);
    assert_int_equal(vfs_change_mode(dentry, 0600), E_ROFS);
    assert_int_equal(vfs_change_owner(dentry, 1, 1), E_ROFS);
    assert_int_equal(vfs_change_times(dentry, &(struct vfs_times){.now = true}), E_ROFS);
    char bytes[] = "1234";
    assert_int_equal(xattr_set(dentry, "user.a", (struct xattr_value){bytes, 4, 0}), E_ROFS);
    dentry_put(dentry);
    unsigned before = changes;
    assert_int_equal(vfs_open(NULL, "/m", O_RDONLY | O_DIRECTORY, 0, &file), E_OK);
    struct seen seen = {.most = ENTRIES};
    assert_int_equal(file_list(file, see, &seen), E_OK);
    assert_int_equal(mount_fake(MS_REMOUNT), E_OK); /* an open directory does not hinder */
    file_put(file);
    assert_int_equal(vfs_sync(true), E_OK);
    assert_int_equal(changes, before); /* atime stays on a read-only file system */
    assert_int_equal(make("/m/y"), E_OK);
    check_store();
}

static void test_mounts(void **state)
{
    (void)state;
    const struct mount_source none = {"none", "size=64k,mode=700", 0};
    struct inode inode;
    assert_int_equal(vfs_make_directory(at("/m/d"), 0755), E_OK);
    assert_int_equal(vfs_mount_new("/m/none", "tmpfs", &none), E_NOENT);
    assert_int_equal(vfs_mount_new("/m/d", "nothing", &none), E_NODEV);
    assert_int_equal(vfs_mount_new("/m/d", "tmpfs", &(struct mount_source){"none", "what=1", 0}),
                     E_INVAL);
    assert_int_equal(vfs_mount_new("/m/d", "fake", &(struct mount_source){"medium", "", 0}),
                     E_BUSY);
    assert_int_equal(vfs_mount_new("/m/d", "tmpfs", &none), E_OK);
    assert_int_equal(stat_of("/m/d", &inode), E_OK);
    assert_int_equal(inode.mode, S_IFDIR | 0700);
    assert_int_equal(make("/m/d/f"), E_OK);
    assert_int_equal(vfs_remove_directory(at("/m/d")), E_BUSY);
    assert_int_equal(vfs_unmount("/m", 0), E_BUSY);
    assert_int_equal(vfs_unmount("/m/d/f", 0), E_INVAL);
    native_shrinker->shrink(); /* a name with a mount stays */
    assert_int_equal(exists("/m/d/f"), E_OK);
    /* The fake one refuses sources that it does not know, and tmpfs, which takes all, is not tried. */
    assert_int_equal(vfs_mount_any("/", &(struct mount_source){"none", "", 0}), E_INVAL);
    struct location held;
    assert_int_equal(walk_lookup(NULL, "/m/d/f", 0, &held), E_OK);
    struct filesystem *fs = held.dentry->inode->fs;
    assert_int_equal(vfs_unmount("/m/d", 0), E_BUSY);
    assert_int_equal(vfs_unmount("/m/d", MNT_DETACH), E_OK);
    assert_int_equal(exists("/m/d/f"), E_NOENT);
    assert_int_equal(fs->mounts, 1); /* which is not in the tree, and goes with what is held */
    location_put(&held);
    assert_int_equal(fs->mounts, 0);
    assert_true(vfs_reap_wanted);
    assert_false(vfs_reap_detached());
    uint32_t before = mount_changes;
    for (int i = 0; i < 20; i++) /* more than ever were */
        assert_int_equal(vfs_mount_new("/m/d", "tmpfs", &none), E_OK);
    assert_int_equal(mount_changes, before + 20);
    for (int i = 0; i < 20; i++)
        assert_int_equal(vfs_unmount("/m/d", 0), E_OK);
    check_store();
}

static void test_the_end_of_the_machine(void **state)
{
    (void)state;
    struct dentry *held;
    assert_int_equal(make("/m/x"), E_OK);
    assert_int_equal(dentry_lookup("/m/x", 0, &held), E_OK);
    unsigned file = number(held->inode);
    assert_int_equal(vfs_unlink(at("/m/x")), E_OK);
    struct store *store = mounted;
    vfs_shut_down();
    assert_null(mounted);
    assert_true(store->locked && store->ended);
    assert_int_equal(medium[file].mode, 0); /* a removed file is off the medium, used or not */
    vfs_shut_down();
    /* The rest of the machine ends without it; here its memory is given back. */
    mounted = store;
    store->ended = store->locked = false;
    stored_of(held->inode)->evicting = true;
    inode_put(held->inode);
    dentry_put(held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names_come_from_the_medium, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_a_missed_name_is_not_looked_up_twice, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_listing_survives_changes, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_removed_files_live_until_they_are_closed, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_temporary_files, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_lazy_times_reach_the_medium, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_attributes, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_readonly, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_mounts, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_the_end_of_the_machine, fake_setup, fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
