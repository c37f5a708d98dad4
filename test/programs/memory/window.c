/* SPDX-License-Identifier: MIT */
/* ouro/pagetable.h: the same binary on Linux, where each function fails with ENOSYS, and on Ouro. */
#define _GNU_SOURCE
#include <ouro/pagetable.h>

#include "result.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PAGE  4096ul
#define PAGES 1500ul

static int here; /* true on Ouro */

/* Checks a call's status: `expected` on Ouro, ENOSYS on Linux. */
static void status(const char *name, int got, int expected)
{
    if (got == (here ? expected : ENOSYS))
        printf("%s: as it should be\n", name);
    else
        printf("%s: STATUS %d\n", name, got);
}

/* A condition that is checked on Ouro only. */
static void holds(const char *name, int condition)
{
    printf("%s: %s\n", name, !here || condition ? "yes" : "NO");
}

static char *map(size_t size, int prot, int flags, int fd)
{
    char *p = mmap(NULL, size, prot, flags, fd, 0);
    if (p == MAP_FAILED)
        exit(1);
    madvise(p, size, MADV_NOHUGEPAGE);
    return p;
}

static char *memory(size_t pages)
{
    return map(pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void entries(void)
{
    char *p = memory(4);
    uint64_t physical = 0, size = 0, e = 0, again = 0;
    unsigned rights = 0;
    struct ouro_path path;
    memset(&path, 0, sizeof path);
    status("translate untouched", ouro_translate(p, &physical), ENOENT);
    status("rights untouched", ouro_rights(p, &rights), ENOENT);
    status("walk untouched", ouro_walk(p, &path), 0);
    holds("no leaf", path.leaf_level == 0 && path.rights == 0 && path.page_size == 0);
    p[100] = 1;
    status("translate", ouro_translate(p + 100, &physical), 0);
    holds("offset", physical % PAGE == (uintptr_t)(p + 100) % PAGE && physical >= PAGE);
    status("rights", ouro_rights(p, &rights), 0);
    holds("read and write", rights == (OURO_READ | OURO_WRITE));
    status("rights of code", ouro_rights((void *)(uintptr_t)entries, &rights), 0);
    holds("read and execute", rights == (OURO_READ | OURO_EXECUTE));
    status("page size", ouro_page_size(p, &size), 0);
    holds("4 KiB", size == PAGE);
    for (int level = 4; level >= 1; level--) {
        status("entry", ouro_entry(p, level, &e), 0);
        holds("present", e & OURO_PTE_PRESENT);
    }
    holds("dirty", e & OURO_PTE_DIRTY);
    status("level 0", ouro_entry(p, 0, &e), EINVAL);
    status("level 5", ouro_entry(p, 5, &e), EINVAL);
    status("not canonical", ouro_walk((void *)0x800000000000, &path), EINVAL);
    status("null", ouro_entry(NULL, 1, &e), ENOENT);
    if (here) {
        again = *ouro_entry_address(ouro_window(), 1, (uintptr_t)p);
        ouro_entry(p, 1, &e);
    }
    holds("plain load", again == e && (e & OURO_PTE_FRAME) == (physical & ~(PAGE - 1)));
    mprotect(p, PAGE, PROT_READ);
    status("rights", ouro_rights(p, &rights), 0);
    holds("read", rights == OURO_READ);
    (void)((volatile char *)p)[PAGE];
    status("zero page", ouro_entry(p + PAGE, 1, &e), 0);
    holds("copied before it is written", e & OURO_PTE_COW && !(e & OURO_PTE_WRITABLE));
    munmap(p, 4 * PAGE);
    status("unmapped", ouro_translate(p, &physical), ENOENT);
}

static void text(void)
{
    char buffer[100], small[8] = "zzzzzzz";
    static const struct {
        int level;
        uint64_t entry;
    } all[] = {{1, 0x8000000001234067}, {1, 0x1225}, {2, 0x40000e3}, {2, 0x1007},
               {3, 0x400000a1},         {4, 0x2003}, {1, 0},         {1, 0x1234200},
               {1, 0xfee0001b}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        size_t n = ouro_decode(all[i].level, all[i].entry, buffer, sizeof buffer);
        printf("%zu %s\n", n, buffer);
    }
    printf("%zu <%s>\n", ouro_decode(1, 0x67, small, 5), small);
    printf("%zu %c\n", ouro_decode(1, 0x67, NULL, 0), small[5]);
}

static size_t count(const uint64_t *bitmap)
{
    size_t n = 0;
    for (size_t i = 0; i < PAGES; i++)
        n += ouro_bitmap_test(bitmap, i);
    return n;
}

static void scans(void)
{
    char *p = memory(PAGES);
    uint64_t *seen = calloc(ouro_bitmap_words(PAGES * PAGE), 8);
    size_t found = 0;
    for (size_t i = 0; i < PAGES; i += 3)
        p[i * PAGE] = 1;
    for (size_t i = 0; i < PAGES; i += 5)
        (void)((volatile char *)p)[i * PAGE];
    status("scan dirty", ouro_scan(p, PAGES * PAGE, OURO_DIRTY, seen), 0);
    holds("every third",
          count(seen) == PAGES / 3 && ouro_bitmap_test(seen, 999) && !ouro_bitmap_test(seen, 1000));
    status("scan accessed", ouro_scan(p, PAGES * PAGE, OURO_ACCESSED, seen), 0);
    holds("and every fifth", count(seen) == PAGES / 3 + PAGES / 5 - PAGES / 15);
    status("harvest", ouro_harvest(p, PAGES * PAGE, OURO_DIRTY, seen, &found), 0);
    holds("the same", found == PAGES / 3 && count(seen) == PAGES / 3);
    status("scan", ouro_scan(p, PAGES * PAGE, OURO_DIRTY, seen), 0);
    holds("clean", count(seen) == 0);
    for (size_t i = 7; i < PAGES; i += 100)
        p[i * PAGE] = 2;
    p[0] = 3; /* its translation was cached with D set */
    status("harvest", ouro_harvest(p, PAGES * PAGE, OURO_DIRTY, seen, &found), 0);
    holds("what came after",
          found == PAGES / 100 + 1 && ouro_bitmap_test(seen, 0) && ouro_bitmap_test(seen, 1407));
    status("harvest a part", ouro_harvest(p + PAGE, 3 * PAGE, OURO_ACCESSED, NULL, &found), 0);
    holds("one of three", found == 1);
    status("harvest nothing", ouro_harvest(p, 0, OURO_DIRTY, seen, &found), 0);
    holds("none", found == 0);
    status("scan unaligned", ouro_scan(p + 1, PAGE, OURO_DIRTY, seen), EINVAL);
    status("scan for nothing", ouro_scan(p, PAGE, 0, seen), EINVAL);
    status("harvest unaligned", ouro_harvest(p, 100, OURO_DIRTY, seen, NULL), EINVAL);
    status("harvest for nothing", ouro_harvest(p, PAGE, 4, seen, NULL), EINVAL);
    status("harvest the kernel",
           ouro_harvest((void *)0xffff800000000000, PAGE, OURO_DIRTY, seen, NULL), EINVAL);
    p[0] = 4;
    status("bad bitmap", ouro_harvest(p, PAGE, OURO_DIRTY, (uint64_t *)8, NULL), EFAULT);
    status("harvest", ouro_harvest(p, PAGE, OURO_DIRTY, seen, &found), 0);
    holds("nothing was lost", found == 1);
    result("unknown call", syscall(0x4f01));
}

/* Writes by the kernel and through other mappings. */
static void other_ways(void)
{
    int fd = open("/tmp/window", O_RDWR | O_CREAT | O_TRUNC, 0600);
    size_t found = 0;
    result("ftruncate", ftruncate(fd, 4 * PAGE));
    char *shared = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    for (size_t i = 0; i < 4; i++)
        (void)((volatile char *)shared)[i * PAGE];
    status("clear", ouro_harvest(shared, 4 * PAGE, OURO_DIRTY, NULL, NULL), 0);
    result("pwrite", pwrite(fd, "x", 1, 2 * PAGE));
    status("harvest", ouro_harvest(shared + 2 * PAGE, PAGE, OURO_DIRTY, NULL, &found), 0);
    holds("write() marks the mapping", found == 1);
    status("harvest", ouro_harvest(shared, 4 * PAGE, OURO_DIRTY, NULL, &found), 0);
    holds("and no other page", found == 0);
    result("read into", pread(fd, shared + PAGE, 1, 0));
    status("harvest", ouro_harvest(shared + PAGE, PAGE, OURO_DIRTY, NULL, &found), 0);
    holds("read() marks its buffer", found == 1);
    shared[0] = 1;
    status("harvest", ouro_harvest(shared, PAGE, OURO_ACCESSED, NULL, &found), 0);
    char *moved = mremap(shared, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, memory(4));
    truth("moved", moved != MAP_FAILED);
    status("harvest", ouro_harvest(moved, 4 * PAGE, OURO_DIRTY, NULL, &found), 0);
    holds("a moved page stays dirty", found == 1);
    result("truncate", ftruncate(fd, PAGE + 10));
    (void)((volatile char *)moved)[PAGE];
    status("scan", ouro_harvest(moved, PAGE, OURO_DIRTY, NULL, &found), 0);
    holds("page 0 was not cut", found == 0);
}

static sigjmp_buf after;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)context;
    (void)info;
    siglongjmp(after, signal);
}

static int faults(volatile char *p)
{
    int signal = sigsetjmp(after, 1);
    if (signal == 0)
        *p = 1;
    return signal;
}

static int jump_faults(uint64_t to)
{
    int signal = sigsetjmp(after, 1);
    if (signal == 0)
        ((void (*)(void))(uintptr_t)ouro_entry_address(to, 1, (uintptr_t)&after))();
    return signal == SIGSEGV;
}

static void protection(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, NULL);
    char *p = memory(3);
    p[0] = 1;
    status("protect", ouro_protect(p, 3 * PAGE, PROT_READ), 0);
    holds("a store faults", faults(p) == SIGSEGV);
    status("protect", ouro_protect(p, 3 * PAGE, PROT_READ | PROT_WRITE), 0);
    truth("a store does not", faults(p) == 0);
    munmap(p + PAGE, PAGE);
    status("over a hole", ouro_protect(p, 3 * PAGE, PROT_READ), ENOMEM);
    status("unaligned", ouro_protect(p + 1, PAGE, PROT_READ), EINVAL);
    status("rights that are none", ouro_protect(p, PAGE, 0x100), EINVAL);
    status("the kernel's memory", ouro_protect((void *)ouro_window(), PAGE, PROT_READ | PROT_WRITE),
           ENOMEM);
    /* All levels of the window, at the entries of a mapped address. */
    for (int level = 1; level <= 4; level++)
        holds("a store into the window faults",
              here && faults((volatile char *)(uintptr_t)ouro_entry_address(
                          ouro_window(), level, (uintptr_t)p)) == SIGSEGV);
    holds("a jump into the window faults", here && jump_faults(ouro_window()));
}

/* The direct call into the kernel behaves as a system call, with any flags and with signals. */
static volatile int ticks;

static void on_tick(int signal)
{
    (void)signal;
    ticks++;
}

static int pipes[2];

static void on_alarm(int signal)
{
    (void)signal;
    if (write(pipes[1], "q", 1) != 1)
        _exit(1);
}

static void calls(void)
{
    typedef int64_t (*any)(int64_t, ...);
    any call = (any)(uintptr_t)ouro_vdso_function("__ouro_syscall");
    truth("a call", (call != NULL) == here);
    truth("no such function", ouro_vdso_function("__ouro_nothing") == NULL);
    if (call == NULL)
        call = (any)(uintptr_t)syscall;
    truth("getpid", call(SYS_getpid) == getpid());
    char *p = (char *)call(SYS_mmap, NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    truth("six arguments", p != MAP_FAILED && (p[PAGE] = 7) == 7);
    struct itimerval every = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
    signal(SIGALRM, on_tick);
    setitimer(ITIMER_REAL, &every, NULL);
    while (ticks < 20)
        call(SYS_mprotect, p, PAGE, PROT_READ | PROT_WRITE);
    setitimer(ITIMER_REAL, &never, NULL);
    truth("signals came", ticks >= 20);
    /* An interrupted read restarts, through the SYSCALL instruction. */
    char got = 0;
    if (pipe(pipes) != 0)
        return;
    signal(SIGALRM, on_alarm);
    struct itimerval once = {{0, 0}, {0, 5000}};
    setitimer(ITIMER_REAL, &once, NULL);
    truth("a read goes on", call(SYS_read, pipes[0], &got, 1) == 1 && got == 'q');
}

/* Setting the clock is visible through the vDSO. On Linux the clock is not set. */
static void wall_clock(void)
{
    struct timespec now, later, by_call;
    struct timeval day;
    clock_gettime(CLOCK_REALTIME, &now);
    later = now;
    later.tv_sec += 1000;
    truth("set", !here || clock_settime(CLOCK_REALTIME, &later) == 0);
    clock_gettime(CLOCK_REALTIME, &later);
    gettimeofday(&day, NULL);
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &by_call);
    holds("a thousand seconds later", later.tv_sec - now.tv_sec >= 1000 &&
                                          day.tv_sec >= later.tv_sec && time(NULL) >= day.tv_sec &&
                                          by_call.tv_sec >= later.tv_sec);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    here = access("/proc/ouro", R_OK) == 0;
    truth("available where it should be", ouro_available() == here);
    entries();
    text();
    scans();
    other_ways();
    protection();
    calls();
    wall_clock();
    return 0;
}
