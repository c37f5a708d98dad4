/* SPDX-License-Identifier: MIT */
/*
 * churn FILE SEED OPERATIONS [BYTE]: random operations on a file beside a model in memory: read, write, vectors, mappings read and written,
 * truncate, holes punched, blocks reserved, appends, fsync and msync, the file closed and opened again, by two descriptors. Each byte read is
 * compared, and at last all of them. Prints "churn: all as it should be"; else what was read where. What the file system
 * lacks (EOPNOTSUPP) is left out, and named. BYTE: what changes that byte of the file is printed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST  (1 << 20) /* bytes of the file */
#define PIECE (96 << 10)
#define PAGE  4096u

#ifndef FALLOC_FL_ZERO_RANGE
#define FALLOC_FL_ZERO_RANGE 0x10
#endif

static uint64_t state;
static unsigned char model[MOST], bytes[MOST];
static size_t size;
static int fd[2];
static const char *path;
static unsigned step;
static bool lacks[8];
static size_t watched = SIZE_MAX;

/* For who looks for a fault: an operation on bytes [at, at + count). */
static void note(const char *what, size_t at, size_t count)
{
    if (watched >= at && watched < at + count)
        printf("churn: step %u: %s [%zu, %zu), the size is %zu\n", step, what, at, at + count,
               size);
}

static size_t below(size_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return limit ? (size_t)(state % limit) : 0;
}

static _Noreturn void stop(const char *what)
{
    printf("churn: step %u: %s: %s\n", step, what, strerror(errno));
    exit(1);
}

static void compare(const char *how, const unsigned char *got, size_t at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (got[i] == model[at + i])
            continue;
        printf("churn: step %u: %s: at %zu of %zu there is %u instead of %u\n", step, how, at + i,
               size, got[i], model[at + i]);
        exit(1);
    }
}

/* Some place and length in [0, limit); often ends of pages and of the file. */
static void choose(size_t limit, size_t *at, size_t *count)
{
    *at = below(limit);
    if (below(4) == 0)
        *at &= ~(size_t)(PAGE - 1);
    *count = 1 + below(below(3) == 0 ? PIECE : 5000);
    if (*count > limit - *at)
        *count = limit - *at;
}

static void fill(size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (unsigned char)(below(255) + 1);
}

static void do_read(void)
{
    size_t at, count;
    choose(MOST, &at, &count);
    ssize_t wanted = at >= size ? 0 : (ssize_t)(count < size - at ? count : size - at);
    struct iovec parts[2] = {{bytes, count / 3}, {bytes + count / 3, count - count / 3}};
    ssize_t got = below(3) ? pread(fd[below(2)], bytes, count, (off_t)at)
                           : preadv(fd[below(2)], parts, 2, (off_t)at);
    if (got != wanted)
        stop("read");
    compare("read", bytes, at, (size_t)got);
}

static void do_write(void)
{
    size_t at, count;
    choose(MOST, &at, &count);
    bool append = below(6) == 0;
    if (append)
        at = size;
    if (count > MOST - at)
        count = MOST - at;
    fill(count);
    struct iovec parts[2] = {{bytes, count / 2}, {bytes + count / 2, count - count / 2}};
    int to = fd[below(2)];
    ssize_t done = below(3) || count < 2 ? pwrite(to, bytes, count, (off_t)at)
                                         : pwritev(to, parts, 2, (off_t)at);
    if (done != (ssize_t)count)
        stop("write");
    note("write", at, count);
    memcpy(model + at, bytes, count);
    if (count && at + count > size)
        size = at + count;
}

static void do_map(bool write)
{
    size_t at, count;
    if (size == 0)
        return;
    choose(size, &at, &count);
    size_t start = at & ~(size_t)(PAGE - 1);
    unsigned char *map = mmap(NULL, at + count - start, PROT_READ | (write ? PROT_WRITE : 0),
                              MAP_SHARED, fd[below(2)], (off_t)start);
    if (map == MAP_FAILED)
        stop("mmap");
    if (write) {
        note("store", at, count);
        fill(count);
        memcpy(map + (at - start), bytes, count);
        memcpy(model + at, bytes, count);
        if (below(3) == 0 && msync(map, at + count - start, below(2) ? MS_SYNC : MS_ASYNC) != 0)
            stop("msync");
    } else {
        compare("mapping", map + (at - start), at, count);
    }
    munmap(map, at + count - start);
}

static void do_truncate(void)
{
    size_t to = below(4) ? below(MOST) : size / 2;
    if (ftruncate(fd[below(2)], (off_t)to) != 0)
        stop("ftruncate");
    note("truncate", to, MOST);
    if (to < size)
        memset(model + to, 0, size - to);
    size = to;
}

/* 0: punch, 1: reserve, 2: reserve and keep the size, 3: zero */
static void do_allocate(int kind)
{
    static const int modes[] = {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, FALLOC_FL_KEEP_SIZE,
                                FALLOC_FL_ZERO_RANGE};
    size_t at, count;
    choose(MOST, &at, &count);
    if (count == 0 || lacks[kind])
        return;
    if (fallocate(fd[below(2)], modes[kind], (off_t)at, (off_t)count) != 0) {
        if (errno != EOPNOTSUPP)
            stop("fallocate");
        lacks[kind] = true;
        return;
    }
    note(kind == 0 ? "punch" : kind == 3 ? "zero" : "reserve", at, count);
    if (kind == 0 || kind == 3)
        memset(model + at, 0, count);
    if ((kind == 1 || kind == 3) && at + count > size)
        size = at + count;
}

static void do_open(void)
{
    int which = (int)below(2);
    close(fd[which]);
    fd[which] = open(path, O_RDWR);
    if (fd[which] < 0)
        stop("open");
}

static void do_sync(void)
{
    int which = fd[below(2)];
    if ((below(2) ? fsync(which) : fdatasync(which)) != 0)
        stop("fsync");
    bool drops = below(4) == 0;
    note(drops ? "sync and drop" : "sync", 0, MOST);
    if (drops)
        posix_fadvise(which, 0, 0, POSIX_FADV_DONTNEED);
}

static void do_size(void)
{
    struct stat st;
    if (fstat(fd[below(2)], &st) != 0 || (size_t)st.st_size != size) {
        printf("churn: step %u: the size is %lld instead of %zu\n", step, (long long)st.st_size,
               size);
        exit(1);
    }
}

static void work(void)
{
    switch (below(20)) {
    case 0 ... 4:
        do_read();
        break;
    case 5 ... 9:
        do_write();
        break;
    case 10 ... 11:
        do_map(false);
        break;
    case 12 ... 13:
        do_map(true);
        break;
    case 14:
        do_truncate();
        break;
    case 15 ... 16:
        do_allocate((int)below(4));
        break;
    case 17:
        do_open();
        break;
    case 18:
        do_sync();
        break;
    default:
        do_size();
    }
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"punched holes", "fallocate", "fallocate keeping the size",
                                        "zeroed ranges"};
    if (argc < 4)
        return 2;
    path = argv[1];
    state = 88172645463325252u + strtoull(argv[2], NULL, 10) * 1000003;
    unsigned steps = (unsigned)atoi(argv[3]);
    if (argc > 4)
        watched = strtoul(argv[4], NULL, 10);
    fd[0] = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    fd[1] = open(path, O_RDWR);
    if (fd[0] < 0 || fd[1] < 0)
        stop("open");
    for (step = 1; step <= steps; step++)
        work();
    do_size();
    close(fd[0]);
    do_open();
    fd[0] = open(path, O_RDONLY);
    if (pread(fd[0], bytes, MOST, 0) != (ssize_t)size)
        stop("the last read");
    compare("at last", bytes, 0, size);
    for (int i = 0; i < 4; i++)
        if (lacks[i])
            printf("churn: without %s\n", names[i]);
    puts("churn: all as it should be");
    return 0;
}
