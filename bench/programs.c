/* SPDX-License-Identifier: MIT */
/*
 * programs [only=make] [only=pgbench] [files=N] [seconds=N] [end=1]: Debian's programs that start others.
 *
 *     figure make_50 ms VALUE         `make -j4` of a C project of 50 files (files=N), with gcc
 *     figure pgbench_c1 us VALUE      a transaction of pgbench, one client
 *     figure pgbench_c4 us VALUE      four clients
 *
 * end=1: ends instead of waiting for the machine's end.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <spawn.h>
#include <sys/wait.h>

#define USER 101 /* PostgreSQL does not run as root */

static void make_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file != NULL) {
        fputs(text, file);
        fclose(file);
    }
}

static bool ended_well(pid_t child)
{
    int status;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool spawned(char *const argv[])
{
    static char *const environment[] = {"PATH=/usr/bin:/bin", "HOME=/tmp", NULL};
    pid_t child;
    return posix_spawn(&child, argv[0], NULL, NULL, argv, environment) == 0 && ended_well(child);
}

static void measure_make(long files)
{
    char path[64], text[256];
    FILE *declarations = NULL;
    mkdir("/tmp/p", 0755);
    declarations = fopen("/tmp/p/all.h", "w");
    if (declarations == NULL)
        return;
    fputs("#include <stdio.h>\n#include <string.h>\n", declarations);
    for (long i = 0; i < files; i++) {
        fprintf(declarations, "int f%ld(int);\n", i);
        snprintf(path, sizeof path, "/tmp/p/f%ld.c", i);
        snprintf(text, sizeof text,
                 "#include \"all.h\"\nint f%ld(int x) { char t[20]; sprintf(t, \"%%d\", x + %ld); "
                 "return (int)strlen(t); }\n",
                 i, i);
        make_file(path, text);
    }
    fclose(declarations);
    make_file("/tmp/p/main.c",
              "#include \"all.h\"\nint main(int n, char **v) { (void)v; return f0(n) != 1; }\n");
    make_file("/tmp/p/Makefile", "objects = $(patsubst %.c,%.o,$(wildcard *.c))\n"
                                 "prog: $(objects)\n\tgcc-12 -o $@ $^\n"
                                 "%.o: %.c all.h\n\tgcc-12 -O1 -c -o $@ $<\n");
    char *const argv[] = {"/usr/bin/make", "-s", "-j4", "-C", "/tmp/p", NULL};
    char *const prog[] = {"/tmp/p/prog", NULL};
    snprintf(path, sizeof path, "make_%ld", files);
    uint64_t from = now_ns();
    bool good = spawned(argv);
    uint64_t to = now_ns();
    if (good && spawned(prog))
        figure(path, "ms", (double)(to - from) / 1e6);
    else
        figure_absent(path, "ms");
}

static const char database[] =
    "export PATH=/usr/lib/postgresql/15/bin:/usr/bin:/bin PGDATA=/tmp/pg PGHOST=/tmp PGTZ=UTC\n"
    "initdb --no-locale -E UTF8 -A trust --no-sync > /tmp/log 2>&1 &&\n"
    "pg_ctl -t 200 -l /tmp/log -o \"-k /tmp -c listen_addresses=''\" -w start > /tmp/log.start &&\n"
    "createdb bench && pgbench -i -q bench 2> /tmp/log.fill &&\n"
    "for n in 1 4; do pgbench -n -c $n -T $SECONDS bench > /tmp/tps$n 2>&1 || exit 1; done\n"
    "pg_ctl -m fast -w stop > /tmp/log.stop\n";

/* Transactions a second, by the line "tps = ..." of pgbench; 0: there is none. */
static double rate_of(const char *path)
{
    char line[256];
    double rate = 0;
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "tps = ", 6) == 0)
            rate = atof(line + 6);
    if (file != NULL)
        fclose(file);
    return rate;
}

static void measure_pgbench(long seconds)
{
    static const char *const names[][2] = {{"/tmp/tps1", "pgbench_c1"},
                                           {"/tmp/tps4", "pgbench_c4"}};
    char text[16];
    snprintf(text, sizeof text, "%ld", seconds);
    mkdir("/etc", 0755);
    make_file("/etc/passwd", "root:x:0:0::/:/bin/sh\npostgres:x:101:101::/tmp:/bin/sh\n");
    make_file("/etc/group", "root:x:0:\npostgres:x:101:\n");
    chmod("/tmp", 01777);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setenv("SECONDS", text, 1);
        if (setgid(USER) == 0 && setuid(USER) == 0)
            execl("/bin/sh", "sh", "-c", database, NULL);
        _exit(127);
    }
    ended_well(child);
    for (size_t i = 0; i < 2; i++) {
        double rate = rate_of(names[i][0]);
        if (rate > 0)
            figure(names[i][1], "us", 1e6 / rate);
        else
            figure_absent(names[i][1], "us");
    }
}

int main(int argc, char **argv)
{
    bench_start();
    mkdir("/dev", 0755); /* an init's work under Linux */
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    mkdir("/dev/shm", 01777);
    mount("shm", "/dev/shm", "tmpfs", 0, NULL);
    if (access("/usr/bin/make", X_OK) == 0 && chosen(argc, argv, "make"))
        measure_make(argument(argc, argv, "files", 50));
    if (access("/usr/lib/postgresql", F_OK) == 0 && chosen(argc, argv, "pgbench"))
        measure_pgbench(argument(argc, argv, "seconds", 10));
    if (argument(argc, argv, "end", 0))
        return 0;
    bench_done();
}
