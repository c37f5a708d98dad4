/* SPDX-License-Identifier: MIT */
/*
 * The two systems that `ouro bench` compares, and one boot of either. Both get the same QEMU options,
 * the same archive with the same program at /init, and the same moment as the start of the clock: just
 * before QEMU is started.
 */
#pragma once

#include "bench/bench_figures.h"
#include "host/text.h"
#include "machine/emulator.h"

#include <stdbool.h>
#include <stdint.h>

enum bench_system {
    BENCH_OURO,
    BENCH_LINUX,
    BENCH_SYSTEMS
};

struct bench_kernels {
    const char *file[BENCH_SYSTEMS]; /* NULL: this system is not there, and is left out */
};

struct bench_boot {
    const char *kernel;
    enum bench_system system;
    enum medium medium; /* direct or CD */
    enum firmware firmware;
    const char *archive;        /* direct */
    const char *image;          /* CD; its words are in it */
    const char *const *program; /* arguments of /init behind argv[0], up to NULL; NULL: none */
    const char *words;          /* direct: more for the kernel; NULL: none */
    uint64_t memory;            /* bytes */
    double limit;               /* seconds until it counts as hanging */
    bool counted;               /* a nanosecond of the machine's clocks is one instruction */
    bool firmware_log;          /* what SeaBIOS says on its debug port is output, too */
};

#define BENCH_MARKS_MAX 4

/* What was seen, and when: texts are awaited on the serial line, and the machine is switched off at
 * the sight of the last. */
struct bench_seen {
    const char *mark[BENCH_MARKS_MAX];
    double at[BENCH_MARKS_MAX]; /* milliseconds from the start of QEMU; below 0: not seen */
    size_t marks;
    struct text output;
};

/* Boots, waits and switches off. True when the last mark was seen. seen->mark and seen->marks are the
 * caller's; the rest is overwritten, and output is the caller's to free. */
bool bench_run(const struct bench_boot *boot, struct bench_seen *seen);
/* "linux", "ouro", and what people call them. */
const char *bench_series(enum bench_system system, bool counted);
const char *bench_system_name(enum bench_system system);
/* An archive with `init` at /init, and more files: {path in the machine, file here}, up to NULL. A
 * path without a file is a program or a folder of this computer, packed at the same path with what it
 * needs. */
char *bench_archive(const char *init, const char *const (*files)[2]);
/* A CD image that boots the system with that archive. */
char *bench_image(const struct bench_boot *boot);
/* Adds the figures (bench/guest.h) in what a program said: those of one name as one sample, their
 * median. */
void bench_read_figures(const char *output, const char *section, const char *series,
                        struct figures *figures);
