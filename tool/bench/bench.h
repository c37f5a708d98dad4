/* SPDX-License-Identifier: MIT */
/* The common part of the sections of `ouro bench`. */
#pragma once

#include "bench/bench_figures.h"
#include "bench/bench_machine.h"

struct bench {
    unsigned runs;                     /* boots for each timed figure */
    unsigned cpus;                     /* of each machine; more than one: Ouro's other kernel */
    bool quick;                        /* skip slow measurements */
    const char *kernel[BENCH_SYSTEMS]; /* NULL: this system is left out */
    const char *test_kernel;           /* Ouro with its guest tests */
    struct figures figures;
};

/* The systems that are measured. */
#define FOR_EACH_SYSTEM(bench, system)                                                             \
    for (enum bench_system system = BENCH_OURO; system < BENCH_SYSTEMS; system++)                  \
        if ((bench)->kernel[system] != NULL)

/* Each function measures one section and adds its figures. */
void bench_boot(struct bench *bench);
/* What a boot costs QEMU: a part of bench_boot(). */
void bench_boot_cost(struct bench *bench);
void bench_memory(struct bench *bench);
void bench_size(struct bench *bench);
void bench_primitives(struct bench *bench);
void bench_paging(struct bench *bench);
void bench_apps(struct bench *bench);
void bench_growth(struct bench *bench);
/* Left out, with a sentence, where redis is not installed. */
void bench_redis(struct bench *bench);
void bench_processes(struct bench *bench);
/* Left out, with a sentence, where Debian's packages cannot be had. */
void bench_net(struct bench *bench);
/* The same. */
void bench_disk(struct bench *bench);
void bench_programs(struct bench *bench);

/* Three tables: back ends by time and by instructions, and the search for written pages. */
void bench_paging_print(const struct figures *figures, const char *section, FILE *out);

/* Two tables: operations beside crowds of four sizes, and the sleep of a thread beside large calls. */
void bench_growth_print(const struct figures *figures, const char *section, FILE *out);

/* One boot, whose figures are added to the section: /dev/vda is an empty ext4 of 1 GiB, and /dev/vdb for swap. */
struct bench_on_disk {
    const char *section, *archive;
    const char *const *program; /* arguments, NULL-terminated; NULL: none */
    uint64_t swap;              /* bytes; 0: no swap */
    bool counted;
};
void bench_run_on_disk(struct bench *bench, enum bench_system system,
                       const struct bench_on_disk *load);
/* The folder of Linux's modules for cards and disks, which a program finds in /m; NULL: they are not there. */
const char *bench_modules(void);

/* Compiles a program of bench/; returns its path. */
char *bench_program(const char *name);
/* The boot that all sections but `boot` use: QEMU's -kernel, 256 MiB. */
struct bench_boot bench_direct(const struct bench *bench, enum bench_system system,
                               const char *archive);
/* Shows the current step on a terminal. */
void bench_progress(const char *what, enum bench_system system, unsigned run, unsigned runs);
/* bench_run(), with a warning that shows the last output if the last mark did not appear. */
bool bench_run_or_warn(const struct bench_boot *boot, struct bench_seen *seen, const char *what);
/* Boots the archive's program on each system, which prints figures and "bench done", and adds them to the section. `fewer`: NULL, or the
 * program's word for fewer rounds; then the boots are one and the figures instructions. */
void bench_measure(struct bench *bench, const char *section, const char *archive,
                   const char *fewer);
