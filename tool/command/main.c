/* SPDX-License-Identifier: MIT */
#include "base/compiler.h"
#include "command/commands.h"
#include "host/fail.h"
#include "host/file.h"
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
    {"run", command_run},     {"iso", command_iso},
    {"debug", command_debug}, {"check", command_check},
    {"test", command_test},   {"bench", command_bench},
    {"usb", command_usb},     {"screenshot", command_screenshot},
};

static int help(void)
{
    char *text = file_read(OURO_SOURCE_DIR "/tool/help.txt");
    fputs(text, stdout);
    free(text);
    return 0;
}

/* A file that is opened later must not become the standard output by accident. */
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
    fill_closed();
    const char *name = argc > 1 ? argv[1] : "help";
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help();
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        argv[1] = string_format("ouro %s", name); /* how argp names us in messages */
        leave(commands[i].function(argc - 1, argv + 1));
    }
    fail(STATUS_FAILED, "there is no command %s; ouro help lists those there are", name);
}
