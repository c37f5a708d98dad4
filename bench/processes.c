/* SPDX-License-Identifier: MIT */
/*
 * processes [only=FIGURE]... [divide=N] [end=1]: what processes cost:
 *
 *     figure NAME us VALUE
 *
 * fork_0m to fork_64m: fork(), _exit() and wait() beside so many MiB that the parent has written. spawn_wait: posix_spawn() of
 * this program, which ends at once. pipe_processes: a byte to another process and back. shell_true: a shell's fork, exec and wait
 * for /bin/true, where the archive has a shell. divide=N divides the rounds; end=1: ends instead of waiting for the machine's end.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define MIB   ((size_t)1 << 20)
#define SHELL "/bin/dash"

extern char **environ;

static char self[100] = "/proc/self/exe";
static long divide;
static int words;
static char **word;

static bool fork_once(void)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool spawn_once(void)
{
    int status;
    pid_t child;
    char *const argv[] = {self, "nothing", NULL};
    return posix_spawn(&child, self, NULL, NULL, argv, environ) == 0 &&
           waitpid(child, &status, 0) == child && status == 0;
}

static int there[2], back[2];

static bool ask_once(void)
{
    char byte = 'x';
    return write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1;
}

/* One sample: the time of a round. */
static void timed(const char *name, bool (*round)(void), long rounds)
{
    if (!chosen(words, word, name))
        return;
    rounds = rounds / divide > 0 ? rounds / divide : 1;
    bool good = round(); /* the first is another: files are not in memory yet */
    uint64_t from = now_ns();
    for (long i = 0; i < rounds && good; i++)
        good = round();
    if (good)
        figure(name, "us", (double)(now_ns() - from) / 1e3 / (double)rounds);
    else
        figure_absent(name, "us");
}

static void beside(const char *name, size_t size, long rounds)
{
    char *block = size > 0
                      ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                      : NULL;
    if (block != NULL)
        memset(block, 1, size);
    timed(name, fork_once, rounds);
    if (block != NULL)
        munmap(block, size);
}

/* The other process ends with its pipe. */
static void pipes(void)
{
    if (pipe(there) != 0 || pipe(back) != 0)
        return;
    pid_t other = fork();
    if (other == 0) {
        char byte;
        close(there[1]);
        while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1) {
        }
        _exit(0);
    }
    timed("pipe_processes", ask_once, 5000);
    close(there[1]);
    waitpid(other, NULL, 0);
}

static bool shell_once(void)
{
    char *const argv[] = {SHELL, "-c", "i=0; while [ $i -lt 50 ]; do /bin/true; i=$((i+1)); done",
                          NULL};
    int status;
    pid_t child;
    return posix_spawn(&child, SHELL, NULL, NULL, argv, environ) == 0 &&
           waitpid(child, &status, 0) == child && status == 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "nothing") == 0)
        return 0;
    bench_start();
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = 0;
    divide = argument(argc, argv, "divide", 1);
    words = argc;
    word = argv;
    beside("fork_0m", 0, 500);
    beside("fork_1m", MIB, 300);
    beside("fork_4m", 4 * MIB, 300);
    beside("fork_16m", 16 * MIB, 100);
    beside("fork_64m", 64 * MIB, 50);
    timed("spawn_wait", spawn_once, 300);
    pipes();
    if (access(SHELL, X_OK) == 0)
        timed("shell_true_50", shell_once, 4);
    if (argument(argc, argv, "end", 0))
        return 0;
    bench_done();
}
