/* SPDX-License-Identifier: MIT */
#include "unit.h"
#include "fs_native.h"
#include "native.h"
#include "dentries.h"

#include "fs/vfs/file.h"
#include "fs/proc/procfs.h"
#include "fs/ram/ramfs.h"
#include "fs/vfs/vfs.h"
#include "fs/vfs/walk.h"

#include <string.h>

static struct filesystem root;
static int generated;
static char stored[32];

static void count(struct text *text, void *context);
static enum err store(const char *bytes, size_t size, void *context);

static const struct procfs_row rows[] = {
    {"a/b/count", count, NULL, "line", 0},
    {"w", count, store, "x", 0},
    {"secret", count, NULL, "x", 0400},
    {"/sys/kernel/number", count, NULL, "x", 0},
};
static const struct procfs_table table = {rows, ARRAY_LENGTH(rows),
                                          "a/constant\0"
                                          "1048576\0"
                                          "empty\0"
                                          "<\0"
                                          "link\0"
                                          ">a/constant\0"
                                          "/sys/fs/cgroup/\0"
                                          "\0"
                                          "/sys/kernel/line\0"
                                          "\0"};

static int setup(void **state)
{
    (void)state;
    generated = 0;
    assert_int_equal(ramfs_init(&root, "tmpfs", 2), E_OK);
    vfs_init(&root);
    assert_int_equal(procfs_start(&table, NULL), E_OK);
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

/* The names that a listing shows, each once, with a space after it; '/' marks a directory, '@' a link. */
static bool note_name(void *context, const struct directory_entry *entry)
{
    char *names = context;
    strncat(names, entry->name, entry->length);
    strcat(names, entry->type == S_IFDIR >> 12 ? "/ " : entry->type == S_IFLNK >> 12 ? "@ " : " ");
    return true;
}

static bool note_one(void *context, const struct directory_entry *entry)
{
    char *names = context;
    if (names[0] != '\0')
        return false;
    return note_name(context, entry);
}

static void test_listing_shows_each_name_once(void **state)
{
    static const char *const directories[][2] = {
        {"/proc", "./ ../ a/ w secret empty link@ "},
        {"/proc/a", "./ ../ b/ constant "},
        {"/sys", "./ ../ kernel/ fs/ "},
        {"/sys/kernel", "./ ../ number line "},
        {"/sys/fs/cgroup", "./ ../ "},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(directories); i++) {
        char names[200] = "", one_by_one[200] = "";
        struct file *f = open_at(directories[i][0], O_RDONLY);
        assert_int_equal(file_list(f, note_name, names), E_OK);
        assert_string_equal(names, directories[i][1]);
        f->offset = 0;
        for (;;) {
            char one[60] = "";
            assert_int_equal(file_list(f, note_one, one), E_OK);
            if (one[0] == '\0')
                break;
            strcat(one_by_one, one);
        }
        assert_string_equal(one_by_one, directories[i][1]);
        file_put(f);
    }
}

static void test_names_that_are_not_there(void **state)
{
    static const char *const paths[] = {"/proc/a/b/coun", "/proc/a/b/count2", "/proc/sys",
                                        "/proc/a/w",      "/sys/a",           "/sys/fs/cgroup/x",
                                        "/proc/kernel"};
    struct dentry *found;
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++)
        assert_int_equal(dentry_lookup(paths[i], 0, &found), E_NOENT);
    assert_int_equal(dentry_lookup("/proc/w/x", 0, &found), E_NOTDIR);
}

static void test_entries_are_not_deleted_and_keep_their_numbers(void **state)
{
    char path[64], *at;
    struct dentry *found, *again;
    (void)state;
    assert_int_equal(dentry_lookup("/proc/a/b/count", 0, &found), E_OK);
    assert_int_equal(dentry_lookup("/proc/a/../a/b/count", 0, &again), E_OK);
    assert_int_equal(found->inode->ino, again->inode->ino);
    assert_int_equal(dentry_path(found, root.root, path, sizeof path, &at), E_OK);
    assert_string_equal(at, "/proc/a/b/count");
    dentry_put(again);
    dentry_put(found);
    assert_int_equal(dentry_lookup("/proc/secret", 0, &found), E_OK);
    assert_int_equal(found->inode->mode, S_IFREG | 0400);
    dentry_put(found);
    assert_int_equal(dentry_lookup("/sys/kernel/line", 0, &found), E_OK);
    assert_int_equal(found->inode->fs->magic, 0x62656572);
    dentry_put(found);
    assert_int_equal(dentry_lookup("/proc/link", WALK_FOLLOW, &found), E_OK);
    assert_string_equal(found->name, "constant");
    dentry_put(found);
}

static void test_constant_lines(void **state)
{
    static const char *const files[][2] = {
        {"/proc/a/constant", "1048576\n"}, {"/proc/empty", ""}, {"/sys/kernel/line", "\n"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        char bytes[32] = "";
        uint64_t done;
        struct file *f = open_at(files[i][0], O_RDONLY);
        assert_int_equal(file_read_at(f, bytes, sizeof bytes, 0, &done), E_OK);
        assert_int_equal(done, strlen(files[i][1]));
        assert_memory_equal(bytes, files[i][1], done);
        file_put(f);
    }
}

/* One byte at a time, from huge offsets, and back. */
static void test_odd_reads(void **state)
{
    char byte, expected[8] = "1048576\n";
    uint64_t done;
    (void)state;
    struct file *f = open_at("/proc/a/constant", O_RDONLY);
    for (uint64_t i = 0; i < 8; i++) {
        assert_int_equal(file_read_at(f, &byte, 1, i, &done), E_OK);
        assert_int_equal(done, 1);
        assert_int_equal(byte, expected[i]);
    }
    for (unsigned bit = 4; bit < 64; bit++) {
        assert_int_equal(file_read_at(f, &byte, 1, UINT64_C(1) << bit, &done), E_OK);
        assert_int_equal(done, 0);
    }
    assert_int_equal(file_read_at(f, &byte, 1, 2, &done), E_OK);
    assert_int_equal(byte, '4');
    file_put(f);
}

static void test_text_is_made_once_a_reading(void **state)
{
    (void)state;
    char bytes[20000];
    uint64_t done, more;
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
    struct file *f = open_at("/proc/w", O_WRONLY | O_TRUNC);
    struct io io = io_kernel("hello", 5);
    assert_int_equal(file_write(f, &io, &offset, &done), E_OK);
    assert_int_equal(done, 5);
    assert_string_equal(stored, "hello");
    io = io_kernel("this is longer than the thirty-two bytes", 40);
    assert_int_equal(file_write(f, &io, &offset, &done), E_INVAL);
    file_put(f);
    f = open_at("/proc/a/constant", O_WRONLY);
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
    assert_int_equal(vfs_unlink((struct vfs_place){NULL, "/proc/a/constant"}), E_PERM);
    assert_int_equal(vfs_remove_directory((struct vfs_place){NULL, "/proc/a"}), E_PERM);
    assert_int_equal(vfs_remove_directory((struct vfs_place){NULL, "/proc"}), E_BUSY);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_listing_shows_each_name_once),
        T(test_names_that_are_not_there),
        T(test_entries_are_not_deleted_and_keep_their_numbers),
        T(test_constant_lines),
        T(test_odd_reads),
        T(test_text_is_made_once_a_reading),
        T(test_writes_reach_the_files_function),
        T(test_nothing_can_be_made_or_removed),
    };
    return RUN_TESTS(tests);
}
