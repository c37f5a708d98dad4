/* SPDX-License-Identifier: MIT */
/* `ouro screenshot`: saves the machine's screen when the program prints a text or has ended. */
#include "command/commands.h"
#include "console/console.h"
#include "host/fail.h"
#include "host/file.h"
#include "machine/boot.h"
#include "machine/qmp.h"

#include <stdlib.h>
#include <unistd.h>

#define DRAWN 300000 /* microseconds until printed text is on the screen */

int command_screenshot(int argc, char **argv)
{
    struct request request;
    struct program program;
    struct tree tree;
    struct emulator emulator;
    struct console_result result = {0};
    options_read(COMMAND_SCREENSHOT, argc, argv, &request);
    boot_prepare(&request, &program, &tree);
    char *control = guard_path("control.socket"), *picture = guard_path("screen.png"), *reason;
    request.machine.control = control;
    request.machine.stays = true;
    emulator_start(&request.machine, &emulator);
    const struct console_options console = {.serial = emulator.serial,
                                            .port = emulator.port,
                                            .verbose = request.verbose,
                                            .keyboard = true,
                                            .marker = request.marker,
                                            .timeout = request.timeout,
                                            .boot_limit = BOOT_LIMIT,
                                            .emulator = emulator.child.pid};
    console_run(&console, &result);
    if (result.ending != ENDED_STATUS && result.ending != ENDED_MARKER &&
        result.ending != ENDED_TIMEOUT)
        fail(STATUS_FAILED, "no picture: the program did not end%s%s",
             result.ending == ENDED_STOPPED ? ": " : "", result.reason);
    if (request.marker && result.ending != ENDED_MARKER)
        fail(STATUS_FAILED, "no picture: the program did not print what was waited for");
    usleep(DRAWN);
    if (!qmp_screenshot(control, picture, &reason))
        fail(STATUS_FAILED, "no picture: %s", reason);
    emulator_end(&emulator);
    file_copy(picture, request.output);
    free(picture);
    free(control);
    return 0;
}
