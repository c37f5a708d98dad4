/* SPDX-License-Identifier: MIT */
/* A full file system. full.sh runs this in a small machine, and on a small tmpfs of Linux. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "result.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <unistd.h>

static char block[65536];

int main(void)
{
    struct stat st;
    struct statfs fs;
    memset(block, 'x', sizeof block);
    int fd = open("big", O_CREAT | O_RDWR, 0600);
    ssize_t n, total = 0;
    while ((n = write(fd, block, sizeof block)) == sizeof block)
        total += n;
    if (n > 0) { /* a short write */
        total += n;
        n = write(fd, block, sizeof block);
    }
    result("full", n);
    truth("a megabyte and more went in", total > 1 << 20);
    fstat(fd, &st);
    truth("the size is what was written", st.st_size == total);
    statfs(".", &fs);
    printf("%ld blocks left\n", (long)fs.f_bavail);
    result("a byte", write(fd, "x", 1) == 1 ? 0 : -1);
    result("a gap is nothing", ftruncate(fd, (off_t)1 << 40));
    result("behind it", pwrite(fd, "x", 1, (off_t)1 << 39));
    result("fallocate", fallocate(fd, 0, 0, 1 << 30));
    result("huge fallocate", fallocate(fd, 0, 0, (off_t)1 << 50));
    ftruncate(fd, total);
    struct iovec v[2] = {{block, 10}, {block, 10}};
    result("writev", pwritev(fd, v, 2, total + 4096));
    result("what is there can be changed", pwrite(fd, "y", 1, 5));
    result("and read", pread(fd, block, 10, 0));
    printf("%.10s\n", block);
    result("less of it", ftruncate(fd, total - 100 * 4096));
    result("room again", pwrite(fd, block, 4096, total));
    close(fd);
    result("removed", unlink("big"));
    fd = open("big", O_CREAT | O_RDWR, 0600);
    ssize_t again = 0;
    while ((n = write(fd, block, sizeof block)) > 0)
        again += n;
    truth("as much as before", again >= total - 65536 && again <= total + 65536);
    close(fd);
    unlink("big");
    return 0;
}
