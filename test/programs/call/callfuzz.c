/* SPDX-License-Identifier: MIT */
/*
 * Calls random system calls with random and boundary arguments for a time:
 *
 *     callfuzz SECONDS SEED [LAST]
 *
 * On several CPUs as many processes do so at once, without LAST.
 * Threads make the calls in batches, so that a call that blocks or ends its thread ends a batch and
 * not the run; an alarm interrupts sleeping calls. Calls that would end or replace the program, or
 * stop it from continuing, are left out (its signal mask and handlers are restored after each
 * batch). A child makes some calls and ends. Every tenth deed is one of the CPU instead: `int n`, instructions with random prefixes, a random signal frame for
 * rt_sigreturn(), a handler that changes its context at random. Memory calls get addresses in an arena of their own or bad ones, never the program's.
 *
 * The same seed makes the same calls with the same arguments, except for results of earlier calls.
 * With LAST the run stops after that many calls: bisect it to find the call that fails.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define ARENA      ((char *)0x200000000000)
#define ARENA_SIZE (16ul << 20)
#define CALLS_MAX  470
#define FDS        64 /* descriptors from 100 on, for the calls */

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

static const char *const paths[] = {"/fuzz/a",
                                    "/fuzz/b",
                                    "/fuzz/dir",
                                    "/fuzz/dir/c",
                                    "/fuzz/link",
                                    "/fuzz/loop",
                                    "/dev/null",
                                    "/dev/zero",
                                    "/dev/full",
                                    "/proc/self/maps",
                                    "/proc/self",
                                    "/proc/self/fd/100",
                                    "/dev/urandom",
                                    "..",
                                    "",
                                    "/fuzz/fifo",
                                    "/proc/self/exe",
                                    "/proc/meminfo",
                                    "/dev/ptmx",
                                    "/dev/tty",
                                    "/dev/pts/0",
                                    "/fuzz/socket",
                                    "/sys/devices/system/cpu/online",
                                    "/fuzz"};

/* A random argument: a descriptor, an address, a path, a boundary or any number. */
static uint64_t argument(void)
{
    uint64_t kind = next() % 16, value = next();
    if (kind < 4)
        return 100 + value % FDS;
    if (kind < 8)
        return (uint64_t)(uintptr_t)arena + value % ARENA_SIZE / 8 * 8;
    if (kind < 9)
        return (uint64_t)(uintptr_t)arena + ARENA_SIZE - value % 64; /* across the end */
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

/* An address of the arena, or one outside the program's memory. */
static uint64_t memory_address(void)
{
    if (next() % 4 == 0)
        return edges[14 + next() % 10] | 1ull << 63;
    return (uint64_t)(uintptr_t)arena + next() % (ARENA_SIZE / 4096) * 4096;
}

static uint64_t one_of(const uint32_t *list, size_t count)
{
    return list[next() % count];
}
#define ONE_OF(...)                                                                                \
    one_of((const uint32_t[]){__VA_ARGS__},                                                        \
           sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* The loopback address of IPv4 or IPv6, and a port that a socket of refresh() may have. */
static void internet_name(void *to)
{
    struct sockaddr_in in = {
        AF_INET, htons((uint16_t)(7000 + next() % 3)), {htonl(INADDR_LOOPBACK)}, {0}};
    struct sockaddr_in6 in6 = {AF_INET6, in.sin_port, 0, IN6ADDR_LOOPBACK_INIT, 0};
    if (next() & 1)
        memcpy(to, &in, sizeof(in));
    else
        memcpy(to, &in6, sizeof(in6));
}

/* A struct msghdr with an address, two buffers, descriptors and credentials. */
static uint64_t message(void)
{
    struct {
        struct msghdr header;
        struct iovec pieces[2];
        struct sockaddr_un name;
        struct cmsghdr rights;
        int fds[2];
        struct cmsghdr who;
        struct ucred credentials;
    } m = {
        .pieces = {{arena, next() % 5000}, {arena + 8192, next() % 200000}},
        .name = {.sun_family = next() % 8 ? AF_UNIX : (sa_family_t)next()},
        .rights = {.cmsg_len = sizeof(struct cmsghdr) + 8,
                   .cmsg_level = SOL_SOCKET,
                   .cmsg_type = SCM_RIGHTS},
        .fds = {(int)(100 + next() % FDS), (int)(100 + next() % FDS)},
        .who = {.cmsg_len = sizeof(struct cmsghdr) + sizeof(struct ucred),
                .cmsg_level = SOL_SOCKET,
                .cmsg_type = SCM_CREDENTIALS},
        .credentials = {.pid = getpid()},
    };
    char *at = arena + next() % 1000 * 1024;
    memcpy(m.name.sun_path, next() & 1 ? "/fuzz/socket" : "\0fuzz-socket", 13);
    if (next() & 1)
        internet_name(&m.name);
    m.header.msg_name = next() & 1 ? at + offsetof(__typeof__(m), name) : NULL;
    m.header.msg_namelen = (socklen_t)(next() % 120);
    m.header.msg_iov = (struct iovec *)(at + offsetof(__typeof__(m), pieces));
    m.header.msg_iovlen = next() % 3;
    m.header.msg_control = at + offsetof(__typeof__(m), rights);
    m.header.msg_controllen = next() % 80;
    uint64_t wrong = argument();
    if (next() % 16 == 0)
        memcpy((char *)&m + next() % (sizeof(m) / 8) * 8, &wrong, sizeof(wrong));
    /* The arena may be unmapped by now: a copy through a pipe fails instead of faulting. */
    int p[2];
    if (pipe(p) == 0) {
        (void)!write(p[1], &m, sizeof(m));
        (void)!read(p[0], at, sizeof(m));
        close(p[0]);
        close(p[1]);
    }
    return (uint64_t)(uintptr_t)at;
}

/* Makes arguments that pass the first checks, for calls where random ones rarely do. */
static void shape(int number, uint64_t *a)
{
    uint64_t socket = next() & 1 ? 144 + next() % 12 : 161 + next() % 12; /* made by refresh() */
    switch (number) {
    case SYS_socket:
    case SYS_socketpair:
        a[0] = ONE_OF(AF_UNIX, AF_INET, AF_INET6, AF_NETLINK);
        a[1] = ONE_OF(SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW) | SOCK_NONBLOCK;
        a[2] = ONE_OF(0, 0, 1, 6, 17, 58, 255);
        break;
    case SYS_sendmsg:
    case SYS_recvmsg:
        a[0] = socket;
        a[1] = message();
        a[2] &= 0xffff;
        break;
    case SYS_bind:
    case SYS_connect:
        a[0] = socket;
        a[1] = message() + sizeof(struct msghdr) + 2 * sizeof(struct iovec);
        a[2] = next() % 32;
        break;
    case SYS_getsockopt:
    case SYS_setsockopt:
        a[1] = ONE_OF(SOL_SOCKET, 0, 6, 17, 41, 58, 255, 270);
        a[2] = next() % 80;
        /* fall through */
    case SYS_sendto:
    case SYS_recvfrom:
    case SYS_shutdown:
    case SYS_listen:
    case SYS_accept:
        a[0] = socket;
        break;
    case SYS_fcntl:
        a[1] = ONE_OF(0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1031, 1033);
        break;
    case SYS_ioctl:
        a[0] = next() & 1 ? a[0] : next() & 1 ? 156 + next() % 4 : 161 + next() % 12;
        a[1] = ONE_OF(0x5401, 0x5402, 0x5404, 0x540b, 0x540e, 0x540f, 0x5410, 0x5411, 0x5412,
                      0x5413, 0x5414, 0x541b, 0x8910, 0x8912, 0x8913, 0x8915, 0x8921, 0x8927,
                      0x8933, 0x5421, 0x5422, 0x5441, 0x80045430, 0x40045431, 0x80045439);
        break;
    case SYS_inotify_add_watch:
        a[0] = 160;
        a[1] = (uint64_t)(uintptr_t)paths[next() % 5];
        a[2] = next() & 0xfff;
        break;
    case SYS_splice:
        a[1] = a[3] = 0;
        a[0] = 100 + next() % FDS;
        a[2] = 120 + next() % 8;
        a[5] &= 15;
        break;
    case SYS_tee:
        a[0] = 120 + next() % 8;
        a[1] = 120 + next() % 8;
        a[3] &= 15;
        break;
    default:
        break;
    }
}

static void choose(int *number, uint64_t *a)
{
    do
        *number = (int)(next() % CALLS_MAX);
    while (is_never(*number));
    for (int i = 0; i < 6; i++)
        a[i] = argument();
    if (next() % 4 != 0)
        shape(*number, a);
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
    if (*number == SYS_shmat) /* SHM_REMAP would lay a segment over the program's constants */
        a[1] = next() % 2 ? memory_address() : 0;
    /* The standard streams and the low descriptors stay open. */
    if ((*number == SYS_close || *number == SYS_dup2 || *number == SYS_dup3)) {
        a[0] = 100 + next() % FDS;
        a[1] = 100 + next() % FDS;
    }
}

static inline __attribute__((always_inline)) long call_inline(long number, const uint64_t *a)
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

static long call(long number, const uint64_t *a)
{
    return call_inline(number, a);
}

static int is_family(int number)
{
    return number == SYS_fork || number == SYS_vfork || number == SYS_clone;
}

static void have_child(int number);
static void keep_alive(void);

#define CHILD_CALLS 30

/* Calls of a child; fork() may be among them. */
static _Noreturn void live_briefly(void)
{
    for (int i = 0; i < CHILD_CALLS; i++) {
        int number;
        uint64_t a[6];
        keep_alive();
        choose(&number, a);
        if (is_family(number))
            have_child(number);
        else
            call(number, a);
    }
    syscall(SYS_exit_group, 0);
    __builtin_unreachable();
}

/* fork(), vfork() or clone() with random flags; the child before the last is ended. In the child of vfork(), which has
 * this stack, the function does not return. */
static void have_child(int number)
{
    static pid_t last;
    static const uint64_t flags[] = {CLONE_FS,
                                     CLONE_FILES,
                                     CLONE_VFORK,
                                     CLONE_VM | CLONE_VFORK,
                                     CLONE_VM | CLONE_VFORK | CLONE_SIGHAND,
                                     CLONE_PARENT,
                                     CLONE_PARENT_SETTID,
                                     CLONE_CHILD_SETTID,
                                     CLONE_CHILD_CLEARTID};
    uint64_t a[6] = {ONE_OF(SIGCHLD, SIGCHLD, SIGUSR1, 34, 0), 0, argument(), argument()};
    for (unsigned i = next() % 3; i > 0; i--)
        a[0] |= flags[next() % (sizeof(flags) / sizeof(flags[0]))];
    pid_t before = last;
    last = 0;
    pid_t made = (pid_t)call_inline(number, a);
    if (made == 0)
        live_briefly();
    if (before > 0 && kill(before, SIGKILL) == 0)
        while (waitpid(before, NULL, __WALL) < 0 && errno == EINTR)
            ;
    last = made;
}

static void on_signal(int number)
{
    (void)number;
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

static void prepare_files(void)
{
    mkdir("/fuzz", 0755);
    mkdir("/fuzz/dir", 0755);
    (void)!symlink("/fuzz/a", "/fuzz/link");
    (void)!symlink("loop", "/fuzz/loop");
    close(open("/fuzz/a", O_CREAT | O_RDWR, 0644));
}

static void move_to(int fd, int to)
{
    if (fd >= 0 && dup2(fd, to) >= 0)
        close(fd);
}

/* Restores the descriptors, files and mappings that the calls closed, unmapped or filled. */
/* Sockets 161 to 172: a listener, a client, datagrams, a raw socket, netlink. */
static void refresh_internet(void)
{
    static const struct {
        int family, type, protocol;
    } kinds[] = {
        {AF_INET, SOCK_STREAM, 0},  {AF_INET6, SOCK_STREAM, 0}, {AF_INET, SOCK_STREAM, 0},
        {AF_INET6, SOCK_STREAM, 0}, {AF_INET, SOCK_STREAM, 0},  {AF_INET, SOCK_DGRAM, 0},
        {AF_INET6, SOCK_DGRAM, 0},  {AF_INET, SOCK_DGRAM, 0},   {AF_INET, SOCK_RAW, 1},
        {AF_INET6, SOCK_RAW, 58},   {AF_NETLINK, SOCK_RAW, 0},  {AF_NETLINK, SOCK_DGRAM, 0}};
    for (int i = 0; i < 12; i++) {
        struct sockaddr_in6 name;
        int fd = 161 + i, one = 1;
        move_to(socket(kinds[i].family, kinds[i].type | SOCK_NONBLOCK, kinds[i].protocol), fd);
        internet_name(&name);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (i < 2 || i == 5) {
            (void)!bind(fd, (struct sockaddr *)&name, sizeof(name));
            (void)!listen(fd, 3);
        } else if (next() & 1) {
            (void)!connect(fd, (struct sockaddr *)&name, sizeof(name));
        }
    }
}

static void refresh(void)
{
    static const char *const files[] = {"/fuzz/a",   "/fuzz/b",   "/dev/null",
                                        "/dev/zero", "/fuzz/dir", "/proc/self/maps"};
    int p[2];
    mmap(ARENA, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    syscall(436 /* close_range */, 3, 0xffffffff, 0);
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
    for (int i = 0; i < 4; i++)
        move_to((int)syscall(SYS_eventfd2, 0, O_NONBLOCK), 130 + i);
    for (int i = 0; i < 3; i++)
        move_to((int)syscall(SYS_epoll_create1, 0), 140 + i);
    for (int i = 0; i < 6; i++) { /* 144 to 155; the second three are not connected */
        static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
        int type = types[i % 3] | SOCK_NONBLOCK;
        if (i < 3 && socketpair(AF_UNIX, type, 0, p) != 0)
            continue;
        move_to(i < 3 ? p[0] : socket(AF_UNIX, type, 0), 144 + 2 * i);
        move_to(i < 3 ? p[1] : socket(AF_UNIX, type, 0), 145 + 2 * i);
    }
    unlink("/fuzz/socket");
    refresh_internet();
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (master >= 0 && unlockpt(master) == 0)
        move_to(open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK), 157);
    move_to(master, 156);
    move_to(inotify_init1(IN_NONBLOCK), 160);
    for (int i = 0; i < 2000; i++) { /* structures with plausible contents */
        uint64_t *word = (uint64_t *)(arena + next() % (ARENA_SIZE / 8) * 8);
        *word = argument();
    }
}

#include "deeds.h"

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 10;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1, made = 0, good = 0;
    uint64_t last = argc > 3 ? strtoull(argv[3], NULL, 0) : UINT64_MAX;
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    now = start;
    state = seed * 0x9e3779b97f4a7c15ull | 1;
    arena = mmap(ARENA, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                 -1, 0);
    if (arena != ARENA)
        return 1;
    prepare_files();
    int others = last == UINT64_MAX ? (int)sysconf(_SC_NPROCESSORS_ONLN) - 1 : 0, own = 0;
    for (int i = 1; i <= others && own == 0; i++)
        if (fork() == 0)
            own = i;
    state += (uint64_t)own << 32;
    do {
        keep_alive();
        if (made % 500 == 0)
            refresh();
        if (next() % 10 == 0) {
            if (last != UINT64_MAX && made + 20 > last)
                fprintf(stderr, "a deed of the CPU\n");
            deed();
        }
        int number;
        uint64_t a[6];
        choose(&number, a);
        if (last != UINT64_MAX && made + 20 > last)
            fprintf(stderr, "%d(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx)\n", number, a[0], a[1], a[2],
                    a[3], a[4], a[5]);
        if (is_family(number))
            have_child(number);
        else
            good += call(number, a) >= 0;
        made++;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (made < last &&
             (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9 <
                 seconds);
    struct itimerval off = {0};
    setitimer(ITIMER_REAL, &off, NULL);
    if (own != 0)
        _exit(0);
    fprintf(stderr, "callfuzz: %lu calls, %lu succeeded, seed %lu\n", made, good, seed);
    printf("alive %d\n", made > 1000 || made == last);
    return 0;
}
