/* SPDX-License-Identifier: MIT */
/* mmap: offsets near the end of all files, /dev/zero, and the time of access. */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096l
#define END  (long)((1ul << 63) - (unsigned long)PAGE)

static char *at;
static long pages = 1;

/* Maps `pages` pages at `at`. */
static void maps(const char *what, int prot, int flags, int fd, long offset)
{
    long r = syscall(SYS_mmap, at, pages * PAGE, prot, flags | MAP_FIXED, fd, offset);
    result(what, r == (long)(uintptr_t)at ? 0 : r);
}

int main(void)
{
    at = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = open("/tmp/offsets", O_RDWR | O_CREAT | O_TRUNC, 0600),
        zeros = open("/dev/zero", O_RDONLY);
    result("size", ftruncate(fd, 4 * PAGE));
    maps("beyond the end of all files", PROT_READ, MAP_PRIVATE, fd, END);
    maps("the last page", PROT_READ, MAP_PRIVATE, fd, END - PAGE);
    pages = 2;
    maps("one page too many", PROT_READ, MAP_PRIVATE, fd, END - PAGE);
    pages = 1;
    maps("negative", PROT_READ, MAP_SHARED, fd, -PAGE);
    maps("of nothing", PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, END);
    maps("of nothing, negative", PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, -PAGE);
    maps("zeros, shared", PROT_READ, MAP_SHARED, zeros, 0);
    result("to be written", mprotect(at, PAGE, PROT_READ | PROT_WRITE));
    maps("zeros, shared, to be written", PROT_READ | PROT_WRITE, MAP_SHARED, zeros, 0);
    maps("zeros, private", PROT_READ, MAP_PRIVATE, zeros, 0);
    result("to be written", mprotect(at, PAGE, PROT_READ | PROT_WRITE));
    at[0] = 1;
    struct timespec long_ago[2] = {{1000, 0}, {2000, 0}};
    struct stat is;
    futimens(fd, long_ago);
    maps("a file", PROT_READ, MAP_SHARED, fd, 0);
    fstat(fd, &is);
    truth("a mapping is an access", is.st_atime > 2000 && is.st_mtime == 2000);
    unlink("/tmp/offsets");
    return 0;
}
