/* SPDX-License-Identifier: MIT */
/* The section programs: make with gcc, and PostgreSQL (bench/programs.c), of Debian's packages, unpacked by test/packages/root.sh. */
#include "bench/bench.h"
#include "image/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PACKAGES OURO_BUILD_DIR "/packages"
#define GCC      "/usr/lib/gcc/x86_64-linux-gnu/12"
#define LIBRARY  "/usr/lib/x86_64-linux-gnu"
#define LIMIT    900.0 /* of a boot */
#define MEMORY   (UINT64_C(1) << 30)

static void run_programs(struct bench *bench, const char *root, char *const *unpack,
                         const char *const (*files)[2], const char *program)
{
    if (!child_run(unpack)) {
        printf("programs: the packages of %s are not available; they are left out\n", root);
        return;
    }
    tree_sysroot(root);
    char *archive = bench_archive(program, files);
    tree_sysroot("/");
    for (unsigned run = 0; run < bench->runs; run++) {
        FOR_EACH_SYSTEM(bench, system)
        {
            struct bench_boot boot = bench_direct(bench, system, archive);
            struct bench_seen seen = {.mark = {"bench done"}, .marks = 1};
            boot.memory = MEMORY;
            boot.limit = LIMIT;
            bench_progress("programs", system, run + 1, bench->runs);
            if (bench_run_or_warn(&boot, &seen, "programs"))
                bench_read_figures(seen.output.bytes, "programs", bench_series(system, false),
                                   &bench->figures);
            text_free(&seen.output);
        }
    }
    free(archive);
}

void bench_programs(struct bench *bench)
{
    static char *const compiler[] = {OURO_SOURCE_DIR "/test/packages/root.sh",
                                     PACKAGES "/compiler",
                                     "binutils",
                                     "coreutils",
                                     "dash",
                                     "gcc-12",
                                     "libc6-dev",
                                     "make",
                                     NULL};
    static char *const databases[] = {OURO_SOURCE_DIR "/test/packages/databases.sh",
                                      PACKAGES "/databases", NULL};
    static const char *const compiler_files[][2] = {{"/bin/sh"},
                                                    {"/usr/bin/make"},
                                                    {"/usr/bin/gcc-12"},
                                                    {"/usr/bin/as"},
                                                    {"/usr/bin/ld"},
                                                    {GCC "/cc1"},
                                                    {GCC "/collect2"},
                                                    {GCC "/lto-wrapper"},
                                                    {GCC "/liblto_plugin.so"},
                                                    {GCC "/crtbeginS.o"},
                                                    {GCC "/crtendS.o"},
                                                    {GCC "/libgcc.a"},
                                                    {GCC "/libgcc_s.so"},
                                                    {GCC "/include"},
                                                    {LIBRARY "/Scrt1.o"},
                                                    {LIBRARY "/crti.o"},
                                                    {LIBRARY "/crtn.o"},
                                                    {LIBRARY "/libc.so"},
                                                    {LIBRARY "/libc_nonshared.a"},
                                                    {LIBRARY "/libgcc_s.so.1"},
                                                    {"/usr/include"},
                                                    {NULL}};
    static const char *const database_files[][2] = {{"/bin/sh"},
                                                    {"/bin/rm"},
                                                    {"/usr/lib/postgresql/15/bin"},
                                                    {"/usr/lib/postgresql/15/lib"},
                                                    {"/usr/share/postgresql/15"},
                                                    {"/usr/share/zoneinfo/UTC"},
                                                    {NULL}};
    char *program = bench_program("programs");
    mkdir(PACKAGES, 0755);
    run_programs(bench, PACKAGES "/compiler", compiler, compiler_files, program);
    run_programs(bench, PACKAGES "/databases", databases, database_files, program);
    free(program);
}
