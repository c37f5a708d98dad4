/* SPDX-License-Identifier: MIT */
/*
 * A disk in memory for tests of fs/ext4: made by mke2fs, judged by e2fsck, with failures at will and, for power cuts, a log
 * of what was written and flushed.
 */
#pragma once

#include "fs/ext4/ext4.h"

struct disk_event { /* of the log; data NULL: a flush */
    uint64_t offset;
    uint32_t size;
    uint8_t *data;
};

struct disk {
    struct ext4_io io;
    uint8_t *bytes;
    uint64_t size;
    long
        fail_in; /* the call after so many fails, and with `fail_on` all later ones; negative: none */
    bool fail_on;
    bool fail_writes_only;
    unsigned long reads, writes, flushes, discards, discarded; /* the last: bytes */
    bool logging;
    struct disk_event *event;
    size_t event_count, event_room;
    char report[512]; /* the last one */
    unsigned reports;
    int64_t now; /* seconds; each look at the clock adds 1 ns */
    uint32_t nanoseconds;
};

/* Runs mke2fs -t ext4 with these options on a disk of so many bytes. */
void disk_make(struct disk *disk, uint64_t size, const char *options);
/* The same contents, without log and failures. `to` is zero, or a disk that is no longer needed, whose memory is used again. */
void disk_copy(struct disk *to, const struct disk *from);
void disk_free(struct disk *disk);
/* The disk as a file, for a command: the first %s of `command`. Returns the exit status; `back`: reads the file again. */
int disk_command(struct disk *disk, const char *command, bool back);
/* Fails the test unless e2fsck -fn finds nothing. */
void disk_check(struct disk *disk);
void disk_log_clear(struct disk *disk);
/* A folder for temporary files of the test, removed at its end. */
const char *disk_folder(void);

struct ext4 *disk_mount(struct disk *disk);
void disk_unmount(struct ext4 *fs);

/* Reads and writes a file through ext4_map() and the device, as a page cache does. */
enum err disk_read_file(struct disk *disk, struct ext4 *fs, uint32_t ino, uint64_t offset, void *to,
                        size_t size);
enum err disk_write_file(struct disk *disk, struct ext4 *fs, uint32_t ino, uint64_t offset,
                         const void *from, size_t size);
/* Sets the size; clears the rest of the last block, as a page cache does. */
enum err disk_truncate_file(struct disk *disk, struct ext4 *fs, uint32_t ino, uint64_t size);
