/* SPDX-License-Identifier: MIT */
/*
 * Power cuts. Random operations run on a disk that logs its writes and flushes. For each cut a disk is made of what was flushed
 * before and a random part of the writes since then, in pieces of 1,024 bytes: so large are the two superblocks, whose format has a
 * checksum and no second copy, on Linux as here. The library mounts it, e2fsck finds nothing, and all is there that a commit before the
 * cut has promised. The same holds after a second cut, in the replay of the first. CUTS=10000 makes so many.
 */
#include "ext4_model.h"
#include "native.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PIECE       1024u
#define CHECKPOINTS 4096

static uint64_t state_of = 88172645463325252u;

static uint32_t below(uint32_t limit)
{
    state_of ^= state_of << 13;
    state_of ^= state_of >> 7;
    state_of ^= state_of << 17;
    return (uint32_t)(state_of % limit);
}

/* A file's claims: what was committed when the log was so long. */
struct promise {
    size_t events;
    uint32_t number; /* files that are there: 1 to this, with these contents */
};

struct run {
    struct disk before, disk;
    struct promise promise[CHECKPOINTS];
    uint32_t promises;
};

static void apply(struct disk *disk, const struct disk_event *event, uint32_t from, uint32_t end)
{
    memcpy(disk->bytes + event->offset + from, event->data + from, end - from);
}

/* The disk as a cut after `events` of the log leaves it: each piece that was written since the last flush is old or new. */
static void cut(struct disk *out, const struct disk *before, const struct disk *log, size_t events,
                bool all)
{
    size_t flushed = events;
    while (flushed > 0 && log->event[flushed - 1].data)
        flushed--;
    disk_copy(out, before);
    uint32_t keep = all ? 100 : below(101);
    for (size_t i = 0; i < events; i++) {
        const struct disk_event *event = &log->event[i];
        if (!event->data)
            continue;
        if (i < flushed) {
            apply(out, event, 0, event->size);
            continue;
        }
        bool whole = below(2) == 0, kept = below(100) < keep;
        for (uint32_t at = 0; at < event->size; at += PIECE)
            if (whole ? kept : below(100) < keep)
                apply(out, event, at, at + PIECE);
    }
}

static void claim_name(char *name, uint32_t number)
{
    static const uint8_t lengths[] = {8, 30, 120, 250};
    int length = lengths[number % 4];
    sprintf(name, "%07u", number);
    memset(name + 7, 'c', (size_t)length - 7);
    name[length] = '\0';
}

/* Files of a program that keeps each promise: numbered, of a size and a byte that their number says. */
static void claim(struct run *run, struct ext4 *fs, uint32_t dir, uint32_t number)
{
    char name[256];
    uint8_t bytes[9000];
    uint32_t ino;
    claim_name(name, number);
    memset(bytes, (int)(number & 255), sizeof(bytes));
    assert_int_equal(
        ext4_create(fs, dir, name, strlen(name), &(struct ext4_new){.mode = S_IFREG | 0600}, &ino),
        E_OK);
    assert_int_equal(disk_write_file(&run->disk, fs, ino, 0, bytes, 1 + number * 37 % 9000), E_OK);
}

static void promise_kept(struct disk *disk, struct ext4 *fs, uint32_t number, uint32_t oldest)
{
    uint8_t bytes[9000];
    uint32_t dir, ino;
    if (number == 0)
        return;
    assert_int_equal(ext4_lookup(fs, 2, "claims", 6, &dir), E_OK);
    for (uint32_t i = oldest; i <= number; i++) {
        struct ext4_stat stat;
        char name[256];
        uint32_t size = 1 + i * 37 % 9000;
        claim_name(name, i);
        assert_int_equal(ext4_lookup(fs, dir, name, strlen(name), &ino), E_OK);
        assert_int_equal(ext4_stat(fs, ino, &stat), E_OK);
        assert_int_equal(stat.size, size);
        assert_int_equal(disk_read_file(disk, fs, ino, 0, bytes, size), E_OK);
        for (uint32_t at = 0; at < size; at++)
            assert_int_equal(bytes[at], i & 255);
    }
}

static void run_make(struct run *run, const char *options, uint64_t size, uint64_t seed, int steps)
{
    struct model model;
    uint32_t dir, number = 0;
    disk_make(&run->before, size, options);
    disk_copy(&run->disk, &run->before);
    run->disk.logging = true;
    run->promises = 0;
    struct ext4 *fs;
    assert_int_equal(ext4_mount(&run->disk.io, &(struct ext4_options){.cache_blocks = 200}, &fs),
                     E_OK);
    ext4_set_discard(fs, seed % 2 == 1);
    model_init(&model, seed);
    assert_int_equal(
        ext4_create(fs, 2, "claims", 6, &(struct ext4_new){.mode = S_IFDIR | 0700}, &dir), E_OK);
    assert_int_equal(ext4_rename(fs, &(struct ext4_place){2, "claims", 6},
                                 &(struct ext4_place){2, "claims", 6}, 0, &dir),
                     E_OK);
    assert_int_equal(ext4_lookup(fs, 2, "claims", 6, &dir), E_OK);
    for (int i = 0; i < steps; i++) {
        for (int j = 0; j < 6; j++)
            model_step(&model, &run->disk, fs, true, false);
        if (model_random(&model, 3) == 0)
            claim(run, fs, dir, ++number);
        if (model_random(&model, 8) == 0 && run->promises < CHECKPOINTS) {
            assert_int_equal(ext4_commit(fs), E_OK);
            run->promise[run->promises++] = (struct promise){run->disk.event_count, number};
        }
    }
    assert_int_equal(ext4_unmount(fs), E_OK);
    run->promise[run->promises++] = (struct promise){run->disk.event_count, number};
    model_free(&model);
}

static uint32_t promised(const struct run *run, size_t events)
{
    uint32_t number = 0;
    for (uint32_t i = 0; i < run->promises && run->promise[i].events <= events; i++)
        number = run->promise[i].number;
    return number;
}

/* Mounts what a cut left, and checks it. */
static void cut_check(struct disk *disk, uint32_t number, bool judge)
{
    struct ext4 *fs;
    uint32_t mounted = (uint32_t)ext4_mount(&disk->io, &(struct ext4_options){0}, &fs);
    if (mounted != E_OK)
        fail_msg("mount: %u: %s", mounted, disk->report);
    promise_kept(disk, fs, number, number > 40 ? number - 40 : 1);
    assert_int_equal(ext4_unmount(fs), E_OK);
    if (judge)
        disk_check(disk);
}

static void cuts_in(const char *options, uint64_t size, uint64_t seed, unsigned cuts)
{
    struct run *run = calloc(1, sizeof(*run));
    run_make(run, options, size, seed, 600);
    size_t events = run->disk.event_count;
    for (unsigned i = 0; i < cuts; i++) {
        static struct disk disk, again; /* zero at first */
        size_t at = below((uint32_t)events + 1);
        if (i % 3 == 0) /* just before a flush, all or some of it written */
            while (at < events && run->disk.event[at].data)
                at++;
        cut(&disk, &run->before, &run->disk, at, i % 6 == 0);
        uint32_t number = promised(run, at);
        if (i % 4 == 0) { /* and once more, in the middle of what the mount writes */
            static struct disk copy;
            disk_copy(&copy, &disk);
            copy.logging = true;
            struct ext4 *fs;
            assert_int_equal(ext4_mount(&copy.io, &(struct ext4_options){0}, &fs), E_OK);
            assert_int_equal(ext4_unmount(fs), E_OK);
            cut(&again, &disk, &copy, below((uint32_t)copy.event_count + 1), false);
            cut_check(&again, number, i % 8 == 0);
        }
        cut_check(&disk, number, i % 5 == 0 || cuts > 1000);
        assert_int_equal(native_heap_live(), 0);
    }
    disk_free(&run->before);
    disk_free(&run->disk);
    free(run);
}

static unsigned cuts_wanted(void)
{
    const char *wanted = getenv("CUTS");
    return wanted ? (unsigned)atoi(wanted) : 1000;
}

static void test_cuts_small_blocks(void **state)
{
    (void)state;
    cuts_in("-b 1024 -N 512 -J size=1", 4 << 20, 11, cuts_wanted() / 2);
}

static void test_cuts_large_blocks(void **state)
{
    (void)state;
    cuts_in("-b 4096 -N 512 -J size=4 -O metadata_csum_seed,orphan_file", 10 << 20, 12,
            cuts_wanted() / 4);
}

static void test_cuts_without_checksums(void **state)
{
    (void)state;
    cuts_in("-b 1024 -N 512 -J size=1 -O ^metadata_csum,^64bit", 4 << 20, 13, cuts_wanted() / 4);
}

int main(int argc, char **argv)
{
    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts_small_blocks),
        cmocka_unit_test(test_cuts_large_blocks),
        cmocka_unit_test(test_cuts_without_checksums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
