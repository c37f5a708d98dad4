/* SPDX-License-Identifier: MIT */
/* The section processes: fork, spawn and a shell's commands (bench/processes.c), in microseconds and in instructions. */
#include "bench/bench.h"

#include <stdlib.h>
#include <unistd.h>

#define DONE  "bench done"
#define LIMIT 600.0

static void run_processes(struct bench *bench, const char *archive, bool counted)
{
    static const char *const all[] = {NULL}, *const fewer[] = {"divide=10", NULL};
    unsigned runs = counted ? 1 : bench->runs;
    for (unsigned run = 0; run < runs; run++) {
        FOR_EACH_SYSTEM(bench, system)
        {
            struct bench_boot boot = bench_direct(bench, system, archive);
            struct bench_seen seen = {.mark = {DONE}, .marks = 1};
            boot.program = counted ? fewer : all;
            boot.counted = counted;
            boot.limit = LIMIT;
            bench_progress("processes", system, run + 1, runs);
            if (bench_run_or_warn(&boot, &seen, "processes"))
                bench_read_figures(seen.output.bytes, "processes", bench_series(system, counted),
                                   &bench->figures);
            text_free(&seen.output);
        }
    }
}

void bench_processes(struct bench *bench)
{
    static const char *const files[][2] = {{"/bin/dash"}, {"/bin/true"}, {NULL}};
    char *program = bench_program("processes"), *archive = bench_archive(program, files);
    run_processes(bench, archive, false);
    run_processes(bench, archive, true);
    free(archive);
    free(program);
}
