/* SPDX-License-Identifier: MIT */
/*
 * everycall: makes each system call that the kernel's table implements with its largest arguments, beside a thread that
 * sleeps for 1 ms again and again. paths.sh compares the longest path of each call (`ouro run --stats`) with the bound.
 *
 * The values come from the kinds of arguments in the rows of the table, and from exceptions[] where the kind does not say
 * what is large. The first value of each list is the largest that makes sense; every pair of arguments takes every pair of
 * values, the others their first. Each row runs in a process of its own, which the calls may ruin, as `everycall NUMBER`;
 * `everycall` runs all, `everycall NAME...` some. For Ouro only: elsewhere the calls would ruin the computer.
 */
#define _GNU_SOURCE
#include "everycall_exact.h"

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct row {
    const char *name, *handler, *kinds;
} rows[] = {
#define ROW(number, name, function, args, ...) [number] = {name, #function, #args},
#include "../../../src/linux/call/rows.inc"
#undef ROW
};
#define ROWS (sizeof rows / sizeof rows[0])

/* Calls that cannot be made so. */
static const char *const exempt[] = {
    "reboot",          /* ends the machine */
    "rt_sigreturn",    /* takes its arguments from the stack */
    "clone",           /* returns twice; everycall's threads and processes begin with it */
    "vfork",           /* as clone */
    "clone3",          /* as clone */
    "restart_syscall", /* what a signal interrupted goes on by itself */
};

static bool is_exempt(const char *name)
{
    for (size_t i = 0; i < sizeof exempt / sizeof exempt[0]; i++)
        if (strcmp(exempt[i], name) == 0)
            return true;
    return false;
}

static bool is_made(size_t number)
{
    return rows[number].name && strcmp(rows[number].handler, "NULL") != 0 &&
           !is_exempt(rows[number].name);
}

/* --- One row --- */

static volatile bool calling;
static pid_t caller;

static void nothing(int signal)
{
    (void)signal;
}

/* Interrupts a call that sleeps. */
static void *wake(void *unused)
{
    char path[64], text[256];
    unsigned asleep = 0;
    (void)unused;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)caller);
    int stat = open(path, O_RDONLY | O_CLOEXEC); /* not a FILE: its memory is brk()'s */
    for (;; nanosleep(&(struct timespec){0, 5000000}, NULL)) {
        ssize_t got = pread(stat, text, sizeof text - 1, 0);
        if (got > 0)
            text[got] = 0;
        char *state = got > 0 ? strrchr(text, ')') : NULL;
        bool sleeps = calling && (!state || state[2] == 'S');
        if (state && state[2] == 'Z')
            _exit(0); /* exit() ended only the thread */
        asleep = sleeps ? asleep + 1 : 0;
        if (asleep > 1)
            syscall(SYS_tgkill, getpid(), caller, SIGUSR1);
    }
    return NULL;
}

static unsigned long made, succeeded;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* For the person who looks for the cause of a long path. */
static void tell_long(const char *name, const long *a, double took)
{
    if (took > 0.002 && getenv("LONG") != NULL)
        dprintf(report_fd, "%s(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx): %.3f ms\n", name, a[0], a[1],
                a[2], a[3], a[4], a[5], took * 1e3);
}

static void call_once(long number, const struct values *values, const size_t *at)
{
    long a[6] = {0};
    const char *name = rows[number].name;
    prepare_call();
    prepare_exact_call(name);
    for (size_t i = 0; i < 6; i++)
        a[i] = values[i].count ? values[i].value[at[i]] : 0;
    double start = seconds();
    calling = true;
    long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    int error = errno;
    calling = false;
    tell_long(name, a, seconds() - start);
    made++;
    succeeded += is_done(name, result, error);
    after_call(number, a, result);
}

static void call_in_pairs(long number, const struct values *values, size_t count)
{
    size_t at[6] = {0};
    call_once(number, values, at);
    for (size_t i = 0; i < count; i++)
        for (at[i] = 1; at[i] < values[i].count || (at[i] = 0); at[i]++) {
            call_once(number, values, at);
            for (size_t j = i + 1; j < count; j++)
                for (at[j] = 1; at[j] < values[j].count || (at[j] = 0); at[j]++)
                    call_once(number, values, at);
        }
}

static int run_row(size_t number)
{
    const struct row *row = &rows[number];
    struct values values[6] = {0};
    char kinds[128], *next = kinds;
    size_t count = 0;
    pthread_t waker;
    struct sigaction act = {.sa_handler = nothing};
    sigaction(SIGUSR1, &act, NULL);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    caller = gettid();
    snprintf(kinds, sizeof kinds, "%s", row->kinds + strlen("ARGS("));
    prepare_row(row->name, row->kinds);
    prepare_exact(row->name);
    pthread_create(&waker, NULL, wake, NULL);
    for (char *kind; (kind = strsep(&next, ", )"));)
        if (*kind) {
            if (!choose_exactly(row->name, count, &values[count]))
                choose_values(row->name, count, kind, &values[count]);
            count++;
        }
    call_in_pairs((long)number, values, count);
    dprintf(report_fd, "%s: %lu calls, %lu succeeded\n", row->name, made, succeeded);
    _exit(succeeded == 0);
}

/* --- All rows --- */

static volatile bool stop;
static volatile double latest;
static const char *volatile latest_in = "", *volatile running;

static void *tick(void *unused)
{
    (void)unused;
    while (!stop) {
        double start = seconds();
        nanosleep(&(struct timespec){0, 1000000}, NULL);
        double late = seconds() - start - 0.001;
        if (late > latest) {
            latest = late;
            latest_in = running;
        }
    }
    return NULL;
}

/* 0 unless the process did not end by itself. */
static int run_in_process(const char *self, size_t number)
{
    char text[16];
    char *argv[] = {(char *)self, text, NULL};
    pid_t pid;
    int status = 0;
    snprintf(text, sizeof text, "%zu", number);
    running = rows[number].name;
    /* A row may have changed those of all, and then the ticking thread starves. */
    syscall(SYS_sched_setscheduler, 0, SCHED_OTHER,
            &(struct sched_param){0}); /* musl's is ENOSYS */
    setpriority(PRIO_USER, 0, 0);
    if (posix_spawn(&pid, self, NULL, NULL, argv, environ) != 0) {
        perror(running);
        return 1;
    }
    double start = seconds();
    while (waitpid(pid, &status, WNOHANG) == 0) {
        nanosleep(&(struct timespec){0, 2000000}, NULL);
        if (seconds() - start > 120)
            kill(pid, SIGKILL);
    }
    if (status != 0)
        printf("%s: STATUS %#x\n", running, (unsigned)status);
    return status != 0;
}

static bool is_chosen(const char *name, int count, char **names)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return count == 0;
}

int main(int argc, char **argv)
{
    pthread_t ticking;
    int bad = 0;
    if (argc > 1 && strcmp(argv[1], "end") == 0)
        return 0; /* execve() made it */
    if (access("/proc/ouro", F_OK) != 0) {
        fprintf(stderr, "everycall: for Ouro only\n");
        return 1;
    }
    if (argc == 2 && *argv[1] >= '0' && *argv[1] <= '9')
        return run_row((size_t)atol(argv[1]));
    setvbuf(stdout, NULL, _IONBF, 0);
    prepare_all();
    pthread_create(&ticking, NULL, tick, NULL);
    for (size_t i = 0; i < ROWS; i++)
        if (is_made(i) && is_chosen(rows[i].name, argc - 1, argv + 1))
            bad |= run_in_process("/proc/self/exe", i);
    stop = true;
    pthread_join(ticking, NULL);
    printf("a sleep of 1 ms was %.3f ms late at most, beside %s\n", latest * 1e3, latest_in);
    return bad;
}
