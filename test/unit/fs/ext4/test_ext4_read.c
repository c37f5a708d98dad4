/* SPDX-License-Identifier: MIT */
/* What mke2fs has written is what the library reads: names, kinds, contents, attributes, times. */
#include "ext4_disk.h"
#include "native.h"
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static char tree[96];

static void shell(const char *format, ...)
{
    char command[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    assert_int_equal(system(command), 0);
}

/* A tree with all that mke2fs -d can copy. */
static int tree_make(void **state)
{
    (void)state;
    snprintf(tree, sizeof(tree), "%s/tree", disk_folder());
    shell(
        "mkdir -p %s/a/b/c %s/empty %s/many && cd %s && echo hello >a/hello && head -c 300000 /dev/urandom >a/b/large",
        tree, tree, tree, tree);
    shell(
        "cd %s && truncate -s 5000000 sparse && printf x | dd of=sparse bs=1 seek=3000000 conv=notrunc status=none",
        tree);
    shell(
        "cd %s && for i in $(seq 700); do echo $i >many/a-name-that-is-not-short-at-all-$i; done && ln -s a/hello short",
        tree);
    shell(
        "cd %s && ln -s $(printf 'x%%.0s' $(seq 200)) long && ln a/hello a/again && mkfifo fifo && : >$(printf 'n%%.0s' $(seq 255))",
        tree);
    shell("cd %s && touch -d '1960-05-06 07:08:09' before", tree);
    shell(
        "cd %s && for i in $(seq 0 2 400); do printf block%%d $i | dd of=pieces bs=4096 seek=$i conv=notrunc status=none; done",
        tree);
    return 0;
}

struct emitted {
    unsigned count;
    char names[2048][256];
};

static bool emit(void *context, const struct ext4_name *name, uint64_t cookie)
{
    struct emitted *emitted = context;
    (void)cookie;
    assert_true(emitted->count < 2048);
    memcpy(emitted->names[emitted->count], name->name, name->length);
    emitted->names[emitted->count++][name->length] = '\0';
    return emitted->count % 100 != 0; /* stops at times, and is called again with the same one */
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Lists all of the directory; names that were refused come again. */
static void list(struct ext4 *fs, uint32_t dir, struct emitted *emitted)
{
    uint64_t cookie = 0;
    emitted->count = 0;
    while (cookie != EXT4_LIST_END) {
        assert_int_equal(ext4_list(fs, dir, &cookie, emit, emitted), E_OK);
        if (cookie != EXT4_LIST_END)
            emitted->count--;
        if (emitted->count % 100 == 99 && cookie != EXT4_LIST_END) { /* takes the one it refused */
            emitted->count++;
            char refused[256];
            strcpy(refused, emitted->names[emitted->count - 1]);
            struct emitted *more = calloc(1, sizeof(*more));
            more->count = 1;
            uint64_t again = cookie;
            assert_int_equal(ext4_list(fs, dir, &again, emit, more), E_OK);
            assert_string_equal(more->names[1], refused);
            unsigned left = more->count - 1 - (again == EXT4_LIST_END ? 0 : 1);
            memcpy(emitted->names[emitted->count - 1], more->names[1], left * 256);
            emitted->count += left - 1;
            cookie = again;
            free(more);
        }
    }
    qsort(emitted->names, emitted->count, 256, by_name);
}

static void file_same(struct disk *disk, struct ext4 *fs, uint32_t ino, const char *path,
                      uint64_t size)
{
    uint8_t *ours = malloc(size + 1), *theirs = malloc(size + 1);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, theirs, size), (ssize_t)size);
    assert_int_equal(disk_read_file(disk, fs, ino, 0, ours, size), E_OK);
    assert_memory_equal(ours, theirs, size);
    close(fd);
    free(ours);
    free(theirs);
}

static void dir_same(struct disk *disk, struct ext4 *fs, uint32_t dir, const char *path, bool top);

static void inode_same(struct disk *disk, struct ext4 *fs, uint32_t ino, const char *path)
{
    struct stat host;
    struct ext4_stat ours;
    assert_int_equal(lstat(path, &host), 0);
    assert_int_equal(ext4_stat(fs, ino, &ours), E_OK);
    assert_int_equal(ours.mode, host.st_mode);
    assert_int_equal(ours.uid, host.st_uid);
    if (!S_ISDIR(host.st_mode)) {
        assert_int_equal(ours.links, host.st_nlink);
        assert_int_equal(ours.modified.seconds, host.st_mtim.tv_sec);
    }
    if (S_ISREG(host.st_mode)) {
        assert_int_equal(ours.size, host.st_size);
        file_same(disk, fs, ino, path, ours.size);
    } else if (S_ISLNK(host.st_mode)) {
        char text[512], target[512];
        size_t length;
        assert_int_equal(ext4_readlink(fs, ino, text, sizeof(text), &length), E_OK);
        assert_int_equal(readlink(path, target, sizeof(target)), (ssize_t)length);
        assert_memory_equal(text, target, length);
    } else if (S_ISDIR(host.st_mode)) {
        dir_same(disk, fs, ino, path, false);
    }
}

static void dir_same(struct disk *disk, struct ext4 *fs, uint32_t dir, const char *path, bool top)
{
    struct emitted *ours = calloc(1, sizeof(*ours)), *host = calloc(1, sizeof(*host));
    DIR *stream = opendir(path);
    for (struct dirent *entry; (entry = readdir(stream));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            strcpy(host->names[host->count++], entry->d_name);
    closedir(stream);
    if (top)
        strcpy(host->names[host->count++], "lost+found");
    qsort(host->names, host->count, 256, by_name);
    list(fs, dir, ours);
    assert_int_equal(ours->count, host->count);
    for (unsigned i = 0; i < host->count; i++) {
        char below[1024];
        uint32_t ino;
        assert_string_equal(ours->names[i], host->names[i]);
        assert_int_equal(ext4_lookup(fs, dir, host->names[i], strlen(host->names[i]), &ino), E_OK);
        snprintf(below, sizeof(below), "%s/%s", path, host->names[i]);
        if (strcmp(host->names[i], "lost+found") != 0)
            inode_same(disk, fs, ino, below);
    }
    uint32_t ino;
    assert_int_equal(ext4_lookup(fs, dir, "absent", 6, &ino), E_NOENT);
    free(ours);
    free(host);
}

static void image_same(const char *options, const char *after)
{
    struct disk disk;
    struct ext4 *fs;
    char text[512];
    snprintf(text, sizeof(text), "%s -d %s", options, tree);
    disk_make(&disk, 64 << 20, text);
    if (after) {
        snprintf(text, sizeof(text), "PATH=$PATH:/usr/sbin:/sbin; %s >%s/after 2>&1", after,
                 disk_folder());
        assert_true(disk_command(&disk, text, true) <= 1);
    }
    disk.io.readonly = true;
    assert_int_equal(ext4_mount(&disk.io, &(struct ext4_options){.cache_blocks = 16}, &fs), E_OK);
    dir_same(&disk, fs, 2, tree, true);
    assert_int_equal(ext4_unmount(fs), E_OK);
    assert_int_equal(disk.writes, 0);
    assert_int_equal(disk.reports, 0);
    assert_int_equal(native_heap_live(), 0);
    disk_free(&disk);
}

static void test_default(void **state)
{
    (void)state;
    image_same("", NULL);
    image_same("-b 4096 -O metadata_csum_seed,orphan_file,^resize_inode,sparse_super2", NULL);
}

static void test_small_blocks(void **state)
{
    (void)state;
    image_same("-b 1024", NULL);
    image_same("-b 2048 -I 128", NULL);
    image_same("-b 1024 -g 1024 -O ^flex_bg,^64bit", NULL);
}

static void test_hashed_trees(void **state)
{
    (void)state;
    static const char *const hashes[] = {"legacy", "half_md4", "tea"};
    for (int i = 0; i < 6; i++) { /* signed names, then unsigned ones */
        char after[256];
        snprintf(
            after, sizeof(after),
            "sh -c 'tune2fs -E hash_alg=%s $0 && debugfs -w -R \"ssv flags %d\" $0 && e2fsck -fyD $0' %%s",
            hashes[i % 3], i < 3 ? 1 : 2);
        image_same("-b 1024", after);
    }
    image_same("-b 4096", "e2fsck -fyD %s");
    image_same("-b 1024 -O ^metadata_csum,^64bit,^huge_file", "e2fsck -fyD %s");
    image_same("-b 1024 -O ^metadata_csum,uninit_bg", NULL);
}

static void refused(const char *options, const char *name, enum err expected)
{
    struct disk disk;
    struct ext4 *fs;
    disk_make(&disk, 32 << 20, options);
    assert_int_equal(ext4_mount(&disk.io, &(struct ext4_options){0}, &fs), expected);
    if (!strstr(disk.report, name))
        fail_msg("\"%s\" does not name %s", disk.report, name);
    assert_int_equal(native_heap_live(), 0);
    disk_free(&disk);
}

static void test_features_by_name(void **state)
{
    (void)state;
    refused("-O bigalloc", "bigalloc", E_NOTSUP);
    refused("-O inline_data", "inline_data", E_NOTSUP);
    refused("-O encrypt", "encrypt", E_NOTSUP);
    refused("-O casefold", "casefold", E_NOTSUP);
    refused("-O mmp", "mmp", E_NOTSUP);
    refused("-O ea_inode", "ea_inode", E_NOTSUP);
    refused("-O large_dir", "large_dir", E_NOTSUP);
    refused("-O meta_bg,^resize_inode", "meta_bg", E_NOTSUP);
    refused("-O ^extent,^64bit", "extent", E_NOTSUP);
}

static void test_unknown_read_only(void **state)
{
    (void)state;
    struct disk disk;
    static const char *const options[] = {"-O quota", "-O project", "-O ^has_journal", "-O verity"};
    for (int i = 0; i < 4; i++) {
        disk_make(&disk, 32 << 20, options[i]);
        struct ext4 *fs = disk_mount(&disk);
        assert_true(ext4_readonly(fs));
        assert_non_null(strstr(disk.report, "read-only"));
        uint32_t ino;
        assert_int_equal(ext4_create(fs, 2, "x", 1, &(struct ext4_new){.mode = S_IFREG}, &ino),
                         E_ROFS);
        disk_unmount(fs);
        assert_int_equal(disk.writes, 0);
        disk_free(&disk);
    }
}

static void test_no_ext4(void **state)
{
    (void)state;
    struct disk disk;
    struct ext4 *fs;
    disk_make(&disk, 32 << 20, "");
    disk.bytes[1024 + 0x38] = 0;
    assert_int_equal(ext4_mount(&disk.io, &(struct ext4_options){0}, &fs), E_INVAL);
    disk.bytes[1024 + 0x38] = 0x53;
    disk.bytes[1024 + 0x400 - 1] ^= 1;
    assert_int_equal(ext4_mount(&disk.io, &(struct ext4_options){0}, &fs), E_INVAL);
    assert_non_null(strstr(disk.report, "checksum"));
    disk.io.bytes = 512;
    assert_int_equal(ext4_mount(&disk.io, &(struct ext4_options){0}, &fs), E_INVAL);
    assert_int_equal(native_heap_live(), 0);
    disk_free(&disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default),           cmocka_unit_test(test_small_blocks),
        cmocka_unit_test(test_hashed_trees),      cmocka_unit_test(test_features_by_name),
        cmocka_unit_test(test_unknown_read_only), cmocka_unit_test(test_no_ext4),
    };
    return cmocka_run_group_tests(tests, tree_make, NULL);
}
