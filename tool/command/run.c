/* SPDX-License-Identifier: MIT */
/*
 * `ouro run` and `ouro iso`. run prepares the machine (machine/boot.h), starts the emulator, runs the
 * console until the program ends, writes report, core file and profile if requested, and turns the
 * ending into the exit status. iso only prepares the machine and copies its image.
 */
#include "command/commands.h"
#include "console/console.h"
#include "host/fail.h"
#include "image/format.h"
#include "host/file.h"
#include "machine/boot.h"
#include "host/path.h"
#include "machine/core.h"
#include "machine/detached.h"
#include "machine/libvirt.h"
#include "oci/artifact.h"
#include "report/missed.h"
#include "report/profile.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

int run_explain(const struct request *o, const struct console_result *result)
{
    switch (result->ending) {
    case ENDED_STATUS:
        return result->status;
    case ENDED_PIPE:
        return STATUS_SIGNAL + SIGPIPE;
    case ENDED_INTERRUPTED:
        return STATUS_SIGNAL + SIGINT;
    case ENDED_TIMEOUT:
        warn("the program still ran after %g seconds and was ended", o->timeout);
        return STATUS_TIMEOUT;
    case ENDED_STOPPED:
        warn("stop: %s", result->reason);
        return STATUS_FAILED;
    case ENDED_UNSTARTED:
        warn("the kernel did not start within %g seconds", BOOT_LIMIT);
        return STATUS_FAILED;
    case ENDED_SILENT:
    case ENDED_MARKER:
        break;
    }
    emulator_explain();
    warn(result->greeted ? "the machine ended without saying how the program ended"
                         : "the machine ended before the kernel started");
    return STATUS_FAILED;
}

static void write_profile(const struct request *o, const struct program *program,
                          const struct args *samples)
{
    char *kernel = boot_kernel_symbols(o->kernel);
    profile_write(samples, kernel, program->file, o->profile);
    free(kernel);
}

static void write_core(const struct request *o, const struct tree *tree,
                       const struct program *program, const char *json)
{
    const struct core_source source = {o->machine.gdb, json, tree, program->place};
    const char *reason;
    if (!core_write(&source, o->core, &reason))
        warn("no core file %s: %s", o->core, reason);
}

/* Fails now if a file cannot be written in the end. */
static void begin_files(const struct request *o)
{
    if (o->report)
        file_write(o->report, "");
    if (o->core)
        file_write(o->core, "");
}

/* Not by status 0, and not by Ctrl-C. */
static bool ended_badly(const struct console_result *r)
{
    return r->ending == ENDED_STATUS ? r->status != 0 && r->status != 128 + SIGINT
                                     : r->ending != ENDED_INTERRUPTED;
}

/* What the program may not have noticed. */
static void warn_of(const struct request *o, const struct args *missed,
                    const struct console_result *r)
{
    if (o->verbose || ended_badly(r))
        missed_tell(missed);
    disks_warn_if_full(&o->machine.disks);
}

int command_run(int argc, char **argv)
{
    struct request request;
    struct program program;
    struct tree tree;
    struct text json = {0}, said = {0};
    struct emulator emulator;
    struct console_result result = {0};
    struct args samples = {0}, asked = {0}, missed = {0};
    options_read(COMMAND_RUN, argc, argv, &request);
    if (request.detach)
        detached_start(request.name, request.program ? request.program : request.oci);
    begin_files(&request);
    boot_prepare(&request, &program, &tree);
    if (request.core) {
        request.machine.gdb = guard_path("gdb.socket");
        request.machine.stays = true;
    }
    network_tell(&request.machine.network);
    emulator_start(&request.machine, &emulator);
    detached_ready();
    const struct report_options report = {.files = {&tree, boot_kernel_symbols(request.kernel)},
                                          .json = &json,
                                          .colour = report_wants_colour(),
                                          .brief = isatty(STDERR_FILENO) && !request.verbose,
                                          .said = &said};
    const struct console_options console = {.serial = emulator.serial,
                                            .port = emulator.port,
                                            .report = &report,
                                            .profile = request.profile ? &samples : NULL,
                                            .missed = &asked,
                                            .verbose = request.verbose,
                                            .keyboard = request.machine.screen,
                                            .input = true,
                                            .timeout = request.timeout,
                                            .boot_limit = BOOT_LIMIT,
                                            .emulator = emulator.child.pid,
                                            .stops = request.detach,
                                            .power = request.oci || request.detach ||
                                                     request.machine.disks.count > 0 ||
                                                     request.machine.shares.count > 0};
    console_run(&console, &result);
    if (!request.oci) /* this computer's files have nothing to do with a container */
        missed_choose(&tree, &asked, &missed);
    if (request.report && json.length > 0) {
        missed_json(&missed, &json);
        file_write(request.report, json.bytes);
    }
    if (request.core && json.length > 0)
        write_core(&request, &tree, &program, json.bytes);
    emulator_end(&emulator);
    if (request.profile)
        write_profile(&request, &program, &samples);
    args_free(&samples);
    warn_of(&request, &missed, &result);
    int status = run_explain(&request, &result);
    detached_end(status);
    return status;
}

/* The machine's name: --hostname, else the program's. */
static const char *image_name(const struct request *o, const struct program *program)
{
    return o->hostname ? o->hostname : path_base(program->place);
}

static void write_artifact(const struct request *o, const struct program *program)
{
    const struct artifact artifact = {.kernel = o->kernel,
                                      .archive = o->machine.archive,
                                      .words = o->machine.line,
                                      .name = image_name(o, program),
                                      .licences = o->licences,
                                      .licence_names = &o->licence_names};
    artifact_write(&artifact, o->output);
}

static void write_domain(const struct request *o, const struct program *program,
                         const struct tree *tree)
{
    char *image = realpath(o->output, NULL);
    if (!image)
        fail_errno("cannot read %s", o->output);
    const struct libvirt_domain domain = {.name = image_name(o, program),
                                          .image = image,
                                          .format = (enum image_format)o->format,
                                          .memory = o->machine.memory,
                                          .cpus = o->machine.cpus_all ? machine_cpus("host")
                                                                      : o->machine.cpus,
                                          .network = o->oci || boot_uses_sockets(program, tree)};
    libvirt_write(&domain, o->libvirt);
    free(image);
}

static int make_image(enum command command, int argc, char **argv)
{
    struct request request;
    struct program program;
    struct tree tree;
    options_read(command, argc, argv, &request);
    boot_prepare(&request, &program, &tree);
    if (request.format == FORMAT_OCI)
        write_artifact(&request, &program);
    else
        format_write(request.machine.image, (enum image_format)request.format, request.output);
    if (request.libvirt)
        write_domain(&request, &program, &tree);
    return 0;
}

int command_iso(int argc, char **argv)
{
    return make_image(COMMAND_ISO, argc, argv);
}

int command_image(int argc, char **argv)
{
    return make_image(COMMAND_DISK_IMAGE, argc, argv);
}
