/* SPDX-License-Identifier: MIT */
/*
 * Many processes: a thousand at once, thousands in turn, a fork bomb, a tree of which half is killed at random, a program
 * that is replaced while a child of another thread uses it, and the memory of parent and child as /proc counts it.
 *
 *     crowds [FORKS [SECONDS]]      forks in turn (5000), time for the tree (3)
 */
#define _GNU_SOURCE
#include "../result.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE  4096
#define CROWD 1000

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int reap(void)
{
    int n = 0;
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        n++;
    return n;
}

/* All of them are alive when the gate opens. */
static void crowd(void)
{
    static pid_t child[CROWD];
    int gate[2], here[2], good = 0;
    char byte;
    pipe(gate);
    pipe(here);
    for (int i = 0; i < CROWD; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            close(gate[1]);
            write(here[1], "x", 1);
            read(gate[0], &byte, 1);
            _exit(i & 127);
        }
    }
    close(here[1]);
    int alive = 0;
    while (alive < CROWD && read(here[0], &byte, 1) == 1)
        alive++;
    result("alive at once", alive);
    close(gate[1]);
    for (int i = 0; i < CROWD; i++) {
        int status;
        good += waitpid(child[i], &status, 0) == child[i] && status == (i & 127) << 8;
    }
    result("ended with their own status", good);
    close(gate[0]);
    close(here[0]);
}

static uint64_t free_bytes(void)
{
    struct sysinfo info;
    sysinfo(&info);
    return (info.freeram + info.bufferram) * info.mem_unit;
}

static bool in_ouro(void)
{
    return access("/proc/ouro", F_OK) == 0;
}

static bool fork_some(int count, volatile char *memory)
{
    bool good = true;
    for (int i = 0; i < count; i++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0) {
            memory[i % 64 * PAGE] = 1;
            _exit(memory[(i + 1) % 64 * PAGE] == 0 ? 0 : 1);
        }
        memory[(i + 7) % 64 * PAGE] = 0;
        good = good && waitpid(child, &status, 0) == child && status == 0;
    }
    return good;
}

/* No frame is lost. Only in Ouro is this program alone on the machine. Its table of pids grows to 64 pages, until all
 * 32,768 pids have been used. */
static void in_turn(int forks)
{
    static char memory[64 * PAGE];
    memset(memory, 1, sizeof(memory));
    memset(memory, 0, sizeof(memory));
    bool all = forks > 40000, good = fork_some(all ? 33000 : 300, memory);
    usleep(20000); /* the last child is gone from the CPU that it ended on */
    uint64_t before = free_bytes();
    good = fork_some(forks, memory) && good;
    usleep(20000);
    uint64_t after = free_bytes();
    if (in_ouro() && (after > before || before - after > (all ? 0 : 64 * PAGE)))
        printf("%lu bytes free before, %lu after\n", (unsigned long)before, (unsigned long)after);
    truth("forks in turn", good);
}

/* Children fork until the limit of their user; the others go on. */
static void bomb(void)
{
    int count[2];
    pipe(count);
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = {40, 40};
        close(count[0]);
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        setrlimit(RLIMIT_NPROC, &limit);
        if (setgid(31234) != 0 || setuid(31234) != 0)
            _exit(1);
        pid_t first = getpid();
        for (;;) {
            pid_t another = fork();
            if (another > 0)
                continue;
            if (another == 0) {
                write(count[1], "x", 1);
                continue;
            }
            if (errno != EAGAIN)
                write(count[1], "wrong", 5);
            break;
        }
        if (getpid() != first) { /* stays until all others have failed */
            usleep(300000);
            _exit(0);
        }
        reap();
        _exit(0);
    }
    close(count[1]);
    int made = 0, status;
    char byte[64];
    for (ssize_t n; (n = read(count[0], byte, sizeof(byte))) > 0;)
        made += (int)n;
    close(count[0]);
    waitpid(child, &status, 0);
    result("processes of the bomb", made + 1);
    truth("another after it",
          (child = fork()) == 0 ? (_exit(0), 0) : waitpid(child, NULL, 0) == child);
}

/* ---- memory ---- */

#define REGION 64 /* pages */

/* kB of a line of smaps for the mapping at `at`. */
static long smaps_of(pid_t pid, const char *at, const char *label)
{
    char path[64], line[256];
    long value = -1;
    bool here = false;
    snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        unsigned long start, end;
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            here = start <= (uintptr_t)at && (uintptr_t)at < end;
        else if (here && strncmp(line, label, strlen(label)) == 0 && line[strlen(label)] == ':')
            value = atol(line + strlen(label) + 1);
    }
    if (f != NULL)
        fclose(f);
    return value;
}

static void show_memory(const char *when, pid_t child, const char *at)
{
    static const char *const labels[] = {"Rss", "Pss", "Shared_Dirty", "Private_Dirty",
                                         "Anonymous"};
    for (int side = 0; side < 2; side++) {
        printf("%s, %s:", when, side == 0 ? "parent" : "child");
        for (int i = 0; i < 5; i++)
            printf(" %s %ld", labels[i], smaps_of(side == 0 ? getpid() : child, at, labels[i]));
        printf("\n");
    }
}

static void memory(void)
{
    char *whole = mmap(NULL, (REGION + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *at = whole + PAGE, byte;
    mprotect(at, REGION * PAGE, PROT_READ | PROT_WRITE);
    memset(at, 1, REGION * PAGE);
    int go[2], done[2];
    pipe(go);
    pipe(done);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        read(go[0], &byte, 1);
        memset(at, 2, 16 * PAGE);
        write(done[1], "x", 1);
        read(go[0], &byte, 1);
        munmap(at, 32 * PAGE);
        write(done[1], "x", 1);
        read(go[0], &byte, 1);
        _exit(0);
    }
    show_memory("after fork", child, at + 40 * PAGE);
    write(go[1], "x", 1);
    read(done[0], &byte, 1);
    show_memory("16 pages written", child, at + 40 * PAGE);
    memset(at + 16 * PAGE, 3, 8 * PAGE);
    show_memory("8 others by the parent", child, at + 40 * PAGE);
    write(go[1], "x", 1);
    read(done[0], &byte, 1);
    show_memory("half unmapped", child, at + 40 * PAGE);
    write(go[1], "x", 1);
    waitpid(child, NULL, 0);
    show_memory("child gone", child, at + 40 * PAGE);
    munmap(whole, (REGION + 2) * PAGE);
}

/* ---- a tree, half of which is killed ---- */

#define SHARED_PIDS 256

static volatile pid_t *pids; /* shared; the last one: true if time is over */

/* Forks, writes memory and ends. The first ones live until time is over. */
static _Noreturn void live(unsigned seed, int depth)
{
    static char memory[32 * PAGE];
    int children = 0;
    while (!pids[SHARED_PIDS]) {
        memory[rand_r(&seed) % sizeof(memory)]++;
        if (depth < 3 && children < 2 && rand_r(&seed) % 3 != 0) {
            pid_t child = fork();
            if (child == 0) {
                pids[(unsigned)getpid() % SHARED_PIDS] = getpid();
                seed += (unsigned)getpid();
                depth++;
                children = 0;
            } else {
                children += child > 0;
            }
        } else if (rand_r(&seed) % 4 == 0) {
            char *m =
                mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            m[rand_r(&seed) % 16 * PAGE] = 1;
        }
        while (waitpid(-1, NULL, WNOHANG) > 0)
            children--;
        if (depth > 0 && rand_r(&seed) % 16 == 0)
            break;
        usleep(rand_r(&seed) % 8000);
    }
    _exit(0);
}

static void kills(double seconds)
{
    unsigned seed = 1;
    pids = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    double end = now() + seconds;
    for (int i = 0; i < 6; i++) {
        if (fork() == 0)
            live((unsigned)i, 0);
    }
    int killed = 0;
    while (now() < end || killed < 20) { /* a busy host: longer */
        int at = rand_r(&seed) % SHARED_PIDS;
        pid_t pid = pids[at];
        if (pid > 1 && pid != getpid() && rand_r(&seed) % 2 == 0) {
            pids[at] = 0;
            killed += kill(pid, rand_r(&seed) % 2 ? SIGKILL : SIGTERM) == 0;
        }
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        usleep(500);
    }
    pids[SHARED_PIDS] = 1;
    reap();
    truth("many were killed", killed >= 20);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    munmap((void *)pids, PAGE);
}

/* ---- exec beside a vfork() child ---- */

static int ready[2];
static char *own; /* /proc/self/exe's words */

static void *borrow(void *unused)
{
    (void)unused;
    if (vfork() == 0) { /* in the program's memory until the other thread has executed another */
        write(ready[1], "x", 1);
        for (volatile int i = 0; i < 30000000; i++)
            ;
        _exit(strcmp(own, "crowds") == 0 ? 0 : 1);
    }
    return NULL;
}

/* The child of vfork() keeps the memory, and is a child of the new program. */
static void replaced(char *path)
{
    own = strdup("crowds");
    pipe(ready);
    fcntl(ready[1], F_SETFD, FD_CLOEXEC);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        char byte, *words[] = {path, "replaced", NULL};
        pthread_create(&thread, NULL, borrow, NULL);
        read(ready[0], &byte, 1);
        execv("/proc/self/exe", words);
        _exit(99);
    }
    int status;
    waitpid(child, &status, 0);
    result("status of the one that was replaced", status);
}

static int after_exec(void)
{
    int status;
    pid_t child = wait(&status);
    truth("the new program's child", child > 0);
    result("its status", status);
    return 7;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && strcmp(argv[1], "replaced") == 0)
        return after_exec();
    crowd();
    in_turn(argc > 1 ? atoi(argv[1]) : 5000);
    bomb();
    memory();
    kills(argc > 2 ? atof(argv[2]) : 3);
    replaced(argv[0]);
    return 0;
}
