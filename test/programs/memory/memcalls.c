/* SPDX-License-Identifier: MIT */
/*
 * The memory calls with good and bad arguments, one line each, in an arena of 64 pages. The system
 * chooses its address, so addresses are printed as pages from its start. After each group the
 * arena's part of /proc/self/maps is printed: it shows splits and merges.
 */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE   4096ul
#define PAGES  64
#define RW     (PROT_READ | PROT_WRITE)
#define ANON   (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHARED (MAP_SHARED | MAP_ANONYMOUS)
#ifndef MADV_POPULATE_READ /* musl */
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#define NOREPLACE  0x100000
#define GROWS_DOWN 0x01000000
#define GROWS_UP   0x02000000
#define TOP        0x00007ffffffff000ul

#define CALL(name, ...)                                                                            \
    show(#name "(" #__VA_ARGS__ ")", syscall(SYS_##name __VA_OPT__(, ) __VA_ARGS__))
#define P(n) (arena + (long)(n) * (long)PAGE)

static char *arena;

static long show(const char *what, long value)
{
    uintptr_t at = (uintptr_t)value - (uintptr_t)arena;
    if (value == -1)
        printf("%s: %s\n", what, strerror(errno));
    else if (at <= PAGES * PAGE && at % PAGE == 0)
        printf("%s = P(%lu)\n", what, at / PAGE);
    else if (value < -4096 || value > 0x10000000)
        printf("%s = an address%s\n", what, value % (long)PAGE == 0 ? "" : ", not of a page");
    else
        printf("%s = %ld\n", what, value);
    return value;
}

/* The text of a file of /proc/self, and its lines one by one: read without stdio, which might map
 * memory into the arena's holes. */
static char text[1 << 17];

static char *read_lines(const char *name)
{
    int fd = open(name, O_RDONLY);
    ssize_t got;
    size_t size = 0;
    while (fd >= 0 && (got = read(fd, text + size, sizeof text - 1 - size)) > 0)
        size += (size_t)got;
    text[size] = 0;
    close(fd);
    return text;
}

static char *next_line(char **at)
{
    char *line = *at, *end = strchr(line, '\n');
    if (end == NULL)
        return NULL;
    *end = 0;
    *at = end + 1;
    return line;
}

/* Prints the lines of a file of /proc/self about the arena, with the values that vary between runs replaced. */
static void show_maps(void)
{
    char *at = read_lines("/proc/self/maps"), *line;
    while ((line = next_line(&at)) != NULL) {
        unsigned long start, end, offset, ino;
        unsigned major, minor;
        char prot[8], name[256] = "";
        sscanf(line, "%lx-%lx %7s %lx %x:%x %lu %255[^\n]", &start, &end, prot, &offset, &major,
               &minor, &ino, name);
        if (end <= (uintptr_t)arena || start >= (uintptr_t)P(PAGES))
            continue;
        if (start < (uintptr_t)arena || end > (uintptr_t)P(PAGES))
            printf("  not the arena's alone: ");
        printf("  %2lu-%2lu %s %lx %s%s\n", (start - (uintptr_t)arena) / PAGE,
               (end - (uintptr_t)arena) / PAGE, prot, offset / PAGE, ino ? "file " : "", name);
    }
}

/* Prints some fields of smaps for the area that starts at page n. */
static void show_smaps(int n)
{
    static const char *const fields[] = {
        "Size:",          "Rss:",           "Pss:",           "Shared_Clean:",
        "Shared_Dirty:",  "Private_Clean:", "Private_Dirty:", "Anonymous:",
        "AnonHugePages:", "Locked:",        "KernelPageSize:"};
    char *at = read_lines("/proc/self/smaps"), *line;
    int inside = 0;
    unsigned long start, end;
    printf("  smaps %d:", n);
    while ((line = next_line(&at)) != NULL) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            inside = start == (uintptr_t)P(n);
        if (!inside)
            continue;
        for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
            if (strncmp(line, fields[i], strlen(fields[i])) == 0)
                printf(" %s%d", fields[i], atoi(line + strlen(fields[i])));
        }
        if (strncmp(line, "VmFlags:", 8) == 0) {
            for (char *w = strtok(line + 8, " \n"); w; w = strtok(NULL, " \n"))
                if (strcmp(w, "sd") != 0)
                    printf(" %s", w);
        }
    }
    puts("");
}

static long status(const char *name)
{
    char *at = read_lines("/proc/self/status"), *line;
    long value = -1;
    while ((line = next_line(&at)) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0)
            value = atol(line + strlen(name) + 1);
    }
    return value;
}

/* A new arena without any rights (PROT_NONE). */
static void fresh(const char *title)
{
    printf("-- %s\n", title);
    char *p =
        mmap(arena, PAGES * PAGE, PROT_NONE, ANON | MAP_NORESERVE | (arena ? MAP_FIXED : 0), -1, 0);
    if (p == MAP_FAILED)
        perror("arena");
    arena = p;
}

static sigjmp_buf away;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)context;
    siglongjmp(away, signal * 16 + info->si_code);
}

/* Loads or stores one byte; prints its value or the signal. */
static void touch(const char *what, char *at, int write)
{
    int how = sigsetjmp(away, 1);
    if (how == 0) {
        if (write)
            *(volatile char *)at = 'w';
        printf("%s %s: %d\n", write ? "store" : "load", what, *(volatile char *)at);
    } else {
        printf("%s %s: %s, code %d\n", write ? "store" : "load", what,
               how / 16 == SIGBUS ? "SIGBUS" : "SIGSEGV", how % 16);
    }
}
#define LOAD(at)  touch(#at, at, 0)
#define STORE(at) touch(#at, at, 1)

static void map(int first, int end, int prot, int flags, int fd, long offset)
{
    if (mmap(P(first), (unsigned long)(end - first) * PAGE, prot, flags | MAP_FIXED, fd, offset) ==
        MAP_FAILED)
        perror("map");
}

static void show_resident(int first, int end)
{
    unsigned char present[PAGES];
    if (mincore(P(first), (unsigned long)(end - first) * PAGE, present) != 0) {
        perror("mincore");
        return;
    }
    printf("  resident %d-%d: ", first, end);
    for (int i = 0; i < end - first; i++)
        putchar(present[i] & 1 ? '1' : '0');
    puts("");
}

static int make_file(const char *name, int pages, int extra)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    char page[PAGE];
    for (int i = 0; i <= pages; i++) {
        memset(page, 'a' + i, PAGE);
        if (write(fd, page, i < pages ? PAGE : (size_t)extra) < 0)
            perror("write");
    }
    return fd;
}

static void places(void)
{
    fresh("places");
    CALL(mmap, P(4), PAGE, RW, ANON | MAP_FIXED, -1, 0);
    CALL(mmap, P(5), PAGE, RW, ANON | MAP_FIXED, -1, 0);
    CALL(mmap, P(6), 1, PROT_READ, ANON | MAP_FIXED, -1, 0);
    CALL(mmap, P(4), PAGE, RW, ANON | NOREPLACE, -1, 0);
    CALL(munmap, P(20), 10 * PAGE);
    CALL(mmap, P(20), 10 * PAGE, RW, ANON | NOREPLACE, -1, 0);
    CALL(munmap, P(22), 3 * PAGE);
    CALL(mmap, P(22), PAGE, RW, ANON, -1, 0);
    CALL(mmap, P(23) + 100, PAGE, RW, ANON, -1, 0);
    CALL(mmap, P(24), 2 * PAGE, RW, ANON | NOREPLACE, -1, 0);
    CALL(mmap, P(24), PAGE, RW, ANON | MAP_FIXED | NOREPLACE, -1, 0);
    CALL(mmap, P(30) + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0);
    CALL(mmap, P(30) + 1, PAGE, RW, ANON | NOREPLACE, -1, 0);
    CALL(mmap, P(30), 0, RW, ANON | MAP_FIXED, -1, 0);
    CALL(mmap, P(30), PAGE, RW, MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CALL(mmap, P(30), PAGE, RW, MAP_ANONYMOUS | MAP_SHARED_VALIDATE | MAP_FIXED, -1, 0);
    CALL(mmap, P(31), PAGE, RW, MAP_ANONYMOUS | 4 | MAP_FIXED, -1, 0);
    CALL(mmap, P(31), PAGE, RW, ANON | MAP_FIXED, -1, 1l);
    CALL(mmap, P(31), PAGE, RW, ANON | MAP_FIXED, -1, PAGE * 7);
    CALL(mmap, P(31), PAGE, RW, ANON | MAP_FIXED, 99, 0);
    CALL(mmap, P(31), -PAGE, RW, ANON | MAP_FIXED, -1, 0);
    CALL(mmap, 0, -1ul, RW, ANON, -1, 0);
    CALL(mmap, 0, TOP, RW, ANON, -1, 0);
    CALL(mmap, 0, TOP + PAGE, RW, ANON | MAP_NORESERVE, -1, 0);
    CALL(mmap, TOP, PAGE, RW, ANON | MAP_FIXED, -1, 0);
    CALL(mmap, TOP - PAGE, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
    CALL(mmap, -PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
    CALL(mmap, P(32), PAGE, 0x100, ANON | MAP_FIXED, -1, 0);
    CALL(mmap, P(33), PAGE, PROT_READ | PROT_GROWSDOWN, ANON | MAP_FIXED, -1, 0);
    CALL(mmap, P(34), PAGE, RW, SHARED | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
    CALL(mmap, P(35), PAGE, RW, ANON | MAP_FIXED | MAP_STACK | MAP_DENYWRITE | MAP_EXECUTABLE, -1,
         0);
    CALL(mmap, P(36), PAGE, RW, ANON | MAP_FIXED | MAP_NORESERVE, -1, 0);
    CALL(mmap, P(37), PAGE, RW, ANON | MAP_FIXED | MAP_POPULATE | MAP_NONBLOCK, -1, 0);
    CALL(mmap, P(38), 2 * PAGE, RW, ANON | MAP_FIXED | MAP_POPULATE, -1, 0);
    CALL(mmap, P(40), 2 * PAGE, PROT_READ, ANON | MAP_FIXED | MAP_POPULATE, -1, 0);
    CALL(mmap, P(42), 2 * PAGE, PROT_NONE, ANON | MAP_FIXED | MAP_POPULATE, -1, 0);
    CALL(mmap, P(44), 2 * PAGE, RW, ANON | MAP_FIXED | 0x40000000, -1, 0);
    CALL(mmap, P(46), 2 * PAGE, RW, MAP_ANONYMOUS | MAP_SHARED_VALIDATE | MAP_FIXED | 0x40000000,
         -1, 0);
    CALL(mmap, P(46), PAGE, RW, MAP_ANONYMOUS | MAP_SHARED_VALIDATE | MAP_FIXED | MAP_SYNC, -1, 0);
    show_maps();
    show_resident(36, 46);
    long low = syscall(SYS_mmap, 0, PAGE, RW, ANON | MAP_32BIT, -1, 0);
    truth("MAP_32BIT is low", low > 0 && low < 0x80000000l);
    long ignored = syscall(SYS_mmap, P(50), PAGE, RW, ANON | MAP_32BIT, -1, 0);
    truth("MAP_32BIT with a hint that is high", ignored > 0 && ignored < 0x80000000l);
    CALL(munmap, low, PAGE);
    CALL(munmap, ignored, PAGE);
    long large = syscall(SYS_mmap, 0, 8ul << 20, RW, ANON, -1, 0);
    truth("8 MiB at a multiple of 2 MiB", large % (2 << 20) == 0);
    CALL(munmap, large, 8ul << 20);
}

static void unmapping(void)
{
    fresh("munmap");
    map(0, 20, RW, ANON, -1, 0);
    memset(P(0), 1, 20 * PAGE);
    CALL(munmap, P(3), PAGE);
    CALL(munmap, P(3), PAGE);
    CALL(munmap, P(5) + 1, PAGE);
    CALL(munmap, P(5), 0);
    CALL(munmap, P(5), 1);
    CALL(munmap, P(7), 2 * PAGE + 1);
    CALL(munmap, P(0), PAGE);
    CALL(munmap, P(19), PAGE);
    CALL(munmap, P(2), 4 * PAGE);
    CALL(munmap, TOP, PAGE);
    CALL(munmap, TOP - PAGE, 2 * PAGE);
    CALL(munmap, P(0), -PAGE);
    CALL(munmap, -PAGE, PAGE);
    CALL(munmap, 0, PAGE);
    show_maps();
    LOAD(P(1));
    LOAD(P(3));
    LOAD(P(10));
}

static void protecting(void)
{
    fresh("mprotect");
    map(0, 20, RW, ANON, -1, 0);
    memset(P(0), 1, 20 * PAGE);
    CALL(mprotect, P(4), 2 * PAGE, PROT_READ);
    CALL(mprotect, P(10), PAGE, PROT_NONE);
    CALL(mprotect, P(12), 1, PROT_READ | PROT_EXEC);
    CALL(mprotect, P(14), PAGE, PROT_WRITE);
    CALL(mprotect, P(15), PAGE, PROT_EXEC);
    show_maps();
    LOAD(P(4));
    STORE(P(4));
    STORE(P(6));
    LOAD(P(10));
    STORE(P(14));
    LOAD(P(15));
    show_resident(0, 20);
    CALL(mprotect, P(4), 10 * PAGE, RW);
    LOAD(P(10));
    show_maps();
    CALL(mprotect, P(0) + 1, PAGE, PROT_READ);
    CALL(mprotect, P(0), 0, PROT_READ);
    CALL(mprotect, P(0) + 1, 0, PROT_READ);
    CALL(mprotect, P(0), PAGE, 0x10);
    CALL(mprotect, P(0), PAGE, RW | 8);
    CALL(mprotect, P(0), 0, 0x10);
    CALL(mprotect, P(0), -PAGE, PROT_READ);
    CALL(mprotect, P(0), -1ul, PROT_READ);
    CALL(mprotect, TOP, PAGE, PROT_READ);
    CALL(mprotect, 0, PAGE, PROT_READ);
    CALL(munmap, P(8), PAGE);
    CALL(mprotect, P(6), 4 * PAGE, PROT_READ);
    CALL(mprotect, P(8), 2 * PAGE, PROT_READ);
    show_maps();
    CALL(mprotect, P(16), PAGE, PROT_READ | GROWS_DOWN);
    CALL(mprotect, P(16), PAGE, PROT_READ | GROWS_UP);
    CALL(mprotect, P(16), PAGE, PROT_READ | GROWS_UP | GROWS_DOWN);
    CALL(mprotect, P(0), 64 * PAGE, RW);
}

static void advising(void)
{
    fresh("madvise");
    map(0, 10, RW, ANON, -1, 0);
    memset(P(0), 1, 10 * PAGE);
    CALL(madvise, P(2), 2 * PAGE, MADV_DONTNEED);
    LOAD(P(2));
    LOAD(P(4));
    show_resident(0, 10);
    CALL(madvise, P(2) + 1, PAGE, MADV_DONTNEED);
    CALL(madvise, P(2), 0, MADV_DONTNEED);
    CALL(madvise, P(2), 1, MADV_DONTNEED);
    CALL(madvise, P(2), -PAGE, MADV_DONTNEED);
    CALL(madvise, P(2), -1ul, MADV_DONTNEED);
    CALL(madvise, TOP, PAGE, MADV_DONTNEED);
    CALL(madvise, P(0), PAGE, 5);
    CALL(madvise, P(0), PAGE, 7);
    CALL(madvise, P(0), PAGE, 26);
    CALL(madvise, P(0), PAGE, 1000);
    CALL(madvise, P(0), PAGE, -1);
    CALL(madvise, P(0) + 1, PAGE, 1000);
    CALL(madvise, P(0), 0, 1000);
    CALL(madvise, P(0), PAGE, MADV_NORMAL);
    CALL(madvise, P(0), PAGE, MADV_RANDOM);
    CALL(madvise, P(1), PAGE, MADV_SEQUENTIAL);
    CALL(madvise, P(0), 2 * PAGE, MADV_NORMAL);
    CALL(madvise, P(0), PAGE, MADV_WILLNEED);
    CALL(madvise, P(0), PAGE, MADV_HUGEPAGE);
    CALL(madvise, P(1), PAGE, MADV_NOHUGEPAGE);
    CALL(madvise, P(3), PAGE, MADV_COLD);
    CALL(madvise, P(3), PAGE, MADV_PAGEOUT);
    CALL(madvise, P(4), PAGE, MADV_DONTFORK);
    CALL(madvise, P(5), PAGE, MADV_WIPEONFORK);
    CALL(madvise, P(6), PAGE, MADV_DONTDUMP);
    CALL(madvise, P(7), PAGE, MADV_FREE);
    CALL(madvise, P(8), PAGE, MADV_REMOVE);
    CALL(madvise, P(8), PAGE, MADV_MERGEABLE);
    show_maps();
    static const int shown[] = {0, 1, 4, 5, 6};
    for (unsigned i = 0; i < sizeof shown / sizeof *shown; i++)
        show_smaps(shown[i]);
    CALL(madvise, P(4), PAGE, MADV_DOFORK);
    CALL(madvise, P(5), PAGE, MADV_KEEPONFORK);
    CALL(madvise, P(6), PAGE, MADV_DODUMP);
    CALL(madvise, P(8), PAGE, MADV_UNMERGEABLE);
    show_maps();
    CALL(munmap, P(3), PAGE);
    CALL(madvise, P(2), 3 * PAGE, MADV_DONTNEED);
    LOAD(P(2));
    LOAD(P(4));
    CALL(madvise, P(2), 3 * PAGE, MADV_FREE);
    CALL(madvise, P(2), 3 * PAGE, MADV_DONTDUMP);
    CALL(madvise, P(2), 3 * PAGE, MADV_WILLNEED);
    CALL(madvise, P(3), PAGE, MADV_NORMAL);
    map(20, 30, RW, ANON, -1, 0);
    CALL(madvise, P(20), 4 * PAGE, MADV_POPULATE_READ);
    CALL(madvise, P(20), 6 * PAGE, MADV_POPULATE_WRITE); /* Rss of read pages varies by host */
    show_resident(20, 30);
    show_smaps(20);
    CALL(mprotect, P(20), PAGE, PROT_READ);
    CALL(mprotect, P(21), PAGE, PROT_NONE);
    CALL(madvise, P(20), PAGE, MADV_POPULATE_WRITE);
    CALL(madvise, P(21), PAGE, MADV_POPULATE_READ);
    CALL(madvise, P(3), PAGE, MADV_POPULATE_READ);
    CALL(madvise, P(2), 3 * PAGE, MADV_POPULATE_WRITE);
    map(40, 44, RW, SHARED, -1, 0);
    memset(P(40), 5, 4 * PAGE);
    show_smaps(40);
    CALL(madvise, P(40), PAGE, MADV_DONTNEED);
    LOAD(P(40));
    CALL(madvise, P(41), PAGE, MADV_FREE);
    CALL(madvise, P(41), PAGE, MADV_REMOVE);
    CALL(madvise, P(42), PAGE, MADV_WIPEONFORK);
    LOAD(P(41));
    show_maps();
    map(50, 52, RW, SHARED, -1, 0);
    memset(P(50), 3, 2 * PAGE);
    CALL(mprotect, P(50), PAGE, PROT_READ);
    CALL(madvise, P(50), PAGE, MADV_REMOVE);
    CALL(madvise, P(51), PAGE, MADV_REMOVE);
    LOAD(P(51));
}

static void remapping(void)
{
    fresh("mremap");
    map(0, 4, RW, ANON, -1, 0);
    memset(P(0), 1, 4 * PAGE);
    CALL(mremap, P(0), 4 * PAGE, 4 * PAGE, 0);
    CALL(mremap, P(0), 4 * PAGE, 2 * PAGE, 0);
    CALL(mremap, P(0), 2 * PAGE, 3 * PAGE, 0);
    CALL(munmap, P(2), 4 * PAGE);
    CALL(mremap, P(0), 2 * PAGE, 3 * PAGE, 0);
    show_maps();
    CALL(mremap, P(0), 3 * PAGE, 0, 0);
    CALL(mremap, P(0) + 1, PAGE, PAGE, 0);
    CALL(mremap, P(0), PAGE, PAGE, 8);
    CALL(mremap, P(0), PAGE, PAGE, MREMAP_FIXED, P(10));
    CALL(mremap, P(0), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, P(10) + 1);
    CALL(mremap, P(0), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, P(1));
    CALL(mremap, P(0), PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, TOP - PAGE);
    CALL(mremap, P(0), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, TOP);
    CALL(mremap, P(4), PAGE, PAGE, 0);
    CALL(mremap, P(4), PAGE, 2 * PAGE, MREMAP_MAYMOVE);
    CALL(mremap, P(2), 3 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
    CALL(mremap, P(0), -PAGE, PAGE, 0);
    CALL(mremap, P(0), PAGE, TOP, MREMAP_MAYMOVE);
    CALL(mremap, P(0), 0, PAGE, MREMAP_MAYMOVE);
    CALL(mremap, P(0), 0, PAGE, 0);
    CALL(mremap, P(0), 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, P(20));
    LOAD(P(20));
    LOAD(P(0));
    CALL(mremap, P(20), 3 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, P(25));
    LOAD(P(26));
    LOAD(P(22));
    CALL(mremap, P(25), PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, P(30));
    LOAD(P(30));
    LOAD(P(31));
    CALL(mprotect, P(30), PAGE, PROT_READ);
    CALL(mremap, P(30), 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, P(40));
    CALL(mremap, P(30), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE);
    show_maps();
    map(50, 52, RW, ANON, -1, 0);
    memset(P(50), 7, 2 * PAGE);
    CALL(mremap, P(50), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED,
         P(54));
    LOAD(P(54));
    LOAD(P(50));
    CALL(mremap, P(54), 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
    CALL(mremap, P(54), 2 * PAGE, 2 * PAGE, MREMAP_DONTUNMAP);
    CALL(mremap, P(54), 0, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
    show_maps();
    map(58, 60, RW, SHARED, -1, 0);
    memset(P(58), 8, 2 * PAGE);
    CALL(mremap, P(58), 0, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, P(61));
    *(volatile char *)P(61) = 9;
    LOAD(P(58));
    CALL(mremap, P(58), 0, 2 * PAGE, 0);
    CALL(mremap, P(61), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED, P(63));
    show_maps();
}

static void locking(void)
{
    fresh("mlock");
    map(0, 20, RW, ANON, -1, 0);
    printf("VmLck %ld\n", status("VmLck:"));
    CALL(mlock, P(2), 2 * PAGE);
    CALL(mlock, P(3) + 10, PAGE);
    CALL(mlock2, P(8), 2 * PAGE, 1);
    show_resident(0, 12);
    printf("VmLck %ld\n", status("VmLck:"));
    show_smaps(2);
    show_smaps(8);
    CALL(mlock2, P(8), PAGE, 2);
    CALL(mlock, P(0), 0);
    CALL(mlock, P(0), -1ul);
    CALL(mlock, P(0), -PAGE);
    CALL(mlock, TOP - PAGE, 2 * PAGE);
    CALL(mlock, P(20), PAGE);
    CALL(munlock, P(3), PAGE);
    CALL(munlock, P(3), -1ul);
    printf("VmLck %ld\n", status("VmLck:"));
    CALL(madvise, P(2), PAGE, MADV_DONTNEED);
    CALL(madvise, P(2), PAGE, MADV_FREE);
    CALL(msync, P(2), PAGE, MS_INVALIDATE);
    CALL(msync, P(0), PAGE, MS_INVALIDATE);
    CALL(munmap, P(12), PAGE);
    CALL(mlock, P(10), 4 * PAGE);
    CALL(munlock, P(10), 4 * PAGE);
    CALL(mmap, P(30), 3 * PAGE, RW, ANON | MAP_FIXED | MAP_LOCKED, -1, 0);
    show_resident(30, 33);
    CALL(mremap, P(30), 3 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, P(40));
    show_resident(40, 44);
    show_maps();
    CALL(munlock, P(0), 10 * PAGE);
    CALL(mlockall, 0);
    CALL(mlockall, 4);
    CALL(mlockall, 8);
    CALL(mlockall, MCL_FUTURE);
    CALL(mmap, P(50), 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
    show_resident(50, 52);
    CALL(mlockall, MCL_FUTURE | MCL_ONFAULT);
    CALL(mmap, P(53), 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
    show_resident(53, 55);
    CALL(munlockall);
    printf("VmLck %ld\n", status("VmLck:"));
}

static void asking(void)
{
    unsigned char present[PAGES];
    fresh("mincore and msync");
    map(0, 10, RW, ANON, -1, 0);
    *(volatile char *)P(1) = 1;
    (void)*(volatile char *)P(3);
    CALL(mincore, P(0), 10 * PAGE, present);
    show_resident(0, 10);
    CALL(mincore, P(0) + 1, PAGE, present);
    CALL(mincore, P(0), 0, present);
    CALL(mincore, P(0), -1ul, present);
    CALL(mincore, P(0), PAGE, 0x10);
    CALL(mincore, P(0), PAGE, -8l);
    CALL(mincore, TOP, PAGE, present);
    CALL(munmap, P(5), PAGE);
    CALL(mincore, P(4), 2 * PAGE, present);
    CALL(mincore, P(5), PAGE, present);
    CALL(msync, P(0), PAGE, MS_SYNC);
    CALL(msync, P(0), PAGE, MS_ASYNC);
    CALL(msync, P(0), PAGE, 0);
    CALL(msync, P(0), PAGE, MS_SYNC | MS_ASYNC);
    CALL(msync, P(0), PAGE, 8);
    CALL(msync, P(0) + 1, PAGE, MS_SYNC);
    CALL(msync, P(0), 0, MS_SYNC);
    CALL(msync, P(0), -1ul, MS_SYNC);
    CALL(msync, P(0), -2 * PAGE, MS_SYNC);
    CALL(msync, P(4), 3 * PAGE, MS_SYNC);
    CALL(msync, P(5), PAGE, MS_SYNC);
}

static void file_mappings(void)
{
    fresh("files");
    int fd = make_file("/tmp/memcalls", 4, 100);
    int read_only = open("/tmp/memcalls", O_RDONLY), write_only = open("/tmp/memcalls", O_WRONLY);
    int directory = open("/tmp", O_RDONLY), path = open("/tmp/memcalls", O_PATH), pipes[2];
    if (pipe(pipes) != 0)
        perror("pipe");
    CALL(mmap, P(0), 8 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
    CALL(mmap, P(10), 8 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0);
    CALL(mmap, P(20), 2 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, read_only, PAGE);
    CALL(mmap, P(22), 2 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, read_only, 3 * PAGE);
    CALL(mmap, P(24), PAGE, RW, MAP_SHARED | MAP_FIXED, read_only, 0);
    CALL(mmap, P(24), PAGE, RW, MAP_PRIVATE | MAP_FIXED, read_only, 0);
    CALL(mmap, P(25), PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, write_only, 0);
    CALL(mmap, P(25), PAGE, PROT_WRITE, MAP_SHARED | MAP_FIXED, write_only, 0);
    CALL(mmap, P(25), PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, directory, 0);
    CALL(mmap, P(25), PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, path, 0);
    CALL(mmap, P(25), PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, pipes[0], 0);
    CALL(mmap, P(25), PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, 99, 0);
    CALL(mmap, P(25), PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, -1, 0);
    CALL(mmap, P(25), PAGE, PROT_READ, MAP_FIXED, fd, 0);
    CALL(mmap, P(25), PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 100);
    CALL(mmap, P(25), PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, -PAGE);
    CALL(mmap, P(25), PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 100 * PAGE);
    CALL(mmap, P(26), PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_FIXED | 0x200000, fd, 0);
    CALL(mmap, P(26), PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_FIXED | MAP_SYNC, fd, 0);
    CALL(mmap, P(26), PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_FIXED, fd, 0);
    CALL(mmap, P(27), PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_GROWSDOWN, fd, 0);
    CALL(mprotect, P(20), PAGE, RW);
    CALL(mprotect, P(24), PAGE, RW);
    show_maps();
    LOAD(P(0));
    STORE(P(1));
    LOAD(P(11));
    STORE(P(12));
    LOAD(P(2));
    LOAD(P(4) + 99);
    LOAD(P(4) + 100);
    STORE(P(4) + 200);
    LOAD(P(5));
    STORE(P(15));
    LOAD(P(14) + 4000);
    LOAD(P(25));
    show_resident(0, 8);
    show_resident(10, 18);
    LOAD(P(10)); /* fault-around: the number of pages depends on the address of P(0) */
    LOAD(P(13));
    show_smaps(10);
    CALL(ftruncate, fd, 2 * PAGE + 50);
    LOAD(P(1));
    LOAD(P(2));
    LOAD(P(2) + 50);
    LOAD(P(3));
    LOAD(P(12));
    LOAD(P(13));
    CALL(ftruncate, fd, 6 * PAGE);
    LOAD(P(2) + 50);
    LOAD(P(4) + 200);
    STORE(P(5));
    LOAD(P(15));
    CALL(pwrite64, fd, "q", 1, PAGE);
    LOAD(P(1));
    LOAD(P(11));
    CALL(pwrite64, fd, "q", 1, 2 * PAGE);
    LOAD(P(12));
    CALL(madvise, P(12), PAGE, MADV_DONTNEED);
    LOAD(P(12));
    CALL(madvise, P(10), PAGE, MADV_FREE);
    CALL(madvise, P(0), PAGE, MADV_DONTNEED);
    CALL(madvise, P(20), PAGE, MADV_REMOVE);
    CALL(madvise, P(1), PAGE, MADV_REMOVE);
    LOAD(P(1));
    CALL(msync, P(0), 6 * PAGE, MS_SYNC);
    CALL(mremap, P(0), 0, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, P(30));
    CALL(mremap, P(1), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, P(40));
    LOAD(P(40));
    CALL(mprotect, P(41), PAGE, PROT_READ);
    CALL(munmap, P(11), 2 * PAGE);
    CALL(mlock, P(40), PAGE);
    CALL(munlock, P(40), PAGE);
    show_maps();
    CALL(close, fd);
    CALL(unlink, "/tmp/memcalls");
    STORE(P(41));
    STORE(P(30));
    CALL(write, pipes[1], P(5), 1);
    CALL(write, pipes[1], P(7), 1);
    CALL(read, pipes[0], P(41), 1);
}

static void seals(void)
{
    fresh("memfd");
    CALL(memfd_create, "x", 0x100);
    CALL(memfd_create, 0x10, 0);
    int fd = (int)syscall(SYS_memfd_create, "name", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    int sealed = (int)syscall(SYS_memfd_create, "sealed", 0);
    CALL(fcntl, sealed, F_GET_SEALS);
    CALL(fcntl, sealed, F_ADD_SEALS, F_SEAL_GROW);
    CALL(fcntl, fd, F_GET_SEALS);
    CALL(ftruncate, fd, 3 * PAGE);
    CALL(mmap, P(0), 3 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
    STORE(P(0));
    CALL(fcntl, fd, F_ADD_SEALS, F_SEAL_WRITE);
    CALL(fcntl, fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
    CALL(ftruncate, fd, PAGE);
    CALL(ftruncate, fd, 4 * PAGE);
    CALL(mprotect, P(0), 3 * PAGE, PROT_READ);
    CALL(fcntl, fd, F_ADD_SEALS, F_SEAL_WRITE);
    CALL(munmap, P(0), 3 * PAGE);
    CALL(fcntl, fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE);
    CALL(mmap, P(4), PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
    CALL(mmap, P(4), PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
    CALL(mprotect, P(4), PAGE, RW);
    CALL(mmap, P(5), PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0);
    STORE(P(5));
    LOAD(P(4));
    CALL(write, fd, "x", 1);
    CALL(fcntl, fd, F_ADD_SEALS, F_SEAL_WRITE);
    CALL(fcntl, fd, F_ADD_SEALS, F_SEAL_SEAL);
    CALL(fcntl, fd, F_ADD_SEALS, F_SEAL_GROW);
    CALL(fcntl, fd, F_GET_SEALS);
    show_maps();
    CALL(close, fd);
    CALL(close, sealed);
}

static void growing(void)
{
    fresh("MAP_GROWSDOWN");
    struct rlimit old, small;
    /* The gap of 256 pages below it is larger than the arena. */
    char *wide = mmap(NULL, 2048 * PAGE, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
    if (munmap(wide, 2048 * PAGE) != 0)
        perror("munmap");
    char *low = mmap(wide, PAGE, PROT_READ | PROT_WRITE, ANON | MAP_FIXED, -1, 0);
    char *high = mmap(wide + 1024 * PAGE, PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
    truth("both mapped", low == wide && high == wide + 1024 * PAGE);
    STORE(high);
    STORE(high - PAGE);
    STORE(high - 100 * PAGE);
    STORE(wide + 258 * PAGE);
    STORE(wide + 257 * PAGE);
    LOAD(wide + 256 * PAGE);
    STORE(wide + 2 * PAGE);
    CALL(madvise, high - 700 * PAGE, 700 * PAGE, MADV_NORMAL);
    CALL(mprotect, high, PAGE, PROT_READ | GROWS_DOWN);
    STORE(high - PAGE);
    CALL(mprotect, high, PAGE, RW | GROWS_DOWN);
    STORE(high - PAGE);
    CALL(mprotect, high - 5 * PAGE, 5 * PAGE, PROT_NONE);
    CALL(munmap, wide, 2048 * PAGE);
    getrlimit(RLIMIT_STACK, &old);
    small = old;
    small.rlim_cur = 16 * PAGE;
    CALL(setrlimit, RLIMIT_STACK, &small);
    high = mmap(wide + 1024 * PAGE, 4 * PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
    STORE(high - 12 * PAGE);
    LOAD(high - 13 * PAGE);
    CALL(setrlimit, RLIMIT_STACK, &old);
    LOAD(high - 13 * PAGE);
    /* A PROT_NONE mapping below needs no gap. */
    low = mmap(high - 40 * PAGE, PAGE, PROT_NONE, ANON | MAP_FIXED, -1, 0);
    truth("mapped", low != MAP_FAILED);
    STORE(high - 39 * PAGE);
    CALL(munmap, wide, 2048 * PAGE);
}

static void limits(void)
{
    fresh("limits");
    struct rlimit old, small;
    getrlimit(RLIMIT_AS, &old);
    small = old;
    small.rlim_cur = 1ul << 30;
    CALL(setrlimit, RLIMIT_AS, &small);
    CALL(mmap, 0, 1ul << 30, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
    CALL(mmap, P(0), PAGE, RW, ANON | MAP_FIXED, -1, 0);
    CALL(mremap, P(0), PAGE, 1ul << 30, MREMAP_MAYMOVE);
    long at = syscall(SYS_brk, 0);
    truth("brk stays", syscall(SYS_brk, at + (1l << 30)) == at);
    CALL(setrlimit, RLIMIT_AS, &old);
    getrlimit(RLIMIT_DATA, &old);
    small.rlim_cur = 16ul << 20;
    CALL(setrlimit, RLIMIT_DATA, &small);
    CALL(mmap, 0, 16ul << 20, RW, ANON, -1, 0);
    CALL(mmap, 0, 16ul << 20, RW, SHARED, -1, 0);
    CALL(mmap, 0, 16ul << 20, PROT_READ, ANON, -1, 0);
    long ro = syscall(SYS_mmap, 0, 16ul << 20, PROT_READ, ANON, -1, 0);
    CALL(mprotect, ro, 16ul << 20, RW);
    CALL(munmap, ro, 16ul << 20);
    truth("brk stays", syscall(SYS_brk, at + (16l << 20)) == at);
    CALL(setrlimit, RLIMIT_DATA, &old);
    truth("brk moves", syscall(SYS_brk, at + (16l << 20)) == at + (16l << 20));
    truth("brk moves back", syscall(SYS_brk, at) == at);
    truth("brk below its start", syscall(SYS_brk, 4096) == at);
    getrlimit(RLIMIT_MEMLOCK, &old);
    small.rlim_cur = 4 * PAGE;
    small.rlim_max = old.rlim_max;
    CALL(setrlimit, RLIMIT_MEMLOCK, &small);
    map(0, 10, RW, ANON, -1, 0);
    CALL(mlock, P(0), 8 * PAGE);
    CALL(munlock, P(0), 8 * PAGE);
    if (setresuid(1000, 1000, 0) != 0)
        perror("setresuid");
    CALL(mlock, P(0), 5 * PAGE);
    CALL(mlock, P(0), 3 * PAGE);
    CALL(mlock, P(0), 4 * PAGE);
    CALL(mlock, P(4), PAGE);
    CALL(mlock, P(1), 4 * PAGE);
    CALL(mmap, P(20), PAGE, RW, ANON | MAP_FIXED | MAP_LOCKED, -1, 0);
    CALL(mremap, P(0), 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE);
    CALL(mlockall, MCL_CURRENT);
    CALL(munlockall);
    CALL(mmap, P(20), PAGE, RW, ANON | MAP_FIXED | MAP_LOCKED, -1, 0);
    small.rlim_cur = 0;
    CALL(setrlimit, RLIMIT_MEMLOCK, &small);
    CALL(mlock, P(0), PAGE);
    CALL(mmap, P(21), PAGE, RW, ANON | MAP_FIXED | MAP_LOCKED, -1, 0);
    CALL(mlockall, MCL_FUTURE);
    CALL(munlock, P(0), PAGE);
    if (setresuid(0, 0, 0) != 0)
        perror("setresuid");
}

/* The stack's area covers the used part, and grows. */
static void stack(void)
{
    unsigned long start = 0, end = 0, grown = 0;
    volatile char here[PAGE];
    fresh("stack");
    for (int round = 0; round < 2; round++) {
        char *at = read_lines("/proc/self/maps"), *line;
        while ((line = next_line(&at)) != NULL) {
            if (strstr(line, "[stack]"))
                sscanf(line, "%lx-%lx", round == 0 ? &start : &grown, &end);
        }
        if (round == 0) {
            volatile char *deep = here - 3 * 1024 * 1024;
            *deep = 1;
        }
    }
    truth("the stack is small", end - start < (1ul << 20));
    truth("and grew", start - grown > 2ul << 20 && grown < (uintptr_t)here - (3ul << 20));
}

int main(void)
{
    static char buffer[1 << 16];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    places();
    unmapping();
    protecting();
    advising();
    remapping();
    locking();
    asking();
    file_mappings();
    seals();
    growing();
    limits();
    stack();
    return 0;
}
