/* SPDX-License-Identifier: MIT */
/*
 * The section growth: what an operation costs beside more and more of something (bench/growth.c), in
 * nanoseconds and in instructions; and the longest sleep of 1 ms of a thread beside one large call of
 * another (bench/latency.c).
 */
#include "bench/bench.h"

#include <stdlib.h>

#define LATENCY "latency"

#define SWAP    (UINT64_C(128) << 20)

/* The crowds on disks: both figures are those of the threads on the CPU. */
static void grow_on_disks(struct bench *bench, const char *archive)
{
    static const char *const timed[] = {"disks=1", NULL}, *const fewer[] = {"disks=1", "divide=5",
                                                                            NULL};
    for (int counted = 0; counted < 2; counted++) {
        FOR_EACH_SYSTEM(bench, system)
        {
            const struct bench_on_disk load = {.section = "growth",
                                               .archive = archive,
                                               .program = counted ? fewer : timed,
                                               .swap = SWAP,
                                               .counted = counted};
            bench_progress("growth on disks", system, 1, 1);
            bench_run_on_disk(bench, system, &load);
        }
    }
}

void bench_growth(struct bench *bench)
{
    const char *files[][2] = {{bench_modules() ? "/m" : NULL, bench_modules()}, {NULL}};
    char *growth = bench_program("growth"), *growth_archive = bench_archive(growth, files);
    char *latency = bench_program("latency"), *latency_archive = bench_archive(latency, NULL);
    bench_measure(bench, "growth", growth_archive, NULL);
    bench_measure(bench, "growth", growth_archive, "divide=5");
    grow_on_disks(bench, growth_archive);
    bench_measure(bench, LATENCY, latency_archive, NULL);
    free(latency_archive);
    free(latency);
    free(growth_archive);
    free(growth);
}

void bench_growth_print(const struct figures *figures, const char *section, FILE *out)
{
    fprintf(out, "\n%s: the cost beside a crowd of four sizes; the last divided by the first\n",
            section);
    figures_print_growth(figures, section, out);
    figures_print(figures, LATENCY, out);
}
