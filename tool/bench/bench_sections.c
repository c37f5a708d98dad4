/* SPDX-License-Identifier: MIT */
/* The sections boot, memory, size, primitives and apps; bench_paging.c has `paging`. */
#include "bench/bench.h"
#include "host/fail.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_LINE "HELLO MAIN"
#define DONE       "bench done"
#define STARTED    "bench start"

/* Debian's programs, packed with their libraries. */
#define BUSYBOX "/bin/busybox"
#define SQLITE  "/usr/bin/sqlite3"
#define LUA     "/usr/bin/lua5.4"
#define OPENSSL "/usr/bin/openssl"
#define NODE    "/usr/bin/node"
#define PYTHON  "/usr/bin/python3"
#define PYTHON_LIBRARY                                                                             \
    "/usr/lib/python3.[0-9]*/" /* with `-S`, python3 reads encodings and looks for os.py */
#define FILES_MAX    5         /* the terminator of a list included */
#define SCRIPT(name) OURO_SOURCE_DIR "/bench/" name

/* ---- boot ---- */

static const struct way {
    const char *name;
    enum medium medium;
    enum firmware firmware;
    const char *firmware_ends; /* its last message; NULL: no firmware before the kernel */
    bool debug_port; /* the message is on the debug port, which costs time: a separate boot */
    bool slow;
} ways[] = {
    {"direct", MEDIUM_DIRECT, FIRMWARE_BIOS, NULL, false, false},
    {"bios_cd", MEDIUM_CD, FIRMWARE_BIOS, "Booting from 0000:7c00", true, false},
    {"uefi_cd", MEDIUM_CD, FIRMWARE_UEFI, "BdsDxe: starting", false, true},
};

static void add_boot_figure(struct bench *bench, const char *way, const char *part,
                            enum bench_system system, double ms)
{
    char *name = string_format("%s%s", way, part);
    const struct figure_key key = {"boot", name, "ms"};
    figures_add(&bench->figures, &key, bench_series(system, false), ms);
    free(name);
}

/* The kernel's own time from /proc/ouro, in ms; below 0: not printed. */
static double kernel_time(const char *output)
{
    unsigned long us;
    const char *line = strstr(output, "/proc/ouro| boot: ");
    return line && sscanf(line, "/proc/ouro| boot: %lu us", &us) == 1 ? (double)us / 1e3 : -1;
}

enum {
    MARK_FIRST_LINE,
    MARK_FIRMWARE,
    MARK_DONE
};

/* One boot: the total, and the parts that the marks or the kernel give. */
static void boot_once(struct bench *bench, const struct way *way, const struct bench_boot *boot)
{
    struct bench_seen seen = {
        .mark = {FIRST_LINE, way->firmware_ends ? way->firmware_ends : FIRST_LINE, DONE},
        .marks = 3};
    double firmware = -1;
    if (way->debug_port) {
        struct bench_boot watched = *boot;
        watched.firmware_log = true;
        if (bench_run(&watched, &seen))
            firmware = seen.at[MARK_FIRMWARE];
        text_free(&seen.output);
    }
    if (bench_run_or_warn(boot, &seen, way->name)) {
        double total = seen.at[MARK_FIRST_LINE], kernel = kernel_time(seen.output.bytes);
        if (way->firmware_ends && !way->debug_port)
            firmware = seen.at[MARK_FIRMWARE];
        add_boot_figure(bench, way->name, "", boot->system, total);
        if (firmware >= 0)
            add_boot_figure(bench, way->name, ".firmware", boot->system, firmware);
        if (firmware >= 0 && kernel >= 0)
            add_boot_figure(bench, way->name, ".grub", boot->system, total - firmware - kernel);
        else if (firmware >= 0)
            add_boot_figure(bench, way->name, ".grub+kernel", boot->system, total - firmware);
        if (kernel >= 0)
            add_boot_figure(bench, way->name, ".kernel", boot->system, kernel);
    }
    text_free(&seen.output);
}

static struct bench_boot boot_by(const struct bench *bench, const struct way *way,
                                 enum bench_system system, const char *archive)
{
    struct bench_boot boot = bench_direct(bench, system, archive);
    boot.medium = way->medium;
    boot.firmware = way->firmware;
    if (way->medium == MEDIUM_CD)
        boot.image = bench_image(&boot);
    return boot;
}

/* The phases of the kernel's boot in thousands of instructions, from one boot with -icount, where the
 * microseconds of /proc/ouro have that unit: "/proc/ouro|     186 us  memory". */
static void count_boot(struct bench *bench, const char *archive)
{
    struct bench_boot boot = bench_direct(bench, BENCH_OURO, archive);
    struct bench_seen seen = {.mark = {DONE}, .marks = 1};
    boot.counted = true;
    bench_progress("counting", BENCH_OURO, 1, 1);
    if (bench_run_or_warn(&boot, &seen, "counting")) {
        char *rest = NULL, phase[40];
        unsigned long thousands;
        for (char *line = strtok_r(seen.output.bytes, "\n", &rest); line != NULL;
             line = strtok_r(NULL, "\n", &rest))
            if (sscanf(line, "/proc/ouro| %lu us %39[^\r\"]", &thousands, phase) == 2) {
                char *name = string_format("kernel: %s", phase);
                const struct figure_key key = {"boot", name, "thousand"};
                figures_add(&bench->figures, &key, bench_series(BENCH_OURO, true),
                            (double)thousands);
                free(name);
            }
    }
    text_free(&seen.output);
}

void bench_boot(struct bench *bench)
{
    char *hello = bench_program("hello"), *archive = bench_archive(hello, NULL);
    for (size_t w = 0; w < ARRAY_LENGTH(ways); w++) {
        struct bench_boot boot[BENCH_SYSTEMS] = {0};
        unsigned runs = ways[w].slow ? (bench->runs + 1) / 2 : bench->runs;
        if (ways[w].slow && bench->quick)
            continue;
        FOR_EACH_SYSTEM(bench, system)
        boot[system] = boot_by(bench, &ways[w], system, archive);
        for (unsigned run = 0; run < runs; run++) {
            FOR_EACH_SYSTEM(bench, system)
            {
                bench_progress(ways[w].name, system, run + 1, runs);
                boot_once(bench, &ways[w], &boot[system]);
            }
        }
    }
    count_boot(bench, archive);
    bench_boot_cost(bench);
    free(archive);
    free(hello);
}

/* ---- memory ---- */

#define KIB        UINT64_C(1024)
#define MEMORY_LOW (1024 * KIB)
#define MEMORY_TOP (256 * 1024 * KIB)
#define STEP_LEAST (128 * KIB)
#define STEP_PART  64 /* a search ends at this part of the result */

/* Programs, each with the output that shows that it runs. */
static const struct memory_case {
    const char *name, *init;
    const char *const arguments[6];
    const char *shows;
    const char *const files[FILES_MAX][2];
} memory_cases[] = {
    {"hello", "hello", {NULL}, FIRST_LINE, {{NULL}}},
    {"busybox", "start", {BUSYBOX, "echo", "BUSYBOX RAN", NULL}, "BUSYBOX RAN", {{BUSYBOX}}},
    {"sqlite3",
     "start",
     {SQLITE, ":memory:", "select 'SQLITE ' || 'RAN'", NULL},
     "SQLITE RAN",
     {{SQLITE}}},
    {"python3",
     "start",
     {PYTHON, "-S", "/ran.py", NULL},
     "PYTHON RAN",
     {{PYTHON},
      {PYTHON_LIBRARY "encodings"},
      {PYTHON_LIBRARY "os.py"},
      {"/ran.py", SCRIPT("ran.py")}}}, /* -c would load more since Python 3.13 */
};

static bool runs_with(struct bench_boot *boot, uint64_t memory, const char *shows, double *took)
{
    struct bench_seen seen = {.mark = {shows}, .marks = 1};
    boot->memory = memory;
    bool ran = bench_run(boot, &seen);
    *took = seen.at[0] / 1e3;
    text_free(&seen.output);
    return ran;
}

/* The smallest memory with which the program still runs, in bytes; 0: not even with the most. A machine
 * with too little memory may hang: PATIENCE is its time limit, from the time with enough memory. */
#define PATIENCE(seconds) ((seconds)*4 + 1)

static uint64_t least_memory(struct bench_boot *boot, const char *shows)
{
    uint64_t low = MEMORY_LOW, high = MEMORY_TOP;
    double took, ignored;
    if (!runs_with(boot, high, shows, &took))
        return 0;
    boot->limit = PATIENCE(took);
    while (high - low > STEP_LEAST && high - low > high / STEP_PART) {
        uint64_t middle = (low + (high - low) / 2) & ~(STEP_LEAST - 1);
        if (runs_with(boot, middle, shows, &ignored))
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* The memory in use while hello runs alone in 256 MiB: kernel, tables, the archive and hello. */
static void memory_at_rest(struct bench *bench, enum bench_system system, const char *archive)
{
    const struct figure_key free_memory = {"memory", "free", "KiB"},
                            used = {"memory", "in_use_at_rest", "KiB"};
    struct bench_boot boot = bench_direct(bench, system, archive);
    struct bench_seen seen = {.mark = {DONE}, .marks = 1};
    struct figures said = {0};
    if (bench_run_or_warn(&boot, &seen, "hello"))
        bench_read_figures(seen.output.bytes, "memory", "free", &said);
    struct summary left = figures_summary(&said, &free_memory, "free");
    if (left.samples)
        figures_add(&bench->figures, &used, bench_series(system, false),
                    (double)(boot.memory / KIB) - left.median);
    figures_free(&said);
    text_free(&seen.output);
}

void bench_memory(struct bench *bench)
{
    for (size_t i = 0; i < ARRAY_LENGTH(memory_cases); i++) {
        const struct memory_case *c = &memory_cases[i];
        char *init = bench_program(c->init), *archive = bench_archive(init, c->files);
        char *name = string_format("smallest_%s", c->name);
        const struct figure_key key = {"memory", name, "KiB"};
        FOR_EACH_SYSTEM(bench, system)
        {
            struct bench_boot boot = bench_direct(bench, system, archive);
            boot.program = c->arguments;
            bench_progress(name, system, 1, 1);
            uint64_t least = least_memory(&boot, c->shows);
            if (least)
                figures_add(&bench->figures, &key, bench_series(system, false),
                            (double)(least / KIB));
            if (i == 0)
                memory_at_rest(bench, system, archive);
        }
        free(name);
        free(archive);
        free(init);
    }
}

/* ---- primitives ---- */

/* Boots the primitives program with its arguments and adds its figures to a section. */
static void run_primitives(struct bench *bench, const char *section, const char *archive,
                           const char *const *arguments)
{
    for (unsigned run = 0; run < bench->runs; run++) {
        FOR_EACH_SYSTEM(bench, system)
        {
            struct bench_boot boot = bench_direct(bench, system, archive);
            struct bench_seen seen = {.mark = {DONE}, .marks = 1};
            boot.program = arguments;
            bench_progress(section, system, run + 1, bench->runs);
            if (bench_run_or_warn(&boot, &seen, section))
                bench_read_figures(seen.output.bytes, section, bench_series(system, false),
                                   &bench->figures);
            text_free(&seen.output);
        }
    }
}

/* Measures the primitives in instructions: with QEMU's -icount each takes a nanosecond. */
static void count_primitives(struct bench *bench, const char *section, const char *archive)
{
    static const char *const arguments[] = {"rounds=1", "divide=10", "user=0", NULL};
    FOR_EACH_SYSTEM(bench, system)
    {
        struct bench_boot boot = bench_direct(bench, system, archive);
        struct bench_seen seen = {.mark = {DONE}, .marks = 1};
        boot.program = arguments;
        boot.counted = true;
        bench_progress("counting", system, 1, 1);
        if (bench_run_or_warn(&boot, &seen, "counting"))
            bench_read_figures(seen.output.bytes, section, bench_series(system, true),
                               &bench->figures);
        text_free(&seen.output);
    }
}

void bench_primitives(struct bench *bench)
{
    static const char *const arguments[] = {"rounds=5", "user=0", NULL};
    static const char *const fewer[] = {"rounds=3", "divide=2", "user=0", NULL};
    char *program = bench_program("primitives"), *archive = bench_archive(program, NULL);
    run_primitives(bench, "primitives", archive, bench->quick ? fewer : arguments);
    count_primitives(bench, "primitives", archive);
    free(archive);
    free(program);
}

/* ---- apps ---- */

/* Programs of Debian: the time from start to last line, or the program's own figure; and the lines
 * `figure` that it prints. */
static const struct app {
    const char *name;
    const char *const arguments[16];
    const char *ends;
    const char *const files[FILES_MAX][2];
    bool speed;      /* openssl speed: prints blocks and seconds */
    uint64_t memory; /* bytes; 0: as much as all */
} apps[] = {
    {"sqlite3_speed",
     {SQLITE, ":memory:", ".read /speed.sql", NULL},
     "speed.sql ends",
     {{SQLITE}, {"/speed.sql", SCRIPT("speed.sql")}},
     false,
     0},
    {"lua_loop",
     {LUA, "/loop.lua", NULL},
     "loop.lua ends",
     {{LUA}, {"/loop.lua", SCRIPT("loop.lua")}},
     false,
     0},
    {"python3_loop",
     {PYTHON, "-S", "/loop.py", NULL},
     "loop.py ends",
     {{PYTHON},
      {PYTHON_LIBRARY "encodings"},
      {PYTHON_LIBRARY "os.py"},
      {"/loop.py", SCRIPT("loop.py")}},
     false,
     0},
    {"openssl_sha256",
     {OPENSSL, "speed", "-seconds", "2", "-bytes", "16384", "sha256", NULL},
     "version: ",
     {{OPENSSL}},
     true,
     0},
    {"openssl_aes128",
     {OPENSSL, "speed", "-seconds", "2", "-bytes", "16384", "aes-128-cbc", NULL},
     "version: ",
     {{OPENSSL}},
     true,
     0},
    {"busybox_md5sum",
     {BUSYBOX, "md5sum", BUSYBOX, BUSYBOX, BUSYBOX, BUSYBOX, BUSYBOX, BUSYBOX, BUSYBOX, BUSYBOX,
      BUSYBOX, BUSYBOX, "/init", NULL},
     "  /init",
     {{BUSYBOX}},
     false,
     0},
    {"busybox_awk",
     {BUSYBOX, "awk", "BEGIN { for (i = 0; i < 300000; i++) s += i % 7; print \"sum\", s }", NULL},
     "sum 8",
     {{BUSYBOX}},
     false,
     0},
    {"busybox_sh",
     {BUSYBOX, "sh", "-c", "i=0; while [ $i -lt 50000 ]; do i=$((i + 1)); done; echo at $i", NULL},
     "at 50000",
     {{BUSYBOX}},
     false,
     0},
    {"node_memory",
     {NODE, "/memory.js", NULL},
     "memory.js ends",
     {{NODE}, {"/memory.js", SCRIPT("memory.js")}},
     false,
     1024 * 1024 * KIB},
};

/* Nanoseconds for a block, from "... 16384 size blocks: 65195 sha256's in 0.71s", or "... 65195 sha256 ops in 0.71s" since
 * OpenSSL 3.2; below 0 if there is no such line. */
static double block_time(const char *output)
{
    static const char before[] = " size blocks: ";
    const char *at = strstr(output, before), *in = at ? strstr(at, " in ") : NULL;
    double blocks, seconds;
    bool good = in && sscanf(at + sizeof before - 1, "%lf", &blocks) == 1 &&
                sscanf(in, " in %lfs", &seconds) == 1;
    return good && blocks > 0 ? seconds / blocks * 1e9 : -1;
}

static void run_app(struct bench *bench, const struct app *app, const char *archive)
{
    const struct figure_key key = {"apps", app->name, app->speed ? "ns" : "ms"};
    for (unsigned run = 0; run < bench->runs; run++) {
        FOR_EACH_SYSTEM(bench, system)
        {
            struct bench_boot boot = bench_direct(bench, system, archive);
            struct bench_seen seen = {.mark = {STARTED, app->ends}, .marks = 2};
            boot.program = app->arguments;
            boot.memory = app->memory ? app->memory : boot.memory;
            bench_progress(app->name, system, run + 1, bench->runs);
            bool ended = bench_run_or_warn(&boot, &seen, app->name);
            double value = !ended       ? -1
                           : app->speed ? block_time(seen.output.bytes)
                                        : seen.at[1] - seen.at[0];
            if (value >= 0)
                figures_add(&bench->figures, &key, bench_series(system, false), value);
            bench_read_figures(seen.output.bytes, "apps", bench_series(system, false),
                               &bench->figures);
            text_free(&seen.output);
        }
    }
}

void bench_apps(struct bench *bench)
{
    static const char *const arguments[] = {"rounds=5", "user=1", NULL};
    char *program = bench_program("primitives"), *archive = bench_archive(program, NULL);
    run_primitives(bench, "apps", archive, arguments);
    char *start = bench_program("start");
    for (size_t i = 0; i < ARRAY_LENGTH(apps); i++) {
        if (access(apps[i].arguments[0], X_OK) != 0) {
            printf("apps: %s is not installed; %s is left out\n", apps[i].arguments[0],
                   apps[i].name);
            continue;
        }
        char *app_archive = bench_archive(start, apps[i].files);
        run_app(bench, &apps[i], app_archive);
        free(app_archive);
    }
    free(start);
    free(archive);
    free(program);
}
