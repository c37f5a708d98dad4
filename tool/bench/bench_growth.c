/* SPDX-License-Identifier: MIT */
/*
 * The section growth: what an operation costs beside more and more of something (bench/growth.c), in
 * nanoseconds and in instructions; and the longest sleep of 1 ms of a thread beside one large call of
 * another (bench/latency.c).
 */
#include "bench/bench.h"

#include <stdlib.h>

#define DONE    "bench done"
#define LATENCY "latency"
#define LIMIT   600.0

/* Counted boots are one, and do fewer rounds. */
static void measure_growth(struct bench *bench, const char *section, const char *archive,
                           bool counted)
{
    static const char *const all[] = {NULL}, *const fewer[] = {"divide=5", NULL};
    unsigned runs = counted ? 1 : bench->runs;
    for (unsigned run = 0; run < runs; run++) {
        FOR_EACH_SYSTEM(bench, system)
        {
            struct bench_boot boot = bench_direct(bench, system, archive);
            struct bench_seen seen = {.mark = {DONE}, .marks = 1};
            boot.counted = counted;
            boot.limit = LIMIT;
            boot.program = counted ? fewer : all;
            bench_progress(section, system, run + 1, runs);
            if (bench_run_or_warn(&boot, &seen, section))
                bench_read_figures(seen.output.bytes, section, bench_series(system, counted),
                                   &bench->figures);
            text_free(&seen.output);
        }
    }
}

void bench_growth(struct bench *bench)
{
    char *growth = bench_program("growth"), *growth_archive = bench_archive(growth, NULL);
    char *latency = bench_program("latency"), *latency_archive = bench_archive(latency, NULL);
    measure_growth(bench, "growth", growth_archive, false);
    measure_growth(bench, "growth", growth_archive, true);
    measure_growth(bench, LATENCY, latency_archive, false);
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
