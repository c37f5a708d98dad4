/* SPDX-License-Identifier: MIT */
/* `ouro explore`: boots the explorer with a port forwarded, opens its page on a desktop, and serves until Ctrl-C. */
#include "command/commands.h"
#include "console/console.h"
#include "host/fail.h"
#include "machine/boot.h"
#include "machine/explorer.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

static char *url;

static bool has_desktop(void)
{
    const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");
    return isatty(STDOUT_FILENO) && ((x && *x) || (wayland && *wayland));
}

/* The browser is no child that ends with the tool (host/guard.h): it may be the user's only one. */
static void open_page(void)
{
    extern char **environ;
    static char name[] = "xdg-open";
    char *const argv[] = {name, url, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    pid_t pid;
    if (!has_desktop())
        return;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    for (int fd = 0; fd <= 2; fd++)
        posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
    posix_spawnp(&pid, name, &files, &attributes, argv,
                 environ); /* without one: the line says it */
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
}

int command_explore(int argc, char **argv)
{
    struct request request;
    struct program program;
    struct tree tree;
    struct emulator emulator;
    struct console_result result = {0};
    options_read(COMMAND_EXPLORE, argc, argv, &request);
    boot_prepare(&request, &program, &tree);
    url = explorer_url(&request.machine.network);
    emulator_start(&request.machine, &emulator);
    const struct report_options report = {.files = {&tree, boot_kernel_symbols(request.kernel)},
                                          .colour = report_wants_colour()};
    const struct console_options console = {.serial = emulator.serial,
                                            .port = emulator.port,
                                            .report = &report,
                                            .verbose = request.verbose,
                                            .marker = EXPLORER_SAYS,
                                            .marked = open_page,
                                            .timeout = request.timeout,
                                            .boot_limit = BOOT_LIMIT,
                                            .emulator = emulator.child.pid};
    console_run(&console, &result);
    emulator_end(&emulator);
    return run_explain(&request, &result);
}
