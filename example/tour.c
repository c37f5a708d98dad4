/* SPDX-License-Identifier: MIT */
/*
 * A tour of the machine by its only program. It is an ordinary Linux program; on Ouro its auxiliary
 * vector also has the address of a read-only window on its own page tables.
 *
 *     ./ouro run                      # this program
 *     musl-gcc -static -O2 -I include example/tour.c -o tour && ./tour     # on Linux: all but the page tables
 */
#include <ouro/pagetable.h>

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

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

/* Total and free memory of the machine, from lines like "MemTotal:  261234 kB". */
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

/* The walk as the MMU does it: each entry is one load, without a system call. */
static void translate(const char *what, const volatile void *address)
{
    struct ouro_path path;
    char text[128];
    uint64_t v = (uint64_t)(uintptr_t)address;
    printf("  %s at 0x%" PRIx64 "\n", what, v);
    if (ouro_walk(address, &path) != 0)
        return;
    for (int level = 4; level >= path.last_level; level--) {
        ouro_decode(level, path.entry[level], text, sizeof text);
        printf("    level %d [%3u] at %p = %016" PRIx64 "  %s\n", level,
               (unsigned)(v >> (12 + 9 * (level - 1)) & 511),
               (void *)(uintptr_t)ouro_entry_address(ouro_window(), level, v), path.entry[level],
               text);
    }
    if (path.leaf_level != 0)
        printf("    physical 0x%" PRIx64 "\n", path.physical);
}

static void tour_page_tables(void)
{
    if (!ouro_available()) {
        printf("\nThis kernel shows no page tables to its programs: it is not Ouro.\n");
        return;
    }
    printf("\nIts page tables, read through the window at 0x%" PRIx64
           " (slot %u of the level-4 table"
           " points to the table itself):\n",
           ouro_window(), (unsigned)(ouro_window() >> 39 & 511));
    int local = 1;
    char *fresh = malloc(1 << 20);
    if (fresh == NULL)
        return;
    translate("the code of this function", (const void *)(uintptr_t)tour_page_tables);
    translate("a constant", constant);
    variable[0] = 'A';
    translate("a variable that was written", variable);
    translate("a local variable, on the stack", &local);
    translate("a page of malloc() that was never touched", fresh + 0x80000);
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
    printf(
        "\nThat was the tour. Try:  ./ouro run /bin/busybox ls -l /proc    ./ouro explore    ./ouro help\n");
    return 0;
}
