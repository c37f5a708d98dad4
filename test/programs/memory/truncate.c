/* SPDX-License-Identifier: MIT */
/* What mappings show after their file has become shorter, or got a hole; and that it takes as long as there are pages. */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE  4096ul
#define PAGES 8ul
#define LARGE (256ul << 30)

static sigjmp_buf back;

static void on_signal(int signal)
{
    siglongjmp(back, signal);
}

/* The first byte of each page of the mapping; B: SIGBUS, S: SIGSEGV. */
static void show(const char *name, const volatile char *p)
{
    printf("%s:", name);
    for (unsigned long i = 0; i < PAGES; i++) {
        int raised = sigsetjmp(back, 1);
        if (raised != 0)
            printf(" %c", raised == SIGBUS ? 'B' : 'S');
        else
            printf(" %c", p[i * PAGE] != 0 ? p[i * PAGE] : '0');
    }
    printf("\n");
}

static char *map(int fd, int flags)
{
    char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (p == MAP_FAILED)
        exit(1);
    return p;
}

static void small(void)
{
    int fd = memfd_create("small", 0);
    result("grow", ftruncate(fd, PAGES * PAGE));
    for (unsigned long i = 0; i < PAGES; i++)
        result("pwrite", pwrite(fd, "f", 1, i * PAGE));
    char *private = map(fd, MAP_PRIVATE), *shared = map(fd, MAP_SHARED);
    for (unsigned long i = 1; i < PAGES; i += 2)
    private[i * PAGE] = 'P';
    mprotect(private + 5 * PAGE, PAGE, PROT_NONE);
    show("private", private);
    show("shared", shared);
    result("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * PAGE, 2 * PAGE));
    show("private, hole", private); /* a copy stays */
    show("shared, hole", shared);
    result("shrink", ftruncate(fd, 3 * PAGE + 100));
    mprotect(private + 5 * PAGE, PAGE, PROT_READ | PROT_WRITE);
    show("private, shorter", private);
    show("shared, shorter", shared);
    result("shrink to a page's end", ftruncate(fd, 3 * PAGE));
    show("private, 3 pages", private);
    result("grow again", ftruncate(fd, PAGES * PAGE));
    show("private, longer", private);
    show("shared, longer", shared);
    result("remove", madvise(shared, 2 * PAGE, MADV_REMOVE));
    show("private, removed", private);
    show("shared, removed", shared);
    close(fd);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Two pages in 256 GiB, mapped both ways. */
static void sparse(void)
{
    int fd = memfd_create("sparse", 0);
    result("grow", ftruncate(fd, LARGE));
    char *shared = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
    if (shared == MAP_FAILED || private == MAP_FAILED)
        exit(1);
    for (int round = 0; round < 3; round++) {
        shared[0] = shared[LARGE - PAGE] = 's';
        private[PAGE] = private[LARGE - 2 * PAGE] = 'p';
        double start = seconds();
        if (round == 0)
            result("remove", madvise(shared, LARGE, MADV_REMOVE));
        else if (round == 1)
            result("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, LARGE));
        else
            result("shrink", ftruncate(fd, 0));
        truth("soon", seconds() - start < 1);
        if (round == 2)
            result("grow", ftruncate(fd, LARGE));
        printf("%d %d %d %d\n", shared[0], shared[LARGE - PAGE], private[PAGE],
               private[LARGE - 2 * PAGE]);
    }
    double start = seconds();
    result("discard", madvise(private, LARGE, MADV_DONTNEED));
    result("munmap", munmap(private, LARGE));
    result("munmap", munmap(shared, LARGE));
    truth("soon", seconds() - start < 1);
}

int main(void)
{
    signal(SIGBUS, on_signal);
    signal(SIGSEGV, on_signal);
    small();
    sparse();
    return 0;
}
