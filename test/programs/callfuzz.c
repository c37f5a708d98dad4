/* SPDX-License-Identifier: MIT */
/*
 * Calls random system calls with random and boundary arguments for a time:
 *
 *     callfuzz SECONDS SEED [LAST]
 *
 * Every call is made by a thread of a batch that is started anew again and again, so that one that
 * blocks or ends its thread ends a batch and not the run; an alarm interrupts what sleeps. Not
 * called: what would end or replace the program, and what could take from it the means to go on (its
 * signal mask and handlers are put right after each batch). Memory calls get addresses in an arena
 * of their own or bad ones, never the program's.
 *
 * The same seed makes the same calls with the same arguments, but for what the machine answers.
 * With LAST the run stops after that many calls: halving it finds the one that hurts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define ARENA      ((char *)0x200000000000)
#define ARENA_SIZE (16ul << 20)
#define CALLS_MAX  470
#define FDS        64 /* descriptors from 100 on are for the calls */

static uint64_t state;
static char *arena;

static uint64_t next(void) /* xorshift64* */
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1dull;
}

static const int never[] = {
    SYS_exit,
    SYS_exit_group,
    SYS_reboot,
    SYS_execve,
    SYS_execveat,
    SYS_fork,
    SYS_vfork,
    SYS_clone,
    435 /* clone3 */,
    SYS_kill,
    SYS_tkill,
    SYS_tgkill,
    SYS_rt_sigreturn,
    SYS_arch_prctl,
    SYS_brk,
    SYS_rt_sigsuspend,
    SYS_pause,
    SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo,
    SYS_setrlimit,
    SYS_prlimit64,
    SYS_chroot,
    SYS_rseq,
    SYS_set_robust_list,
    SYS_sigaltstack,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_setitimer,
    SYS_timer_create, /* with SIGKILL, or a SIGSEGV that is no fault */
    SYS_alarm,
    SYS_process_vm_writev,
    SYS_seccomp,
    SYS_ptrace,
    SYS_prctl,
    436 /* close_range */,
    SYS_setuid,
    SYS_setgid,
    SYS_setreuid,
    SYS_setregid,
    SYS_setresuid,
    SYS_setresgid,
    SYS_setfsuid,
    SYS_setfsgid,
    SYS_setgroups,
    SYS_mlockall,
    SYS_sched_setscheduler,
    SYS_sched_setparam,
    SYS_sched_setattr,
    SYS_setpriority,
};

static int is_never(int number)
{
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        if (never[i] == number)
            return 1;
    return 0;
}

static const uint64_t edges[] = {
    0,
    1,
    2,
    7,
    8,
    63,
    255,
    4095,
    4096,
    4097,
    65535,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0x100000000,
    0x7fffffffffffffff,
    0x8000000000000000,
    0xffffffffffffffff,
    0xfffffffffffff000,
    0x7ffffffff000,
    0x7fffffffffff,
    0x800000000000,
    0xffff800000000000,
    0xffffffff80000000,
    (uint64_t)-100 /* AT_FDCWD */,
};

static const char *const paths[] = {
    "/fuzz/a",    "/fuzz/b",           "/fuzz/dir",    "/fuzz/dir/c", "/fuzz/link",
    "/fuzz/loop", "/dev/null",         "/dev/zero",    "/dev/full",   "/proc/self/maps",
    "/proc/self", "/proc/self/fd/100", "/dev/urandom", "..",          "",
    "/fuzz/fifo", "/proc/self/exe",    "/proc/meminfo"};

/* What an argument may be: a descriptor, an address, a path, a boundary, anything. */
static uint64_t argument(void)
{
    uint64_t kind = next() % 16, value = next();
    if (kind < 4)
        return 100 + value % FDS;
    if (kind < 8)
        return (uint64_t)(uintptr_t)arena + value % ARENA_SIZE / 8 * 8;
    if (kind < 9)
        return (uint64_t)(uintptr_t)arena + ARENA_SIZE - value % 64; /* over the end */
    if (kind < 11)
        return (uint64_t)(uintptr_t)paths[value % (sizeof(paths) / sizeof(paths[0]))];
    if (kind < 14)
        return edges[value % (sizeof(edges) / sizeof(edges[0]))];
    return kind == 14 ? value % 4096 : value;
}

static int is_memory(int number)
{
    return number == SYS_mmap || number == SYS_munmap || number == SYS_mprotect ||
           number == SYS_mremap || number == SYS_madvise || number == SYS_mlock ||
           number == SYS_munlock || number == SYS_msync || number == SYS_remap_file_pages ||
           number == SYS_pkey_mprotect || number == SYS_mincore;
}

/* An address of the arena, or one that is no memory of the program at all. */
static uint64_t memory_address(void)
{
    if (next() % 4 == 0)
        return edges[14 + next() % 10] | 1ull << 63;
    return (uint64_t)(uintptr_t)arena + next() % (ARENA_SIZE / 4096) * 4096;
}

static void choose(int *number, uint64_t *a)
{
    do
        *number = (int)(next() % CALLS_MAX);
    while (is_never(*number));
    for (int i = 0; i < 6; i++)
        a[i] = argument();
    if (is_memory(*number)) {
        a[0] = memory_address();
        uint64_t room = a[0] >> 63 ? 4096 : (uint64_t)(uintptr_t)arena + ARENA_SIZE - a[0];
        a[1] = next() % 8 == 0 ? (uint64_t) - (int64_t)(next() % 8192) : next() % room + 1;
        if (*number == SYS_mmap)
            a[3] = (a[3] & 0x8001) | MAP_FIXED | (next() & 1 ? MAP_ANONYMOUS : 0) |
                   (next() & 1 ? MAP_PRIVATE : MAP_SHARED);
        if (*number == SYS_mremap) {
            a[3] |= MREMAP_FIXED | MREMAP_MAYMOVE;
            a[4] = memory_address();
            a[2] = next() % ((uint64_t)(uintptr_t)arena + ARENA_SIZE -
                             (a[4] >> 63 ? (uint64_t)(uintptr_t)arena : a[4])) +
                   1;
        }
    }
    /* The standard streams and the low descriptors stay. */
    if ((*number == SYS_close || *number == SYS_dup2 || *number == SYS_dup3)) {
        a[0] = 100 + next() % FDS;
        a[1] = 100 + next() % FDS;
    }
}

static long call(long number, const uint64_t *a)
{
    long result;
    register uint64_t r10 __asm__("r10") = a[3];
    register uint64_t r8 __asm__("r8") = a[4];
    register uint64_t r9 __asm__("r9") = a[5];
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static void on_signal(int number)
{
    (void)number;
}

static void prepare_files(void)
{
    mkdir("/fuzz", 0755);
    mkdir("/fuzz/dir", 0755);
    (void)!symlink("/fuzz/a", "/fuzz/link");
    (void)!symlink("loop", "/fuzz/loop");
    close(open("/fuzz/a", O_CREAT | O_RDWR, 0644));
}

/* What the calls closed, unmapped or filled is made new. */
static void refresh(void)
{
    static const char *const files[] = {"/fuzz/a",   "/fuzz/b",   "/dev/null",
                                        "/dev/zero", "/fuzz/dir", "/proc/self/maps"};
    int p[2];
    mmap(ARENA, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    for (int i = 0; i < FDS; i++)
        close(100 + i);
    (void)!chdir("/");
    (void)!truncate("/fuzz/a", 10000);
    (void)!truncate("/fuzz/b", 0);
    for (int i = 0; i < FDS / 4; i++) {
        int flags = i % 6 == 4 || i % 6 == 5 ? O_RDONLY : O_RDWR | (i % 6 < 2 ? O_CREAT : 0);
        int fd = open(files[i % 6], flags | O_NONBLOCK, 0644);
        if (fd >= 0 && fd < 100) {
            dup2(fd, 100 + i);
            close(fd);
        }
    }
    for (int i = 0; i < 4; i++) {
        if (pipe2(p, O_NONBLOCK) != 0)
            continue;
        dup2(p[0], 120 + 2 * i);
        dup2(p[1], 121 + 2 * i);
        close(p[0]);
        close(p[1]);
    }
    for (int number = SYS_eventfd2, i = 0; i < 4; i++) {
        long fd = syscall(number, 0, O_NONBLOCK);
        if (fd >= 0 && dup2((int)fd, 130 + i) >= 0)
            close((int)fd);
    }
    for (int i = 0; i < 3; i++) {
        long fd = syscall(SYS_epoll_create1, 0);
        if (fd >= 0 && dup2((int)fd, 140 + i) >= 0)
            close((int)fd);
    }
    for (int i = 0; i < 2000; i++) { /* structures that make some sense */
        uint64_t *word = (uint64_t *)(arena + next() % (ARENA_SIZE / 8) * 8);
        *word = argument();
    }
}

static void keep_alive(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct itimerval tick = {{0, 5000}, {0, 5000}};
    sigset_t none;
    for (int i = 1; i < 65; i++)
        if (i != SIGSEGV && i != SIGBUS && i != SIGILL && i != SIGFPE)
            sigaction(i, &action, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setitimer(ITIMER_REAL, &tick, NULL);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 10;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1, made = 0, good = 0;
    uint64_t last = argc > 3 ? strtoull(argv[3], NULL, 0) : UINT64_MAX;
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    state = seed * 0x9e3779b97f4a7c15ull | 1;
    arena = mmap(ARENA, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                 -1, 0);
    if (arena != ARENA)
        return 1;
    prepare_files();
    do {
        keep_alive();
        if (made % 500 == 0)
            refresh();
        int number;
        uint64_t a[6];
        choose(&number, a);
        if (last != UINT64_MAX && made + 20 > last)
            fprintf(stderr, "%d(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx)\n", number, a[0], a[1], a[2],
                    a[3], a[4], a[5]);
        good += call(number, a) >= 0;
        made++;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (made < last &&
             (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9 <
                 seconds);
    struct itimerval off = {0};
    setitimer(ITIMER_REAL, &off, NULL);
    fprintf(stderr, "callfuzz: %lu calls, %lu succeeded, seed %lu\n", made, good, seed);
    printf("alive %d\n", made > 1000 || made == last);
    return 0;
}
