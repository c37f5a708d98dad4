/* SPDX-License-Identifier: MIT */
/*
 * primitives [rounds=N] [divide=N] [user=0|1] [only=NAME]: the cost of the primitives of a Unix system.
 * Each is a loop around one operation, by raw system calls where a library could cache the result. A
 * sample is the mean of one round; a first, shorter round warms up and is discarded. Counts are chosen
 * for about 30 ms a round on the slower system; divide=N makes them smaller. user=1 selects the
 * primitives without the kernel, user=0 the others.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>

#define FILE_BLOCKS 64 /* pages of the file for pread() */
#define TRAP_PAGES  64
#define BATCH_PAGES 100
#define TOUCHED     ((size_t)64 << 20)
#define COPIED      ((size_t)1 << 20)

/* From Linux's <linux/futex.h>, which musl lacks. */
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

static inline long call3(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

static inline long call4(long number, long a, long b, long c, long d)
{
    long result;
    register long fourth __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}

static char *map(size_t size, int protection)
{
    char *start = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return start == MAP_FAILED ? NULL : start;
}

static inline void store(char *address, char value)
{
    *(volatile char *)address = value;
}

/* Each function does its operation `n` times and returns the nanoseconds that it took, or -1 if the
 * system lacks the operation. */

static double do_nothing(long n)
{
    uint64_t x = 88172645463325252u, from = now_ns();
    for (long i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        __asm__ volatile("" : "+r"(x));
    }
    return (double)(now_ns() - from);
}

static double do_getppid(long n)
{
    uint64_t from = now_ns();
    for (long i = 0; i < n; i++)
        call3(SYS_getppid, 0, 0, 0);
    return (double)(now_ns() - from);
}

static double do_clock_gettime(long n)
{
    uint64_t from = now_ns();
    struct timespec t;
    for (long i = 0; i < n; i++)
        clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)(now_ns() - from);
}

static double do_sched_yield(long n)
{
    uint64_t from = now_ns();
    for (long i = 0; i < n; i++)
        call3(SYS_sched_yield, 0, 0, 0);
    return (double)(now_ns() - from);
}

static double do_write0(long n)
{
    char byte = 0;
    uint64_t from = now_ns();
    for (long i = 0; i < n; i++)
        call3(SYS_write, 1, (long)&byte, 0);
    return (double)(now_ns() - from);
}

static const char *data_file(void)
{
    static const char name[] = "/tmp/primitives.data";
    static bool made;
    static char block[PAGE];
    if (made)
        return name;
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    memset(block, 'x', sizeof block);
    made = fd >= 0;
    for (int i = 0; made && i < FILE_BLOCKS; i++)
        made = write(fd, block, sizeof block) == (ssize_t)sizeof block;
    if (fd >= 0)
        close(fd);
    return made ? name : NULL;
}

static double do_pread_4k(long n)
{
    static char block[PAGE];
    const char *name = data_file();
    int fd = name ? open(name, O_RDONLY) : -1;
    if (fd < 0)
        return -1;
    uint64_t from = now_ns();
    for (long i = 0; i < n; i++)
        if (pread(fd, block, PAGE, (off_t)((size_t)(i % FILE_BLOCKS) * PAGE)) != (ssize_t)PAGE)
            return -1;
    double took = (double)(now_ns() - from);
    close(fd);
    return took;
}

static double do_open_close(long n)
{
    const char *name = data_file();
    uint64_t from = now_ns();
    for (long i = 0; i < n; i++) {
        int fd = name ? open(name, O_RDONLY) : -1;
        if (fd < 0)
            return -1;
        close(fd);
    }
    return (double)(now_ns() - from);
}

static double do_pipe(long n)
{
    int ends[2];
    char byte = 7;
    if (pipe(ends) != 0)
        return -1;
    uint64_t from = now_ns();
    for (long i = 0; i < n; i++)
        if (write(ends[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1)
            return -1;
    double took = (double)(now_ns() - from);
    close(ends[0]);
    close(ends[1]);
    return took;
}

/* The first touch of n pages, without transparent huge pages. */
static double do_page_fault(long n)
{
    size_t size = (size_t)n * PAGE;
    char *start = map(size, PROT_READ | PROT_WRITE);
    if (start == NULL)
        return -1;
    madvise(start, size, MADV_NOHUGEPAGE);
    uint64_t from = now_ns();
    for (size_t i = 0; i < size; i += PAGE)
        store(start + i, 1);
    double took = (double)(now_ns() - from);
    munmap(start, size);
    return took;
}

static double do_mmap_touch_munmap(long n)
{
    uint64_t from = now_ns();
    for (long i = 0; i < n; i++) {
        char *start = map(4 * PAGE, PROT_READ | PROT_WRITE);
        if (start == NULL)
            return -1;
        store(start, 1);
        munmap(start, 4 * PAGE);
    }
    return (double)(now_ns() - from);
}

/* Makes the middle page of a mapping read-only and writable again, then stores to it. */
static double do_mprotect_pair(long n)
{
    char *start = map(3 * PAGE, PROT_READ | PROT_WRITE);
    if (start == NULL)
        return -1;
    memset(start, 1, 3 * PAGE);
    uint64_t from = now_ns();
    for (long i = 0; i < n; i++) {
        if (mprotect(start + PAGE, PAGE, PROT_READ) != 0 ||
            mprotect(start + PAGE, PAGE, PROT_READ | PROT_WRITE) != 0)
            return -1;
        store(start + PAGE, (char)i);
    }
    double took = (double)(now_ns() - from);
    munmap(start, 3 * PAGE);
    return took;
}

/* The benchmarks of Appel and Li (ASPLOS 1991): a store to a protected page; the handler unprotects it. */
static char *trap_start;
static size_t trap_size;
static volatile long trap_count;

static void open_page(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    uintptr_t page = (uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1);
    if (page < (uintptr_t)trap_start || page >= (uintptr_t)trap_start + trap_size)
        _exit(3);
    trap_count++;
    mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE);
}

#define STORE_LENGTH 3 /* movb $1, (%rax) */

static void step_over(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    ucontext_t *program = context;
    program->uc_mcontext.gregs[REG_RIP] += STORE_LENGTH;
    trap_count++;
}

static bool trap_begin(size_t pages, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    trap_size = pages * PAGE;
    trap_start = map(trap_size, PROT_READ | PROT_WRITE);
    trap_count = 0;
    if (trap_start == NULL || sigaction(SIGSEGV, &action, NULL) != 0)
        return false;
    memset(trap_start, 1, trap_size);
    return true;
}

static double trap_end(uint64_t from, long wanted)
{
    double took = (double)(now_ns() - from);
    signal(SIGSEGV, SIG_DFL);
    munmap(trap_start, trap_size);
    return trap_count == wanted ? took : -1;
}

static double do_trap_only(long n)
{
    if (!trap_begin(1, step_over) || mprotect(trap_start, PAGE, PROT_READ) != 0)
        return -1;
    uint64_t from = now_ns();
    for (long i = 0; i < n; i++)
        __asm__ volatile(".byte 0xc6, 0x00, 0x01" : : "a"(trap_start) : "memory");
    return trap_end(from, n);
}

static double do_prot1(long n)
{
    if (!trap_begin(TRAP_PAGES, open_page))
        return -1;
    uint64_t from = now_ns();
    for (long i = 0; i < n; i++) {
        char *page = trap_start + (size_t)(i % TRAP_PAGES) * PAGE;
        if (mprotect(page, PAGE, PROT_READ) != 0)
            return -1;
        store(page, (char)i);
    }
    return trap_end(from, n);
}

/* n counts pages: batches of BATCH_PAGES are protected at once and unprotected one by one. */
static double do_protn(long n)
{
    long batches = (n + BATCH_PAGES - 1) / BATCH_PAGES;
    if (!trap_begin(BATCH_PAGES, open_page))
        return -1;
    uint64_t from = now_ns();
    for (long i = 0; i < batches; i++) {
        if (mprotect(trap_start, trap_size, PROT_READ) != 0)
            return -1;
        for (size_t page = 0; page < BATCH_PAGES; page++)
            store(trap_start + page * PAGE, (char)i);
    }
    double took = trap_end(from, batches * BATCH_PAGES);
    return took < 0 ? took : took * (double)n / (double)(batches * BATCH_PAGES);
}

static volatile sig_atomic_t signal_count;

static void count_signal(int signal)
{
    (void)signal;
    signal_count++;
}

static double do_signal_self(long n)
{
    struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
    long pid = getpid(), tid = call3(SYS_gettid, 0, 0, 0);
    signal_count = 0;
    if (sigaction(SIGUSR1, &action, NULL) != 0)
        return -1;
    uint64_t from = now_ns();
    for (long i = 0; i < n; i++)
        call3(SYS_tgkill, pid, tid, SIGUSR1);
    double took = (double)(now_ns() - from);
    signal(SIGUSR1, SIG_DFL);
    return signal_count == n ? took : -1;
}

static void *do_return(void *argument)
{
    return argument;
}

static double do_thread_create_join(long n)
{
    uint64_t from = now_ns();
    for (long i = 0; i < n; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, do_return, NULL) != 0)
            return -1;
        pthread_join(thread, NULL);
    }
    return (double)(now_ns() - from);
}

static atomic_int ball;

static void wait_for(int side)
{
    int seen;
    while ((seen = atomic_load(&ball)) != side)
        call4(SYS_futex, (long)&ball, FUTEX_WAIT_PRIVATE, seen, 0);
}

static void throw_to(int side)
{
    atomic_store(&ball, side);
    call3(SYS_futex, (long)&ball, FUTEX_WAKE_PRIVATE, 1);
}

static void *play(void *argument)
{
    for (long n = *(long *)argument; n > 0; n--) {
        wait_for(1);
        throw_to(0);
    }
    return NULL;
}

static double do_futex_roundtrip(long n)
{
    pthread_t thread;
    atomic_store(&ball, 0);
    if (pthread_create(&thread, NULL, play, &n) != 0)
        return -1;
    uint64_t from = now_ns();
    for (long i = 0; i < n; i++) {
        throw_to(1);
        wait_for(0);
    }
    double took = (double)(now_ns() - from);
    pthread_join(thread, NULL);
    return took;
}

/* Blocks 257 pages apart: at 256, both pages of a pair would use the same slot of the software TLB of
 * QEMU's TCG, and the figure would be that of the emulator. */
static double do_memcpy(long n)
{
    static char *from_block, *to_block;
    if (from_block == NULL) {
        from_block = map(2 * COPIED + PAGE, PROT_READ | PROT_WRITE);
        if (from_block == NULL)
            return -1;
        memset(from_block, 3, 2 * COPIED + PAGE);
        to_block = from_block + COPIED + PAGE;
    }
    uint64_t from = now_ns();
    for (long i = 0; i < n; i++) {
        memcpy(to_block, from_block, COPIED);
        __asm__ volatile("" : : "r"(to_block) : "memory");
    }
    return (double)(now_ns() - from);
}

static const struct {
    const char *name;
    double (*work)(long n);
    long count;
    bool user;    /* no part of the kernel is involved */
    bool at_once; /* the count is part of the operation: no warm-up, no division */
} primitives[] = {
    {"compute", do_nothing, 8000000, true, false},
    {"memcpy_1m", do_memcpy, 100, true, false},
    {"getppid", do_getppid, 80000, false, false},
    {"clock_gettime", do_clock_gettime, 400000, false, false},
    {"sched_yield", do_sched_yield, 30000, false, false},
    {"write0", do_write0, 20000, false, false},
    {"pread_4k", do_pread_4k, 4000, false, false},
    {"open_close", do_open_close, 3000, false, false},
    {"pipe", do_pipe, 10000, false, false},
    {"page_fault", do_page_fault, (long)(TOUCHED / PAGE), false, true},
    {"mmap_touch_munmap", do_mmap_touch_munmap, 1500, false, false},
    {"mprotect_pair", do_mprotect_pair, 2000, false, false},
    {"trap_only", do_trap_only, 1500, false, false},
    {"prot1", do_prot1, 1000, false, false},
    {"protN", do_protn, 2000, false, false},
    {"signal_self", do_signal_self, 1500, false, false},
    {"thread_create_join", do_thread_create_join, 100, false, false},
    {"futex_roundtrip", do_futex_roundtrip, 2000, false, false},
};

int main(int argc, char **argv)
{
    bench_start();
    long rounds = argument(argc, argv, "rounds", 5), divide = argument(argc, argv, "divide", 1);
    long user = argument(argc, argv, "user", -1);
    for (size_t i = 0; i < sizeof primitives / sizeof primitives[0]; i++) {
        long n = primitives[i].at_once ? primitives[i].count : primitives[i].count / divide + 1;
        if (!chosen(argc, argv, primitives[i].name) || (user >= 0 && primitives[i].user != user))
            continue;
        if (!primitives[i].at_once)
            primitives[i].work(n / 8 + 1);
        for (long round = 0; round < rounds; round++) {
            double took = primitives[i].work(n);
            if (took < 0) {
                figure_absent(primitives[i].name, "ns");
                break;
            }
            figure(primitives[i].name, "ns", took / (double)n);
        }
    }
    bench_done();
}
