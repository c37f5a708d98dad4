/* SPDX-License-Identifier: MIT */
/* /proc/self/pagemap and clear_refs: present pages, and pages written since the last clearing. */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE               4096ul
#define AT_OURO_PAGETABLES 0x4f55524f

#define SOFT_DIRTY         (1ull << 55)
#define EXCLUSIVE          (1ull << 56)
#define SHARED             (1ull << 61)
#define SWAPPED            (1ull << 62)
#define PRESENT            (1ull << 63)
#define FRAME              ((1ull << 55) - 1)

static int pagemap, refs, supported;

static uint64_t entry(const volatile void *p)
{
    uint64_t e = 0;
    if (pread(pagemap, &e, 8, (off_t)((uintptr_t)p / PAGE * 8)) != 8)
        printf("pread of the pagemap failed\n");
    return e;
}

/* Bits that are not printed: whether the zero page is exclusive depends on the version of Linux. */
static uint64_t hidden;

/* `dirty`: the documented value. It is not checked on a Linux without CONFIG_MEM_SOFT_DIRTY. */
static void show(const char *what, const volatile void *p, int dirty)
{
    uint64_t e = entry(p) & ~hidden;
    int right = !supported || !dirty == !(e & SOFT_DIRTY);
    printf("%-28s%s%s%s%s%s%s\n", what, e & PRESENT ? " present" : "",
           e & SWAPPED ? " swapped" : "", e & SHARED ? " shared" : "",
           !(e & SHARED) && e & EXCLUSIVE ? " exclusive" : "",
           e & PRESENT && (e & FRAME) != 0 ? " frame" : "",
           right   ? dirty ? " dirty" : ""
           : dirty ? " NOT DIRTY"
                   : " DIRTY");
}

static void clear(void)
{
    if (write(refs, "4\n", 2) != 2)
        printf("clear_refs failed: %s\n", strerror(errno));
}

static char *map(size_t pages, int flags, int fd)
{
    char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (p == MAP_FAILED)
        exit(1);
    madvise(p, pages * PAGE, MADV_NOHUGEPAGE);
    return p;
}

/* smaps says "sd" of an area that is newer than the last clearing. */
static int area_is_dirty(const volatile void *p)
{
    char line[512];
    FILE *smaps = fopen("/proc/self/smaps", "r");
    unsigned long start, end;
    int inside = 0, found = -1;
    while (fgets(line, sizeof line, smaps))
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            inside = start <= (uintptr_t)p && (uintptr_t)p < end;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, " sd") != NULL;
    fclose(smaps);
    return found;
}

static void anonymous(void)
{
    volatile char *p = map(8, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    show("new, untouched", p, 1);
    truth("a new area is soft-dirty", !supported || area_is_dirty(p) == 1);
    p[0] = 1;
    show("written", p, 1);
    (void)p[PAGE];
    hidden = EXCLUSIVE;
    show("read", p + PAGE, 1);
    hidden = 0;
    clear();
    show("written, cleared", p, 0);
    hidden = EXCLUSIVE;
    show("read, cleared", p + PAGE, 0);
    hidden = 0;
    show("untouched, cleared", p + 2 * PAGE, 0);
    truth("a cleared area is not", area_is_dirty(p) == 0);
    (void)p[0];
    show("read after clearing", p, 0);
    p[0] = 2;
    show("written again", p, 1);
    p[PAGE] = 2;
    show("zero page written", p + PAGE, 1);
    p[3 * PAGE] = 1;
    show("first write after clearing", p + 3 * PAGE, 1);
    truth("two frames", (entry(p) & FRAME) != (entry(p + PAGE) & FRAME));
    clear();
    mprotect((char *)p, PAGE, PROT_READ);
    show("read-only", p, 0);
    mprotect((char *)p, PAGE, PROT_READ | PROT_WRITE);
    show("writable again", p, 0);
    p[1] = 1;
    show("written again", p, 1);
    mprotect((char *)p, PAGE, PROT_NONE);
    mprotect((char *)p, PAGE, PROT_READ | PROT_WRITE);
    show("was inaccessible", p, 1);
    munmap((char *)p + PAGE, PAGE);
    show("unmapped", p + PAGE, 0);
    mmap((char *)p + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
         -1, 0);
    show("mapped anew", p + PAGE, 1);
}

/* Writes by the kernel count, too. */
static void system_calls(void)
{
    char *p = map(4, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    int fd = open("/dev/zero", O_RDONLY);
    memset(p, 1, 4 * PAGE);
    clear();
    result("read", read(fd, p + PAGE, 10));
    result("write", write(open("/dev/null", O_WRONLY), p + 2 * PAGE, 10));
    show("before", p, 0);
    show("read() into it", p + PAGE, 1);
    show("write() from it", p + 2 * PAGE, 0);
    char *moved = mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
    char *far = mremap(moved, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                       map(8, MAP_PRIVATE | MAP_ANONYMOUS, -1));
    truth("moved", far != MAP_FAILED);
    show("moved", far + PAGE, 1);
}

static void files(void)
{
    int fd = open("/tmp/pages", O_RDWR | O_CREAT | O_TRUNC, 0600);
    result("ftruncate", ftruncate(fd, 4 * PAGE));
    volatile char *shared = map(4, MAP_SHARED, fd);
    shared[0] = 1;
    truth("shared, once", (entry(shared) & (SHARED | EXCLUSIVE)) == (SHARED | EXCLUSIVE));
    volatile char *private = map(4, MAP_PRIVATE, fd);
    (void)private[0];
    truth("shared, twice", (entry(shared) & (SHARED | EXCLUSIVE)) == SHARED &&
                               (entry(private) & (SHARED | EXCLUSIVE)) == SHARED);
    show("shared, written", shared, 1);
    shared[PAGE] = 1;
    (void)private[2 * PAGE];
    private[PAGE] = 1;
    show("private, written", private + PAGE, 1);
    clear();
    show("shared, cleared", shared, 0);
    show("private copy, cleared", private + PAGE, 0);
    shared[0] = 2;
    private[PAGE] = 2;
    show("shared, written again", shared, 1);
    show("private copy, written again", private + PAGE, 1);
    show("shared, not written", shared + PAGE, 0);
}

static void bad(void)
{
    uint64_t e[2];
    void *volatile nowhere = (void *)8;
    result("size not a multiple of 8", pread(pagemap, e, 12, 0));
    result("offset not a multiple of 8", pread(pagemap, e, 8, 4));
    result("nothing", pread(pagemap, e, 0, 0));
    result("page 0", pread(pagemap, e, 16, 0));
    printf("%d %d\n", e[0] == 0, e[1] == 0);
    result("behind the end", pread(pagemap, e, 8, (off_t)(0x800000000000 / PAGE * 8)));
    result("bad place", pread(pagemap, nowhere, 8, 0));
    result("write to pagemap", (int)write(pagemap, e, 8));
    static const char *const words[] = {"0", "6",   "x", "",  "-4", " 4 ", "+4\n",
                                        "1", "2\n", "3", "5", "4x", "0004"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        printf("clear_refs <%s> ", words[i][0] == '\0' || words[i][strlen(words[i]) - 1] != '\n'
                                       ? words[i]
                                       : "with newline");
        result("", write(refs, words[i], strlen(words[i])));
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    pagemap = open("/proc/self/pagemap", O_RDONLY);
    refs = open("/proc/self/clear_refs", O_WRONLY);
    truth("there", pagemap >= 0 && refs >= 0);
    supported = getauxval(AT_OURO_PAGETABLES) != 0 || entry(&supported) & SOFT_DIRTY;
    anonymous();
    system_calls();
    files();
    bad();
    return 0;
}
