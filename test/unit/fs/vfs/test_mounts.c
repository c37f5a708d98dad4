/* SPDX-License-Identifier: MIT */
/* The tree of mounts: random changes keep its invariants and leave no memory; a shortage of memory changes nothing. What the calls
 * answer is compared with Linux by test/programs/file/binds.c. */
#include "unit.h"
#include "fs_native.h"
#include "native.h"
#include "vfs_names.h"

#include "fs/ram/ramfs.h"
#include "fs/vfs/context.h"
#include "fs/vfs/mount_tree.h"
#include "mm/heap/heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct filesystem root;
static size_t live_before;
static unsigned systems; /* file systems of the type below */

static void memory_end(struct filesystem *fs)
{
    systems--;
    heap_free(fs);
}

static enum err memory_mount(const struct mount_source *from, struct filesystem **out)
{
    (void)from;
    struct filesystem *fs = heap_alloc_zero(sizeof(*fs));
    enum err e = fs ? ramfs_init(fs, "memory", vfs_device_number()) : E_NOMEM;
    if (e != E_OK) {
        heap_free(fs);
        return e;
    }
    fs->end = memory_end;
    systems++;
    *out = fs;
    return E_OK;
}

static int setup(void **state)
{
    static struct filesystem_type type = {
        .name = "memory", .without_device = true, .any_source = true, .mount = memory_mount};
    static bool registered;
    (void)state;
    if (!registered)
        filesystem_type_register(&type);
    registered = true;
    live_before = native_heap_live();
    fs_current()->umask = 022;
    native_credentials = &credentials_first;
    native_threads = true;
    root = (struct filesystem){0};
    assert_int_equal(ramfs_init(&root, "tmpfs", 2), E_OK);
    assert_int_equal(vfs_init(&root), E_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vfs_end();
    assert_int_equal(systems, 0);
    assert_int_equal(native_heap_live(), live_before);
    return 0;
}

static enum err change_mounts(const char *path, const char *source, uint32_t flags)
{
    return vfs_mount_new(path, "memory", &(const struct mount_source){source, "", flags});
}

/* Each mount of each namespace is found where it says that it is, once; counts agree. Returns the number of mounts. */
static unsigned check_tree(void)
{
    unsigned count = 0;
    list_for_each (at, &mounts) {
        const struct mount *m = mount_of(at);
        unsigned children = 0, on_point = 0;
        count++;
        assert_true(m->ns != NULL && m->ns == (m->parent ? m->parent->ns : m->ns));
        assert_true(m->parent != NULL || m == m->ns->root);
        assert_true(m->references > 0 && m->fs->mounts > 0);
        list_for_each (it, &m->children)
            assert_ptr_equal(CONTAINER_OF(it, struct mount, sibling)->parent, m);
        list_for_each (other, &mounts) {
            const struct mount *n = mount_of(other);
            children += n->parent == m;
            on_point += m->point && n->point == m->point;
            assert_true(n == m || m->id != n->id);
        }
        /* Of the tree, of mounts on it, and at most the two of the context. */
        assert_in_range(m->references, 1 + children, 3 + children);
        if (m->point) {
            assert_ptr_equal(mount_on(m->parent, m->point), m);
            assert_int_equal(m->point->special, on_point * DENTRY_MOUNT);
            assert_true(dentry_is_below(m->point, m->parent->root));
        }
        if (vfs_mount_next(m))
            assert_true(vfs_mount_next(m)->id > m->id);
    }
    return count;
}

static void make_folders(const char *below)
{
    char path[64];
    for (const char *c = "abc"; *c; c++) {
        snprintf(path, sizeof path, "%s/%c", below, *c);
        (void)!make_dir(path);
    }
}

static void test_one_in_two_places(void **state)
{
    (void)state;
    struct location a, b;
    char buffer[64], *path;
    make_folders("");
    make_folders("/a");
    assert_int_equal(change_mounts("/b", "/a", MS_BIND), E_OK);
    assert_int_equal(make_dir("/b/b/in"), E_OK);
    assert_int_equal(walk_lookup(NULL, "/a/b/in", 0, &a), E_OK);
    assert_int_equal(walk_lookup(NULL, "/b/b/in", 0, &b), E_OK);
    assert_ptr_equal(a.dentry, b.dentry);
    assert_ptr_not_equal(a.mount, b.mount);
    assert_int_equal(location_path(&b, &fs_current()->root, LOCATION_PLAIN, buffer, 8, &path),
                     E_OK);
    assert_string_equal(path, "/b/b/in");
    assert_int_equal(location_path(&b, &fs_current()->root, LOCATION_PLAIN, buffer, 7, &path),
                     E_NAMETOOLONG);
    assert_int_equal(vfs_unmount("/b", 0), E_BUSY);
    location_put(&b);
    assert_int_equal(vfs_unmount("/b", 0), E_OK);
    location_put(&a);
    check_tree();
}

static void test_followers(void **state)
{
    (void)state;
    make_folders("");
    assert_int_equal(change_mounts("/a", "new", 0), E_OK);
    make_folders("/a");
    assert_int_equal(change_mounts("/a", "", MS_SHARED), E_OK);
    assert_int_equal(change_mounts("/b", "/a", MS_BIND), E_OK); /* of the group */
    assert_int_equal(change_mounts("/c", "/a", MS_BIND), E_OK);
    assert_int_equal(change_mounts("/c", "", MS_SLAVE), E_OK);
    assert_int_equal(change_mounts("/c/b", "alone", 0), E_OK);
    assert_int_equal(check_tree(), 5);
    assert_int_equal(change_mounts("/a/a", "seen", 0), E_OK);
    assert_int_equal(change_mounts("/b/b", "below what is there", 0), E_OK);
    assert_int_equal(check_tree(), 11);
    assert_int_equal(make_dir("/b/a/x"), E_OK);
    assert_int_equal(look("/a/a/x", 0, NULL), E_OK);
    assert_int_equal(look("/c/a/x", 0, NULL), E_OK);
    assert_int_equal(make_dir("/a/b/y"), E_OK);
    assert_int_equal(look("/c/b/y", 0, NULL), E_NOENT);
    assert_int_equal(vfs_unmount("/b/a", 0), E_OK);
    assert_int_equal(look("/a/a/x", 0, NULL), E_NOENT);
    assert_int_equal(check_tree(), 8);
    assert_int_equal(change_mounts("/a", "", MS_PRIVATE), E_OK);
    assert_int_equal(change_mounts("/a/a", "not seen", 0), E_OK);
    assert_int_equal(check_tree(), 9);
    assert_int_equal(vfs_unmount("/a", MNT_DETACH), E_OK);
    assert_int_equal(check_tree(), 6);
}

static void test_no_memory_changes_nothing(void **state)
{
    (void)state;
    make_folders("");
    assert_int_equal(change_mounts("/a", "new", 0), E_OK);
    make_folders("/a");
    assert_int_equal(change_mounts("/a", "", MS_SHARED), E_OK);
    assert_int_equal(change_mounts("/b", "/a", MS_BIND), E_OK);
    assert_int_equal(change_mounts("/a/c", "deep", 0), E_OK);
    unsigned before = check_tree();
    size_t live = native_heap_live();
    bool worked = false;
    for (int successes = 0; !worked && successes < 100; successes++) {
        native_heap_fail_after(successes);
        enum err e = change_mounts("/a/b", "/a", MS_BIND | MS_REC);
        native_heap_fail_after(-1);
        worked = e == E_OK;
        if (worked)
            break;
        assert_int_equal(e, E_NOMEM);
        assert_int_equal(check_tree(), before);
        assert_int_equal(native_heap_live(), live);
    }
    assert_true(worked);
    assert_int_equal(check_tree(), before + 4);
}

#define KEPT 3
static struct mount_namespace *kept[KEPT]; /* with a reference each */

/* Leaves the namespace for a copy or for one that is kept, or keeps another one. */
static void change_namespace(void)
{
    struct mount_namespace **slot = &kept[rand() % KEPT];
    if (rand() % 2 == 0) {
        assert_int_equal(vfs_unshare_mounts(fs_current()), E_OK);
    } else if (*slot && rand() % 2 == 0) {
        vfs_join_mounts(*slot);
    } else {
        if (*slot)
            namespace_put(&(*slot)->base);
        *slot = fs_current()->mounts;
        namespace_get(&(*slot)->base);
    }
    (void)vfs_reap_detached();
}

static void leave_namespaces(void)
{
    vfs_join_mounts(&mounts_first);
    for (int i = 0; i < KEPT; i++) {
        if (kept[i])
            namespace_put(&kept[i]->base);
        kept[i] = NULL;
    }
    (void)vfs_reap_detached();
}

static void test_namespaces(void **state)
{
    (void)state;
    make_folders("");
    assert_int_equal(change_mounts("/a", "new", 0), E_OK);
    make_folders("/a");
    assert_int_equal(change_mounts("/a", "", MS_UNBINDABLE), E_OK);
    assert_int_equal(change_mounts("/b", "shared", 0), E_OK);
    make_folders("/b");
    assert_int_equal(change_mounts("/b", "", MS_SHARED), E_OK);
    assert_int_equal(vfs_unshare_mounts(fs_current()), E_OK); /* the hash table grows */
    leave_namespaces();
    assert_int_equal(check_tree(), 3);
    bool worked = false;
    size_t live = native_heap_live();
    for (int successes = 0; !worked && successes < 100; successes++) {
        native_heap_fail_after(successes);
        enum err e = vfs_unshare_mounts(fs_current());
        native_heap_fail_after(-1);
        worked = e == E_OK;
        assert_true(worked || e == E_NOMEM);
        assert_true(worked || native_heap_live() == live);
        assert_int_equal(check_tree(), worked ? 6 : 3);
    }
    assert_true(worked);
    assert_ptr_equal(fs_current()->root.mount, fs_current()->mounts->root);
    assert_int_equal(make_dir("/a/a/x"), E_OK);
    assert_int_equal(change_mounts("/a/b", "mine", 0), E_OK);
    assert_int_equal(change_mounts("/b/b", "of both", 0), E_OK);
    assert_int_equal(check_tree(), 9);
    assert_int_equal(make_dir("/b/b/y"), E_OK);
    assert_int_equal(make_dir("/a/b/z"), E_OK);
    vfs_join_mounts(&mounts_first); /* the last one leaves the copy */
    (void)vfs_reap_detached();
    assert_int_equal(check_tree(), 4);
    assert_int_equal(look("/a/a/x", 0, NULL), E_OK);
    assert_int_equal(look("/b/b/y", 0, NULL), E_OK);
    assert_int_equal(look("/a/b/z", 0, NULL), E_NOENT);
}

/* A path of one to three of the names. */
static const char *any_path(char *to)
{
    unsigned parts = (unsigned)rand() % 3 + 1;
    char *at = to;
    while (parts-- > 0)
        at += sprintf(at, "/%c", "abc"[rand() % 3]);
    return to;
}

static void change(void)
{
    static const uint32_t spreads[] = {MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE,
                                       MS_SHARED | MS_REC};
    char a[16], b[16];
    any_path(a);
    any_path(b);
    switch (rand() % 9) {
    case 0:
        if (change_mounts(a, "new", 0) == E_OK)
            make_folders(a);
        break;
    case 1:
        (void)!change_mounts(a, b, MS_BIND);
        break;
    case 2:
        (void)!change_mounts(a, b, MS_BIND | MS_REC);
        break;
    case 3:
        (void)!change_mounts(a, b, MS_MOVE);
        break;
    case 4:
        (void)!change_mounts(a, "", spreads[rand() % 5]);
        break;
    case 5:
        (void)!vfs_unmount(a, 0);
        break;
    case 6:
        (void)!vfs_unmount(a, MNT_DETACH);
        break;
    case 7:
        change_namespace();
        break;
    default:
        (void)!make_dir(a);
        (void)!vfs_remove_directory(place(b));
    }
}

static void test_random_changes(void **state)
{
    (void)state;
    srand(1);
    for (int round = 0; round < 40; round++) {
        make_folders("");
        for (int i = 0; i < 120; i++) {
            change();
            if (check_tree() > 300)
                break; /* binds of binds */
        }
        leave_namespaces();
        list_for_each (it, &mounts)
            assert_ptr_equal(mount_of(it)->ns, &mounts_first);
        while (mounts.next != mounts.prev)
            mount_remove(mount_of(mounts.prev));
        (void)vfs_reap_detached();
        assert_int_equal(systems, 0);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_one_in_two_places), T(test_followers),      T(test_no_memory_changes_nothing),
        T(test_namespaces),        T(test_random_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
