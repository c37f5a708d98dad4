/* SPDX-License-Identifier: MIT */
/*
 * The section disk: loads of bench/disk.c on an empty ext4 of 1 GiB, on virtio-blk. Each boot has a fresh volume. Programs come
 * from Debian's packages, unpacked by test/packages/root.sh.
 */
#include "bench/bench.h"
#include "host/fail.h"
#include "host/guard.h"
#include "image/tree.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT  OURO_BUILD_DIR "/packages/disk"
#define LIMIT 300.0 /* of a boot */
#define MEMORY                                                                                     \
    (UINT64_C(512) << 20) /* fio has large libraries, and Linux gives half of memory to files */

void bench_run_on_disk(struct bench *bench, enum bench_system system,
                       const struct bench_on_disk *load)
{
    char *volume = guard_path("bench-disk.img");
    struct disks disks = {.disk = {{.file = volume}, {.swap = load->swap}},
                          .count = load->swap > 0 ? 2 : 1};
    struct bench_boot boot = bench_direct(bench, system, load->archive);
    struct bench_seen seen = {.mark = {"bench done"}, .marks = 1};
    unlink(volume);
    disks_make_quietly(volume, DISKS_VOLUME_SIZE);
    boot.disks = &disks;
    boot.counted = load->counted;
    boot.program = load->program;
    boot.memory = MEMORY;
    boot.limit = LIMIT;
    if (bench_run_or_warn(&boot, &seen, load->section))
        bench_read_figures(seen.output.bytes, load->section, bench_series(system, load->counted),
                           &bench->figures);
    text_free(&seen.output);
    unlink(volume);
    free(volume);
}

const char *bench_modules(void)
{
    static const char modules[] = OURO_BUILD_DIR "/bench/linux/modules";
    return access(modules, F_OK) == 0 ? modules : NULL;
}

void bench_disk(struct bench *bench)
{
    static const char *const count[] = {"counted=1", NULL};
    char *const unpack[] = {
        OURO_SOURCE_DIR "/test/packages/root.sh", ROOT, "busybox-static", "fio", "sqlite3", NULL};
    const char *files[][2] = {
        {"/usr/bin/fio"}, {"/usr/bin/sqlite3"}, {"/bin/busybox"}, {"/m", bench_modules()}, {NULL}};
    mkdir(OURO_BUILD_DIR "/packages", 0755);
    if (!child_run(unpack)) {
        puts("disk: Debian's packages are not available; the section is left out");
        return;
    }
    if (files[3][1] == NULL)
        files[3][0] = NULL;
    tree_sysroot(ROOT);
    char *program = bench_program("disk"), *archive = bench_archive(program, files);
    for (unsigned run = 0; run <= bench->runs; run++) { /* the last one counts */
        FOR_EACH_SYSTEM(bench, system)
        {
            bench_progress("disk", system, run + 1, bench->runs + 1);
            const struct bench_on_disk load = {.section = "disk",
                                               .archive = archive,
                                               .program = run == bench->runs ? count : NULL,
                                               .counted = run == bench->runs};
            bench_run_on_disk(bench, system, &load);
        }
    }
    tree_sysroot("/");
    free(archive);
    free(program);
}
