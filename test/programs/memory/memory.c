/* SPDX-License-Identifier: MIT */
/* mmap and related calls, brk, and the contents of the memory that they return. */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096ul

static int all(const char *p, size_t n, char value)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != value)
            return 0;
    }
    return 1;
}

static char *map(size_t size, int prot)
{
    return mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void anonymous(void)
{
    char *p = map(16 * PAGE, PROT_READ | PROT_WRITE);
    truth("mapped", p != MAP_FAILED);
    truth("zeros", all(p, 16 * PAGE, 0));
    memset(p, 7, 16 * PAGE);
    result("hole", munmap(p + 4 * PAGE, 2 * PAGE));
    truth("both sides live", all(p, 4 * PAGE, 7) && all(p + 6 * PAGE, 10 * PAGE, 7));
    char *q =
        mmap(p + 4 * PAGE, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    truth("fixed", q == p + 4 * PAGE);
    truth("fresh zeros", all(q, 2 * PAGE, 0));
    result("MAP_FIXED_NOREPLACE",
           mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | 0x100000, -1, 0) == MAP_FAILED
               ? -1
               : 0);
    /* Present pages keep their contents: only missing ones are populated. */
    result("mlock", mlock(p, 12 * PAGE));
    truth("kept", all(p, 4 * PAGE, 7) && all(q, 2 * PAGE, 0) && all(p + 6 * PAGE, 10 * PAGE, 7));
    result("munlock", munlock(p, 12 * PAGE));
    result("dontneed", madvise(p, PAGE, MADV_DONTNEED));
    truth("zeros again", all(p, PAGE, 0));
    char *moved = mremap(p + 6 * PAGE, 10 * PAGE, 40 * PAGE, MREMAP_MAYMOVE);
    truth("mremap", moved != MAP_FAILED);
    truth("kept and grown", all(moved, 10 * PAGE, 7) && all(moved + 10 * PAGE, 30 * PAGE, 0));
    truth("shrunk", mremap(moved, 40 * PAGE, 5 * PAGE, 0) == moved);
    result("munmap", munmap(moved, 5 * PAGE));
    /* Far more than the machine's memory. */
    char *large = mmap(NULL, 1ul << 32, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    truth("4 GiB reserved", large != MAP_FAILED);
    large[0] = large[(1ul << 32) - 1] = 1;
    result("munmap", munmap(large, 1ul << 32));
    unsigned char present[4];
    result("mincore", mincore(p, 4 * PAGE, present));
}

/* Not sbrk(): musl's refuses to move. */
static char *move_break(char *to)
{
    return (char *)syscall(SYS_brk, to);
}

static void heap(void)
{
    char *start = move_break(NULL), *end = start + 3 * PAGE + 100;
    truth("break moved", move_break(end) == end && move_break(NULL) == end);
    truth("zeros", all(start, 3 * PAGE + 100, 0));
    memset(start, 1, 3 * PAGE + 100);
    truth("shrunk", move_break(end - 2 * PAGE) == end - 2 * PAGE);
    truth("grown again", move_break(end) == end);
    truth("what came back is zero", all(start + 2 * PAGE, PAGE, 0));
    truth("what stayed is kept", all(start, PAGE + 100, 1));
    truth("too much", move_break(start + (1ul << 46)) == end);
    for (int i = 0; i < 200; i++) {
        char *p = malloc((size_t)i * 1000 + 1);
        memset(p, i, (size_t)i * 1000 + 1);
        if (i % 3 != 0)
            free(p);
    }
    puts("malloc works");
}

static void files(void)
{
    char buffer[2 * PAGE + 100];
    for (size_t i = 0; i < sizeof buffer; i++)
        buffer[i] = (char)('a' + i / PAGE);
    int fd = open("/tmp/map", O_RDWR | O_CREAT | O_TRUNC, 0600);
    result("write", write(fd, buffer, sizeof buffer));
    char *private = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *shared = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *second = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
    printf("%c %c %c %c %d\n", private[0], shared[PAGE], second[0], private[2 * PAGE + 99],
           private[2 * PAGE + 100]);
    private[0] = 'P';
    shared[1] = 'S';
    shared[PAGE] = 'T';
    char back[2] = {0};
    result("pread", pread(fd, back, 2, 0));
    printf("file: %c%c second: %c private: %c\n", back[0], back[1], second[0], private[0]);
    result("pwrite", pwrite(fd, "Z", 1, PAGE + 1));
    printf("shared sees: %c\n", shared[PAGE + 1]);
    result("msync", msync(shared, PAGE, MS_SYNC));
    result("close", close(fd));
    printf("still mapped: %c\n", shared[2 * PAGE]);
    result("write-only", (fd = open("/tmp/map", O_WRONLY)) >= 0);
    result("mmap write-only",
           mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
    close(fd);
    fd = open("/tmp/map", O_RDONLY);
    result("mmap shared writable of read-only",
           mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
    fd = open("/tmp", O_RDONLY);
    result("mmap directory",
           mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
}

/* MADV_FREE: pages that are not written again are kept or zero. */
static void lazyfree(void)
{
    char *p = map(64 * PAGE, PROT_READ | PROT_WRITE);
    int other = 0;
    memset(p, 7, 64 * PAGE);
    result("free", madvise(p, 64 * PAGE, MADV_FREE));
    memset(p, 8, 32 * PAGE);
    result("protect", mprotect(p, 20 * PAGE, PROT_READ));
    for (size_t i = 32; i < 64; i++)
        other += !all(p + i * PAGE, PAGE, 7) && !all(p + i * PAGE, PAGE, 0);
    truth("written again, kept", all(p, 32 * PAGE, 8));
    result("neither there nor gone", other);
    memset(p + 40 * PAGE, 9, 10 * PAGE);
    char *moved = mremap(p + 32 * PAGE, 32 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    truth("moved", moved != MAP_FAILED && all(moved + 8 * PAGE, 10 * PAGE, 9));
    result("free a hole", munmap(p, PAGE) == 0 ? madvise(p, 3 * PAGE, MADV_FREE) : 0);
}

static void protection(void)
{
    char *p = map(3 * PAGE, PROT_READ | PROT_WRITE);
    result("mprotect", mprotect(p + PAGE, PAGE, PROT_NONE));
    result("write from none", write(-1, p, 1));
    int fd = open("/tmp/map", O_RDWR);
    result("write from none", write(fd, p + PAGE, 1));
    result("read into none", read(fd, p + PAGE, 1));
    result("part readable", write(fd, p + PAGE - 10, 20));
    result("mprotect", mprotect(p, 3 * PAGE, PROT_READ));
    result("mprotect over a hole",
           munmap(p + PAGE, PAGE) == 0 ? mprotect(p, 3 * PAGE, PROT_READ) : 0);
    /* Code made at run time. */
    static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};
    unsigned char *x = (unsigned char *)map(PAGE, PROT_READ | PROT_WRITE);
    memcpy(x, code, sizeof code);
    result("mprotect", mprotect(x, PAGE, PROT_READ | PROT_EXEC));
    result("code", ((int (*)(void))(uintptr_t)x)());
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    anonymous();
    heap();
    files();
    lazyfree();
    protection();
    return 0;
}
