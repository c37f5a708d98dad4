/* SPDX-License-Identifier: MIT */
/*
 * swaptrace TRACE PAGES ACCESSES: makes the accesses of a trace (traces.h) and prints how many pages it had to itself at the
 * beginning, how many came back from the swap device meanwhile, and a checksum: each page counts its accesses.
 */
#include "traces.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* A number after `name` in a file of /proc; 0 if it is not there. */
static uint64_t number_in(const char *file, const char *name)
{
    char line[256];
    uint64_t value = 0;
    FILE *f = fopen(file, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtoull(line + strlen(name), NULL, 10);
    if (f != NULL)
        fclose(f);
    return value;
}

int main(int argc, char **argv)
{
    int trace = argc == 4 ? trace_find(argv[1]) : -1;
    if (trace < 0)
        return 2;
    uint32_t pages = (uint32_t)atoi(argv[2]);
    uint64_t accesses = strtoull(argv[3], NULL, 10), sum = 0, size = (uint64_t)pages << 12;
    unsigned char *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || madvise(memory, size, MADV_NOHUGEPAGE) != 0)
        return 1;
    uint64_t total = number_in("/proc/meminfo", "MemTotal:") / 4;
    uint64_t free = number_in("/proc/meminfo", "MemFree:") / 4;
    for (uint32_t i = 0; i < pages; i++)
        *(volatile uint64_t *)(memory + ((uint64_t)i << 12)) = i;
    uint64_t before = number_in("/proc/vmstat", "pswpin ");
    struct trace_state t = trace_begin((enum trace)trace, pages);
    for (uint64_t n = 0; n < accesses; n++) {
        bool write;
        volatile uint64_t *at =
            (volatile uint64_t *)(memory + ((uint64_t)trace_next(&t, &write) << 12));
        uint64_t value = *at;
        sum = sum * 31 + value;
        if (write)
            *at = value + 1;
    }
    printf("total %" PRIu64 " free %" PRIu64 " in %" PRIu64 "\n", total, free,
           number_in("/proc/vmstat", "pswpin ") - before);
    printf("sum %" PRIx64 "\n", sum);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("major %ld\n", usage.ru_majflt);
    return 0;
}
