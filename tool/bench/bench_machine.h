/* SPDX-License-Identifier: MIT */
/*
 * The two systems that `ouro bench` compares, and one boot of either. Both have the same QEMU options
 * and the same archive with the same program at /init, and for both the clock starts just before QEMU
 * does.
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
    const char *file[BENCH_SYSTEMS]; /* NULL: the system is left out */
};

struct bench_boot {
    const char *kernel;
    enum bench_system system;
    enum medium medium; /* direct or CD */
    enum firmware firmware;
    enum chipset chipset;
    const char *archive;        /* direct */
    const char *image;          /* CD; contains its kernel words */
    const char *const *program; /* arguments of /init after argv[0], NULL-terminated; NULL: none */
    const char *words;          /* direct: further kernel words; NULL: none */
    const char *const *qemu;    /* further options of QEMU, NULL-terminated; NULL: none */
    uint64_t memory;            /* bytes */
    unsigned cpus;              /* 0: one */
    double limit;               /* seconds until the boot counts as a hang */
    const struct network
        *network;              /* NULL: no card; with one, a counted machine waits for its host */
    const struct disks *disks; /* NULL: none; with one, the same */
    /* After the last mark, before the machine ends; NULL: nothing. */
    void (*run)(void *context, pid_t qemu);
    void *context;
    bool counted;      /* -icount: one nanosecond of the machine's clocks is one instruction */
    bool firmware_log; /* SeaBIOS's debug port is part of the output */
};

#define BENCH_MARKS_MAX 4

/* The marks of a boot and their times: texts on the serial line; the last one ends the machine. */
struct bench_seen {
    const char *mark[BENCH_MARKS_MAX];
    double at[BENCH_MARKS_MAX]; /* milliseconds from the start of QEMU; below 0: not seen */
    size_t marks;
    double processor_ms; /* of QEMU, user and system */
    struct text output;
};

/* Boots, waits and kills the machine. True if the last mark appeared. The caller sets seen->mark and
 * seen->marks; the rest is overwritten, and the caller frees seen->output. */
bool bench_run(const struct bench_boot *boot, struct bench_seen *seen);
/* The name of a series: "ouro" or "linux", with a suffix if counted. */
const char *bench_series(enum bench_system system, bool counted);
/* The name of a system for messages. */
const char *bench_system_name(enum bench_system system);
/* An archive with `init` at /init, and further files: {path in the machine, file here}, NULL-terminated.
 * A path without a file is a glob pattern: the programs and folders of this computer that match it
 * are packed at the same paths with their libraries; with tree_sysroot() it is a path. `file` may be a folder of files. */
char *bench_archive(const char *init, const char *const (*files)[2]);
/* A CD image that boots the system with that archive. */
char *bench_image(const struct bench_boot *boot);
/* Adds the figures (bench/guest.h) in a program's output: the median of each name as one sample. */
void bench_read_figures(const char *output, const char *section, const char *series,
                        struct figures *figures);
