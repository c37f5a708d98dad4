/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "crash.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REPORT_MAX 20000
#define CHILD_MAX  10 /* seconds until the child is killed */

extern char **environ;

static pid_t child; /* 0: none runs */
static time_t started;
static int last_status = -1; /* of wait(); -1: none has ended */
static uint64_t runs;
static char report[REPORT_MAX];
static size_t report_size;
static volatile unsigned bottom; /* never reached */

__attribute__((noinline)) static unsigned descend(unsigned depth)
{
    volatile unsigned char frame[480];
    frame[depth % sizeof frame] = (unsigned char)depth;
    if (depth == bottom)
        return 0;
    return descend(depth + 1) + frame[depth % sizeof frame];
}

int crash_overflow(void)
{
    return (int)descend(1);
}

static time_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static void read_report(void)
{
    int fd = open("/proc/report", O_RDONLY | O_CLOEXEC);
    report_size = 0;
    while (fd >= 0 && report_size < sizeof report) {
        ssize_t got = read(fd, report + report_size, sizeof report - report_size);
        if (got <= 0)
            break;
        report_size += (size_t)got;
    }
    if (fd >= 0)
        close(fd);
}

void crash_start(void)
{
    read_report(); /* the kernel keeps reports from the first read on */
}

void crash_spawn(void)
{
    static char name[] = "explorer", argument[] = CRASH_ARGUMENT;
    char *const argv[] = {name, argument, NULL};
    char path[4096];
    ssize_t length =
        readlink("/proc/self/exe", path, sizeof path - 1); /* its name is in the report */
    if (child != 0 || length <= 0)
        return;
    path[length] = '\0';
    report_size = 0;
    last_status = -1;
    started = now();
    if (posix_spawn(&child, path, NULL, NULL, argv, environ) != 0)
        child = 0;
    else
        runs++;
}

bool crash_poll(void)
{
    int status;
    if (child == 0)
        return false;
    if (now() - started > CHILD_MAX)
        kill(child, SIGKILL);
    if (waitpid(child, &status, WNOHANG) == child) {
        child = 0;
        last_status = status;
        read_report();
    }
    return child != 0;
}

void crash_write(struct json *json)
{
    json_open(json, '{');
    json_key_bool(json, "running", child != 0);
    json_key_number(json, "runs", runs);
    json_key(json, "ended");
    if (last_status >= 0 && WIFSIGNALED(last_status))
        json_text(json, strsignal(WTERMSIG(last_status)));
    else if (last_status >= 0)
        json_text(json, "exited");
    else
        json_null(json);
    json_key(json, "report");
    json_string(json, report, report_size);
    json_close(json, '}');
}
