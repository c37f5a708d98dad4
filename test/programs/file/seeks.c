/* SPDX-License-Identifier: MIT */
/* What moves the position of a file waits for the read, write or listing by that position that another thread is in. */
#define _GNU_SOURCE
#include "result.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIZE    (24l << 20)
#define ROUNDS  8
#define ENTRIES 2000

static int fd;
static volatile uint64_t *words; /* SIZE bytes */
static long moved;

static void *read_all(void *unused)
{
    moved = read(fd, (void *)words, SIZE);
    return unused;
}

static void *write_all(void *unused)
{
    moved = write(fd, (void *)words, SIZE);
    return unused;
}

static bool in_order(void)
{
    for (uint64_t i = 0; i < SIZE / 8; i++)
        if (words[i] != i)
            return false;
    return true;
}

/* The position that `whence` gives when the other thread's read has begun. */
static off_t beside_read(off_t offset, int whence)
{
    pthread_t reader;
    memset((void *)words, 0xff, SIZE);
    lseek(fd, 0, SEEK_SET);
    pthread_create(&reader, NULL, read_all, NULL);
    while (words[0] != 0)
        sched_yield();
    off_t at = lseek(fd, offset, whence);
    pthread_join(reader, NULL);
    return at;
}

static void reads(void)
{
    bool whole = true, after = true, stays = true;
    for (int i = 0; i < ROUNDS; i++) {
        after &= beside_read(0, SEEK_CUR) == SIZE;
        whole &= moved == SIZE && in_order();
        after &= beside_read(4096, SEEK_SET) == 4096;
        whole &= moved == SIZE && in_order();
        stays &= lseek(fd, 0, SEEK_CUR) == 4096;
    }
    truth("what is read is in order", whole);
    truth("lseek() comes after it", after);
    truth("the position is lseek()'s", stays);
}

static void writes(void)
{
    bool whole = true, after = true;
    for (int i = 0; i < ROUNDS; i++) {
        struct stat st = {0};
        pthread_t writer;
        ftruncate(fd, 0);
        lseek(fd, 0, SEEK_SET);
        pthread_create(&writer, NULL, write_all, NULL);
        while (fstat(fd, &st) == 0 && st.st_size == 0)
            sched_yield();
        after &= lseek(fd, 0, SEEK_CUR) == SIZE;
        pthread_join(writer, NULL);
        whole &= moved == SIZE && pread(fd, (void *)words, SIZE, 0) == SIZE && in_order();
    }
    truth("what is written is in order", whole);
    truth("lseek() comes after it", after);
}

static unsigned char seen[ENTRIES];

static void *list(void *unused)
{
    char entries[512];
    long size;
    while ((size = syscall(SYS_getdents64, fd, entries, sizeof entries)) > 0)
        for (long at = 0; at < size;) {
            const struct dirent *d = (const struct dirent *)(const void *)(entries + at);
            if (d->d_name[0] == 'n')
                __atomic_add_fetch(&seen[atoi(d->d_name + 1)], 1, __ATOMIC_RELAXED);
            at += d->d_reclen;
        }
    return unused;
}

static void listings(const char *folder)
{
    char name[512];
    pthread_t other;
    bool once = true;
    mkdir(folder, 0700);
    for (int i = 0; i < ENTRIES; i++) {
        snprintf(name, sizeof name, "%s/n%d", folder, i);
        close(open(name, O_CREAT | O_WRONLY, 0600));
    }
    fd = open(folder, O_RDONLY | O_DIRECTORY);
    pthread_create(&other, NULL, list, NULL);
    list(NULL);
    pthread_join(other, NULL);
    for (int i = 0; i < ENTRIES; i++)
        once &= seen[i] == 1;
    truth("two threads list each entry once", once);
    for (int i = 0; i < ENTRIES; i++) {
        snprintf(name, sizeof name, "%s/n%d", folder, i);
        unlink(name);
    }
    rmdir(folder);
}

/* seeks [FOLDER] */
int main(int argc, char **argv)
{
    char name[256];
    const char *folder = argc > 1 ? argv[1] : "/tmp";
    snprintf(name, sizeof name, "%s/seeks", folder);
    words = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (uint64_t i = 0; i < SIZE / 8; i++)
        words[i] = i;
    write(fd, (void *)words, SIZE);
    reads();
    writes();
    close(fd);
    unlink(name);
    listings(name);
    return 0;
}
