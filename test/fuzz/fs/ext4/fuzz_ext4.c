/* SPDX-License-Identifier: MIT */
/*
 * Hostile images. A file system with one of everything (hashed trees, deep extents, attributes in the inode and in a block,
 * orphans, a journal to be replayed) is damaged as the input says, in blocks of metadata that the input chooses; their checksums
 * are made right again, so that the damage goes deep. Then it is mounted, read, changed and unmounted: nothing may be read or
 * written beside its memory, hang, or leak.
 */
#include "ext4_disk.h"
#include "fs/ext4/core.h"
#include "fs/ext4/journal_format.h"
#include "native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BASES      3
#define PLACES_MAX 3000

struct place { /* a block of metadata */
    uint32_t block, seed, kind;
};

static struct base {
    struct disk disk;
    struct ext4 numbers; /* of the file system: for checksums */
    struct place place[PLACES_MAX];
    uint32_t places;
} bases[BASES];

static const uint8_t *at, *end;

static uint32_t next(void)
{
    return at < end ? *at++ : 0;
}

static uint32_t next_16(void)
{
    uint32_t low = next();
    return low | next() << 8;
}

/* ---- What is done with a file system ---- */

struct walk {
    struct ext4 *fs;
    uint32_t ino[64], count;
};

static bool collect(void *context, const struct ext4_name *name, uint64_t cookie)
{
    struct walk *walk = context;
    (void)cookie;
    if (walk->count < 64)
        walk->ino[walk->count++] = name->ino;
    return walk->count < 64;
}

static bool any_attribute(void *context, const char *name, const void *value, size_t size)
{
    static char copy[4096];
    (void)context;
    memcpy(copy, value, size < sizeof(copy) ? size : sizeof(copy));
    return strlen(name) < 300;
}

static void look(struct ext4 *fs, uint32_t ino)
{
    struct ext4_stat stat;
    struct ext4_run run;
    char text[300];
    size_t length;
    uint32_t found;
    if (ext4_stat(fs, ino, &stat) != E_OK)
        return;
    (void)!ext4_readlink(fs, ino, text, sizeof(text), &length);
    (void)!ext4_xattr_list(fs, ino, any_attribute, NULL);
    (void)!ext4_lookup(fs, ino, "name 77", 7, &found);
    (void)!ext4_parent(fs, ino, &found);
    for (uint32_t block = 0, i = 0; i < 300; i++, block += run.count)
        if (ext4_map(fs, ino, block, 1000, &run) != E_OK || run.count == 0)
            break;
}

static void change(struct ext4 *fs, uint32_t dir, uint32_t ino)
{
    struct ext4_new new = {.mode = S_IFREG | 0600};
    uint32_t made, done;
    char name[40];
    memset(name, 'n', sizeof(name));
    (void)!ext4_xattr_set(fs, ino, "user.new", name, 40, 0);
    if (ext4_create(fs, dir, name, sizeof(name), &new, &made) == E_OK) {
        (void)!ext4_allocate(fs, made, 3, 70, &done);
        (void)!ext4_written(fs, made, 4, 10, 9000);
    }
    (void)!ext4_allocate(fs, ino, 100, 500, &done);
    (void)!ext4_punch(fs, ino, 1, 30);
    (void)!ext4_truncate(fs, ino, 5000);
    if (ext4_unlink(fs, dir, "name 77", 7, &made) == E_OK)
        (void)!ext4_evict(fs, made);
    (void)!ext4_rename(fs, &(struct ext4_place){dir, "name 78", 7},
                       &(struct ext4_place){2, "name 79", 7}, 0, &made);
    new.mode = S_IFDIR | 0700;
    (void)!ext4_create(fs, dir, "folder", 6, &new, &made);
    if (ext4_rmdir(fs, dir, "folder", 6, &made) == E_OK)
        (void)!ext4_evict(fs, made);
}

static void use(struct disk *disk)
{
    struct ext4 *fs;
    if (ext4_mount(&disk->io, &(struct ext4_options){.cache_blocks = 60}, &fs) != E_OK)
        return;
    struct walk walk = {.fs = fs, .ino = {2}, .count = 1};
    for (uint32_t i = 0; i < walk.count; i++) {
        uint64_t cookie = 0;
        (void)!ext4_list(fs, walk.ino[i], &cookie, collect, &walk);
        look(fs, walk.ino[i]);
    }
    for (uint32_t i = 0; i < walk.count && i < 12; i++)
        change(fs, walk.ino[i % 3], walk.ino[i]);
    (void)!ext4_commit(fs);
    (void)ext4_unmount(fs);
}

/* ---- The file systems to be damaged ---- */

static void fill(struct disk *disk, struct ext4 *fs)
{
    struct ext4_new new = {.mode = S_IFREG | 0600}, folder = {.mode = S_IFDIR | 0700};
    struct ext4_new link = {
        .mode = S_IFLNK | 0777,
        .text = "a target that is not short: it has a block of its own, behind the inode"};
    uint32_t dir, ino, done, other;
    char name[64], value[300];
    memset(value, 'v', sizeof(value));
    (void)!ext4_create(fs, 2, "dir", 3, &folder, &dir);
    (void)!ext4_create(fs, 2, "small", 5, &folder, &other);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name),
                 i < 100 ? "name %d" : "name %d, which is a long one, so that there are blocks", i);
        (void)!ext4_create(fs, dir, name, strlen(name), &new, &ino);
    }
    (void)!ext4_create(fs, 2, "link", 4, &link, &ino);
    (void)!ext4_create(fs, other, "pieces", 6, &new, &ino);
    (void)!ext4_xattr_set(fs, ino, "user.inside", value, 10, 0);
    (void)!ext4_xattr_set(fs, ino, "user.outside", value, 300, 0);
    for (uint32_t i = 0; i < 200; i++)
        (void)!ext4_allocate(fs, ino, i * 2, 1, &done);
    (void)!ext4_written(fs, ino, 0, 100, 200000);
    (void)!ext4_commit(fs);
    (void)!ext4_create(fs, 2, NULL, 0, &new, &ino); /* an orphan */
    (void)!ext4_allocate(fs, ino, 0, 5, &done);
    (void)!ext4_unlink(fs, 2, "link", 4, &ino);
    (void)!ext4_evict(fs, ino); /* revokes */
    (void)!ext4_commit(fs);
    (void)disk;
}

static void place_add(struct base *base, uint64_t block, uint32_t kind, uint32_t seed)
{
    if (base->places < PLACES_MAX)
        base->place[base->places++] = (struct place){(uint32_t)block, seed, kind};
}

static void places_find(struct base *base, struct ext4 *fs)
{
    struct list *lists[] = {&fs->idle, &fs->running, &fs->logged};
    for (int i = 0; i < 3; i++)
        list_for_each (link, lists[i]) {
            const struct ext4_buffer *buffer = CONTAINER_OF(link, struct ext4_buffer, place);
            place_add(base, buffer->block, buffer->kind, buffer->seed);
        }
    uint32_t count;
    for (uint32_t i = 0; i < 400 && i < fs->journal.blocks; i++)
        if (i < 4 || base == &bases[2])
            place_add(base, ext4_journal_place(fs, i, &count), UINT32_MAX, fs->journal.seed);
}

static void base_make(struct base *base, const char *options, uint64_t size, bool replay)
{
    struct ext4 *fs;
    disk_make(&base->disk, size, options);
    if (ext4_mount(&base->disk.io, &(struct ext4_options){0}, &fs) != E_OK)
        abort();
    fill(&base->disk, fs);
    base->numbers = *fs;
    places_find(base, fs);
    struct disk now = {0};
    disk_copy(&now, &base->disk);
    (void)ext4_unmount(fs);
    if (replay) /* as a cut left it */
        memcpy(base->disk.bytes, now.bytes, now.size);
    disk_free(&now);
}

static void bases_make(void)
{
    base_make(&bases[0], "-b 1024 -N 512 -J size=1", 3 << 20, false);
    base_make(&bases[1], "-b 4096 -N 512 -J size=4 -O metadata_csum_seed", 10 << 20, false);
    base_make(&bases[2], "-b 1024 -N 512 -J size=1 -O ^metadata_csum", 3 << 20, true);
}

/* ---- Damage ---- */

static void log_seal(struct base *base, uint8_t *data, uint32_t seed)
{
    uint32_t size = base->numbers.block_size, type = jbd2_32(((struct jbd2_head *)data)->type);
    uint32_t *sum = (uint32_t *)(data + size - 4);
    if (((struct jbd2_head *)data)->magic != jbd2_32(JBD2_MAGIC))
        return;
    if (type == JBD2_SUPER_2) {
        jbd2_super_seal(data, base->numbers.journal.features);
        return;
    }
    if (type == JBD2_COMMIT)
        sum = &((struct jbd2_commit *)data)->checksum[0];
    *sum = 0;
    *sum = jbd2_32(ext4_crc(seed, data, size));
}

static void place_seal(struct base *base, uint8_t *bytes, const struct place *place)
{
    struct ext4 *numbers = &base->numbers;
    struct ext4_buffer buffer = {.block = place->block,
                                 .data = bytes + ((uint64_t)place->block << numbers->block_bits),
                                 .kind = (uint8_t)place->kind,
                                 .seed = place->seed,
                                 .changed = UINT64_MAX};
    if (place->kind == UINT32_MAX) {
        log_seal(base, buffer.data, place->seed);
    } else if (place->kind == EXT4_SUPER) {
        ext4_super_seal((struct ext4_super *)(bytes + 1024));
    } else if (place->kind == EXT4_BLOCK_BITMAP || place->kind == EXT4_INODE_BITMAP) {
        uint32_t each = numbers->block_size / numbers->descriptor_size;
        struct ext4_group_desc *desc =
            (struct ext4_group_desc *)(bytes +
                                       (((uint64_t)numbers->first_block + 1 + place->seed / each)
                                        << numbers->block_bits) +
                                       place->seed % each * numbers->descriptor_size);
        bool blocks = place->kind == EXT4_BLOCK_BITMAP;
        uint32_t sum =
            ext4_crc(numbers->seed, buffer.data,
                     (blocks ? numbers->blocks_per_group : numbers->inodes_per_group) / 8);
        *(blocks ? &desc->block_bitmap_csum_lo : &desc->inode_bitmap_csum_lo) = (uint16_t)sum;
        *(blocks ? &desc->block_bitmap_csum_hi : &desc->inode_bitmap_csum_hi) =
            (uint16_t)(sum >> 16);
        buffer = (struct ext4_buffer){.data = (uint8_t *)desc -
                                              place->seed % each * numbers->descriptor_size,
                                      .kind = EXT4_DESCRIPTORS,
                                      .seed = place->seed / each * each};
        ext4_seal(numbers, &buffer);
    } else {
        ext4_seal(numbers, &buffer);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (bases[0].places == 0)
        bases_make();
    if (ext4_crc_start() != E_OK)
        abort();
    at = data;
    end = data + size;
    struct base *base = &bases[next() % BASES];
    static struct disk scratch[BASES];
    struct disk *disk = &scratch[base - bases];
    disk_copy(disk, &base->disk);
    uint32_t changed[16], count = 0;
    while (at < end && count < 16) {
        uint32_t which = changed[count++] = next_16() % base->places;
        uint8_t *block =
            disk->bytes + ((uint64_t)base->place[which].block << base->numbers.block_bits);
        for (uint32_t edits = next() % 8 + 1; edits > 0; edits--) {
            uint32_t offset = next_16(), value = next();
            if (base->place[which].kind == EXT4_SUPER)
                offset = 1024 - (base->place[which].block ? 1024 : 0) + offset % 1024;
            else if (value & 1) /* more often where headers are */
                offset %= 64;
            block[offset % base->numbers.block_size] = (uint8_t)next();
        }
    }
    for (uint32_t i = 0; i < count; i++)
        place_seal(base, disk->bytes, &base->place[changed[i]]);
    use(disk);
    ext4_crc_end(); /* there already, if the image was mounted */
    if (native_heap_live() != 0)
        abort();
    return 0;
}
