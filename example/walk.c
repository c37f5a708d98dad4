/* SPDX-License-Identifier: MIT */
/*
 * Prints the page walk of addresses, level by level.
 *
 *     ./ouro run example/walk.c                   # a few addresses of this program
 *     ./ouro run example/walk.c 0xffffffff80200000
 *
 * On Linux the program runs too, but only reports that the tables cannot be read there.
 */
#include <ouro/pagetable.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static const char *const level_names[] = {"", "PT", "PD", "PDPT", "PML4"};

static void print_walk(const char *what, const volatile void *address)
{
    struct ouro_path path;
    char text[128];
    uint64_t v = (uint64_t)(uintptr_t)address;
    printf("%s, 0x%" PRIx64 "\n", what, v);
    if (ouro_walk(address, &path) != 0) {
        printf("  not an address: bits 63 to 47 must be equal\n");
        return;
    }
    for (int level = 4; level >= path.last_level; level--) {
        ouro_decode(level, path.entry[level], text, sizeof text);
        printf("  %-4s [%3u]  %016" PRIx64 "  %s\n", level_names[level],
               (unsigned)(v >> (12 + 9 * (level - 1)) & 511), path.entry[level], text);
    }
    if (path.leaf_level == 0)
        printf("  nothing is mapped there\n");
    else
        printf("  physical 0x%" PRIx64 ", page of %" PRIu64 " KiB, r%c%c\n", path.physical,
               path.page_size / 1024, path.rights & OURO_WRITE ? 'w' : '-',
               path.rights & OURO_EXECUTE ? 'x' : '-');
}

static void walk_this_program(void)
{
    static const char constant[] = "a constant";
    static char variable[] = "a variable";
    int local = 1;
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return;
    print_walk("the code of this function", (const void *)(uintptr_t)walk_this_program);
    print_walk("a constant", constant);
    print_walk("a variable", variable);
    print_walk("the stack", &local);
    print_walk("memory that was never touched", page);
    (void)*(volatile char *)page;
    print_walk("the same page after a read", page);
    page[1] = 1;
    print_walk("the same page after a write", page);
    print_walk("the null pointer", NULL);
    print_walk("the window itself, through which this was read",
               (const void *)(uintptr_t)ouro_window());
    munmap(page, 8192);
}

int main(int argc, char **argv)
{
    if (!ouro_available()) {
        printf("This kernel does not show programs their page tables: it is not Ouro.\n");
        return 0;
    }
    if (argc == 1)
        walk_this_program();
    for (int i = 1; i < argc; i++) {
        char *end;
        errno = 0;
        uint64_t v = strtoull(argv[i], &end, 0);
        if (errno != 0 || *end != '\0' || end == argv[i]) {
            fprintf(stderr, "walk: %s is not an address\n", argv[i]);
            return 2;
        }
        print_walk("asked for", (const void *)(uintptr_t)v);
    }
    return 0;
}
