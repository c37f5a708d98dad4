/* SPDX-License-Identifier: MIT */
/*
 * Operations of a stored file system that fail, or that sleep while another thread changes the same names: memory and
 * medium agree afterwards.
 */
#include "fake_store.h"
#include "dentries.h"

#include "fs/vfs/vfs_create.h"
#include "fs/vfs/xattr.h"
#include "mm/phys/shrinker.h"

#include <stdio.h>
#include <string.h>

/* Each operation fails once with each error, in turn, with nothing changed; then it succeeds. */
static enum err do_step(unsigned step)
{
    switch (step) {
    case 0:
        return vfs_make_directory(at("/m/d"), 0755);
    case 1:
        return make("/m/d/a");
    case 2:
        return vfs_make_symlink("a", at("/m/d/l"));
    case 3: {
        struct dentry *target;
        enum err e = dentry_lookup("/m/d/a", 0, &target);
        if (e != E_OK)
            return e;
        e = vfs_link(HERE(target), at("/m/b"));
        dentry_put(target);
        return e;
    }
    case 4:
        return vfs_rename(at("/m/b"), at("/m/c"), 0);
    case 5:
        return vfs_rename(at("/m/c"), at("/m/d/l"), RENAME_EXCHANGE);
    case 6:
        return vfs_rename(at("/m/c"), at("/m/d/a"), 0);
    case 7:
        return vfs_unlink(at("/m/d/l"));
    case 8: {
        struct dentry *target;
        enum err e = dentry_lookup("/m/d/a", 0, &target);
        if (e != E_OK)
            return e;
        e = vfs_change_owner(target, 3, 4);
        if (e == E_OK)
            e = xattr_set(target, "user.a", (struct xattr_value){"1234", 4, 0});
        dentry_put(target);
        return e == E_PERM ? E_OK : e; /* not of a symbolic link */
    }
    case 9:
        return vfs_unlink(at("/m/d/a"));
    case 10:
        return vfs_remove_directory(at("/m/d"));
    default:
        return E_INVAL;
    }
}

static void test_errors_change_nothing(void **state)
{
    (void)state;
    static const enum err errors[] = {E_IO, E_NOMEM, E_NOSPC};
    for (unsigned step = 0; step < 11; step++) {
        for (unsigned i = 0; i < ARRAY_LENGTH(errors); i++) {
            struct medium_file before[FILES];
            memcpy(before, medium, sizeof before);
            native_shrinker->shrink();
            for (int operation = 1;; operation++) {
                fail_in = operation;
                failure = errors[i];
                enum err e = do_step(step);
                bool failed = fail_in == 0;
                fail_in = 0;
                if (!failed)
                    break;
                assert_int_equal(e, errors[i]);
                if (step != 8) /* two changes */
                    assert_memory_equal(medium, before, sizeof before);
                check_store();
                native_shrinker->shrink();
            }
            check_store();
            if (i + 1 < ARRAY_LENGTH(errors)) {
                /* Back to before the step, for the next error. */
                assert_int_equal(vfs_unmount("/m", 0), E_OK);
                memcpy(medium, before, sizeof before);
                assert_int_equal(mount_fake(0), E_OK);
            }
        }
    }
    assert_true(is_empty(1));
    for (unsigned i = 2; i < FILES; i++)
        assert_int_equal(medium[i].mode, 0);
}

static void test_short_of_memory(void **state)
{
    (void)state;
    for (unsigned step = 0; step < 11; step++) {
        enum err e = E_NOMEM;
        for (long successes = 0; e != E_OK; successes++) {
            native_shrinker->shrink();
            native_heap_fail_after(successes);
            e = do_step(step);
            native_heap_fail_after(-1);
            assert_true(e == E_OK || e == E_NOMEM);
            check_store();
        }
    }
}

/* Another thread changes the name between walk and lock. */

static void other_creates(void)
{
    assert_int_equal(make("/m/x"), E_OK);
}

static void other_removes(void)
{
    assert_int_equal(vfs_unlink(at("/m/x")), E_OK);
}

static void other_replaces(void)
{
    assert_int_equal(vfs_unlink(at("/m/x")), E_OK);
    assert_int_equal(vfs_make_directory(at("/m/x"), 0700), E_OK);
}

static void other_moves_away(void)
{
    assert_int_equal(vfs_rename(at("/m/x"), at("/m/y"), 0), E_OK);
    assert_int_equal(make("/m/x"), E_OK);
}

static void other_removes_directory(void)
{
    assert_int_equal(vfs_remove_directory(at("/m/d")), E_OK);
}

static void test_a_name_appears_meanwhile(void **state)
{
    (void)state;
    struct file *file;
    assert_int_equal(exists("/m/x"), E_NOENT);
    /* The walk itself waits for the lock here, and finds the file. */
    interrupted_by(other_creates);
    assert_int_equal(make("/m/x"), E_EXIST);
    assert_int_equal(vfs_unlink(at("/m/x")), E_OK);
    interrupted_by(other_creates);
    assert_int_equal(vfs_open(NULL, "/m/x", O_RDONLY | O_CREAT | O_EXCL, 0644, &file), E_EXIST);
    assert_int_equal(vfs_unlink(at("/m/x")), E_OK);
    interrupted_by(other_creates);
    assert_int_equal(vfs_open(NULL, "/m/x", O_RDONLY | O_CREAT, 0600, &file), E_NXIO);
    struct inode inode;
    assert_int_equal(stat_of("/m/x", &inode), E_OK);
    assert_int_equal(inode.mode & 0777, 0644);
    check_store();
}

/* A walk that has ended, as that of a call that waits for the lock of the creation. */
static void test_a_name_appears_after_the_walk(void **state)
{
    (void)state;
    struct walk walk;
    struct dentry *dentry;
    assert_int_equal(walk_path(NULL, "/m/x", 0, &walk), E_OK);
    interrupted_by(other_creates);
    assert_int_equal(vfs_create_child(&walk, S_IFREG | 0600, 0, &dentry), E_EXIST);
    walk_end(&walk);
    check_store();
}

static void test_a_name_vanishes_meanwhile(void **state)
{
    (void)state;
    assert_int_equal(make("/m/x"), E_OK);
    interrupted_by(other_removes);
    assert_int_equal(vfs_unlink(at("/m/x")), E_NOENT);
    check_store();
    assert_int_equal(make("/m/x"), E_OK);
    interrupted_by(other_removes);
    assert_int_equal(vfs_rename(at("/m/x"), at("/m/z"), 0), E_NOENT);
    check_store();
    assert_int_equal(make("/m/x"), E_OK);
    interrupted_by(other_replaces);
    assert_int_equal(vfs_unlink(at("/m/x")), E_ISDIR);
    check_store();
    assert_int_equal(vfs_remove_directory(at("/m/x")), E_OK);
    assert_int_equal(make("/m/x"), E_OK);
    interrupted_by(other_moves_away);
    assert_int_equal(vfs_unlink(at("/m/x")), E_OK); /* the new one */
    assert_int_equal(exists("/m/y"), E_OK);
    assert_int_equal(exists("/m/x"), E_NOENT);
    check_store();
    assert_int_equal(vfs_make_directory(at("/m/d"), 0755), E_OK);
    interrupted_by(other_removes_directory);
    assert_int_equal(make("/m/d/f"), E_NOENT);
    check_store();
}

/* Random steps of two threads, with random failures. */

static uint32_t random_state;

static uint32_t pick(uint32_t below)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % below;
}

static const char *some_path(char *to)
{
    static const char *const folders[] = {"/m", "/m/d", "/m/e", "/m/d/g"};
    static const char *const names[] = {"a", "b", "c", "d", "e", "g"};
    snprintf(to, 32, "%s/%s", folders[pick(4)], names[pick(6)]);
    return to;
}

static void random_step(void)
{
    char a[32], b[32];
    struct dentry *dentry;
    enum err e = E_OK;
    some_path(a);
    some_path(b);
    switch (pick(10)) {
    case 0:
        e = make(a);
        break;
    case 1:
    case 2:
        e = vfs_make_directory(at(a), 0755);
        break;
    case 3:
        e = vfs_unlink(at(a));
        break;
    case 4:
        e = vfs_remove_directory(at(a));
        break;
    case 5:
        e = vfs_rename(at(a), at(b), 0);
        break;
    case 6:
        e = vfs_rename(at(a), at(b), RENAME_EXCHANGE);
        break;
    case 7:
        e = dentry_lookup(a, 0, &dentry);
        if (e == E_OK) {
            e = vfs_link(HERE(dentry), at(b));
            dentry_put(dentry);
        }
        break;
    case 8:
        e = dentry_lookup(a, 0, &dentry);
        if (e == E_OK) {
            e = vfs_change_mode(dentry, pick(010) * 0100 | 0111);
            dentry_put(dentry);
        }
        break;
    default:
        if (pick(2))
            store_names_prune(store_first, pick(8), 8);
        else
            native_shrinker->shrink();
    }
    (void)e;
}

static void test_random_steps(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        random_state = i;
        fail_in = pick(4) == 0 ? 1 + (int)pick(3) : 0;
        failure = pick(2) ? E_IO : E_NOSPC;
        if (pick(3) == 0)
            interrupted_by(random_step);
        random_step();
        fail_in = 0;
        not_interrupted();
        check_store();
    }
    store_reap(mounted, false);
    unsigned named = 0;
    for (unsigned i = 1; i < FILES; i++)
        for (unsigned j = 0; j < ENTRIES; j++)
            named += medium[i].entries[j].name[0] != '\0';
    for (unsigned i = 2; i < FILES; i++)
        assert_true(medium[i].mode == 0 || medium[i].nlink > 0); /* nothing is lost */
    assert_true(named > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_errors_change_nothing, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_short_of_memory, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_a_name_appears_meanwhile, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_a_name_appears_after_the_walk, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_a_name_vanishes_meanwhile, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_random_steps, fake_setup, fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
