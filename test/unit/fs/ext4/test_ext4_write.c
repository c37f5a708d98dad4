/* SPDX-License-Identifier: MIT */
/* What the library writes is what a model says, and e2fsck finds nothing in it. */
#include "ext4_model.h"
#include "native.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static uint32_t make(struct ext4 *fs, uint32_t dir, const char *name, uint32_t mode)
{
    uint32_t ino;
    assert_int_equal(
        ext4_create(fs, dir, name, strlen(name), &(struct ext4_new){.mode = mode}, &ino), E_OK);
    return ino;
}

/* How many blocks, or the error. */
static uint64_t trim_all(struct ext4 *fs, uint64_t least)
{
    struct ext4_trim trim = {.end = UINT64_MAX, .least = least};
    enum err e = E_OK;
    while (e == E_OK && trim.at < trim.end)
        e = ext4_trim(fs, &trim);
    return e == E_OK ? trim.done : (uint64_t)e;
}

static void run_random(const char *options, uint64_t seed, int steps)
{
    struct disk disk;
    struct model model;
    disk_make(&disk, 24 << 20, options);
    model_init(&model, seed);
    struct ext4 *fs = disk_mount(&disk);
    model.file[0].uid = 0;
    for (int i = 1; i <= steps; i++) {
        model_step(&model, &disk, fs, false, false);
        if (model_random(&model, 40) == 0)
            assert_int_equal(ext4_commit(fs), E_OK);
        if (i % 300 == 0) { /* from the first time on, freed blocks are discarded, too */
            (void)trim_all(fs, 1 + (uint64_t)i / 300 % 7);
            ext4_set_discard(fs, true);
        }
        if (i % 500 == 0)
            model_compare(&model, &disk, fs);
        if (i % 1000 == 0) { /* ends and begins again: orphans are gone */
            model_close_all(&model);
            disk_unmount(fs);
            fs = disk_mount(&disk);
            model_compare(&model, &disk, fs);
        }
    }
    model_close_all(&model);
    disk_unmount(fs);
    fs = disk_mount(&disk); /* frees the orphans of the last part */
    model_compare(&model, &disk, fs);
    disk_unmount(fs);
    disk_check(&disk);
    assert_int_equal(native_heap_live(), 0);
    model_free(&model);
    disk_free(&disk);
}

/* A file's blocks are discarded when it is gone, and all free ones by ext4_trim(), once. */
static void test_discard(void **state)
{
    (void)state;
    struct disk disk;
    struct ext4_statfs room;
    uint8_t bytes[8192] = {1};
    uint32_t ino;
    disk_make(&disk, 24 << 20, "-b 1024 -g 2048");
    struct ext4 *fs = disk_mount(&disk);
    uint32_t kept = make(fs, 2, "kept", S_IFREG | 0644), gone = make(fs, 2, "gone", S_IFREG | 0644);
    for (uint64_t at = 0; at < 64; at++) {
        assert_int_equal(disk_write_file(&disk, fs, kept, at * 8192, bytes, 8192), E_OK);
        assert_int_equal(disk_write_file(&disk, fs, gone, at * 8192, bytes, 8192), E_OK);
    }
    assert_int_equal(ext4_commit(fs), E_OK);
    ext4_set_discard(fs, true);
    assert_int_equal(ext4_unlink(fs, 2, "gone", 4, &ino), E_OK);
    assert_int_equal(ext4_evict(fs, ino), E_OK);
    assert_int_equal(disk.discards, 0); /* a cut would bring the file back */
    assert_int_equal(ext4_commit(fs), E_OK);
    assert_true(disk.discarded >= 64 * 8192 && disk.discarded < 64 * 8192 + 65536);
    ext4_statfs(fs, &room);
    struct ext4_trim trim = {.at = 5000, .end = 6000, .least = 1};
    while (trim.at < trim.end)
        assert_int_equal(ext4_trim(fs, &trim), E_OK);
    assert_true(trim.done > 0 && trim.done <= 1000);
    assert_int_equal(trim_all(fs, 2049), E_INVAL);
    uint64_t whole = trim_all(fs, 64);
    assert_true(whole > 0 && whole <= room.free_blocks);
    assert_int_equal(trim_all(fs, 64), 0);
    assert_int_equal(trim_all(fs, 1), room.free_blocks);
    assert_int_equal(trim_all(fs, 64), 0);
    for (uint64_t at = 0; at < 64; at++) {
        uint8_t there[8192] = {0};
        assert_int_equal(disk_read_file(&disk, fs, kept, at * 8192, there, 8192), E_OK);
        assert_memory_equal(there, bytes, 8192);
    }
    disk.io.discard = NULL;
    disk_unmount(fs);
    fs = disk_mount(&disk);
    assert_int_equal(ext4_trim(fs, &(struct ext4_trim){.end = 9000, .least = 1}), E_NOTSUP);
    disk_unmount(fs);
    disk_check(&disk);
    disk_free(&disk);
}

static void test_random(void **state)
{
    (void)state;
    run_random("", 1, 4000);
    run_random("-b 1024", 2, 4000);
    run_random("-b 4096 -O metadata_csum_seed,orphan_file,sparse_super2,^resize_inode", 3, 4000);
    run_random("-b 2048 -I 128 -O ^64bit", 4, 3000);
    run_random("-b 1024 -g 1024 -O ^flex_bg,^metadata_csum,^dir_index", 5, 3000);
    run_random("-b 1024 -g 2048 -O ^metadata_csum,uninit_bg", 6, 3000);
    run_random("-b 4096 -O ^metadata_csum,^64bit,uninit_bg", 7, 3000);
}

static void test_many_names(void **state)
{
    (void)state;
    struct disk disk;
    struct ext4_stat stat;
    char name[64];
    uint32_t ino, count = 100000;
    disk_make(&disk, 256 << 20, "-b 1024 -N 120000");
    struct ext4 *fs = disk_mount(&disk);
    uint32_t dir = make(fs, 2, "many", S_IFDIR | 0755);
    unsigned long most = 0;
    for (uint32_t i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "file number %u", i);
        unsigned long before = disk.reads;
        make(fs, dir, name, S_IFREG | 0644);
        most = disk.reads - before > most ? disk.reads - before : most;
    }
    assert_true(most < 20);
    for (uint32_t i = 0; i < count; i += 7) {
        snprintf(name, sizeof(name), "file number %u", i);
        assert_int_equal(ext4_lookup(fs, dir, name, strlen(name), &ino), E_OK);
        assert_int_equal(ext4_unlink(fs, dir, name, strlen(name), &ino), E_OK);
        assert_int_equal(ext4_evict(fs, ino), E_OK);
        assert_int_equal(ext4_lookup(fs, dir, name, strlen(name), &ino), E_NOENT);
    }
    assert_int_equal(ext4_stat(fs, dir, &stat), E_OK);
    disk_unmount(fs);
    disk_check(&disk);
    fs = disk_mount(&disk);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "file number %u", i);
        assert_int_equal(ext4_lookup(fs, dir, name, strlen(name), &ino),
                         i % 7 == 0 ? E_NOENT : E_OK);
        if (i % 7 != 0) {
            assert_int_equal(ext4_unlink(fs, dir, name, strlen(name), &ino), E_OK);
            assert_int_equal(ext4_evict(fs, ino), E_OK);
        }
    }
    assert_int_equal(ext4_rmdir(fs, 2, "many", 4, &ino), E_OK);
    assert_int_equal(ext4_evict(fs, ino), E_OK);
    disk_unmount(fs);
    disk_check(&disk);
    disk_free(&disk);
}

/* A file of many pieces: a tree of extents with several levels, made and cut at both ends and in the middle. */
static void test_many_extents(void **state)
{
    (void)state;
    struct disk disk;
    struct ext4_run run;
    uint32_t done, pieces = 30000;
    disk_make(&disk, 128 << 20, "-b 1024");
    struct ext4 *fs = disk_mount(&disk);
    uint32_t ino = make(fs, 2, "pieces", S_IFREG | 0644);
    for (uint32_t i = 0; i < pieces; i++) { /* each other block, in an order that is no order */
        uint32_t block = (i * 7919u % pieces) * 2;
        assert_int_equal(ext4_allocate(fs, ino, block, 1, &done), E_OK);
    }
    for (uint32_t i = 0; i < pieces; i++) {
        assert_int_equal(ext4_map(fs, ino, i * 2, 5, &run), E_OK);
        assert_true(run.state == EXT4_UNWRITTEN && run.count == 1);
        assert_int_equal(ext4_map(fs, ino, i * 2 + 1, 1, &run), E_OK);
        assert_int_equal(run.state, EXT4_HOLE);
    }
    for (uint32_t i = 0; i < pieces; i += 3)
        assert_int_equal(ext4_written(fs, ino, i * 2, 1, (uint64_t)(i * 2 + 1) * 1024), E_OK);
    disk_unmount(fs);
    disk_check(&disk);
    fs = disk_mount(&disk);
    assert_int_equal(ext4_punch(fs, ino, 1001, 30000), E_OK);
    assert_int_equal(ext4_truncate(fs, ino, 40000 * 1024), E_OK);
    assert_int_equal(ext4_map(fs, ino, 1001, 50000, &run), E_OK);
    assert_true(run.state == EXT4_HOLE && run.count <= 30001);
    assert_int_equal(ext4_map(fs, ino, 1000, 1, &run), E_OK);
    assert_int_equal(run.state, EXT4_UNWRITTEN);
    disk_unmount(fs);
    disk_check(&disk);
    fs = disk_mount(&disk);
    struct ext4_statfs before, after;
    assert_int_equal(ext4_unlink(fs, 2, "pieces", 6, &ino), E_OK);
    ext4_statfs(fs, &before);
    assert_int_equal(ext4_evict(fs, ino), E_OK);
    ext4_statfs(fs, &after);
    assert_true(after.free_blocks > before.free_blocks + 5000);
    disk_unmount(fs);
    disk_check(&disk);
    disk_free(&disk);
}

/* A large file in one go is few extents, which go on from one group to the next where that has no copy of the superblock. */
static void large_file(uint32_t size)
{
    struct disk disk;
    char options[16];
    struct ext4_run run;
    uint32_t done, pieces = 0;
    snprintf(options, sizeof(options), "-b %u", size);
    disk_make(&disk, (uint64_t)100000 * size, options);
    struct ext4 *fs = disk_mount(&disk);
    uint32_t ino = make(fs, 2, "large", S_IFREG | 0644), count = 80000;
    for (uint32_t at = 0; at < count; at += done)
        assert_int_equal(ext4_allocate(fs, ino, at, count - at, &done), E_OK);
    for (uint32_t at = 0; at < count; at += run.count, pieces++)
        assert_int_equal(ext4_map(fs, ino, at, count - at, &run), E_OK);
    assert_true(pieces <= 12);
    for (uint32_t at = 0; at < count; at += 100)
        assert_int_equal(ext4_written(fs, ino, at, 100, (uint64_t)(at + 100) * size), E_OK);
    for (pieces = 0, done = 0; done < count; done += run.count, pieces++) {
        assert_int_equal(ext4_map(fs, ino, done, count - done, &run), E_OK);
        assert_int_equal(run.state, EXT4_DATA);
    }
    assert_true(pieces <= 12);
    disk_unmount(fs);
    disk_check(&disk);
    disk_free(&disk);
}

static void test_large_file(void **state)
{
    (void)state;
    large_file(4096);
    large_file(1024);
}

static void test_full(void **state)
{
    (void)state;
    struct disk disk;
    struct model model;
    disk_make(&disk, 6 << 20, "-b 1024 -N 64 -m 0");
    model_init(&model, 6);
    struct ext4 *fs = disk_mount(&disk);
    uint32_t ino, done, refused = 0;
    ino = make(fs, 2, "ballast", S_IFREG | 0600);
    model.name[0] = (struct model_name){0, 1, "ballast"};
    model.file[1] = (struct model_file){.ino = ino,
                                        .mode = S_IFREG | 0600,
                                        .links = 1,
                                        .open = true,
                                        .bytes = calloc(1, MODEL_BYTES)};
    for (uint32_t at = 0;; at += done) { /* leaves some 100 blocks */
        struct ext4_statfs statfs;
        ext4_statfs(fs, &statfs);
        if (statfs.available_blocks < 100)
            break;
        assert_int_equal(ext4_allocate(fs, ino, 1000 + at, 20, &done), E_OK);
    }
    for (int i = 0; i < 6000; i++) {
        refused += model_step(&model, &disk, fs, true, false);
        if (i % 500 == 0)
            model_compare(&model, &disk, fs);
    }
    assert_true(refused > 50);
    model_compare(&model, &disk, fs);
    model_close_all(&model);
    disk_unmount(fs);
    fs = disk_mount(&disk);
    model_compare(&model, &disk, fs);
    disk_unmount(fs);
    disk_check(&disk);
    model_free(&model);
    disk_free(&disk);
}

/* Memory that is short at every allocation: nothing is half done. */
static void test_no_memory(void **state)
{
    (void)state;
    struct disk disk;
    struct model model;
    disk_make(&disk, 24 << 20, "-b 1024");
    model_init(&model, 7);
    struct ext4 *fs = disk_mount(&disk);
    for (int i = 0; i < 200; i++)
        model_step(&model, &disk, fs, false, false);
    for (int i = 0; i < 3000; i++) {
        native_heap_fail_after((long)model_random(&model, 8));
        bool ended = model_step(&model, &disk, fs, false, true);
        native_heap_fail_after(-1);
        assert_false(ext4_readonly(fs));
        if (ended) /* the model may have let go what is an orphan still */
            model_close_all(&model);
        if (i % 250 == 0)
            assert_int_equal(ext4_commit(fs), E_OK);
    }
    model_compare(&model, &disk, fs);
    model_close_all(&model);
    disk_unmount(fs);
    fs = disk_mount(&disk);
    model_compare(&model, &disk, fs);
    disk_unmount(fs);
    disk_check(&disk);
    assert_int_equal(native_heap_live(), 0);
    model_free(&model);
    disk_free(&disk);
}

/* The disk fails in call number `at`: a read once, or a write and all that follow. */
static void fail_at(const struct disk *first, bool writes, long at)
{
    struct disk disk = {0};
    struct model model;
    struct ext4 *fs;
    disk_copy(&disk, first);
    model_init(&model, (uint64_t)at);
    disk.fail_writes_only = disk.fail_on = writes;
    disk.fail_in = at;
    if (ext4_mount(&disk.io, &(struct ext4_options){.cache_blocks = 100}, &fs) == E_OK) {
        bool failed = false;
        for (int i = 0; i < 150 && !failed; i++) {
            failed = model_step(&model, &disk, fs, false, true);
            if (i % 10 == 9)
                failed |= ext4_commit(fs) != E_OK;
        }
        (void)ext4_unmount(fs);
    }
    assert_int_equal(native_heap_live(), 0);
    disk.fail_in = -1;
    fs = disk_mount(&disk);
    disk_unmount(fs);
    if (at % 9 == 0) { /* without the error flag, which e2fsck would call an error */
        disk_command(&disk,
                     "PATH=$PATH:/usr/sbin:/sbin debugfs -w -R 'ssv state 1' %s >/dev/null 2>&1",
                     true);
        disk_check(&disk);
    }
    model_free(&model);
    disk_free(&disk);
}

/* A read that fails ends the operation; a write that fails ends all. In both cases a later mount finds a whole file system. */
static void test_device_fails(void **state)
{
    (void)state;
    struct disk first;
    disk_make(&first, 24 << 20, "-b 1024");
    for (int kind = 0; kind < 2; kind++)
        for (long at = 0; at < 400; at += 1 + at / 20)
            fail_at(&first, kind == 1, at);
    disk_free(&first);
}

static void test_times(void **state)
{
    (void)state;
    struct disk disk;
    struct ext4_stat stat = {.accessed = {-2, 5},
                             .modified = {7584745689, 999999999},
                             .changed = {1, 0}},
                     found;
    disk_make(&disk, 24 << 20, "");
    struct ext4 *fs = disk_mount(&disk);
    uint32_t ino = make(fs, 2, "x", S_IFREG | 0600);
    assert_int_equal(
        ext4_set(fs, ino, EXT4_SET_ACCESSED | EXT4_SET_MODIFIED | EXT4_SET_CHANGED, &stat), E_OK);
    disk_unmount(fs);
    disk_check(&disk);
    fs = disk_mount(&disk);
    assert_int_equal(ext4_stat(fs, ino, &found), E_OK);
    assert_int_equal(found.accessed.seconds, -2);
    assert_int_equal(found.accessed.nanoseconds, 5);
    assert_int_equal(found.modified.seconds, 7584745689);
    assert_int_equal(found.modified.nanoseconds, 999999999);
    assert_int_equal(found.changed.seconds, 1);
    assert_int_equal(found.created.seconds, 1700000000);
    disk_unmount(fs);
    disk_free(&disk);
}

int main(int argc, char **argv)
{
    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_discard),    cmocka_unit_test(test_random),
        cmocka_unit_test(test_many_names), cmocka_unit_test(test_many_extents),
        cmocka_unit_test(test_large_file), cmocka_unit_test(test_full),
        cmocka_unit_test(test_no_memory),  cmocka_unit_test(test_device_fails),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
