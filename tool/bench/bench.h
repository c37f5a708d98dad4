/* SPDX-License-Identifier: MIT */
/* What the sections of `ouro bench` share. */
#pragma once

#include "bench/bench_figures.h"
#include "bench/bench_machine.h"

struct bench {
    unsigned runs;                     /* of each thing that is timed */
    bool quick;                        /* leave out what takes long */
    const char *kernel[BENCH_SYSTEMS]; /* NULL: this system is left out */
    const char *test_kernel;           /* Ouro with its tests in it */
    struct figures figures;
};

/* Each measures one section and adds its figures. */
void bench_boot(struct bench *bench);
void bench_memory(struct bench *bench);
void bench_size(struct bench *bench);
void bench_primitives(struct bench *bench);
void bench_paging(struct bench *bench);
void bench_apps(struct bench *bench);

/* Three tables: back ends by time and by instructions, and the search for written pages. */
void bench_paging_print(const struct figures *figures, const char *section, FILE *out);

/* A program of bench/, compiled: its path. */
char *bench_program(const char *name);
/* A boot of the system as everything but `bench boot` does it: QEMU's -kernel, 256 MiB. */
struct bench_boot bench_direct(const struct bench *bench, enum bench_system system,
                               const char *archive);
/* Says on a terminal what is being done, for the person who waits. */
void bench_progress(const char *what, enum bench_system system, unsigned run, unsigned runs);
/* bench_run(), and a warning with the last that was heard when it did not end as it should. */
bool bench_run_or_warn(const struct bench_boot *boot, struct bench_seen *seen, const char *what);
