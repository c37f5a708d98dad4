/* SPDX-License-Identifier: MIT */
/*
 * The section growth: what an operation costs beside more and more of something (bench/growth.c), in
 * nanoseconds and in instructions; and the longest sleep of 1 ms of a thread beside one large call of
 * another (bench/latency.c).
 */
#include "bench/bench.h"

#include <stdlib.h>

#define LATENCY "latency"

void bench_growth(struct bench *bench)
{
    char *growth = bench_program("growth"), *growth_archive = bench_archive(growth, NULL);
    char *latency = bench_program("latency"), *latency_archive = bench_archive(latency, NULL);
    bench_measure(bench, "growth", growth_archive, NULL);
    bench_measure(bench, "growth", growth_archive, "divide=5");
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
