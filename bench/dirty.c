/* SPDX-License-Identifier: MIT */
/*
 * The cost per page of dirty tracking over 16,384 pages: begin to track, write all pages, find the
 * written ones. Three methods: the page tables' dirty bits (ouro/pagetable.h), Linux's soft-dirty
 * bits, and write protection with a fault per page. The cost of the stores without tracking is
 * subtracted. Each method, and the run without tracking, begins with a flush of the TLB.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <ouro/pagetable.h>

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>

#define PAGES  ((size_t)16384)
#define ROUNDS 3
#define SOFT   (UINT64_C(1) << 55) /* soft-dirty bit of an entry of pagemap (Linux) */

static char *area;
static uint64_t bitmap[PAGES / 64], entries[PAGES];
static size_t found;
static int clear_refs, pagemap;

static bool bits_begin(void)
{
    return ouro_harvest(area, PAGES * PAGE, OURO_DIRTY, NULL, NULL) == 0;
}

static void bits_find(void)
{
    if (ouro_harvest(area, PAGES * PAGE, OURO_DIRTY, bitmap, &found) != 0)
        found = 0;
}

static bool soft_begin(void)
{
    return clear_refs >= 0 && pagemap >= 0 && pwrite(clear_refs, "4", 1, 0) == 1;
}

static void soft_find(void)
{
    off_t at = (off_t)((uintptr_t)area / PAGE * sizeof entries[0]);
    if (pread(pagemap, entries, sizeof entries, at) != (ssize_t)sizeof entries)
        return;
    for (size_t i = 0; i < PAGES; i++)
        found += (entries[i] & SOFT) != 0;
}

static void open_page(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    found++;
    mprotect((void *)((uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1)), PAGE,
             PROT_READ | PROT_WRITE);
}

static bool fault_begin(void)
{
    struct sigaction action = {.sa_sigaction = open_page, .sa_flags = SA_SIGINFO};
    return sigaction(SIGSEGV, &action, NULL) == 0 && mprotect(area, PAGES * PAGE, PROT_READ) == 0;
}

static void fault_find(void)
{
}

static const struct {
    const char *name;
    bool (*begin)(void);
    void (*find)(void);
} ways[] = {
    {"dirty_bits", bits_begin, bits_find},
    {"soft_dirty", soft_begin, soft_find},
    {"mprotect_sigsegv", fault_begin, fault_find},
};

static uint64_t write_all(void)
{
    uint64_t from = now_ns();
    for (size_t i = 0; i < PAGES; i++)
        ((volatile char *)area)[i * PAGE]++;
    return now_ns() - from;
}

/* Both systems flush the whole TLB when so many pages are unmapped at once. */
static void flush_tlb(void)
{
    size_t size = 256 * PAGE;
    char *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return;
    for (size_t i = 0; i < size; i += PAGE)
        ((volatile char *)start)[i] = 1;
    munmap(start, size);
}

/* False if the system lacks the method, or the result is wrong. */
static bool measure(size_t way)
{
    flush_tlb();
    uint64_t bare = write_all(), from = now_ns();
    bool begun = ways[way].begin();
    found = 0;
    write_all();
    ways[way].find();
    double took = (double)(now_ns() - from) - (double)bare;
    if (!begun || found != PAGES)
        return false;
    figure(ways[way].name, "ns", took > 0 ? took / PAGES : 0);
    return true;
}

int main(void)
{
    bench_start();
    clear_refs = open("/proc/self/clear_refs", O_WRONLY);
    pagemap = open("/proc/self/pagemap", O_RDONLY);
    area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        return 1;
    madvise(area, PAGES * PAGE, MADV_NOHUGEPAGE);
    write_all();
    memset(entries, 1, sizeof entries);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        long rounds = ROUNDS;
        while (rounds > 0 && measure(i))
            rounds--;
        if (rounds > 0)
            figure_absent(ways[i].name, "ns");
    }
    bench_done();
}
