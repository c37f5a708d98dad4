/* SPDX-License-Identifier: MIT */
#include "host/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define QUIET_SECONDS   2.0
#define REDRAW_INTERVAL 0.2

static const char *job;
static double started, drawn;
static bool visible;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void progress_start(const char *name)
{
    progress_clear();
    job = isatty(STDERR_FILENO) ? name : NULL;
    started = now();
}

void progress_step(uint64_t done, uint64_t total)
{
    if (!job)
        return;
    double t = now();
    if (t - started < QUIET_SECONDS || (visible && t - drawn < REDRAW_INTERVAL))
        return;
    if (total > 0)
        fprintf(stderr, "\rouro: %s %3u%% \033[K", job, (unsigned)(done * 100 / total));
    else
        fprintf(stderr, "\rouro: %s, %.0f s \033[K", job, t - started);
    visible = true;
    drawn = t;
}

void progress_clear(void)
{
    if (visible)
        fputs("\r\033[K", stderr);
    visible = false;
}
