/* SPDX-License-Identifier: MIT */
/*
 * The host tool: dispatches `ouro COMMAND` to its function. The script `ouro` at the top of the tree
 * installs packages, builds kernel and tool, and then runs this program with its own arguments. Options
 * are read by the commands, not here.
 */
#include "base/compiler.h"
#include "command/commands.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/host_tsc.h"
#include "host/place.h"
#include "host/text.h"
#include "machine/suggest.h"
#include "machine/describe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    int (*function)(int argc, char **argv);
} commands[] = {
    {"run", command_run},       {"explore", command_explore}, {"iso", command_iso},
    {"image", command_image},   {"debug", command_debug},     {"check", command_check},
    {"test", command_test},     {"bench", command_bench},     {"volume", command_volume},
    {"ps", command_ps},         {"logs", command_logs},       {"stop", command_stop},
    {"attach", command_attach}, {"usb", command_usb},         {"screenshot", command_screenshot},
};

static int print(const char *file)
{
    char *text = file_read(file);
    fputs(text, stdout);
    free(text);
    return 0;
}

static NORETURN void unknown(const char *name)
{
    const char *near = NULL;
    unsigned best = 3;
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        unsigned n = suggest_distance(name, commands[i].name, best);
        if (n < best && n < strlen(commands[i].name)) {
            best = n;
            near = commands[i].name;
        }
    }
    fail(STATUS_FAILED, "unknown command %s; %s%s%souro help lists the commands", name,
         near ? "did you mean " : "", near ? near : "", near ? "? " : "");
}

/* The options of a command stand in a file, which a test compares with what its parser prints. */
static int help(const char *name)
{
    if (!name)
        return print(place_source("tool/help.txt"));
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        char *below = string_format("tool/help/%s.txt", name);
        if (strcmp(commands[i].name, name) == 0)
            return print(place_source(below));
        free(below);
    }
    unknown(name);
}

/* Opens /dev/null for closed standard streams, so that no file opened later gets their numbers. */
static void fill_closed(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    host_tsc_start();
    fill_closed();
    const char *name = argc > 1 ? argv[1] : "help";
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help(argc > 2 ? argv[2] : NULL);
    if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0) {
        puts("ouro " OURO_VERSION);
        return 0;
    }
    if (strcmp(name, "describe") == 0) { /* for the build: manual page and completions */
        describe(argc > 2 ? argv[2] : "");
        return 0;
    }
    bool developer = strcmp(name, "test") == 0 || strcmp(name, "bench") == 0;
    if (developer && place_is_installed())
        fail(STATUS_FAILED, "ouro %s needs a checkout: ./ouro %s in one", name, name);
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        argv[1] = string_format("ouro %s", name); /* argp prints it in its messages */
        leave(commands[i].function(argc - 1, argv + 1));
    }
    unknown(name);
}
