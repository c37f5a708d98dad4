/* SPDX-License-Identifier: MIT */
/*
 * The common part of the programs of `./ouro bench`. Each is one static file that runs as PID 1, under
 * Ouro and under Linux, and writes to its standard output:
 *
 *     figure NAME UNIT VALUE        one sample
 *     figure NAME UNIT n/a          the system lacks the operation
 *     bench done                    the end; the tool then switches the machine off
 */
#pragma once

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE ((size_t)4096)

static inline uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void figure(const char *name, const char *unit, double value)
{
    printf("figure %s %s %.2f\n", name, unit, value);
}

static inline void figure_absent(const char *name, const char *unit)
{
    printf("figure %s %s n/a\n", name, unit);
}

static inline _Noreturn void bench_done(void)
{
    puts("bench done");
    fflush(stdout);
    for (;;)
        pause(); /* PID 1 must not end under Linux; the tool ends the machine */
}

/* Does the work of an init under Linux. On Ouro the folders and /proc exist already, and the calls fail
 * without harm. */
static inline void bench_start(void)
{
    mkdir("/proc", 0555);
    mkdir("/tmp", 01777);
    mount("proc", "/proc", "proc", 0, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
}

/* The number after "NAME=" among the arguments, or `otherwise`. */
static inline long argument(int argc, char **argv, const char *name, long otherwise)
{
    size_t length = strlen(name);
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], name, length) == 0 && argv[i][length] == '=')
            return atol(argv[i] + length + 1);
    return otherwise;
}

/* True if an argument is only=NAME, or none is only=. */
static inline bool chosen(int argc, char **argv, const char *name)
{
    bool any = false, hit = false;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "only=", 5) != 0)
            continue;
        any = true;
        hit = hit || strcmp(argv[i] + 5, name) == 0;
    }
    return hit || !any;
}

/* Inserts /m/NAME.ko for each name, on a bare Linux; elsewhere there are none. */
static inline void insert_modules(const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char path[64];
        snprintf(path, sizeof path, "/m/%s.ko", names[i]);
        int fd = open(path, O_RDONLY);
        if (fd >= 0 && syscall(SYS_finit_module, fd, "", 0) != 0)
            perror(path);
        close(fd);
    }
}
