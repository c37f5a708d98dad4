/* SPDX-License-Identifier: MIT */
#include "ext4_disk.h"

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool may_fail(struct disk *disk, bool write)
{
    if (disk->fail_in < 0 || (disk->fail_writes_only && !write))
        return false;
    if (disk->fail_in > 0) {
        disk->fail_in--;
        return false;
    }
    if (!disk->fail_on)
        disk->fail_in = -1;
    return true;
}

static enum err disk_read(void *context, uint64_t offset, uint32_t size, void *const *piece,
                          uint32_t count)
{
    struct disk *disk = context;
    disk->reads++;
    if (may_fail(disk, false))
        return E_IO;
    for (uint32_t i = 0; i < count; i++, offset += size) {
        assert_true(offset <= disk->size && size <= disk->size - offset);
        memcpy(piece[i], disk->bytes + offset, size);
    }
    return E_OK;
}

static void log_add(struct disk *disk, uint64_t offset, uint32_t size, const void *data)
{
    if (!disk->logging)
        return;
    if (disk->event_count == disk->event_room) {
        disk->event_room = disk->event_room ? 2 * disk->event_room : 256;
        disk->event = realloc(disk->event, disk->event_room * sizeof(*disk->event));
        assert_non_null(disk->event);
    }
    struct disk_event event = {offset, size, NULL};
    if (data) {
        event.data = malloc(size);
        assert_non_null(event.data);
        memcpy(event.data, data, size);
    }
    disk->event[disk->event_count++] = event;
}

static enum err disk_write(void *context, uint64_t offset, uint32_t size, void *const *piece,
                           uint32_t count)
{
    struct disk *disk = context;
    disk->writes++;
    if (may_fail(disk, true))
        return E_IO;
    assert_false(disk->io.readonly);
    for (uint32_t i = 0; i < count; i++, offset += size) {
        assert_true(offset <= disk->size && size <= disk->size - offset);
        memcpy(disk->bytes + offset, piece[i], size);
        log_add(disk, offset, size, piece[i]);
    }
    return E_OK;
}

static enum err disk_flush(void *context)
{
    struct disk *disk = context;
    disk->flushes++;
    if (may_fail(disk, true))
        return E_IO;
    log_add(disk, 0, 0, NULL);
    return E_OK;
}

/* What was there is lost. */
static enum err disk_discard(void *context, uint64_t offset, uint64_t size)
{
    struct disk *disk = context;
    disk->discards++;
    disk->discarded += size;
    assert_true(offset <= disk->size && size <= disk->size - offset && size > 0);
    memset(disk->bytes + offset, 0xdd, size);
    log_add(disk, offset, (uint32_t)size, disk->bytes + offset);
    return E_OK;
}

static struct ext4_time disk_now(void *context)
{
    struct disk *disk = context;
    return (struct ext4_time){disk->now, disk->nanoseconds++};
}

static void disk_report(void *context, const char *text)
{
    struct disk *disk = context;
    snprintf(disk->report, sizeof(disk->report), "%s", text);
    disk->reports++;
    if (getenv("EXT4_VERBOSE"))
        printf("  %s\n", text);
}

static void disk_init(struct disk *disk, uint64_t size, uint8_t *bytes)
{
    *disk = (struct disk){.size = size, .fail_in = -1, .now = 1700000000, .bytes = bytes};
    disk->io = (struct ext4_io){
        .context = disk,
        .bytes = size,
        .read = disk_read,
        .write = disk_write,
        .flush = disk_flush,
        .discard = disk_discard,
        .now = disk_now,
        .report = disk_report,
    };
    if (!bytes)
        disk->bytes = calloc(1, size);
    assert_non_null(disk->bytes);
}

static char folder[64];

static void folder_remove(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    if (system(command) != 0)
        fprintf(stderr, "%s remains\n", folder);
}

const char *disk_folder(void)
{
    if (folder[0] == '\0') {
        bool memory = access("/dev/shm", W_OK) == 0;
        strcpy(folder, memory ? "/dev/shm/ouro-ext4-XXXXXX" : "/tmp/ouro-ext4-XXXXXX");
        assert_non_null(mkdtemp(folder));
        atexit(folder_remove);
    }
    return folder;
}

static void file_pass(const char *path, uint8_t *bytes, uint64_t size, bool write)
{
    int fd = open(path, write ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY, 0600);
    assert_true(fd >= 0);
    assert_true(!write || ftruncate(fd, (off_t)size) == 0);
    static const uint8_t nothing[65536];
    for (uint64_t at = 0; at < size;) {
        size_t part = size - at < sizeof(nothing) ? (size_t)(size - at) : sizeof(nothing);
        bool hole = write && memcmp(bytes + at, nothing, part) == 0;
        ssize_t done = hole    ? (ssize_t)part
                       : write ? pwrite(fd, bytes + at, part, (off_t)at)
                               : pread(fd, bytes + at, part, (off_t)at);
        assert_int_equal(done, (ssize_t)part);
        at += part;
    }
    close(fd);
}

int disk_command(struct disk *disk, const char *command, bool back)
{
    char path[96], text[4096];
    snprintf(path, sizeof(path), "%s/disk", disk_folder());
    file_pass(path, disk->bytes, disk->size, true);
    snprintf(text, sizeof(text), command, path);
    int status = system(text);
    if (back)
        file_pass(path, disk->bytes, disk->size, false);
    unlink(path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void disk_make(struct disk *disk, uint64_t size, const char *options)
{
    char command[2048];
    disk_init(disk, size, NULL);
    snprintf(
        command, sizeof(command),
        "PATH=$PATH:/usr/sbin:/sbin mke2fs -q -F -t ext4 %s %%s >%s/mke2fs 2>&1 || { cat %s/mke2fs; exit 1; }",
        options, disk_folder(), disk_folder());
    assert_int_equal(disk_command(disk, command, true), 0);
}

void disk_copy(struct disk *to, const struct disk *from)
{
    uint8_t *bytes = to->size == from->size ? to->bytes : NULL;
    if (!bytes)
        free(to->bytes);
    disk_log_clear(to);
    free(to->event);
    disk_init(to, from->size, bytes);
    memcpy(to->bytes, from->bytes, from->size);
    to->now = from->now;
}

void disk_log_clear(struct disk *disk)
{
    for (size_t i = 0; i < disk->event_count; i++)
        free(disk->event[i].data);
    disk->event_count = 0;
}

void disk_free(struct disk *disk)
{
    disk_log_clear(disk);
    free(disk->event);
    free(disk->bytes);
}

void disk_check(struct disk *disk)
{
    char command[512];
    snprintf(
        command, sizeof(command),
        "PATH=$PATH:/usr/sbin:/sbin e2fsck -fn %%s >%s/e2fsck 2>&1 || { cat %s/e2fsck; exit 1; }",
        disk_folder(), disk_folder());
    if (disk_command(disk, command, false) != 0) {
        if (getenv("EXT4_KEEP"))
            file_pass(getenv("EXT4_KEEP"), disk->bytes, disk->size, true);
        fail_msg("e2fsck found errors");
    }
}

struct ext4 *disk_mount(struct disk *disk)
{
    struct ext4 *fs;
    assert_int_equal(ext4_mount(&disk->io, &(struct ext4_options){0}, &fs), E_OK);
    return fs;
}

void disk_unmount(struct ext4 *fs)
{
    assert_int_equal(ext4_unmount(fs), E_OK);
}

static enum err pass_piece(struct disk *disk, uint64_t offset, void *bytes, size_t size, bool write)
{
    return write ? disk->io.write(disk, offset, (uint32_t)size, &bytes, 1)
                 : disk->io.read(disk, offset, (uint32_t)size, &bytes, 1);
}

enum err disk_read_file(struct disk *disk, struct ext4 *fs, uint32_t ino, uint64_t offset, void *to,
                        size_t size)
{
    uint32_t block_size = ext4_block_size(fs);
    uint8_t *at = to;
    while (size > 0) {
        struct ext4_run run;
        uint32_t block = (uint32_t)(offset / block_size), into = (uint32_t)(offset % block_size);
        enum err e =
            ext4_map(fs, ino, block, (uint32_t)((into + size + block_size - 1) / block_size), &run);
        if (e != E_OK)
            return e;
        uint64_t bytes = (uint64_t)run.count * block_size - into;
        size_t part = bytes < size ? (size_t)bytes : size;
        if (run.state == EXT4_DATA) {
            e = pass_piece(disk, run.block * block_size + into, at, part, false);
            if (e != E_OK)
                return e;
        } else {
            memset(at, 0, part);
        }
        at += part;
        offset += part;
        size -= part;
    }
    return E_OK;
}

/* Writes one block: what is not in [into, into + size) stays, or is zero if it was no data. */
static enum err write_block(struct disk *disk, struct ext4 *fs, uint32_t ino, uint32_t block,
                            uint32_t into, const void *from, uint32_t size)
{
    uint32_t block_size = ext4_block_size(fs), done;
    uint8_t data[4096];
    struct ext4_run run;
    enum err e = ext4_allocate(fs, ino, block, 1, &done);
    if (e == E_OK)
        e = ext4_map(fs, ino, block, 1, &run);
    if (e != E_OK)
        return e;
    assert_true(done >= 1 && run.state != EXT4_HOLE);
    memset(data, 0, sizeof(data));
    if (run.state == EXT4_DATA)
        e = pass_piece(disk, run.block * block_size, data, block_size, false);
    if (e != E_OK)
        return e;
    memcpy(data + into, from, size);
    return pass_piece(disk, run.block * block_size, data, block_size, true);
}

enum err disk_write_file(struct disk *disk, struct ext4 *fs, uint32_t ino, uint64_t offset,
                         const void *from, size_t size)
{
    uint32_t block_size = ext4_block_size(fs);
    const uint8_t *at = from;
    while (size > 0) {
        uint32_t block = (uint32_t)(offset / block_size), into = (uint32_t)(offset % block_size);
        uint32_t part = block_size - into < size ? block_size - into : (uint32_t)size;
        enum err e = write_block(disk, fs, ino, block, into, at, part);
        if (e == E_OK)
            e = ext4_written(fs, ino, block, 1, offset + part);
        if (e != E_OK)
            return e;
        at += part;
        offset += part;
        size -= part;
    }
    return E_OK;
}

enum err disk_truncate_file(struct disk *disk, struct ext4 *fs, uint32_t ino, uint64_t size)
{
    static const uint8_t nothing[4096];
    uint32_t block_size = ext4_block_size(fs), into = (uint32_t)(size % block_size);
    struct ext4_stat stat;
    struct ext4_run run;
    enum err e = ext4_stat(fs, ino, &stat);
    if (e == E_OK && into != 0 && size < stat.size) {
        e = ext4_map(fs, ino, (uint32_t)(size / block_size), 1, &run);
        if (e == E_OK && run.state == EXT4_DATA)
            e = write_block(disk, fs, ino, (uint32_t)(size / block_size), into, nothing,
                            block_size - into);
    }
    return e == E_OK ? ext4_truncate(fs, ino, size) : e;
}
