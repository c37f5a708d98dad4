/* SPDX-License-Identifier: MIT */
#include "unit.h"
#include "fs_native.h"
#include "native.h"
#include "dentries.h"

#include "base/addr.h"
#include "fs/vfs/context.h"
#include "fs/vfs/file.h"
#include "fs/ram/ramfs.h"
#include "fs/ram/rootfs.h"
#include "fs/vfs/vfs.h"

#include <stdio.h>
#include <string.h>

static uint8_t archive[32768];
static size_t used;
static struct parse_fault fault;
static size_t live_before;

struct item {
    const char *name, *data;
    uint32_t mode, ino, nlink, mtime;
};

static void pad_to(size_t alignment)
{
    while (used % alignment)
        archive[used++] = 0;
}

static void add(struct item item)
{
    size_t size = item.data ? strlen(item.data) : 0, name_size = strlen(item.name) + 1;
    char head[111];
    snprintf(head, sizeof head, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
             item.ino, item.mode, 7u, 8u, item.nlink, item.mtime, (unsigned)size, 0u, 9u, 1u, 3u,
             (unsigned)name_size, 0u);
    memcpy(archive + used, head, 110);
    memcpy(archive + used + 110, item.name, name_size);
    used += 110 + name_size;
    pad_to(4);
    if (size)
        memcpy(archive + used, item.data, size);
    used += size;
    pad_to(4);
}

static enum err fill(void)
{
    add((struct item){"TRAILER!!!", NULL, 0, 0, 1, 0});
    return rootfs_fill(archive, used, phys(0x200000), &fault);
}

static int setup(void **state)
{
    (void)state;
    live_before = native_heap_live();
    used = 0;
    memset(archive, 0, sizeof archive);
    fault = (struct parse_fault){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vfs_end();
    assert_int_equal(native_heap_live(), live_before);
    return 0;
}

static struct inode *inode_at(const char *path)
{
    struct dentry *d;
    if (dentry_lookup(path, 0, &d) != E_OK)
        return NULL;
    struct inode *inode = d->inode;
    dentry_put(d);
    return inode;
}

static void expect_data(const char *path, const char *data)
{
    struct file *f;
    char bytes[256];
    uint64_t done;
    assert_int_equal(vfs_open(NULL, path, O_RDONLY, 0, &f), E_OK);
    assert_int_equal(file_read_at(f, bytes, sizeof bytes, 0, &done), E_OK);
    assert_int_equal(done, strlen(data));
    assert_memory_equal(bytes, data, done);
    file_put(f);
}

static void test_kinds_and_attributes(void **state)
{
    (void)state;
    add((struct item){".", NULL, 040700, 1, 2, 1000});
    add((struct item){"d", NULL, 041777, 2, 2, 2000});
    add((struct item){"./d/f", "hello", 0104755, 3, 1, 3000});
    add((struct item){"/d/l", "f", 0120777, 4, 1, 4000});
    add((struct item){"d/null", NULL, 020666, 5, 1, 5000});
    add((struct item){"d/p", NULL, 010600, 6, 1, 6000});
    assert_int_equal(fill(), E_OK);
    assert_int_equal(inode_at("/")->mode, 040700);
    assert_int_equal(inode_at("/")->modified.seconds, 1000);
    struct inode *d = inode_at("/d"), *f = inode_at("/d/f");
    assert_int_equal(d->mode, 041777);
    assert_int_equal(d->modified.seconds, 2000);
    assert_int_equal(f->mode, 0104755);
    assert_int_equal(f->uid, 7);
    assert_int_equal(f->gid, 8);
    assert_int_equal(f->modified.seconds, 3000);
    expect_data("/d/l", "hello");
    assert_int_equal(inode_at("/d/null")->device, 1 << 8 | 3);
    assert_int_equal(inode_at("/d/p")->mode, 010600);
}

static void test_parents_are_made(void **state)
{
    (void)state;
    add((struct item){"a/b/c/f", "x", 0100644, 1, 1, 0});
    add((struct item){"lnk", "a/b", 0120777, 2, 1, 0});
    add((struct item){"lnk/g", "y", 0100644, 3, 1, 0});
    assert_int_equal(fill(), E_OK);
    expect_data("/a/b/c/f", "x");
    expect_data("/a/b/g", "y");
    assert_int_equal(inode_at("/a/b")->mode, 040755);
}

static void test_later_entries_win(void **state)
{
    (void)state;
    add((struct item){"f", "old", 0100644, 1, 1, 0});
    add((struct item){"f", "newer", 0100600, 2, 1, 0});
    add((struct item){"g", "file", 0100600, 3, 1, 0});
    add((struct item){"g", NULL, 040755, 4, 2, 0});
    add((struct item){"h", NULL, 040755, 5, 2, 0});
    add((struct item){"h", "file", 0100600, 6, 1, 0});
    add((struct item){"d", NULL, 040755, 7, 2, 0});
    add((struct item){"d/x", "kept", 0100600, 8, 1, 0});
    add((struct item){"d", NULL, 040711, 9, 2, 0});
    assert_int_equal(fill(), E_OK);
    expect_data("/f", "newer");
    assert_int_equal(inode_at("/f")->mode, 0100600);
    assert_int_equal(inode_at("/g")->mode, 040755);
    expect_data("/h", "file");
    expect_data("/d/x", "kept");
    assert_int_equal(inode_at("/d")->mode, 040711);
}

static void test_hard_links(void **state)
{
    (void)state;
    add((struct item){"a", NULL, 0100644, 5, 3, 0});
    add((struct item){"b", NULL, 0100644, 5, 3, 0});
    add((struct item){"c", "data", 0100644, 5, 3, 0});
    add((struct item){"other", "zzz", 0100644, 6, 2, 0});
    assert_int_equal(fill(), E_OK);
    assert_ptr_equal(inode_at("/a"), inode_at("/b"));
    assert_ptr_equal(inode_at("/a"), inode_at("/c"));
    assert_int_equal(inode_at("/a")->nlink, 3);
    assert_int_equal(inode_at("/other")->nlink, 1);
    expect_data("/b", "data");
}

static void test_upward_name_is_refused(void **state)
{
    (void)state;
    add((struct item){"a", "x", 0100644, 1, 1, 0});
    size_t second = used;
    add((struct item){"d/../../etc/passwd", "x", 0100644, 1, 1, 0});
    assert_int_equal(fill(), E_INVAL);
    assert_int_equal(fault.offset, second);
    assert_string_equal(fault.what, "a name in the archive leads upwards");
}

static void test_file_as_directory_is_refused(void **state)
{
    (void)state;
    add((struct item){"a", "x", 0100644, 1, 1, 0});
    add((struct item){"a/b", "x", 0100644, 1, 1, 0});
    assert_int_equal(fill(), E_INVAL);
    assert_non_null(fault.what);
}

static void test_long_component_is_refused(void **state)
{
    (void)state;
    char name[300];
    memset(name, 'n', sizeof name);
    name[256] = '\0';
    add((struct item){name, "x", 0100644, 1, 1, 0});
    assert_int_equal(fill(), E_INVAL);
    assert_string_equal(fault.what, "a name in the archive is too long");
}

static void test_empty_link_is_refused(void **state)
{
    (void)state;
    add((struct item){"l", "", 0120777, 1, 1, 0});
    assert_int_equal(fill(), E_INVAL);
}

static void test_no_archive(void **state)
{
    (void)state;
    assert_int_equal(rootfs_fill(NULL, 0, phys(0), &fault), E_OK);
    assert_non_null(inode_at("/"));
}

static void test_short_of_memory(void **state)
{
    (void)state;
    add((struct item){"d/e/f", "x", 0100644, 1, 2, 0});
    add((struct item){"l", "d", 0120777, 2, 1, 0});
    add((struct item){"TRAILER!!!", NULL, 0, 0, 1, 0});
    bool worked = false;
    for (long successes = 2; !worked; successes++) {
        native_heap_fail_after(successes);
        enum err e = rootfs_fill(archive, used, phys(0x200000), &fault);
        native_heap_fail_after(-1);
        worked = e == E_OK;
        if (worked)
            break;
        assert_int_equal(e, E_NOMEM);
        if (fs_current()->root.dentry)
            vfs_end();
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_kinds_and_attributes),
        T(test_parents_are_made),
        T(test_later_entries_win),
        T(test_hard_links),
        T(test_upward_name_is_refused),
        T(test_file_as_directory_is_refused),
        T(test_long_component_is_refused),
        T(test_empty_link_is_refused),
        T(test_no_archive),
        T(test_short_of_memory),
    };
    return RUN_TESTS(tests);
}
