/* SPDX-License-Identifier: MIT */
/*
 * `ouro bench`: measures every figure on Ouro and on Debian's kernel for virtual machines, with the
 * same program in the same archive on the same QEMU, in turn (A B A B), so that other load of the
 * computer affects both.
 */
#include "bench/bench.h"
#include "command/commands.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/guard.h"
#include "host/progress.h"
#include "image/compile.h"
#include "machine/kvm.h"
#include "machine/suggest.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUNS       5
#define RUNS_QUICK 3
#define RUNS_MAX   99
#define MEMORY     (UINT64_C(256) << 20)
#define LIMIT      120.0

#define FOLDER     OURO_BUILD_DIR "/bench"

static const struct section {
    const char *name;
    void (*measure)(struct bench *bench);
    void (*print)(const struct figures *figures, const char *section, FILE *out);
} sections[] = {
    {"boot", bench_boot, figures_print},           {"memory", bench_memory, figures_print},
    {"size", bench_size, figures_print},           {"primitives", bench_primitives, figures_print},
    {"paging", bench_paging, bench_paging_print},  {"apps", bench_apps, figures_print},
    {"growth", bench_growth, bench_growth_print},  {"redis", bench_redis, figures_print},
    {"processes", bench_processes, figures_print}, {"net", bench_net, figures_print},
    {"disk", bench_disk, figures_print},           {"programs", bench_programs, figures_print},
};

struct request_bench {
    bool chosen[ARRAY_LENGTH(sections)];
    bool any;
    unsigned runs; /* 0: the default */
    unsigned cpus;
    bool quick, alone;
    const char *json, *against;
};

char *bench_program(const char *name)
{
    char *source = string_format(OURO_SOURCE_DIR "/bench/%s.c", name);
    char *kept = string_format(FOLDER "/%s", name);
    char *fresh = compile_program(source);
    file_copy(fresh, kept);
    if (chmod(kept, 0755) != 0)
        fail_errno("cannot write %s", kept);
    free(fresh);
    free(source);
    return kept;
}

struct bench_boot bench_direct(const struct bench *bench, enum bench_system system,
                               const char *archive)
{
    return (struct bench_boot){.kernel = bench->kernel[system],
                               .system = system,
                               .medium = MEDIUM_DIRECT,
                               .archive = archive,
                               .memory = MEMORY,
                               .cpus = bench->cpus,
                               .limit = LIMIT};
}

void bench_progress(const char *what, enum bench_system system, unsigned run, unsigned runs)
{
    char *line = string_format("%s on %s, %u of %u", what, bench_system_name(system), run, runs);
    progress_start(line);
    progress_step(0, 0);
    free(line);
}

#define LAST_WORDS 400 /* last bytes of output that a warning shows */

bool bench_run_or_warn(const struct bench_boot *boot, struct bench_seen *seen, const char *what)
{
    if (bench_run(boot, seen))
        return true;
    size_t length = seen->output.length;
    const char *last = length > LAST_WORDS ? seen->output.bytes + length - LAST_WORDS
                       : length            ? seen->output.bytes
                                           : "";
    warn("%s on %s did not end as expected; its last output:\n%s", what,
         bench_system_name(boot->system), last);
    return false;
}

void bench_measure(struct bench *bench, const char *section, const char *archive, const char *fewer)
{
    const char *const words[] = {fewer, NULL};
    unsigned runs = fewer ? 1 : bench->runs;
    for (unsigned run = 0; run < runs; run++) {
        FOR_EACH_SYSTEM(bench, system)
        {
            struct bench_boot boot = bench_direct(bench, system, archive);
            struct bench_seen seen = {.mark = {"bench done"}, .marks = 1};
            boot.program = words;
            boot.counted = fewer != NULL;
            boot.limit = 600;
            bench_progress(section, system, run + 1, runs);
            if (bench_run_or_warn(&boot, &seen, section))
                bench_read_figures(seen.output.bytes, section, bench_series(system, boot.counted),
                                   &bench->figures);
            text_free(&seen.output);
        }
    }
}

static void choose(struct request_bench *request, const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(sections); i++) {
        if (strcmp(sections[i].name, name) != 0)
            continue;
        request->chosen[i] = true;
        request->any = true;
        return;
    }
    fail(STATUS_FAILED,
         "bench: %s: the sections are boot, memory, size, primitives, paging, apps, growth, "
         "redis, processes, net, disk and programs",
         name);
}

enum {
    KEY_JSON = 0x100,
    KEY_AGAINST,
    KEY_RUNS,
    KEY_CPUS,
    KEY_QUICK,
    KEY_ALONE
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct request_bench *request = state->input;
    char *end;
    switch (key) {
    case KEY_JSON:
        request->json = text;
        break;
    case KEY_AGAINST:
        request->against = text;
        break;
    case KEY_QUICK:
        request->quick = true;
        break;
    case KEY_ALONE:
        request->alone = true;
        break;
    case KEY_RUNS:
        request->runs = (unsigned)strtoul(text, &end, 10);
        if (end == text || *end || request->runs < 1 || request->runs > RUNS_MAX)
            argp_error(state, "--runs %s: not a number between 1 and %d", text, RUNS_MAX);
        break;
    case KEY_CPUS:
        request->cpus = machine_cpus(text);
        if (request->cpus == 0)
            argp_error(state, "--cpus %s: a number from 1 to %d, or host", text, MACHINE_CPUS_MAX);
        break;
    case ARGP_KEY_ARG:
        choose(request, text);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp_option options[] = {
    {"json", KEY_JSON, "FILE", 0, "also write the figures as JSON", 1},
    {"against", KEY_AGAINST, "FILE", 0,
     "compare with the JSON of an earlier run; status 1 if a figure got worse beyond the spread",
     1},
    {"cpus", KEY_CPUS, "N|host", 0,
     "processors of each machine; default 1. Boots from a CD have one", 1},
    {"runs", KEY_RUNS, "N", 0, "boots for each timed figure; default 5, 3 with --quick", 1},
    {"quick", KEY_QUICK, NULL, 0, "fewer runs, no UEFI", 1},
    {"alone", KEY_ALONE, NULL, 0, "measure Ouro without Debian's kernel", 1},
    {0},
};

/* Debian's kernel, downloaded once; NULL if that fails. */
static const char *linux_kernel(void)
{
    progress_start("fetching Debian's kernel");
    char *const argv[] = {OURO_SOURCE_DIR "/bench/linux.sh", FOLDER "/linux", NULL};
    bool there = child_run(argv);
    progress_clear();
    return there ? realpath(FOLDER "/linux/vmlinuz", NULL) : NULL;
}

static void write_json(const struct bench *bench, const char *accelerator, const char *path)
{
    FILE *file = fopen(path, "we");
    if (file == NULL)
        fail_errno("cannot write %s", path);
    figures_write_json(&bench->figures, accelerator, file);
    if (fclose(file) != 0)
        fail_errno("cannot write %s", path);
}

int command_bench(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        "[boot|memory|size|primitives|paging|apps|growth|redis|processes|net|disk|programs]...",
        "Measure Ouro and Debian's cloud kernel in turn, with the same programs on the same QEMU.",
        NULL,
        NULL,
        NULL};
    struct request_bench request = {.cpus = 1};
    argp_err_exit_status = STATUS_FAILED;
    suggest_check(options, argc, argv);
    argp_parse(&argp, argc, argv, 0, NULL, &request);
    guard_start();
    setenv("TMPDIR", guard_folder(), 1);
    mkdir(FOLDER, 0755);
    struct bench bench = {
        .runs = request.runs    ? request.runs
                : request.quick ? RUNS_QUICK
                                : RUNS,
        .cpus = request.cpus,
        .quick = request.quick,
        .kernel = {request.cpus > 1 ? OURO_BUILD_DIR "/kernel/ouro-cpus.elf"
                                    : OURO_BUILD_DIR "/kernel/ouro.elf",
                   request.alone ? NULL : linux_kernel()},
        .test_kernel = OURO_BUILD_DIR "/kernel/ouro-test.elf",
    };
    const char *accelerator = kvm_works() ? "kvm" : "tcg";
    printf("QEMU with %s, %u CPU%s, 256 MiB; medians of %u boots, less is better; \"in\": guest "
           "instructions\n",
           accelerator, bench.cpus, bench.cpus > 1 ? "s" : "", bench.runs);
    if (bench.kernel[BENCH_LINUX] == NULL && !request.alone)
        puts("Debian's kernel (linux-image-cloud-amd64) is not available: only Ouro is measured");
    fflush(stdout);
    for (size_t i = 0; i < ARRAY_LENGTH(sections); i++) {
        if (request.any && !request.chosen[i])
            continue;
        sections[i].measure(&bench);
        progress_clear();
        sections[i].print(&bench.figures, sections[i].name, stdout);
        fflush(stdout);
    }
    if (request.json)
        write_json(&bench, accelerator, request.json);
    if (request.against)
        return figures_compare(&bench.figures, accelerator, request.against, stdout) > 0;
    return 0;
}
