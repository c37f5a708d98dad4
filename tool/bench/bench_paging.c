/* SPDX-License-Identifier: MIT */
/*
 * The five back ends for page tables compared; and the cost of finding written pages, on both
 * systems.
 */
#include "bench/bench.h"

#include <stdlib.h>
#include <string.h>

#define TESTED "ok test_paging_figures"
#define DONE   "bench done"

/* Values of pagetables=. A kernel built without some of them refuses those. */
static const char *const back_ends[] = {"recursive", "physmap", "offset", "identity", "temporary"};

/* One boot of the test kernel and one of the program, with a back end; `counted` selects instructions
 * and the names of their series. */
static void measure(struct bench *bench, const char *back_end, const char *archive, bool counted)
{
    static const char *const touch[] = {
        "only=page_fault", "only=mprotect_pair", "only=mmap_touch_munmap",
        "rounds=3",        "divide=4",           NULL};
    const char *section = counted ? "paging, instructions" : "paging";
    char *test = string_format("pagetables=%s test=test_paging_figures", back_end);
    char *words = string_format("pagetables=%s", back_end);
    struct bench_boot boot = bench_direct(bench, BENCH_OURO, archive);
    struct bench_seen seen = {.mark = {TESTED}, .marks = 1};
    boot.limit = 30;
    boot.counted = counted;
    boot.words = test;
    boot.kernel = bench->test_kernel;
    if (bench_run(&boot, &seen)) {
        bench_read_figures(seen.output.bytes, section, back_end, &bench->figures);
        text_free(&seen.output);
        boot.kernel = bench->kernel[BENCH_OURO];
        boot.words = words;
        boot.program = touch;
        seen.mark[0] = DONE;
        if (bench_run_or_warn(&boot, &seen, back_end))
            bench_read_figures(seen.output.bytes, section, back_end, &bench->figures);
    }
    text_free(&seen.output);
    free(words);
    free(test);
}

static void measure_dirty(struct bench *bench)
{
    char *program = bench_program("dirty"), *archive = bench_archive(program, NULL);
    for (unsigned run = 0; run < bench->runs; run++) {
        for (enum bench_system system = BENCH_OURO; system < BENCH_SYSTEMS; system++) {
            struct bench_boot boot = bench_direct(bench, system, archive);
            struct bench_seen seen = {.mark = {DONE}, .marks = 1};
            if (bench->kernel[system] == NULL)
                continue;
            bench_progress("dirty pages", system, run + 1, bench->runs);
            if (bench_run_or_warn(&boot, &seen, "dirty"))
                bench_read_figures(seen.output.bytes, "dirty", bench_series(system, false),
                                   &bench->figures);
            text_free(&seen.output);
        }
    }
    free(archive);
    free(program);
}

void bench_paging(struct bench *bench)
{
    char *program = bench_program("primitives"), *archive = bench_archive(program, NULL);
    for (unsigned run = 0; run <= bench->runs; run++) {
        for (size_t i = 0; i < ARRAY_LENGTH(back_ends); i++) {
            bench_progress(back_ends[i], BENCH_OURO, run + 1, bench->runs + 1);
            measure(bench, back_ends[i], archive, run == bench->runs);
        }
    }
    measure_dirty(bench);
    free(archive);
    free(program);
}

void bench_paging_print(const struct figures *figures, const char *section, FILE *out)
{
    figures_print_columns(figures, section, out);
    figures_print_columns(figures, "paging, instructions", out);
    figures_print(figures, "dirty", out);
}
