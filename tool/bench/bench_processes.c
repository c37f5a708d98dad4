/* SPDX-License-Identifier: MIT */
/* The section processes: fork, spawn and a shell's commands (bench/processes.c), in microseconds and in instructions. */
#include "bench/bench.h"

#include <stdlib.h>

void bench_processes(struct bench *bench)
{
    static const char *const files[][2] = {{"/bin/dash"}, {"/bin/true"}, {NULL}};
    char *program = bench_program("processes"), *archive = bench_archive(program, files);
    bench_measure(bench, "processes", archive, NULL);
    bench_measure(bench, "processes", archive, "divide=10");
    free(archive);
    free(program);
}
