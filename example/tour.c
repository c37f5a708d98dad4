/* SPDX-License-Identifier: MIT */
/*
 * A tour of the machine that this program has to itself: an ordinary Linux program, which on Ouro
 * finds one thing more in its auxiliary vector: the address of a window on its own page tables.
 *
 *     ./ouro run                      # this program
 *     musl-gcc -static -O2 example/tour.c -o tour && ./tour     # on Linux: all but the page tables
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define AT_OURO_PAGETABLES 0x4f55524f

static const char constant[] = "a constant";
static char variable[] = "a variable";

static void print_file(const char *path, const char *indent)
{
    char line[512];
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return;
    while (fgets(line, sizeof line, f) != NULL)
        printf("%s%s", indent, line);
    fclose(f);
}

static void greet(void)
{
    struct utsname name;
    char date[64];
    time_t now = time(NULL);
    uname(&name);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S UTC", gmtime(&now));
    printf("Hello! This is an unmodified Linux program, process %d, on %s %s (%s).\n",
           (int)getpid(), name.sysname, name.release, name.machine);
    printf("It is %s by this machine's clock.\n", date);
}

/* "MemTotal:  261234 kB": what the machine has, of which what is free. */
static void print_memory(void)
{
    char line[256];
    FILE *f = fopen("/proc/meminfo", "r");
    if (f == NULL)
        return;
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "MemTotal:", 9) == 0 || strncmp(line, "MemFree:", 8) == 0)
            printf("  %s", line);
    fclose(f);
}

/* ---- Page tables through the recursive window
 *
 * The level-4 table holds, in the slot that the window's address names, an entry that points to the
 * table itself. So a walk that goes through that slot n times ends n levels early, in a table
 * instead of a page: entry of level n for address v  =  base(n) + (v[47:0] >> (12 + 9 (n - 1))) * 8
 */

static uint64_t window; /* base(1) */

static const volatile uint64_t *entry_address(int level, uint64_t v)
{
    uint64_t slot = window >> 39 & 511, at = window;
    for (int l = 2, shift = 30; l <= level; l++, shift -= 9)
        at |= slot << shift;
    uint64_t index = (v & UINT64_C(0xffffffffffff)) >> (12 + 9 * (level - 1));
    return (const volatile uint64_t *)(at | index << 3);
}

static void print_entry(int level, uint64_t v, uint64_t e)
{
    printf("    level %d [%3u] at %p = %016" PRIx64 "  %s%s%s%s%s%s\n", level,
           (unsigned)(v >> (12 + 9 * (level - 1)) & 511),
           (void *)(uintptr_t)entry_address(level, v), e, e & 1 ? "present" : "not present",
           e & 1 && e & 2 ? " writable" : "", e & 1 && !(e >> 63) ? " executable" : "",
           e & 32 ? " accessed" : "", e & 64 ? " dirty" : "", level > 1 && e & 128 ? " large" : "");
}

static void translate(const char *what, const volatile void *address)
{
    uint64_t v = (uint64_t)(uintptr_t)address;
    printf("  %s at 0x%" PRIx64 "\n", what, v);
    for (int level = 4; level >= 1; level--) {
        uint64_t e = *entry_address(level, v); /* one load: no system call, nothing is copied */
        print_entry(level, v, e);
        if (!(e & 1))
            return;
        if (level == 1 || (level < 4 && e & 128)) {
            uint64_t inside = (UINT64_C(1) << (12 + 9 * (level - 1))) - 1;
            printf("    physical 0x%" PRIx64 "\n",
                   (e & UINT64_C(0xffffffffff000) & ~inside) | (v & inside));
            return;
        }
    }
}

static void tour_page_tables(void)
{
    window = getauxval(AT_OURO_PAGETABLES);
    if (window == 0) {
        printf("\nThis kernel shows no page tables to its programs: it is not Ouro.\n");
        return;
    }
    printf("\nIts page tables, read through the window at 0x%" PRIx64
           " (slot %u of the level-4 table"
           " points to the table itself):\n",
           window, (unsigned)(window >> 39 & 511));
    int local = 1;
    char *fresh = malloc(1 << 20);
    if (fresh == NULL)
        return;
    translate("the code of this function", (const void *)(uintptr_t)tour_page_tables);
    translate("a constant", constant);
    variable[0] = 'A';
    translate("a variable that was written", variable);
    translate("a local variable, on the stack", &local);
    translate("a page of malloc() that nobody has touched", fresh + 0x80000);
    fresh[0x80000] = 1;
    translate("the same page after one store", fresh + 0x80000);
    translate("the null pointer", NULL);
    free(fresh);
}

int main(void)
{
    greet();
    printf("\nHow it was booted:\n");
    print_file("/proc/ouro", "  ");
    print_memory();
    printf("\nIts address space, area by area:\n");
    print_file("/proc/self/maps", "  ");
    tour_page_tables();
    printf("\nThat was the tour. Try:  ./ouro run /bin/busybox ls -l /proc    ./ouro help\n");
    return 0;
}
