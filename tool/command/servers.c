/* SPDX-License-Identifier: MIT */
/* `ouro ps`, `logs`, `stop` and `attach`: machines that `ouro run --detach` started (machine/detached.h). */
#include "command/commands.h"
#include "host/fail.h"
#include "host/text.h"
#include "machine/detached.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE    30 /* seconds that stop waits before it kills */
#define LOOK_EVERY  50 /* milliseconds */
#define UNKNOWN_END 125

static const char ps_usage[] =
    "Usage: ouro ps\n"
    "List the machines that ouro run --detach started: name, state, seconds since the\n"
    "start, program. A machine that has ended is kept until one of its name starts, or\n"
    "ouro stop forgets it.\n";
static const char logs_usage[] =
    "Usage: ouro logs [-f] NAME\n"
    "Print what the machine has printed; -f: and will, until it ends.\n";
static const char stop_usage[] =
    "Usage: ouro stop [-t SECONDS] NAME\n"
    "Press the machine's power button: its program gets SIGTERM, or the stop signal of\n"
    "its container image. After 30 seconds, or SECONDS, the machine is killed. The\n"
    "status is the program's. A machine that has ended is forgotten, with its log.\n";
static const char attach_usage[] =
    "Usage: ouro attach NAME\n"
    "Print what the machine prints from now on, and pass standard input to its program.\n"
    "Ctrl-C leaves the machine alone. The status is the program's.\n";

struct arguments {
    const char *name; /* NULL: none */
    bool follow;
    double seconds;
};

/* Options are -f and -t as far as `options` has them. */
static void read_arguments(int argc, char **argv, const char *options, const char *usage,
                           struct arguments *out)
{
    char *end = NULL;
    *out = (struct arguments){.seconds = PATIENCE};
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (strcmp(word, "--help") == 0 || strcmp(word, "-?") == 0) {
            fputs(usage, stdout);
            exit(0);
        }
        if (strcmp(word, "-f") == 0 && strchr(options, 'f')) {
            out->follow = true;
        } else if (strcmp(word, "-t") == 0 && strchr(options, 't') && i + 1 < argc) {
            out->seconds = strtod(argv[++i], &end);
            if (*end || end == argv[i] || !(out->seconds >= 0 && out->seconds < 1e6))
                fail(STATUS_FAILED, "-t %s: not a number of seconds", argv[i]);
        } else if (word[0] == '-' || out->name || !strchr(options, 'n')) {
            fprintf(stderr, "%s", usage);
            exit(STATUS_FAILED);
        } else {
            out->name = word;
        }
    }
    if (!out->name && strchr(options, 'n')) {
        fprintf(stderr, "%s", usage);
        exit(STATUS_FAILED);
    }
}

int command_ps(int argc, char **argv)
{
    struct arguments arguments;
    struct args names = {0};
    read_arguments(argc, argv, "", ps_usage, &arguments);
    detached_list(&names);
    printf("%-20s %-12s %10s  %s\n", "NAME", "STATE", "SECONDS", "PROGRAM");
    for (size_t i = 0; i < names.count; i++) {
        struct detached machine;
        char state[32] = "running";
        detached_find(names.item[i], &machine);
        if (machine.pid == 0)
            snprintf(state, sizeof(state), machine.status < 0 ? "killed" : "ended %d",
                     machine.status);
        printf("%-20s %-12s %10ld  %s\n", machine.name, state, (long)time(NULL) - machine.started,
               machine.about);
    }
    args_free(&names);
    return 0;
}

static int end_of(const struct detached *machine)
{
    struct detached now;
    detached_find(machine->name, &now);
    return now.status < 0 ? UNKNOWN_END : now.status;
}

static bool runs(const struct detached *machine)
{
    struct detached now;
    detached_find(machine->name, &now);
    return now.pid == machine->pid && now.pid != 0;
}

static int open_file(const struct detached *machine, const char *name, int flags)
{
    char *file = string_format("%s/%s", machine->folder, name);
    int fd = open(file, flags | O_CLOEXEC);
    if (fd < 0)
        fail_errno("cannot open %s", file);
    free(file);
    return fd;
}

static void write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t wrote = write(fd, bytes, size);
        if (wrote < 0 && errno != EINTR)
            exit(STATUS_FAILED); /* no process reads the output, or the machine has ended */
        bytes += wrote > 0 ? wrote : 0;
        size -= wrote > 0 ? (size_t)wrote : 0;
    }
}

/* Prints the log from where it is open; true if there was something. */
static bool print_more(int log)
{
    char block[65536];
    bool any = false;
    for (ssize_t got; (got = read(log, block, sizeof(block))) > 0; any = true)
        write_all(STDOUT_FILENO, block, (size_t)got);
    return any;
}

/* Prints the log until the machine ends, and passes on what comes at `input` (-1: nothing) to `to`. */
static void follow(const struct detached *machine, int log, int input, int to)
{
    char block[4096];
    for (bool alive = machine->pid != 0; alive;) {
        struct pollfd fd = {.fd = input, .events = POLLIN};
        alive = runs(machine); /* before the log, whose end was written earlier */
        (void)print_more(log);
        if (poll(&fd, 1, LOOK_EVERY) <= 0 || !fd.revents)
            continue;
        ssize_t got = read(input, block, sizeof(block));
        if (got > 0)
            write_all(to, block, (size_t)got);
        else
            input = -1;
    }
    (void)print_more(log);
}

int command_logs(int argc, char **argv)
{
    struct arguments arguments;
    struct detached machine;
    read_arguments(argc, argv, "nf", logs_usage, &arguments);
    detached_find(arguments.name, &machine);
    int log = open_file(&machine, "log", O_RDONLY);
    if (arguments.follow)
        follow(&machine, log, -1, -1);
    (void)print_more(log);
    return 0;
}

int command_attach(int argc, char **argv)
{
    struct arguments arguments;
    struct detached machine;
    read_arguments(argc, argv, "n", attach_usage, &arguments);
    detached_find(arguments.name, &machine);
    if (machine.pid == 0)
        fail(STATUS_FAILED, "the machine %s has ended: ouro logs %s prints what it printed",
             machine.name, machine.name);
    int log = open_file(&machine, "log", O_RDONLY), to = open_file(&machine, "input", O_WRONLY);
    (void)lseek(log, 0, SEEK_END);
    follow(&machine, log, STDIN_FILENO, to);
    return end_of(&machine);
}

/* True if it ended in that time. */
static bool wait_end(const struct detached *machine, double seconds)
{
    const struct timespec step = {.tv_nsec = LOOK_EVERY * 1000000L};
    for (double waited = 0; runs(machine); waited += LOOK_EVERY / 1000.0) {
        if (waited >= seconds)
            return false;
        nanosleep(&step, NULL);
    }
    return true;
}

int command_stop(int argc, char **argv)
{
    struct arguments arguments;
    struct detached machine;
    read_arguments(argc, argv, "nt", stop_usage, &arguments);
    detached_find(arguments.name, &machine);
    if (machine.pid == 0) {
        int status = end_of(&machine);
        detached_forget(machine.folder);
        return status;
    }
    if (kill(machine.pid, SIGTERM) != 0 && errno != ESRCH)
        fail_errno("cannot stop the machine %s", machine.name);
    if (!wait_end(&machine, arguments.seconds)) {
        warn("the machine %s did not end within %g seconds and was killed", machine.name,
             arguments.seconds);
        kill(machine.pid, SIGKILL);
        (void)wait_end(&machine, PATIENCE);
    }
    return end_of(&machine);
}
