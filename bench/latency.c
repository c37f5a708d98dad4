/* SPDX-License-Identifier: MIT */
/*
 * latency [end=1]: how long one large call keeps the other threads waiting. A second thread
 * sleeps for 1 ms at a time and notes the most that a sleep was late (n/a for forks_100 also if the process that computes
 * beside the others gets less than half of its share):
 *
 *     figure NAME ms VALUE
 *
 * end=1: ends instead of waiting for the machine's end.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#define MIB      ((size_t)1 << 20)
#define LARGE    (64 * MIB)
#define AREAS    16000
#define SOCKETS  1000
#define TICK_NS  1000000u
#define FORKERS  100
#define FORKS_NS 300000000

static atomic_bool stop;
static atomic_ullong latest;

static void *tick(void *unused)
{
    const struct timespec pause = {0, TICK_NS};
    (void)unused;
    while (!atomic_load(&stop)) {
        uint64_t from = now_ns();
        nanosleep(&pause, NULL);
        uint64_t late = now_ns() - from - TICK_NS;
        if (late > atomic_load(&latest))
            atomic_store(&latest, late);
    }
    return NULL;
}

static char *block;
static int data = -1;

/* Each call has a function that prepares it, or NULL, and one that makes it. */

static bool map_block(void)
{
    block = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        return false;
    madvise(block, LARGE, MADV_NOHUGEPAGE);
    memset(block, 1, LARGE);
    return true;
}

static bool unmap_block(void)
{
    return munmap(block, LARGE) == 0;
}

static bool read_zero(void)
{
    mkdir("/dev", 0755); /* an init's work under Linux */
    mknod("/dev/zero", S_IFCHR | 0600, makedev(1, 5));
    int fd = open("/dev/zero", O_RDONLY);
    bool good = fd >= 0 && read(fd, block, LARGE) == (ssize_t)LARGE;
    close(fd);
    return good;
}

static bool get_random(void)
{
    size_t got = 0;
    while (got < LARGE / 4) {
        ssize_t more = getrandom(block + got, LARGE / 4 - got, 0);
        if (more <= 0)
            return false;
        got += (size_t)more;
    }
    return true;
}

static bool open_data(void)
{
    if (data < 0)
        data = open("/tmp/latency", O_RDWR | O_CREAT, 0600);
    return data >= 0;
}

static bool write_file(void)
{
    return write(data, block, LARGE) == (ssize_t)LARGE;
}

static bool shorten_file(void)
{
    return ftruncate(data, 0) == 0;
}

static int chain = -1;

/* Each socket of the chain is in flight in the queue of the next; the last one has a descriptor. */
static bool make_chain(void)
{
    int held = -1;
    for (int i = 0; i < SOCKETS; i++) {
        char room[CMSG_SPACE(sizeof(int))] = {0}, byte = 'x';
        struct iovec vector = {&byte, 1};
        struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
            return false;
        if (held >= 0) {
            message.msg_control = room;
            message.msg_controllen = sizeof room;
            struct cmsghdr *head = CMSG_FIRSTHDR(&message);
            head->cmsg_level = SOL_SOCKET;
            head->cmsg_type = SCM_RIGHTS;
            head->cmsg_len = CMSG_LEN(sizeof(int));
            memcpy(CMSG_DATA(head), &held, sizeof held);
        }
        if (sendmsg(pair[0], &message, 0) != 1)
            return false;
        if (held >= 0)
            close(held);
        close(pair[0]);
        held = pair[1];
    }
    chain = held;
    return true;
}

static bool close_chain(void)
{
    return close(chain) == 0;
}

static bool make_areas(void)
{
    for (int i = 0; i < AREAS; i++)
        if (mmap(NULL, PAGE, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
            return false;
    return true;
}

static bool read_all(const char *path)
{
    static char text[64 << 10];
    int fd = open(path, O_RDONLY);
    ssize_t got = -1;
    while (fd >= 0 && (got = read(fd, text, sizeof text)) > 0) {
    }
    close(fd);
    return fd >= 0 && got == 0;
}

static bool read_smaps(void)
{
    return read_all("/proc/self/smaps");
}

#define BINDS 1000

static bool make_binds(void)
{
    char name[64];
    mkdir("/tmp/binds", 0755);
    mkdir("/tmp/copy", 0755);
    for (int i = 0; i < BINDS; i++) {
        snprintf(name, sizeof name, "/tmp/binds/%d", i);
        if (mkdir(name, 0755) != 0)
            return false;
    }
    if (mount("/tmp/binds", "/tmp/binds", NULL, MS_BIND, NULL) != 0)
        return false;
    for (int i = 0; i < BINDS; i++) {
        snprintf(name, sizeof name, "/tmp/binds/%d", i);
        if (mount("/tmp/copy", name, NULL, MS_BIND, NULL) != 0)
            return false;
    }
    return true;
}

static bool copy_binds(void)
{
    return mount("/tmp/binds", "/tmp/copy", NULL, MS_BIND | MS_REC, NULL) == 0;
}

static bool read_mountinfo(void)
{
    return read_all("/proc/self/mountinfo");
}

static bool detach_binds(void)
{
    return umount2("/tmp/copy", MNT_DETACH) == 0;
}

/* Processes that do nothing but fork leave this one its share of the CPU. */
static bool compute_beside_forks(void)
{
    static pid_t forker[FORKERS];
    struct timespec from, to;
    for (int i = 0; i < FORKERS; i++) {
        forker[i] = fork();
        while (forker[i] == 0) {
            pid_t child = fork();
            if (child == 0)
                _exit(0);
            waitpid(child, NULL, 0);
        }
    }
    atomic_store(&latest, 0);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (uint64_t end = now_ns() + FORKS_NS; now_ns() < end;) {
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    for (int i = 0; i < FORKERS; i++) {
        kill(forker[i], SIGKILL);
        waitpid(forker[i], NULL, 0);
    }
    return (to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec >
           FORKS_NS / (FORKERS + 1) / 2;
}

static const struct {
    const char *name;
    bool (*prepare)(void);
    bool (*call)(void);
} calls[] = {
    {"forks_100", NULL, compute_beside_forks},     {"read_zero_64m", map_block, read_zero},
    {"write_file_64m", open_data, write_file},     {"ftruncate_64m", NULL, shorten_file},
    {"getrandom_16m", NULL, get_random},           {"munmap_64m", NULL, unmap_block},
    {"close_chain_1000", make_chain, close_chain}, {"read_smaps_16000", make_areas, read_smaps},
    {"bind_tree_1000", make_binds, copy_binds},    {"read_mountinfo_2000", NULL, read_mountinfo},
    {"detach_tree_1000", NULL, detach_binds},
};

int main(int argc, char **argv)
{
    const struct rlimit limit = {4 * SOCKETS, 4 * SOCKETS};
    pthread_t ticker;
    bench_start();
    setrlimit(RLIMIT_NOFILE, &limit);
    if (pthread_create(&ticker, NULL, tick, NULL) != 0)
        return 2;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        bool good = calls[i].prepare == NULL || calls[i].prepare();
        usleep(10 * TICK_NS / 1000);
        atomic_store(&latest, 0);
        good = good && calls[i].call();
        usleep(2 * TICK_NS / 1000); /* for a sleep that the call made late to end */
        uint64_t seen = atomic_load(&latest);
        if (good)
            figure(calls[i].name, "ms", (double)seen / 1e6);
        else
            figure_absent(calls[i].name, "ms");
    }
    atomic_store(&stop, true);
    pthread_join(ticker, NULL);
    if (argument(argc, argv, "end", 0))
        return 0;
    bench_done();
}
