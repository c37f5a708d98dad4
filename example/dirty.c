/* SPDX-License-Identifier: MIT */
/*
 * An incremental checkpoint: only the pages that were written since the last one go to the file.
 * Three ways to find these pages, each with its cost per written page:
 *
 *   window      the dirty bits of the page tables, by one call (ouro/pagetable.h); Ouro only
 *   soft-dirty  Linux's /proc/self/clear_refs and pagemap; Linux needs CONFIG_MEM_SOFT_DIRTY
 *   mprotect    the oldest: write-protect everything, and record each fault
 *
 *     ./ouro run example/dirty.c [PAGES]
 *     musl-gcc -static -O2 -I include -o dirty example/dirty.c && ./dirty [PAGES]        # on Linux
 *
 * After each checkpoint the file is compared with memory. Exit status 1: a page was missed.
 */
#define _GNU_SOURCE
#include <ouro/pagetable.h>

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul

static char *memory;
static size_t pages;
static uint64_t *dirty; /* one bit a page */
static int file;
static int clear_refs, pagemap;
static uint64_t *pagemap_entries;

static void must(int condition, const char *what)
{
    if (condition)
        return;
    perror(what);
    exit(2);
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool window_works(void)
{
    return ouro_available();
}

static void window_start(void)
{
    must(ouro_harvest(memory, pages * PAGE, OURO_DIRTY, NULL, NULL) == 0, "ouro_harvest");
}

static void window_find(void)
{
    must(ouro_harvest(memory, pages * PAGE, OURO_DIRTY, dirty, NULL) == 0, "ouro_harvest");
}

static void soft_start(void)
{
    must(write(clear_refs, "4", 1) == 1, "clear_refs");
}

static void soft_find(void)
{
    ssize_t size = (ssize_t)(pages * 8);
    off_t at = (off_t)((uintptr_t)memory / PAGE * 8);
    must(pread(pagemap, pagemap_entries, pages * 8, at) == size, "pagemap");
    memset(dirty, 0, ouro_bitmap_words(pages * PAGE) * 8);
    for (size_t i = 0; i < pages; i++)
        dirty[i / 64] |= (pagemap_entries[i] >> 55 & 1) << (i % 64);
}

static bool soft_works(void)
{
    clear_refs = open("/proc/self/clear_refs", O_WRONLY);
    pagemap = open("/proc/self/pagemap", O_RDONLY);
    if (clear_refs < 0 || pagemap < 0)
        return false;
    soft_start();
    memory[0]++;
    soft_find();
    return ouro_bitmap_test(dirty, 0);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    size_t page = (size_t)((char *)info->si_addr - memory) / PAGE;
    (void)context;
    if (page >= pages || mprotect(memory + page * PAGE, PAGE, PROT_READ | PROT_WRITE) != 0) {
        struct sigaction usual;
        memset(&usual, 0, sizeof usual);
        sigaction(signal, &usual, NULL); /* a fault outside the memory */
        return;
    }
    dirty[page / 64] |= UINT64_C(1) << (page % 64);
}

static bool protect_works(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    must(sigaction(SIGSEGV, &action, NULL) == 0, "sigaction");
    return true;
}

static void protect_start(void)
{
    memset(dirty, 0, ouro_bitmap_words(pages * PAGE) * 8);
    must(mprotect(memory, pages * PAGE, PROT_READ) == 0, "mprotect");
}

static void protect_find(void)
{
}

static const struct tracker {
    const char *name;
    bool (*works)(void);
    void (*start)(void);
    void (*find)(void);
} trackers[] = {
    {"window", window_works, window_start, window_find},
    {"soft-dirty", soft_works, soft_start, soft_find},
    {"mprotect", protect_works, protect_start, protect_find},
};

/* The program's work: one store into every `step`-th page. */
static void work(size_t step)
{
    for (size_t i = 0; i < pages; i += step)
        ((volatile char *)memory)[i * PAGE + i % PAGE]++;
}

/* Writes the marked pages; returns their number. */
static size_t checkpoint(void)
{
    size_t count = 0;
    for (size_t i = 0; i < pages; i++) {
        if (!ouro_bitmap_test(dirty, i))
            continue;
        must(pwrite(file, memory + i * PAGE, PAGE, (off_t)(i * PAGE)) == (ssize_t)PAGE, "pwrite");
        count++;
    }
    return count;
}

static bool complete(void)
{
    static char page[PAGE];
    for (size_t i = 0; i < pages; i++)
        if (pread(file, page, PAGE, (off_t)(i * PAGE)) != (ssize_t)PAGE ||
            memcmp(page, memory + i * PAGE, PAGE) != 0)
            return false;
    return true;
}

/* One checkpoint; false if the file differs from memory. */
static bool run(const struct tracker *t, size_t step)
{
    size_t written = (pages + step - 1) / step;
    mprotect(memory, pages * PAGE, PROT_READ | PROT_WRITE);
    work(step);
    int64_t begin = now();
    work(step);
    int64_t bare = now() - begin;

    memset(dirty, 0xff, ouro_bitmap_words(pages * PAGE) * 8);
    checkpoint();
    int64_t start = now();
    t->start();
    int64_t working = now();
    work(step);
    int64_t find = now();
    t->find();
    int64_t end = now();
    mprotect(memory, pages * PAGE, PROT_READ | PROT_WRITE);
    size_t saved = checkpoint();

    int64_t faults = find - working - bare, cost = working - start + end - find;
    cost += faults > 0 ? faults : 0;
    printf("%-12s %9zu %9zu %10" PRId64 " %10" PRId64 " %10" PRId64 " %12" PRId64 "\n", t->name,
           written, saved, (working - start) / 1000, faults > 0 ? faults / 1000 : 0,
           (end - find) / 1000, cost / (int64_t)written);
    return complete();
}

int main(int argc, char **argv)
{
    static const size_t steps[] = {1, 16, 256};
    int status = 0;
    pages = argc > 1 ? strtoul(argv[1], NULL, 0) : 4096;
    must(pages > 0 && pages <= 1 << 24, "dirty: not a number of pages");
    memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(memory != MAP_FAILED, "mmap");
    madvise(memory, pages * PAGE, MADV_NOHUGEPAGE); /* one bit a page, on Linux too */
    memset(memory, 1, pages * PAGE);
    dirty = calloc(ouro_bitmap_words(pages * PAGE), 8);
    pagemap_entries = calloc(pages, 8);
    file = open("/tmp/checkpoint", O_RDWR | O_CREAT | O_TRUNC, 0600);
    must(dirty != NULL && pagemap_entries != NULL && file >= 0, "dirty");
    memset(pagemap_entries, 1, pages * 8);

    printf("%zu pages. Microseconds, and nanoseconds a written page:\n", pages);
    printf("%-12s %9s %9s %10s %10s %10s %12s\n", "", "written", "saved", "start us", "faults us",
           "find us", "ns a page");
    for (size_t i = 0; i < sizeof trackers / sizeof trackers[0]; i++) {
        if (!trackers[i].works()) {
            printf("%-12s not here\n", trackers[i].name);
            continue;
        }
        for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++)
            if (!run(&trackers[i], steps[k])) {
                printf("the checkpoint is NOT what is in memory\n");
                status = 1;
            }
    }
    unlink("/tmp/checkpoint");
    return status;
}
