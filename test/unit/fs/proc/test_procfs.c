/* SPDX-License-Identifier: MIT */
#include "unit.h"
#include "fs_native.h"
#include "native.h"

#include "fs/vfs/file.h"
#include "fs/proc/procfs.h"
#include "fs/ram/ramfs.h"
#include "fs/vfs/vfs.h"
#include "fs/vfs/walk.h"

#include <string.h>

static struct filesystem root;
static int generated;
static char stored[32];

/* /proc/self needs a program. */
enum err procfs_self_start(void)
{
    return E_OK;
}

static int fills;
static bool fill_fails;

static enum err fill(void)
{
    fills++;
    return fill_fails ? E_NOMEM : procfs_add("/sys/filled", NULL, NULL);
}

static int setup(void **state)
{
    (void)state;
    generated = 0;
    assert_int_equal(ramfs_init(&root, "tmpfs", 2), E_OK);
    vfs_init(&root);
    fills = 0;
    fill_fails = false;
    assert_int_equal(procfs_start(fill), E_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vfs_end();
    return 0;
}

static void count(struct text *text, void *context)
{
    generated++;
    for (int i = 0; i < 1000; i++)
        text_printf(text, "%s %d\n", (const char *)context, generated);
}

static enum err store(const char *bytes, size_t size, void *context)
{
    (void)context;
    if (size >= sizeof stored)
        return E_INVAL;
    memcpy(stored, bytes, size + 1);
    return E_OK;
}

static struct file *open_at(const char *path, uint32_t flags)
{
    struct file *f;
    assert_int_equal(vfs_open(NULL, path, flags, 0, &f), E_OK);
    return f;
}

/* Nothing is made before; the first look fails here, and the second makes all of /proc and /sys. */
static void test_files_are_made_at_the_first_look(void **state)
{
    (void)state;
    struct dentry *found;
    assert_int_equal(walk_lookup(NULL, "/proc", 0, &found), E_OK);
    assert_int_equal(found->inode->nlink, 1);
    dentry_put(found);
    assert_int_equal(fills, 0);
    fill_fails = true;
    assert_int_equal(walk_lookup(NULL, "/proc/none", 0, &found), E_NOMEM);
    assert_int_equal(fills, 1);
    fill_fails = false;
    assert_int_equal(walk_lookup(NULL, "/proc/none", 0, &found), E_NOENT);
    assert_int_equal(fills, 2);
    assert_int_equal(walk_lookup(NULL, "/proc/filesystems", 0, &found), E_OK);
    dentry_put(found);
    assert_int_equal(walk_lookup(NULL, "/proc", 0, &found), E_OK);
    assert_int_equal(found->inode->nlink, 3); /* sys */
    dentry_put(found);
    assert_int_equal(walk_lookup(NULL, "/sys/filled", 0, &found), E_OK);
    dentry_put(found);
    assert_int_equal(fills, 2);
}

static bool is_filled(void *context, const struct directory_entry *entry)
{
    *(bool *)context |= strcmp(entry->name, "filled") == 0;
    return true;
}

static void test_a_listing_is_a_first_look(void **state)
{
    (void)state;
    bool listed = false;
    struct file *f = open_at("/sys", O_RDONLY);
    assert_int_equal(fills, 0);
    assert_int_equal(file_list(f, is_filled, &listed), E_OK);
    assert_true(listed);
    assert_int_equal(fills, 1);
    file_put(f);
}

static void test_text_is_made_once_a_reading(void **state)
{
    (void)state;
    char bytes[20000];
    uint64_t done, more;
    assert_int_equal(procfs_add("a/b/count", count, "line"), E_OK);
    struct file *f = open_at("/proc/a/b/count", O_RDONLY);
    assert_int_equal(file_read_at(f, bytes, 10, 0, &done), E_OK);
    assert_int_equal(done, 10);
    assert_memory_equal(bytes, "line 1\nlin", 10);
    assert_int_equal(file_read_at(f, bytes, sizeof bytes, 10, &more), E_OK);
    assert_int_equal(done + more, 7000);
    assert_int_equal(generated, 1);
    assert_int_equal(file_read_at(f, bytes, 6, 0, &done), E_OK);
    assert_memory_equal(bytes, "line 2", 6);
    file_put(f);
}

static void test_writes_reach_the_files_function(void **state)
{
    (void)state;
    uint64_t offset = 0, done;
    assert_int_equal(procfs_add_writable("w", count, store, "x"), E_OK);
    struct file *f = open_at("/proc/w", O_WRONLY | O_TRUNC);
    struct io io = io_kernel("hello", 5);
    assert_int_equal(file_write(f, &io, &offset, &done), E_OK);
    assert_int_equal(done, 5);
    assert_string_equal(stored, "hello");
    io = io_kernel("this is longer than the thirty-two bytes", 40);
    assert_int_equal(file_write(f, &io, &offset, &done), E_INVAL);
    file_put(f);
    f = open_at("/proc/filesystems", O_WRONLY);
    io = io_kernel("x", 1);
    assert_int_equal(file_write(f, &io, &offset, &done), E_IO);
    file_put(f);
}

static void test_nothing_can_be_made_or_removed(void **state)
{
    (void)state;
    struct file *f;
    assert_int_equal(vfs_open(NULL, "/proc/new", O_RDWR | O_CREAT, 0, &f), E_NOENT);
    assert_int_equal(vfs_make_directory((struct vfs_place){NULL, "/proc/new"}, 0), E_NOENT);
    assert_int_equal(vfs_unlink((struct vfs_place){NULL, "/proc/filesystems"}), E_PERM);
    assert_int_equal(vfs_remove_directory((struct vfs_place){NULL, "/proc/sys"}), E_PERM);
    assert_int_equal(vfs_remove_directory((struct vfs_place){NULL, "/proc"}), E_BUSY);
}

static void test_number_ends_with_a_newline(void **state)
{
    (void)state;
    char bytes[32];
    uint64_t done;
    struct file *f = open_at("/proc/sys/fs/nr_open", O_RDONLY);
    assert_int_equal(file_read_at(f, bytes, sizeof bytes, 0, &done), E_OK);
    assert_int_equal(done, 8);
    assert_memory_equal(bytes, "1048576\n", 8);
    file_put(f);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_files_are_made_at_the_first_look), T(test_a_listing_is_a_first_look),
        T(test_text_is_made_once_a_reading),      T(test_writes_reach_the_files_function),
        T(test_nothing_can_be_made_or_removed),   T(test_number_ends_with_a_newline),
    };
    return RUN_TESTS(tests);
}
