/* SPDX-License-Identifier: MIT */
/*
 * Loads of a disk, for `./ouro bench disk`: /dev/vda with an empty ext4 of 1 GiB, mounted at /data; /dev/vdb for swap.
 *
 *     disk [counted=1] [only=LOAD]...
 *
 * counted=1: figures are those of the programs' threads on the CPU, of fewer rounds: instructions with QEMU's -icount.
 * On a bare Linux it inserts the modules of /m.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define MIB         (1 << 20)
#define TAR_FILES   2000
#define TAR_FOLDERS 40
#define TAR_BLOCK   512

static bool counted;

static _Noreturn void fail_at(const char *what)
{
    printf("disk: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- the clock ---- */

/* Nanoseconds of the system's clock; counted: those of this process and of its children on the CPU. */
static double disk_clock(void)
{
    struct rusage used;
    struct timespec own;
    if (!counted)
        return (double)now_ns();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
    getrusage(RUSAGE_CHILDREN, &used);
    return (double)(own.tv_sec + used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e9 +
           (double)own.tv_nsec + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e3;
}

/* Says how long one of `count` operations took; counted: thousands of instructions. */
static void say(const char *name, double start, double count)
{
    figure(name, "us", (disk_clock() - start) / 1e3 / count);
}

/* Requests that the disk has finished, of all kinds. */
static double requests_done(void)
{
    unsigned long long of[15] = {0}, sum = 0;
    FILE *file = fopen("/sys/block/vda/stat", "r");
    for (int i = 0; file && i < 15 && fscanf(file, "%llu", &of[i]) == 1; i++)
        ;
    if (file)
        fclose(file);
    sum = of[0] + of[4] + of[11] + of[14]; /* reads, writes, discards, flushes */
    return (double)sum;
}

/* ---- programs ---- */

static void run_program(char *const argv[], const char *input)
{
    extern char **environ;
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = 0;
    posix_spawn_file_actions_init(&actions);
    if (input)
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0);
    if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environ) != 0)
        fail_at(argv[0]);
    posix_spawn_file_actions_destroy(&actions);
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        printf("disk: %s ended with status %d\n", argv[0], status);
        exit(1);
    }
}

/* The field of fio's terse line, counted from 0. */
static double terse_field(const char *path, int number)
{
    static char line[16384];
    FILE *file = fopen(path, "r");
    const char *at = line;
    if (!file || !fgets(line, sizeof line, file))
        fail_at(path);
    fclose(file);
    for (; number > 0 && at; number--)
        at = strchr(at, ';') ? strchr(at, ';') + 1 : NULL;
    return at ? atof(at) : 0;
}

enum { /* fields of fio's terse format, version 3 */
    TERSE_READ_KB = 5,
    TERSE_READ_MS = 8,
    TERSE_WRITE_KB = 46,
    TERSE_WRITE_MS = 49,
};

/* One job of fio; `unit`: bytes of an operation. The time is fio's, without the file's layout, or, counted, all of it beside
 * that of the same job with a tenth of the bytes. */
static void fio_job(const char *name, const char *mode, const char *block, const char *more,
                    double unit)
{
    bool writes = strstr(mode, "write") != NULL;
    char rw[32], bs[32], size[32];
    char *argv[] = {"/usr/bin/fio",
                    "--name=job",
                    "--filename=/data/fio",
                    "--ioengine=psync",
                    "--thread",
                    "--disk_util=0",
                    "--minimal",
                    "--terse-version=3",
                    "--output=/tmp/fio.out",
                    "--randseed=7",
                    "--size=64M",
                    rw,
                    bs,
                    size,
                    (char *)(uintptr_t)more,
                    NULL};
    snprintf(rw, sizeof rw, "--rw=%s", mode);
    snprintf(bs, sizeof bs, "--bs=%s", block);
    double spent[2] = {0}, bytes[2] = {0};
    for (int round = counted ? 0 : 2; round < 3; round++) {
        int part = round / 2; /* the first round drops the pages of the load before */
        snprintf(size, sizeof size, "--io_size=%dM", part == 0 ? 4 : 64);
        double start = disk_clock();
        run_program(argv, NULL);
        spent[part] =
            counted ? disk_clock() - start
                    : terse_field("/tmp/fio.out", writes ? TERSE_WRITE_MS : TERSE_READ_MS) * 1e6;
        bytes[part] = terse_field("/tmp/fio.out", writes ? TERSE_WRITE_KB : TERSE_READ_KB) * 1024;
    }
    figure(name, "us", (spent[1] - spent[0]) / 1e3 * unit / (bytes[1] - bytes[0]));
}

static void load_fio(void)
{
    fio_job("fio_seqwrite_1m", "write", "128k", "--end_fsync=1", MIB);
    fio_job("fio_seqread_1m", "read", "128k", "--invalidate=1", MIB);
    fio_job("fio_randread_4k", "randread", "4k", "--invalidate=1", 4096);
    fio_job("fio_randread_4k_direct", "randread", "4k", "--direct=1", 4096);
    unlink("/data/fio");
}

/* ---- sqlite ---- */

static void load_sqlite(void)
{
    static char *const argv[] = {"/usr/bin/sqlite3", "/data/test.db", NULL};
    static const char *const journal[] = {"delete", "wal"};
    int count = counted ? 50 : 200;
    for (int mode = 0; mode < 2; mode++) {
        FILE *file = fopen("/tmp/script.sql", "w");
        if (!file)
            fail_at("/tmp/script.sql");
        fprintf(file,
                "pragma journal_mode=%s; pragma synchronous=full; pragma locking_mode=normal;\n"
                "create table t%d(a integer primary key, b text);\n",
                journal[mode], mode);
        for (int i = 0; i < count; i++)
            fprintf(file, "insert into t%d(b) values('a row of the table, number %d');\n", mode, i);
        fclose(file);
        double start = disk_clock();
        run_program(argv, "/tmp/script.sql");
        say(mode == 0 ? "sqlite_insert" : "sqlite_insert_wal", start, count);
    }
}

/* ---- small files ---- */

static void load_small(void)
{
    static char bytes[4096];
    char name[64];
    int count = counted ? 100 : 400;
    double start = disk_clock();
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "/data/small%d", i);
        int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);
        if (fd < 0 || write(fd, bytes, sizeof bytes) != sizeof bytes || fsync(fd) != 0)
            fail_at(name);
        close(fd);
        if (unlink(name) != 0)
            fail_at(name);
    }
    say("create_fsync_unlink", start, count);
}

/* ---- untar ---- */

static void tar_entry(FILE *file, const char *name, char type, unsigned size)
{
    static char block[TAR_BLOCK];
    unsigned sum = 8 * ' ';
    memset(block, 0, sizeof block);
    strcpy(block, name);
    sprintf(block + 100, "%07o", type == '5' ? 0755 : 0644);
    sprintf(block + 108, "%07o", 0);
    sprintf(block + 116, "%07o", 0);
    sprintf(block + 124, "%011o", size);
    sprintf(block + 136, "%011o", 1700000000);
    block[156] = type;
    memcpy(block + 257, "ustar\00000", 8);
    for (unsigned i = 0; i < TAR_BLOCK; i++)
        sum += (unsigned char)block[i];
    sprintf(block + 148, "%06o", sum);
    block[155] = ' ';
    fwrite(block, 1, TAR_BLOCK, file);
    memset(block, 'x', sizeof block);
    for (unsigned at = 0; at < size; at += TAR_BLOCK) {
        if (size - at < TAR_BLOCK)
            memset(block + (size - at), 0, TAR_BLOCK - (size - at));
        fwrite(block, 1, TAR_BLOCK, file);
    }
}

/* Files of 0 to 14 KiB, as those of a source tree. */
static void make_tar(void)
{
    static const char end[2 * TAR_BLOCK];
    char name[64];
    FILE *file = fopen("/tmp/files.tar", "w");
    if (!file)
        fail_at("/tmp/files.tar");
    for (unsigned i = 0; i < TAR_FOLDERS; i++) {
        snprintf(name, sizeof name, "tree/d%u/", i);
        tar_entry(file, name, '5', 0);
    }
    for (unsigned i = 0; i < TAR_FILES; i++) {
        snprintf(name, sizeof name, "tree/d%u/file%u.c", i % TAR_FOLDERS, i);
        tar_entry(file, name, '0', i * 7919 % 14000);
    }
    fwrite(end, 1, sizeof end, file);
    if (fclose(file) != 0)
        fail_at("/tmp/files.tar");
}

static void load_untar(void)
{
    static char *const argv[] = {"/bin/busybox", "tar",   "xf", "/tmp/files.tar",
                                 "-C",           "/data", NULL};
    make_tar();
    sync();
    double start = disk_clock();
    run_program(argv, NULL);
    say("untar_file", start, TAR_FILES);
    sync();
    say("untar_file_sync", start, TAR_FILES);
    unlink("/tmp/files.tar");
}

/* ---- swap ---- */

#define SWAP_SPOTS  1024 /* pages far from each other, then as many that follow each other */
#define SWAP_STRIDE 16   /* pages: Linux reads 8 around a fault, too */
#define SWAP_APART  (SWAP_SPOTS * SWAP_STRIDE * 4096ul)
#define SWAP_OTHERS (560ul * MIB) /* more than the machine has */

static volatile char *swap_map(size_t size)
{
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED || madvise(at, size, MADV_NOHUGEPAGE) != 0)
        fail_at("mmap");
    return at;
}

static void swap_write(volatile char *pages, size_t size)
{
    for (size_t at = 0; at < size; at += 4096)
        pages[at] = (char)(at >> 12);
}

/* Reads those of the pages that are on the swap device. */
static void swap_read(const char *name, volatile char *pages, size_t stride)
{
    unsigned char there[SWAP_SPOTS];
    unsigned absent = 0;
    for (size_t i = 0; i < SWAP_SPOTS; i++) {
        if (mincore((char *)(uintptr_t)pages + i * stride, 4096, &there[i]) != 0)
            fail_at("mincore");
        absent += !(there[i] & 1);
    }
    if (absent < SWAP_SPOTS / 2) {
        printf("disk: only %u pages are on the swap device\n", absent);
        exit(1);
    }
    double start = disk_clock();
    for (size_t i = 0; i < SWAP_SPOTS; i++) {
        size_t spot = stride > 4096 ? i * 389 % SWAP_SPOTS : i;
        if (!(there[spot] & 1) && pages[spot * stride] != (char)(spot * stride >> 12)) {
            puts("disk: a page came back wrong");
            exit(1);
        }
    }
    say(name, start, absent);
}

/* The first access to pages that are on the swap device, when memory is free again. */
static void load_swap(void)
{
    if (swapon("/dev/vdb", 0) != 0)
        fail_at("swapon /dev/vdb");
    volatile char *others = swap_map(SWAP_OTHERS), *order = swap_map(SWAP_SPOTS * 4096ul),
                  *apart = swap_map(SWAP_APART);
    swap_write(apart, SWAP_APART);
    swap_write(order, SWAP_SPOTS * 4096ul);
    swap_write(others, SWAP_OTHERS);
    munmap((void *)(uintptr_t)others, SWAP_OTHERS);
    swap_read("swap_in", apart, SWAP_STRIDE * 4096ul);
    swap_read("swap_in_order", order, 4096);
    munmap((void *)(uintptr_t)order, SWAP_SPOTS * 4096ul);
    munmap((void *)(uintptr_t)apart, SWAP_APART);
    if (swapoff("/dev/vdb") != 0)
        fail_at("swapoff");
}

/* ---- start ---- */

/* Linux's lazy initialisation of inode tables would go on beside the loads. */
static int mount_data(void)
{
    return mount("/dev/vda", "/data", "ext4", 0,
                 access("/m", F_OK) == 0 && access("/proc/ouro", F_OK) != 0 ? "noinit_itable" : "");
}

static void load_mount(void)
{
    int rounds = counted ? 5 : 10;
    double requests = requests_done(), start = disk_clock();
    for (int i = 0; i < rounds; i++)
        if (umount("/data") != 0 || mount_data() != 0)
            fail_at("mount");
    say("mount_umount_1g", start, rounds);
    figure("mount_umount_requests", "requests", (requests_done() - requests) / rounds);
}

static void insert_disk_modules(void)
{
    static const char *const modules[] = {
        "virtio_ring",           "virtio",     "virtio_pci_modern_dev",
        "virtio_pci_legacy_dev", "virtio_pci", "virtio_blk"};
    insert_modules(modules, sizeof modules / sizeof *modules);
}

static void start_disk(void)
{
    double requests = 0, start;
    bool bare = access("/proc/ouro", F_OK) != 0;
    mkdir("/dev", 0755);
    mkdir("/sys", 0755);
    mkdir("/data", 0755);
    if (bare) {
        mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
        mount("sysfs", "/sys", "sysfs", 0, NULL);
        mount("tmpfs", "/tmp", "tmpfs", 0, "size=100M");
        insert_disk_modules();
    }
    for (int i = 0; i < 500 && access("/dev/vda", F_OK) != 0; i++)
        usleep(10000);
    usleep(200000); /* partitions are looked for */
    requests = requests_done();
    start = disk_clock();
    if (mount_data() != 0)
        fail_at("/data");
    say("mount_first_1g", start, 1);
    figure("mount_first_requests", "requests", requests_done() - requests);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } loads[] = {{"mount", load_mount}, {"fio", load_fio},     {"sqlite", load_sqlite},
                 {"small", load_small}, {"untar", load_untar}, {"swap", load_swap}};
    bench_start();
    counted = argument(argc, argv, "counted", 0) != 0;
    start_disk();
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++)
        if (chosen(argc, argv, loads[i].name))
            loads[i].run();
    if (umount("/data") != 0)
        fail_at("umount");
    bench_done();
}
