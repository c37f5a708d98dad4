/* SPDX-License-Identifier: MIT */
/*
 * `ouro test`: ctest over two build folders. The first, made with gcc, has everything; the second,
 * made with clang, repeats the unit tests with that compiler and has the fuzzers, which only clang
 * can build.
 */
#include "command/commands.h"
#include "command/skips.h"
#include "host/fail.h"
#include "host/guard.h"
#include "host/text.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *const labels[] = {"unit", "fuzz", "lint", "guest", "programs", "boot"};
static const char scoreboard[] = OURO_SOURCE_DIR "/test/scoreboard/scoreboard.py";
static const struct {
    const char *folder;
    const char *only; /* regular expression of the labels to run there; NULL: all */
} builds[] = {
    {OURO_BUILD_DIR "/host", NULL},
    {OURO_BUILD_DIR "/host-clang", "^(unit|fuzz)$"},
};

/* What a boot takes at most on a computer with time to spare; the limits of tests are made for that. */
#define BOOT_SECONDS 1.5
#define SLOW_MOST    20.0

struct outcome {
    int count;
    bool failed;
    struct skips skips;
};

struct selection {
    struct text labels; /* regular expressions for -L and -R; empty: none */
    struct text names;
};

static void add_alternative(struct text *regex, const char *name, const char *format)
{
    text_string(regex, regex->length ? "|" : "");
    text_format(regex, format, name);
}

static void select_names(struct selection *s, int count, const char *const *names)
{
    for (int i = 0; i < count; i++) {
        bool label = false;
        regex_t regex;
        for (size_t k = 0; k < ARRAY_LENGTH(labels); k++)
            label = label || strcmp(labels[k], names[i]) == 0;
        if (!label && regcomp(&regex, names[i], REG_EXTENDED | REG_NOSUB) != 0)
            fail(STATUS_FAILED, "test: %s is neither a group of tests nor a regular expression",
                 names[i]);
        add_alternative(label ? &s->labels : &s->names, names[i], label ? "^%s$" : "%s");
    }
}

static struct args ctest_arguments(size_t build, const char *option, const char *regex)
{
    struct args args = {0};
    const char *const start[] = {"ctest", "--test-dir", builds[build].folder, NULL};
    args_all(&args, start);
    if (builds[build].only) {
        args_add(&args, "-L"); /* a test must match every -L */
        args_add(&args, builds[build].only);
    }
    if (option) {
        args_add(&args, option);
        args_add(&args, regex);
    }
    return args;
}

/* The number of tests that ctest would run; 0 if nothing is configured there. */
static int count_tests(size_t build, const struct args *args)
{
    struct args list = {0};
    int ends[2], total = 0, status;
    char line[1024];
    struct child child;
    char *cache = string_format("%s/CMakeCache.txt", builds[build].folder);
    bool configured = access(cache, F_OK) == 0;
    free(cache);
    if (!configured)
        return 0;
    args_all(&list, (const char *const *)args->item);
    args_add(&list, "-N");
    if (pipe(ends) != 0)
        fail_errno("cannot create a pipe");
    if (!child_start(
            &(struct spawn){.argv = list.item, .input = -1, .output = ends[1], .error = -1},
            &child))
        fail_errno("cannot start ctest");
    close(ends[1]);
    FILE *in = fdopen(ends[0], "r");
    while (in && fgets(line, sizeof(line), in))
        sscanf(line, "Total Tests: %d", &total);
    if (in)
        fclose(in);
    while (!child_wait(&child, -1, &status))
        ;
    args_free(&list);
    return total;
}

/* Fails if a group or an expression has no test. */
static void check_name(const char *name)
{
    struct selection one = {0};
    int count = 0;
    select_names(&one, 1, &name);
    for (size_t build = 0; build < ARRAY_LENGTH(builds); build++) {
        struct args args = ctest_arguments(build, one.labels.length ? "-L" : "-R",
                                           one.labels.length ? one.labels.bytes : one.names.bytes);
        count += count_tests(build, &args);
        args_free(&args);
    }
    text_free(&one.labels);
    text_free(&one.names);
    if (count == 0)
        fail(STATUS_FAILED, "test: no test has the name %s", name);
}

static void read_skips(size_t build, struct outcome *all)
{
    char *path = string_format("%s/Testing/Temporary/LastTest.log", builds[build].folder);
    FILE *log = fopen(path, "re");
    if (log) {
        skips_read(log, &all->skips);
        fclose(log);
    }
    free(path);
}

/* Boots a machine, and exports SLOW: by how much this computer is slower than those that the limits are for. */
static void measure_boot(void)
{
    struct timespec start, end;
    struct child child;
    int status;
    char *const boot[] = {"/proc/self/exe", "run",       "--medium", "direct",    "--machine",
                          "microvm",        "--timeout", "300",      "/bin/true", NULL};
    clock_gettime(CLOCK_MONOTONIC, &start);
    if (!child_start(&(struct spawn){.argv = boot, .input = -1, .output = -1, .error = -1}, &child))
        return;
    while (!child_wait(&child, -1, &status))
        ;
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds =
        (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
    double times = 1;
    while (times < SLOW_MOST && times * BOOT_SECONDS < seconds)
        times++;
    printf("ouro: a boot takes %.1f s here%s; the limits of tests are multiplied by %.0f\n",
           seconds, WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "" : " and fails", times);
    fflush(stdout);
    char *slow = string_format("%.0f", times);
    setenv("SLOW", slow, 1);
    free(slow);
}

/* Runs one selection in one build, and adds its tests to the outcome. */
static void run_tests(size_t build, const char *option, const char *regex, struct outcome *all)
{
    struct args args = ctest_arguments(build, option, regex);
    struct child child;
    int status, count = count_tests(build, &args);
    if (count > 0) {
        args_add(&args, "--output-on-failure");
        args_add(&args, "-j");
        args_format(&args, "%ld", sysconf(_SC_NPROCESSORS_ONLN));
        if (!child_start(&(struct spawn){.argv = args.item, .input = -1, .output = 1, .error = 2},
                         &child))
            fail_errno("cannot start ctest");
        while (!child_wait(&child, -1, &status))
            ;
        all->failed = all->failed || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
        all->count += count;
        read_skips(build, all);
    }
    args_free(&args);
}

int command_test(int argc, char **argv)
{
    struct selection selection = {0};
    struct outcome all = {0};
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        puts(
            "Usage: ouro test [NAME...]\n"
            "  or:  ouro test scoreboard [SUITE [CASE]] [--shard I/N] [--again] [--write]\n"
            "Run all tests, or those groups: unit, fuzz, lint, guest, programs, boot; any other NAME is a regular expression for names of tests. scoreboard: all cases of the suites of docs/scoreboard.md.");
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "scoreboard") == 0) {
        argv[1] = (char *)scoreboard;
        execvp(argv[1], argv + 1);
        fail_errno("cannot start %s", scoreboard);
    }
    for (int i = 1; i < argc; i++)
        if (argv[i][0] == '-')
            fail(STATUS_FAILED, "test: unknown option %s", argv[i]);
    for (int i = 1; i < argc; i++)
        check_name(argv[i]);
    select_names(&selection, argc - 1, (const char *const *)argv + 1);
    guard_start();
    measure_boot();
    for (size_t build = 0; build < ARRAY_LENGTH(builds); build++) {
        if (argc == 1)
            run_tests(build, NULL, NULL, &all);
        if (selection.labels.length)
            run_tests(build, "-L", selection.labels.bytes, &all);
        if (selection.names.length)
            run_tests(build, "-R", selection.names.bytes, &all);
    }
    text_free(&selection.labels);
    text_free(&selection.names);
    if (all.count == 0)
        fail(STATUS_FAILED, "test: there is no test");
    skips_print(stdout, &all.skips);
    skips_free(&all.skips);
    printf("ouro: %d tests, %s\n", all.count, all.failed ? "not all passed" : "all passed");
    return all.failed;
}
