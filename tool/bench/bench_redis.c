/* SPDX-License-Identifier: MIT */
/*
 * The section redis: redis-server and redis-benchmark over a UNIX socket (bench/redis.c), in microseconds
 * a request, of which redis-benchmark keeps 50 under way.
 */
#include "bench/bench.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERVER    "/usr/bin/redis-server"
#define BENCHMARK "/usr/bin/redis-benchmark"
#define DONE      "bench done"
#define LIMIT     600.0

/* Lines "TEST (REMARK)","REQUESTS A SECOND",...; the first names the columns. */
static void read_table(char *output, const char *section, const char *series,
                       struct figures *figures)
{
    char *rest = NULL, test[24];
    double rate;
    for (char *line = strtok_r(output, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (sscanf(line, "\"%23[A-Z_]%*[^,],\"%lf", test, &rate) != 2 || rate <= 0)
            continue;
        for (char *at = test; *at; at++)
            *at = (char)tolower((unsigned char)*at);
        const struct figure_key key = {section, test, "us"};
        figures_add(figures, &key, series, 1e6 / rate);
    }
}

static void run_redis(struct bench *bench, const char *archive, bool counted)
{
    static const char *const all[] = {"20000", "50", "ping,set,get,mset", NULL},
                             *const fewer[] = {"2000", "50", "ping,set,get,mset", NULL};
    unsigned runs = counted ? 1 : bench->runs;
    for (unsigned run = 0; run < runs; run++) {
        FOR_EACH_SYSTEM(bench, system)
        {
            struct bench_boot boot = bench_direct(bench, system, archive);
            struct bench_seen seen = {.mark = {DONE}, .marks = 1};
            boot.program = counted ? fewer : all;
            boot.counted = counted;
            boot.limit = LIMIT;
            bench_progress("redis", system, run + 1, runs);
            if (bench_run_or_warn(&boot, &seen, "redis"))
                read_table(seen.output.bytes, "redis", bench_series(system, counted),
                           &bench->figures);
            text_free(&seen.output);
        }
    }
}

void bench_redis(struct bench *bench)
{
    static const char *const files[][2] = {{SERVER}, {BENCHMARK}, {NULL}};
    if (access(SERVER, X_OK) != 0 || access(BENCHMARK, X_OK) != 0) {
        puts("redis: " SERVER " or " BENCHMARK " is not installed; the section is left out");
        return;
    }
    char *program = bench_program("redis"), *archive = bench_archive(program, files);
    run_redis(bench, archive, false);
    run_redis(bench, archive, true);
    free(archive);
    free(program);
}
