/* SPDX-License-Identifier: MIT */
/* As many mappings as vm.max_map_count allows, what fails then and what does not. */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096ul
#define MANY 70000

static char *mapped[MANY];

static char *map(size_t size, int prot)
{
    return mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Lines of /proc/self/maps but that of the vsyscall page, which is no mapping. */
static long lines(void)
{
    static char part[1 << 16];
    int fd = open("/proc/self/maps", O_RDONLY);
    long count = 0, n;
    int vsyscall = 0;
    while ((n = read(fd, part, sizeof part - 1)) > 0) {
        part[n] = '\0';
        for (long i = 0; i < n; i++)
            count += part[i] == '\n';
        vsyscall |= strstr(part, "[vsyscall]") != NULL;
    }
    close(fd);
    return count - vsyscall;
}

int main(void)
{
    long n = 0;
    result("lines at all", lines() > 3);
    char *wide = map(4 * PAGE, PROT_READ);
    for (; n < MANY; n++) {
        mapped[n] = map(PAGE, n & 1 ? PROT_READ : PROT_READ | PROT_WRITE);
        if (mapped[n] == MAP_FAILED)
            break;
    }
    result("mmap", mapped[n] == MAP_FAILED ? -1 : 0);
    result("lines", lines());
    result("munmap of the middle", munmap(wide + PAGE, PAGE));
    result("mprotect of the middle", mprotect(wide + PAGE, PAGE, PROT_NONE));
    result("mprotect of the end", mprotect(wide + 3 * PAGE, PAGE, PROT_NONE));
    result("mremap", mremap(wide, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
    result("munmap of the end", munmap(wide + 3 * PAGE, PAGE));
    result("lines", lines());
    result("munmap", munmap(mapped[1000], PAGE));
    result("munmap of the middle", munmap(wide + PAGE, PAGE));
    result("munmap", munmap(mapped[1002], PAGE));
    result("munmap of the middle", munmap(wide + PAGE, PAGE));
    result("lines", lines());
    int good = 1;
    for (long i = 0; i < n; i += 32)
        mapped[i][5] = (char)(i / 32);
    for (long i = 0; i < n; i += 32)
        good &= mapped[i][5] == (char)(i / 32);
    truth("each has its own memory", good);
    for (long i = 0; i < n; i++) /* in an order that leaves holes */
        munmap(mapped[(i * 7919) % n], PAGE);
    result("mmap again", map(PAGE, PROT_READ) == MAP_FAILED ? -1 : 0);
    truth("few lines", lines() < 20);
    return 0;
}
