/* SPDX-License-Identifier: MIT */
/*
 * The section net: servers of the machine (bench/net.c starts them) under clients of this computer, by QEMU's user network
 * and virtio-net. For each load: microseconds a request, as the client sees them; `.cpu`, those of them in which the
 * thread of QEMU that is the guest's CPU ran; counted, the guest's instructions a request, without those of idleness.
 * Programs come from Debian's packages, unpacked by test/packages/servers.sh.
 */
#include "bench/bench.h"
#include "bench/bench_traffic.h"
#include "host/fail.h"
#include "host/path.h"
#include "image/tree.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ROOT      OURO_BUILD_DIR "/packages/servers"
#define LIBRARIES ROOT "/usr/lib/x86_64-linux-gnu"
#define MODULES   OURO_BUILD_DIR "/bench/linux/modules"
#define SECONDS   2.0
#define WARM      0.3
#define LIMIT     60.0 /* of a boot */
#define LOADS_MAX 5

enum {
    PORT_CLOCK,
    PORT_OUT,
    PORT_IN,
    PORT_SERVER,
    PORTS
};

struct load {
    const char *name;
    enum {
        LOAD_NONE,
        LOAD_WRK,       /* words: -c */
        LOAD_REDIS,     /* words: options */
        LOAD_MEMCACHED, /* 16 connections */
        LOAD_OUT,
        LOAD_IN,
    } kind;
    const char *words;
};

#define BULK_UNIT 1048576.0 /* a "request" of a bulk load */

static const struct server {
    const char *name;
    uint16_t port;
    const char *program[6];   /* arguments of bench/net.c after the port */
    const char *packed[5][2]; /* for bench_archive() */
    struct load loads[LOADS_MAX + 1];
} servers[] = {
    {"httpd",
     8080,
     {"/bin/httpd"},
     {{NULL}},
     {{"http_c1", LOAD_WRK, "1"},
      {"http_c16", LOAD_WRK, "16"},
      {"http_c64", LOAD_WRK, "64"},
      {"bulk_out_1m", LOAD_OUT, NULL},
      {"bulk_in_1m", LOAD_IN, NULL}}},
    {"nginx",
     80,
     {"/usr/sbin/nginx", "-c", "/nginx.conf"},
     {{"/usr/sbin/nginx"},
      {"/nginx.conf", OURO_SOURCE_DIR "/bench/nginx.conf"},
      {"/www/index.html", OURO_SOURCE_DIR "/bench/nginx.conf"},
      {"/etc/passwd", ROOT "/etc/passwd"},
      {"/etc/group", ROOT "/etc/group"}},
     {{"nginx_c16", LOAD_WRK, "16"}}},
    {"redis",
     6379,
     {"/usr/bin/redis-server", "/redis.conf"},
     {{"/usr/bin/redis-server"}, {"/redis.conf", OURO_SOURCE_DIR "/bench/redis.conf"}},
     {{"redis_get", LOAD_REDIS, "-t get -n 8000"},
      {"redis_set", LOAD_REDIS, "-t set -n 8000"},
      {"redis_get_p16", LOAD_REDIS, "-t get -n 48000 -P 16"},
      {"redis_set_p16", LOAD_REDIS, "-t set -n 48000 -P 16"}}},
    {"memcached",
     11211,
     {"/usr/bin/memcached", "-u", "root", "-t", "1"},
     {{"/usr/bin/memcached"}, {"/etc/passwd", ROOT "/etc/passwd"}},
     {{"memcached", LOAD_MEMCACHED, NULL}}},
};

struct boot_loads {
    struct bench *bench;
    const struct server *server;
    struct network_port port[PORTS];
    const char *series;
    bool counted;
};

/* Runs a program of the packages here and reads the number after `before` in its output; 0: there is none. */
static double client_rate(const char *command, const char *before)
{
    char *all = string_format(ROOT "/lib64/ld-linux-x86-64.so.2 --library-path " LIBRARIES " " ROOT
                                   "/usr/bin/%s 2>&1",
                              command);
    char line[512];
    double rate = 0;
    FILE *output = popen(all, "re");
    while (output && fgets(line, sizeof(line), output)) {
        const char *at = strstr(line, before);
        if (at)
            rate = strtod(at + strlen(before), NULL);
    }
    if (output)
        pclose(output);
    free(all);
    return rate;
}

/* Requests a second. */
static double load_rate(const struct boot_loads *boot, const struct load *load, double seconds)
{
    uint16_t port = boot->port[PORT_SERVER].host;
    char *command = NULL;
    double rate = 0;
    switch (load->kind) {
    case LOAD_WRK:
        command = string_format("wrk -t1 -c%s -d%.0f http://127.0.0.1:%u/index.html", load->words,
                                seconds < 1 ? 1 : seconds, port);
        rate = client_rate(command, "Requests/sec:");
        break;
    case LOAD_REDIS:
        command = string_format("redis-benchmark -p %u --csv %s", port, load->words);
        rate = client_rate(command, strstr(load->words, "get") ? "\"GET\",\"" : "\"SET\",\"");
        break;
    case LOAD_MEMCACHED:
        return traffic_memcached(port, 16, seconds);
    case LOAD_OUT:
        return traffic_read(boot->port[PORT_OUT].host, seconds) / BULK_UNIT;
    case LOAD_IN:
        return traffic_write(boot->port[PORT_IN].host, seconds) / BULK_UNIT;
    case LOAD_NONE:
        break;
    }
    free(command);
    return rate;
}

/* Microseconds of the thread that is the machine's CPU. */
static double cpu_us(pid_t qemu)
{
    char *folder = string_format("/proc/%d/task", (int)qemu), line[128];
    DIR *threads = opendir(folder);
    const struct dirent *entry;
    double us = 0;
    while (threads && (entry = readdir(threads)) != NULL) {
        char *name = string_format("%s/%s/comm", folder, entry->d_name);
        char *times = string_format("%s/%s/schedstat", folder, entry->d_name);
        FILE *file = fopen(name, "re");
        bool is_cpu = file && fgets(line, sizeof(line), file) && strstr(line, "CPU");
        if (file)
            fclose(file);
        file = is_cpu ? fopen(times, "re") : NULL;
        if (file && fgets(line, sizeof(line), file))
            us += strtod(line, NULL) / 1e3;
        if (file)
            fclose(file);
        free(name);
        free(times);
    }
    if (threads)
        closedir(threads);
    free(folder);
    return us;
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void add(const struct boot_loads *boot, const char *load, const char *suffix, double value)
{
    char *name = string_format("%s%s", load, suffix);
    const struct figure_key key = {"net", name, "us"};
    figures_add(&boot->bench->figures, &key, boot->series, value);
    free(name);
}

static void measure_load(const struct boot_loads *boot, const struct load *load, pid_t qemu)
{
    uint16_t clock = boot->port[PORT_CLOCK].host;
    if (load->kind != LOAD_REDIS)
        load_rate(boot, load, WARM);
    double busy = boot->counted ? traffic_busy_ns(clock) : 0, cpu = cpu_us(qemu);
    double start = seconds_now(), rate = load_rate(boot, load, SECONDS);
    double seconds = seconds_now() - start;
    cpu = cpu_us(qemu) - cpu;
    busy = boot->counted ? traffic_busy_ns(clock) - busy : 0;
    if (rate <= 0) {
        warn("%s, %s: no answer", load->name, boot->series);
        return;
    }
    if (boot->counted) {
        add(boot, load->name, ".cpu", busy / 1e3 / (rate * seconds));
    } else {
        add(boot, load->name, "", 1e6 / rate);
        add(boot, load->name, ".cpu", cpu / (rate * seconds));
    }
}

static void run_loads(void *context, pid_t qemu)
{
    const struct boot_loads *boot = context;
    for (const struct load *load = boot->server->loads; load->kind != LOAD_NONE; load++)
        measure_load(boot, load, qemu);
}

static void run_server(struct bench *bench, const struct server *server, enum bench_system system,
                       const char *archive, bool counted)
{
    static const char *const names[] = {"-name", "bench,debug-threads=on", NULL};
    struct boot_loads loads = {.bench = bench,
                               .server = server,
                               .series = bench_series(system, counted),
                               .counted = counted};
    static char loopback[] = "127.0.0.1";
    const uint16_t ports[PORTS] = {9000, 9001, 9002, server->port};
    struct network network = {.kind = NETWORK_USER, .port = loads.port, .ports = PORTS};
    char *port = string_format("%u", server->port);
    const char *program[8] = {port};
    for (size_t i = 0; i < PORTS; i++)
        loads.port[i] = (struct network_port){.address = loopback, .guest = ports[i]};
    network_take_ports(&network);
    for (size_t i = 0; i < ARRAY_LENGTH(server->program) && server->program[i]; i++)
        program[i + 1] = server->program[i];
    struct bench_boot boot = bench_direct(bench, system, archive);
    struct bench_seen seen = {.mark = {"bench done"}, .marks = 1};
    boot.program = program;
    boot.counted = counted;
    boot.network = &network;
    boot.qemu = names;
    boot.limit = LIMIT;
    boot.run = run_loads;
    boot.context = &loads;
    bench_run_or_warn(&boot, &seen, server->name);
    text_free(&seen.output);
    free(port);
}

void bench_net(struct bench *bench)
{
    char *const unpack[] = {OURO_SOURCE_DIR "/test/packages/servers.sh", ROOT, NULL};
    struct stat there;
    mkdir(OURO_BUILD_DIR "/packages", 0755);
    if (!child_run(unpack)) {
        puts("net: Debian's packages are not available; the section is left out");
        return;
    }
    tree_sysroot(ROOT);
    char *program = bench_program("net"), *httpd = bench_program("httpd");
    bool modules = stat(MODULES, &there) == 0;
    for (size_t i = 0; i < ARRAY_LENGTH(servers); i++) {
        const char *files[16][2] = {{"/bin/httpd", httpd}};
        size_t count = 1;
        for (size_t k = 0; k < ARRAY_LENGTH(servers[i].packed) && servers[i].packed[k][0]; k++)
            memcpy(files[count++], servers[i].packed[k], sizeof(files[0]));
        if (modules)
            memcpy(files[count++], (const char *[]){"/m", MODULES}, sizeof(files[0]));
        char *archive = bench_archive(program, files);
        for (unsigned run = 0; run <= bench->runs; run++) { /* the last one counts */
            FOR_EACH_SYSTEM(bench, system)
            {
                bench_progress(servers[i].name, system, run + 1, bench->runs + 1);
                run_server(bench, &servers[i], system, archive, run == bench->runs);
            }
        }
        free(archive);
    }
    tree_sysroot("/");
    free(httpd);
    free(program);
}
