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
#include "host/text.h"

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

static int help(void)
{
    char *text = file_read(OURO_SOURCE_DIR "/tool/help.txt");
    fputs(text, stdout);
    free(text);
    return 0;
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
        return help();
    if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0) {
        puts("ouro " OURO_VERSION);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        argv[1] = string_format("ouro %s", name); /* argp prints it in its messages */
        leave(commands[i].function(argc - 1, argv + 1));
    }
    fail(STATUS_FAILED, "unknown command %s; ouro help lists the commands", name);
}
