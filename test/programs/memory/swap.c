/* SPDX-License-Identifier: MIT */
/*
 * swap [MIB]: private memory, more than the machine has if it has less than about twice MIB (24), keeps its contents through fork, mremap,
 * mprotect, mlock, read and write into it, MADV_DONTNEED and threads. Prints the same on every system.
 * swap off DEVICE: MADV_PAGEOUT, swapon(2) and swapoff(2); needs swap on DEVICE, and less memory than MIB.
 * swap fill: asks for memory without end.
 */
#define _GNU_SOURCE

#include "result.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

static size_t size = 24 * MIB;

static uint64_t word_of(uint64_t i, uint64_t seed)
{
    return (i + seed) * UINT64_C(0x9e3779b97f4a7c15) ^ seed;
}

static void fill(void *memory, size_t bytes, uint64_t seed)
{
    for (size_t i = 0; i < bytes / 8; i++)
        ((uint64_t *)memory)[i] = word_of(i, seed);
}

/* `from`: the word with which the memory began when it was filled. */
static int is_filled(const void *memory, size_t bytes, uint64_t seed, size_t from)
{
    for (size_t i = 0; i < bytes / 8; i++)
        if (((const uint64_t *)memory)[i] != word_of(i + from, seed))
            return 0;
    return 1;
}

static void *map(size_t bytes, int prot)
{
    void *memory = mmap(NULL, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return memory;
}

/* Parent and child each change a half. */
static void forked(char *memory)
{
    size_t half = size / 2;
    pid_t child = fork();
    if (child == 0) {
        int good = is_filled(memory, size, 1, 0);
        fill(memory, half, 2);
        good = good && is_filled(memory, half, 2, 0) && is_filled(memory + half, half, 1, half / 8);
        _exit(good ? 0 : 1);
    }
    fill(memory + half, half, 3);
    int status = -1;
    truth("a child was made", child > 0 && waitpid(child, &status, 0) == child);
    result("the child's status", status);
    truth("the parent's lower half", is_filled(memory, half, 1, 0));
    truth("the parent's upper half", is_filled(memory + half, half, 3, 0));
}

static char *moved(char *memory)
{
    size_t half = size / 2;
    char *to = map(size + 2 * MIB, PROT_NONE);
    char *now = mremap(memory, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to + 4096);
    truth("moved", now == to + 4096);
    truth("the lower half after it", is_filled(now, half, 1, 0));
    truth("the upper half after it", is_filled(now + half, half, 3, 0));
    return now;
}

static void protected(char *memory)
{
    size_t half = size / 2;
    mprotect(memory, size, PROT_NONE);
    char *other = map(half, PROT_READ | PROT_WRITE);
    fill(other, half, 9);
    mprotect(memory, size, PROT_READ);
    truth("the lower half after mprotect", is_filled(memory, half, 1, 0));
    mprotect(memory, size, PROT_READ | PROT_WRITE);
    truth("the upper half after mprotect", is_filled(memory + half, half, 3, 0));
    truth("memory that was used meanwhile", is_filled(other, half, 9, 0));
    munmap(other, half);
}

/* Pages that /proc/self/pagemap says are in memory or swapped; *swapped: of them swapped ones. */
static size_t pages_of(const char *memory, size_t bytes, size_t *swapped)
{
    int fd = open("/proc/self/pagemap", O_RDONLY);
    size_t count = 0;
    *swapped = 0;
    for (size_t i = 0; i < bytes / 4096; i++) {
        uint64_t entry = 0;
        if (pread(fd, &entry, 8, (off_t)(((uintptr_t)memory / 4096 + i) * 8)) != 8)
            break;
        count += entry >> 63 || entry >> 62 & 1;
        *swapped += entry >> 62 & 1;
    }
    close(fd);
    return count;
}

static void locked(char *memory)
{
    static unsigned char in_memory[1024];
    size_t some = 4 * MIB, half = size / 2, swapped, resident = 0;
    result("mlock", mlock(memory, some));
    char *other = map(half, PROT_READ | PROT_WRITE);
    fill(other, half, 10);
    result("mincore", mincore(memory, some, in_memory));
    for (size_t i = 0; i < sizeof in_memory; i++)
        resident += in_memory[i] & 1;
    result("locked pages in memory", (long)resident);
    result("pages of it in pagemap", (long)pages_of(memory, some, &swapped));
    result("of them swapped", (long)swapped);
    truth("all pages of the other in pagemap", pages_of(other, half, &swapped) == half / 4096);
    munlock(memory, some);
    munmap(other, half);
}

/* Buffers of system calls that are not in memory. */
static void copied(char *memory)
{
    size_t some = 1 * MIB, half = size / 2;
    char name[] = "/tmp/swapXXXXXX";
    int fd = mkstemp(name);
    char *other = map(half, PROT_READ | PROT_WRITE);
    fill(other, half, 11);
    fill(memory, half, 12);
    result("write", write(fd, other, some));
    fill(other + half / 2, half / 2, 13);
    result("read", pread(fd, memory, some, 0));
    truth("what was read", is_filled(memory, some, 11, 0));
    unlink(name);
    close(fd);
    munmap(other, half);
}

static void *thread_main(void *seed)
{
    size_t own = size / 4;
    intptr_t good = 1;
    char *memory = map(own, PROT_READ | PROT_WRITE);
    for (uint64_t round = 0; round < 3; round++) {
        fill(memory, own, (uint64_t)(uintptr_t)seed * 100 + round);
        good = good && is_filled(memory, own, (uint64_t)(uintptr_t)seed * 100 + round, 0);
    }
    munmap(memory, own);
    return (void *)good;
}

static void threads(void)
{
    pthread_t thread[4];
    intptr_t good = 0;
    for (uintptr_t i = 0; i < 4; i++)
        if (pthread_create(&thread[i], NULL, thread_main, (void *)i) != 0)
            exit(1);
    for (unsigned i = 0; i < 4; i++) {
        void *one;
        pthread_join(thread[i], &one);
        good += (intptr_t)one;
    }
    result("threads whose memory was right", (long)good);
}

static void all(void)
{
    char *memory = map(size, PROT_READ | PROT_WRITE);
    fill(memory, size, 1);
    truth("filled", is_filled(memory, size, 1, 0));
    forked(memory);
    memory = moved(memory);
    protected(memory);
    locked(memory);
    copied(memory);
    result("madvise", madvise(memory, 8 * MIB, MADV_DONTNEED));
    truth("discarded memory is zero", memory[5] == 0 && memory[8 * MIB - 1] == 0);
    munmap(memory, size);
    threads();
}

static void show_swaps(void)
{
    char text[1000];
    int fd = open("/proc/swaps", O_RDONLY);
    ssize_t length = read(fd, text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    close(fd);
    fputs(text, stdout);
}

/* MADV_PAGEOUT takes pages that have just been used; MADV_COLD only says that they may be taken. */
static void paged_out(void)
{
    enum {
        PAGES = 3 << 8
    };
    char *memory = map(3 * MIB, PROT_READ | PROT_WRITE);
    unsigned char in_memory[PAGES];
    int count = 0;
    fill(memory, 3 * MIB, 5);
    result("MADV_COLD", madvise(memory, 3 * MIB, MADV_COLD));
    result("MADV_PAGEOUT", madvise(memory, 3 * MIB, MADV_PAGEOUT));
    if (mincore(memory, 3 * MIB, in_memory) != 0)
        perror("mincore");
    for (int i = 0; i < PAGES; i++)
        count += in_memory[i] & 1;
    printf("in memory: %d pages\n", count);
    truth("it is filled", is_filled(memory, 3 * MIB, 5, 0));
    mlock(memory, MIB);
    result("MADV_PAGEOUT of locked memory", madvise(memory, 3 * MIB, MADV_PAGEOUT));
    munmap(memory, 3 * MIB);
}

static void on_and_off(const char *device)
{
    paged_out();
    char *memory = map(size, PROT_READ | PROT_WRITE);
    fill(memory, size, 1);
    result("swapoff with too little memory", swapoff(device));
    result("swapon of it again", swapon(device, 0));
    result("swapon of a file", swapon("/proc/self/exe", 0));
    result("swapon of nothing", swapon("/nothing", 0));
    result("swapon with bad flags", swapon(device, 1 << 30));
    result("swapoff of a file", swapoff("/proc/self/exe"));
    munmap(memory + size / 4, size - size / 4);
    result("swapoff", swapoff(device));
    truth("what came back", is_filled(memory, size / 4, 1, 0));
    show_swaps();
    result("swapoff again", swapoff(device));
    result("swapon", swapon(device, SWAP_FLAG_PREFER | 7));
    show_swaps();
    memory = map(size, PROT_READ | PROT_WRITE);
    fill(memory, size, 2);
    truth("filled again", is_filled(memory, size, 2, 0));
}

static void fill_up(void)
{
    for (uint64_t i = 0;; i++)
        fill(map(MIB, PROT_READ | PROT_WRITE), MIB, i);
}

int main(int argc, char **argv)
{
    setbuf(stdout, NULL);
    if (argc > 2)
        on_and_off(argv[2]);
    else if (argc == 2 && strcmp(argv[1], "fill") == 0)
        fill_up();
    else {
        if (argc == 2)
            size = (size_t)atoi(argv[1]) * MIB;
        all();
    }
    return 0;
}
