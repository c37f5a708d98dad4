/* SPDX-License-Identifier: MIT */
/*
 * cuts work STEPS     changes files below /data; after each step, whose fsync()s have returned, writes its number to the device's claim
 * cuts check          all that the steps up to the claim have promised is there; prints "claim N"
 *
 * The claim is the last block of /dev/vda, behind the file system, written with O_DIRECT and O_DSYNC. A cut that has a claim
 * has all that was flushed before it.
 *
 * A step: a file with a long name in one folder, which becomes a tree; renames between folders, cut files, removed files, each
 * synced; and without sync: folders made and removed, files without a name, appends, 4 KiB blocks in the middle of a file.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 4096
#define MOST  20000

static _Noreturn void stop(const char *what, int step)
{
    printf("cuts: step %d: %s: %s\n", step, what, strerror(errno));
    exit(1);
}

static const char *name_of(const char *folder, int step)
{
    static char names[2][300];
    static int next;
    char *name = names[next ^= 1];
    snprintf(name, sizeof names[0], "/data/%s/%0200d", folder, step);
    return name;
}

static size_t size_of(int step)
{
    return (size_t)(step * 977 % 9000);
}

static char *content_of(int step)
{
    static char bytes[MOST];
    for (size_t i = 0; i < size_of(step); i++)
        bytes[i] = (char)('a' + (i * 7 + (size_t)step) % 26);
    return bytes;
}

/* What the steps up to `done` have made of file `step`. */
static bool is_renamed(int step, int done)
{
    return step % 5 == 0 && step + 1 <= done;
}
static bool is_removed(int step, int done)
{
    return step % 7 == 0 && step + 3 <= done;
}
static bool is_cut(int step, int done)
{
    return step % 3 == 0 && step + 2 <= done;
}
static const char *folder_of(int step, int done)
{
    return is_renamed(step, done) ? "renamed" : "made";
}

static void sync_folder(const char *folder, int step)
{
    char path[64];
    snprintf(path, sizeof path, "/data/%s", folder);
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    if (fd < 0 || fsync(fd) != 0)
        stop(path, step);
    close(fd);
}

/* ---- the claim ---- */

static int claim_file(int flags, off_t *at)
{
    int fd = open("/dev/vda", flags);
    *at = fd < 0 ? 0 : lseek(fd, 0, SEEK_END) - BLOCK;
    if (fd < 0 || *at <= 0)
        stop("/dev/vda", 0);
    return fd;
}

static void claim(int step)
{
    static char block[BLOCK] __attribute__((aligned(BLOCK)));
    static int fd = -1;
    static off_t at;
    if (fd < 0)
        fd = claim_file(O_RDWR | O_DIRECT | O_DSYNC, &at);
    snprintf(block, sizeof block, "%d\n", step);
    if (pwrite(fd, block, BLOCK, at) != BLOCK)
        stop("the claim", step);
}

static int claimed(void)
{
    char block[BLOCK];
    off_t at;
    int fd = claim_file(O_RDONLY, &at);
    if (pread(fd, block, BLOCK, at) != BLOCK)
        stop("the claim", 0);
    close(fd);
    return atoi(block);
}

/* ---- work ---- */

/* What no sync promises, and what must leave no damage. */
static void disturb(int step)
{
    static int orphan[4] = {-1, -1, -1, -1};
    static char bytes[16 * BLOCK];
    char name[64];
    snprintf(name, sizeof name, "/data/folder%d", step % 6);
    if (mkdir(name, 0755) != 0)
        rmdir(name);
    close(orphan[step % 4]);
    orphan[step % 4] = open("/data/orphan", O_RDWR | O_CREAT, 0600);
    if (write(orphan[step % 4], bytes, sizeof bytes) < 0)
        stop("orphan", step);
    unlink("/data/orphan");
    int fd = open("/data/grows", O_RDWR | O_CREAT, 0644);
    memset(bytes, step, BLOCK);
    if (pwrite(fd, bytes, BLOCK, (off_t)(step * 37 % 60) * BLOCK) != BLOCK)
        stop("grows", step);
    if (step % 9 == 0 && ftruncate(fd, (off_t)(step * 1237 % 100000)) != 0)
        stop("ftruncate", step);
    close(fd);
    if (step % 4 == 0)
        rename("/data/grows", "/data/shrinks");
}

static void work_step(int step)
{
    int fd = open(name_of("made", step), O_RDWR | O_CREAT | O_TRUNC, 0644);
    size_t size = size_of(step);
    if (fd < 0 || write(fd, content_of(step), size) != (ssize_t)size || fsync(fd) != 0)
        stop("made", step);
    close(fd);
    disturb(step);
    if (step > 1 && is_renamed(step - 1, step) &&
        rename(name_of("made", step - 1), name_of("renamed", step - 1)) != 0)
        stop("rename", step);
    if (step > 2 && is_cut(step - 2, step)) {
        fd = open(name_of(folder_of(step - 2, step), step - 2), O_RDWR);
        if (fd < 0 || ftruncate(fd, (off_t)size_of(step - 2) / 2) != 0 || fsync(fd) != 0)
            stop("truncate", step);
        close(fd);
    }
    if (step > 3 && is_removed(step - 3, step) &&
        unlink(name_of(folder_of(step - 3, step), step - 3)) != 0)
        stop("unlink", step);
    sync_folder("made", step);
    sync_folder("renamed", step);
    claim(step);
}

/* ---- check ---- */

static void check_file(int step, int done)
{
    static char bytes[MOST];
    size_t size = is_cut(step, done) ? size_of(step) / 2 : size_of(step);
    const char *path = name_of(folder_of(step, done), step);
    int fd = open(path, O_RDONLY);
    if (is_removed(step, done)) {
        errno = EEXIST;
        if (fd >= 0)
            stop("it was removed", step);
        return;
    }
    if (fd < 0)
        stop("it is not there", step);
    ssize_t got = read(fd, bytes, sizeof bytes);
    errno = EIO;
    if (got != (ssize_t)size || memcmp(bytes, content_of(step), size) != 0)
        stop("it has other bytes", step);
    close(fd);
}

static void check(void)
{
    int done = claimed();
    for (int step = 1; step <= done; step++) /* the next step may have changed the last three */
        if (step + 2 < done ||
            (!is_renamed(step, step + 1) && !is_cut(step, step + 2) && !is_removed(step, step + 3)))
            check_file(step, done);
    printf("claim %d\n", done);
    mkdir("/data/after", 0755); /* the file system is writable, and its free blocks are free */
    for (int i = 0; i < 40; i++) {
        char name[64], bytes[5000];
        memset(bytes, i, sizeof bytes);
        snprintf(name, sizeof name, "/data/after/%d", i);
        int fd = open(name, O_RDWR | O_CREAT, 0644);
        if (fd < 0 || write(fd, bytes, sizeof bytes) != sizeof bytes)
            stop("after", i);
        close(fd);
    }
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "work") == 0) {
        mkdir("/data/made", 0755);
        mkdir("/data/renamed", 0755);
        sync();
        for (int step = 1; step <= atoi(argv[2]); step++)
            work_step(step);
        puts("worked");
    } else {
        check();
    }
    return 0;
}
