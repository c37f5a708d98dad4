/* SPDX-License-Identifier: MIT */
/* Calls that wait for a time, stopped and continued, or interrupted by a handler (signal(7)). */
#define _GNU_SOURCE
#include "result.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS                   1000000
#define WAIT_MS              2000
#define BEFORE_MS            1200 /* of the wait, at the signal */
#define STACK_SIZE           16384

#define FUTEX_WAIT           0
#define FUTEX_WAIT_BITSET    9
#define FUTEX_CLOCK_REALTIME 256

struct job {
    const char *name;
    long (*call)(void);
    int pid, error;
    long value, took_ms;
    char stack[STACK_SIZE] __attribute__((aligned(16)));
};

static int word;
static const struct timespec read_only = {WAIT_MS / 1000, WAIT_MS % 1000 * MS};

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / MS;
}

static void nap(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * MS};
    while (nanosleep(&t, &t) != 0)
        ;
}

static long by_nanosleep(void)
{
    struct timespec t = {WAIT_MS / 1000, WAIT_MS % 1000 * MS};
    return syscall(SYS_nanosleep, &t, NULL);
}

static long by_nanosleep_left(void)
{
    struct timespec t = {WAIT_MS / 1000, WAIT_MS % 1000 * MS};
    return syscall(SYS_nanosleep, &t, &t); /* overwritten by what is left */
}

static long by_clock_nanosleep(void)
{
    struct timespec t = {WAIT_MS / 1000, WAIT_MS % 1000 * MS};
    return syscall(SYS_clock_nanosleep, CLOCK_REALTIME, 0, &t, NULL);
}

static long by_poll(void)
{
    return syscall(SYS_poll, NULL, 0, WAIT_MS);
}

static long by_ppoll(void)
{
    struct timespec t = {WAIT_MS / 1000, WAIT_MS % 1000 * MS};
    return syscall(SYS_ppoll, NULL, 0, &t, NULL, 8);
}

static long by_ppoll_read_only(void)
{
    return syscall(SYS_ppoll, NULL, 0, &read_only, NULL, 8);
}

static long by_select(void)
{
    struct timeval t = {WAIT_MS / 1000, WAIT_MS % 1000 * 1000};
    return syscall(SYS_select, 0, NULL, NULL, NULL, &t);
}

static long by_pselect(void)
{
    struct timespec t = {WAIT_MS / 1000, WAIT_MS % 1000 * MS};
    return syscall(SYS_pselect6, 0, NULL, NULL, NULL, &t, NULL);
}

static long by_futex(void)
{
    struct timespec t = {WAIT_MS / 1000, WAIT_MS % 1000 * MS};
    return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &t);
}

static long by_futex_on_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += WAIT_MS % 1000 * MS;
    t.tv_sec += WAIT_MS / 1000 + t.tv_nsec / (1000 * MS);
    t.tv_nsec %= 1000 * MS;
    return syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &t, NULL, 1);
}

static long by_epoll(void)
{
    struct epoll_event event;
    int fd = epoll_create1(0);
    long value = syscall(SYS_epoll_wait, fd, &event, 1, WAIT_MS);
    int error = errno;
    close(fd);
    errno = error;
    return value;
}

static long by_sigtimedwait(void)
{
    uint64_t set = UINT64_C(1) << (SIGUSR2 - 1);
    struct timespec t = {WAIT_MS / 1000, WAIT_MS % 1000 * MS};
    return syscall(SYS_rt_sigtimedwait, &set, NULL, &t, 8);
}

static long by_restart_syscall(void)
{
    return syscall(SYS_restart_syscall); /* nothing to resume */
}

static struct job jobs[] = {
    {.name = "nanosleep", .call = by_nanosleep},
    {.name = "nanosleep with what is left", .call = by_nanosleep_left},
    {.name = "clock_nanosleep", .call = by_clock_nanosleep},
    {.name = "poll", .call = by_poll},
    {.name = "ppoll", .call = by_ppoll},
    {.name = "ppoll, timeout read-only", .call = by_ppoll_read_only},
    {.name = "select", .call = by_select},
    {.name = "pselect", .call = by_pselect},
    {.name = "futex", .call = by_futex},
    {.name = "futex on a clock", .call = by_futex_on_clock},
    {.name = "epoll_wait", .call = by_epoll},
    {.name = "sigtimedwait", .call = by_sigtimedwait},
    {.name = "restart_syscall", .call = by_restart_syscall},
};

#define JOBS (sizeof jobs / sizeof jobs[0])

static int child(void *argument)
{
    struct job *job = argument;
    long start = now_ms();
    job->value = job->call();
    job->error = errno; /* of a C library that all share: at once after the call */
    job->took_ms = now_ms() - start;
    syscall(SYS_exit, 0);
    return 0;
}

static void signal_all(int signal)
{
    for (size_t i = 0; i < JOBS; i++)
        kill(jobs[i].pid, signal);
}

static void interrupt(int signal)
{
    nap(BEFORE_MS);
    signal_all(signal);
    if (signal != SIGSTOP)
        return;
    nap(100);
    signal_all(SIGCONT);
    nap(50);
    signal_all(SIGSTOP);
    nap(50);
    signal_all(SIGCONT);
}

/* A wait that starts again takes BEFORE_MS longer; one that is not restarted is too short. */
static const char *judge(long took_ms)
{
    return took_ms < WAIT_MS - 50 ? "short" : took_ms < WAIT_MS + 1000 ? "in time" : "long";
}

static void run_all(int signal)
{
    int status;
    for (size_t i = 0; i < JOBS; i++)
        jobs[i].pid = clone(child, jobs[i].stack + STACK_SIZE, CLONE_VM | SIGCHLD, &jobs[i]);
    interrupt(signal);
    for (size_t i = 0; i < JOBS; i++) {
        while (waitpid(jobs[i].pid, &status, 0) != jobs[i].pid)
            ;
        errno = jobs[i].error;
        result(jobs[i].name, jobs[i].value);
        printf("  %s\n", judge(jobs[i].took_ms));
    }
}

static void handler(int signal)
{
    (void)signal;
}

int main(void)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    printf("stopped and continued\n");
    run_all(SIGSTOP);
    printf("a handler\n");
    run_all(SIGUSR1);
    return 0;
}
