/* SPDX-License-Identifier: MIT */
/* Options by argp: one table for each command, one parser for all. */
#include "machine/options.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/path.h"
#include "host/place.h"
#include "image/format.h"
#include "machine/config_file.h"
#include "machine/detached.h"
#include "machine/option_tables.h"
#include "machine/overwrite.h"
#include "machine/root_medium.h"
#include "machine/suggest.h"
#include "report/profile.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_DEFAULT (UINT64_C(256) << 20)
#define MEMORY_MIN     (UINT64_C(1) << 20)
#define MEMORY_MAX     (UINT64_C(1) << 40)

/* A number and a unit of 1024: K, M, G or T, and as others write them: 64Mi, 64MB, 64MiB, 64m; M without one. Rounded up
 * to pages. */
bool options_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMGT";
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    const char *unit = *end ? strchr(units, *end & ~0x20) : "M";
    bool good = text[0] >= '0' && text[0] <= '9' && errno == 0 && unit;
    const char *rest = good && *end ? end + 1 : "";
    unsigned shift = !good ? 0 : *end ? (unsigned)(unit - units + 1) * 10 : 20;
    rest += *rest == 'i';
    rest += (*rest & ~0x20) == 'B';
    *bytes = 0;
    if (good && !*rest && value <= MEMORY_MAX >> shift)
        *bytes = (((uint64_t)value << shift) + 4095) & ~UINT64_C(4095);
    return *bytes >= MEMORY_MIN;
}

static uint64_t parse_size(struct argp_state *state, const char *option, const char *text)
{
    uint64_t bytes;
    if (!options_size(text, &bytes))
        argp_error(
            state,
            "%s %s: not a size: a number and K, M, G or T, which are powers of 1024, from 1M to 1T",
            option, text);
    return bytes;
}

static double parse_seconds(struct argp_state *state, const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end || !isfinite(seconds) || seconds <= 0 || seconds > 1e6)
        argp_error(state, "--timeout %s: not a number of seconds above 0", text);
    return seconds;
}

/* The index of text in names; argp_error() if absent. */
static unsigned parse_choice(struct argp_state *state, const char *option, const char *text,
                             const char *const *names)
{
    struct text all = {0};
    for (unsigned i = 0; names[i]; i++) {
        if (strcmp(names[i], text) == 0)
            return i;
        text_format(&all, "%s%s", i == 0 ? "" : names[i + 1] ? ", " : " and ", names[i]);
    }
    argp_error(state, "%s %s: the choice is between %s", option, text, all.bytes);
    return 0;
}

static void parse_network(struct argp_state *state, int key, const char *text)
{
    struct network *network = &((struct request *)state->input)->machine.network;
    const char *why = NULL;
    bool page = ((struct request *)state->input)->command == COMMAND_EXPLORE;
    if (key == KEY_NET_DUMP)
        network->dump = text;
    else if (page && network->ports > 0)
        why = "the page has one port";
    else if (page)
        why = network_add_port(network, string_format("%s:80", text));
    else
        why = key == 'p' ? network_add_port(network, text) : network_choose(network, text);
    if (why)
        argp_error(state, "%s %s: %s", key == 'p' ? "--port" : "--net", text, why);
}

static void parse_disk(struct argp_state *state, int key, const char *text)
{
    struct disks *disks = &((struct request *)state->input)->machine.disks;
    const char *why = NULL;
    if (key == KEY_SWAP) {
        why = disks_add_swap(disks, parse_size(state, "--swap", text));
        if (why)
            argp_error(state, "--swap %s: %s", text, why);
        return;
    }
    if (key == KEY_VOLUME_SIZE)
        disks->volume_size = parse_size(state, "--volume-size", text);
    else
        why = key == KEY_DISK ? disks_add(disks, text) : disks_add_volume(disks, text);
    if (why)
        argp_error(state, "--%s %s: %s", key == KEY_DISK ? "disk" : "volume", text, why);
}

static error_t parse_machine(int key, char *text, struct argp_state *state)
{
    static const char *const emulators[] = {"qemu", "bochs", NULL};
    static const char *const firmwares[] = {"bios", "uefi", NULL};
    static const char *const media[] = {"cd", "usb", "direct", NULL};
    static const char *const chipsets[] = {"pc", "q35", "microvm", NULL};
    struct request *o = state->input;
    struct machine *m = &o->machine;
    const char *why;
    switch (key) {
    case 'm':
        m->memory = parse_size(state, "--memory", text);
        o->memory_chosen = true;
        break;
    case KEY_EMULATOR:
        m->emulator = parse_choice(state, "--emulator", text, emulators);
        break;
    case KEY_FIRMWARE:
        m->firmware = parse_choice(state, "--firmware", text, firmwares);
        break;
    case KEY_MEDIUM:
        m->medium = parse_choice(state, "--medium", text, media);
        o->medium_chosen = true;
        break;
    case KEY_CPUS:
        m->cpus_all = request_makes_image(o) && strcmp(text, "all") == 0;
        m->cpus = m->cpus_all ? MACHINE_CPUS_MAX : machine_cpus(text);
        if (m->cpus == 0 || (request_makes_image(o) && strcmp(text, "host") == 0))
            argp_error(state, "--cpus %s: a number from 1 to %d, or %s", text, MACHINE_CPUS_MAX,
                       request_makes_image(o) ? "all" : "host");
        break;
    case KEY_MACHINE:
        m->chipset = parse_choice(state, "--machine", text, chipsets);
        break;
    case 'p':
    case KEY_NET:
    case KEY_NET_DUMP:
        parse_network(state, key, text);
        break;
    case KEY_DISK:
    case KEY_VOLUME:
    case KEY_VOLUME_SIZE:
    case KEY_SWAP:
        parse_disk(state, key, text);
        break;
    case KEY_SHARE:
        why = shares_add(&m->shares, text);
        if (why)
            argp_error(state, "--share %s: %s", text, why);
        break;
    case KEY_QEMU_ARG:
        args_add(&o->qemu_args, text);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* NAME=VALUE, or NAME for its value in the tool's environment; an unset NAME is ignored. */
static void add_environment(struct argp_state *state, struct request *o, const char *option,
                            const char *text)
{
    if (*text == '=' || !*text)
        argp_error(state, "%s %s: a variable needs a name", option, text);
    const char *value = strchr(text, '=') ? NULL : getenv(text);
    if (strchr(text, '='))
        args_add(&o->environment, text);
    else if (value)
        args_format(&o->environment, "%s=%s", text, value);
}

/* A line for a variable, as --env has it; empty lines and lines that begin with # are ignored (docker run --env-file). */
static void add_environment_file(struct argp_state *state, struct request *o, const char *file)
{
    char *bytes = file_read(file), *rest = bytes;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        line += strspn(line, " \t");
        line[strcspn(line, "\r")] = '\0';
        if (*line && *line != '#')
            add_environment(state, o, "--env-file", line);
    }
    free(bytes);
}

/* Options for output about the run. */
static error_t parse_answer(int key, char *text, struct argp_state *state)
{
    struct request *o = state->input;
    switch (key) {
    case KEY_REPORT:
        o->report = text;
        break;
    case KEY_CORE:
        o->core = text;
        break;
    case KEY_STRACE:
        o->strace = true;
        break;
    case KEY_STATS:
        o->stats = true;
        break;
    case KEY_PROFILE:
        o->profile = text ? text : PROFILE_FILE;
        break;
    case 'd':
        o->detach = true;
        break;
    case KEY_NAME:
        if (!detached_is_name(text))
            argp_error(state, "--name %s: not a name of letters, digits, -, _ and ., at most 64",
                       text);
        o->name = text;
        break;
    case KEY_AT:
        o->marker = text;
        break;
    case KEY_DISPLAY:
        o->machine.screen = o->machine.window = true;
        break;
    case 'y':
        o->yes = true;
        break;
    case KEY_BOOTCHART:
        o->boot_chart = true;
        break;
    default:
        return parse_machine(key, text, state);
    }
    return 0;
}

static bool is_hostname(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && length <= 64 && text[0] != '-' && text[0] != '.' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") ==
               length;
}

/* Options that say what surrounds the program. */
static error_t parse_surroundings(int key, char *text, struct argp_state *state)
{
    struct request *o = state->input;
    switch (key) {
    case 'e':
        add_environment(state, o, "--env", text);
        break;
    case KEY_ENV_FILE:
        add_environment_file(state, o, text);
        break;
    case 'w':
        if (*text != '/')
            argp_error(state, "--workdir %s: not a path that begins with /", text);
        o->workdir = path_normalise(text);
        break;
    case KEY_HOSTNAME:
        if (!is_hostname(text))
            argp_error(state, "--hostname %s: not a name of letters, digits, - and ., at most 64",
                       text);
        o->hostname = text;
        break;
    case KEY_USER:
        o->user = text;
        break;
    case KEY_INIT:
        o->init = true;
        break;
    case KEY_BARE:
        o->bare = true;
        break;
    case KEY_TRACE_FILES:
        o->trace_files = true;
        break;
    default:
        return parse_answer(key, text, state);
    }
    return 0;
}

/* Options of containers, and of files beside an image. */
static error_t parse_image(int key, char *text, struct argp_state *state)
{
    struct request *o = state->input;
    const char *why;
    switch (key) {
    case 'c':
        o->config = text;
        break;
    case KEY_SBOM:
        o->sbom = text;
        break;
    case KEY_LIBVIRT:
        o->libvirt = text;
        break;
    case KEY_OCI:
        o->oci = text;
        break;
    case KEY_ROOT_ON_MEDIUM:
        o->root_on_medium = true;
        break;
    case KEY_DATA:
        why = data_parse(o, text);
        if (why)
            argp_error(state, "--data %s: %s", text, why);
        break;
    default:
        return parse_surroundings(key, text, state);
    }
    return 0;
}

/* The program; all further arguments are the program's. */
static void parse_program(char *text, struct argp_state *state)
{
    struct request *o = state->input;
    if (o->command == COMMAND_USB && !o->device) {
        o->device = text;
        return;
    }
    if (o->command == COMMAND_EXPLORE)
        argp_error(state, "explore boots a program of its own: `ouro run %s` boots this one", text);
    o->program = text;
    o->arguments = state->argv + state->next;
    o->argument_count = (size_t)(state->argc - state->next);
    state->next = state->argc;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    static const char *const pagetables[] = {"recursive", "physmap",   "offset",
                                             "identity",  "temporary", NULL};
    struct request *o = state->input;
    switch (key) {
    case KEY_ROOT:
        o->root = text;
        break;
    case KEY_SYSROOT:
        o->sysroot = text;
        break;
    case KEY_WITH:
        args_add(&o->with, text);
        break;
    case KEY_APPEND:
        o->append = text;
        break;
    case KEY_PAGETABLES:
        o->pagetables = pagetables[parse_choice(state, "--pagetables", text, pagetables)];
        break;
    case KEY_KERNEL:
        o->kernel = text;
        break;
    case KEY_IMAGE:
        o->image = text;
        break;
    case KEY_TIMEOUT:
        o->timeout = parse_seconds(state, text);
        break;
    case KEY_GDB_ARG:
        args_add(&o->gdb_args, text);
        break;
    case 'o':
        o->output = text;
        break;
    case KEY_FORMAT:
        o->format = (int)parse_choice(state, "--format", text, format_names);
        break;
    case 'v':
        o->verbose = true;
        break;
    case ARGP_KEY_ARG:
        parse_program(text, state);
        break;
    default:
        return parse_image(key, text, state);
    }
    return 0;
}

static const char *const value_options[] = {"-o",           "--output",  "--root",     "--sysroot",
                                            "--with",       "-e",        "--env",      "--env-file",
                                            "-w",           "--workdir", "--hostname", "--append",
                                            "--pagetables", "--kernel",  "--at",       "--format",
                                            "--oci",        "--libvirt", "--sbom",     NULL};

static bool joined_option(const char *text)
{
    for (size_t i = 0; value_options[i]; i++) {
        size_t length = strlen(value_options[i]);
        if (length > 2 && strncmp(text, value_options[i], length) == 0 && text[length] == '=')
            return true;
    }
    return false;
}

static bool separate_option(const char *text)
{
    for (size_t i = 0; value_options[i]; i++)
        if (strcmp(text, value_options[i]) == 0)
            return true;
    return false;
}

/* `ouro iso PROGRAM ARGS... -o FILE`, and `screenshot`: without an -o before the program, the longest
 * sequence of the tool's options at the end of the line is the tool's. */
static void take_trailing(struct request *o, const struct argp *argp)
{
    size_t start = o->argument_count;
    bool output = false; /* a second -o belongs to the program */
    for (;;) {
        size_t length;
        if (start >= 2 && separate_option(o->arguments[start - 2]))
            length = 2;
        else if (start >= 1 && joined_option(o->arguments[start - 1]))
            length = 1;
        else
            break;
        const char *name = o->arguments[start - length];
        bool names_output = strcmp(name, "-o") == 0 || string_starts(name, "--output");
        if (names_output && output)
            break;
        output = output || names_output;
        start -= length;
    }
    struct args trailing = {0};
    args_format(&trailing, "ouro %s", command_options[o->command].name);
    for (size_t i = start; i < o->argument_count; i++)
        args_add(&trailing, o->arguments[i]);
    o->argument_count = start;
    argp_parse(argp, (int)trailing.count, trailing.item, ARGP_IN_ORDER, NULL, o);
}

/* Fails the tool if the machine cannot have a screen, or no desktop can show it. */
static void check_screen(const struct machine *m)
{
    const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");
    if (m->emulator != EMULATOR_QEMU || m->chipset == CHIPSET_MICROVM || m->medium == MEDIUM_DIRECT)
        fail(STATUS_FAILED, "a screen needs --emulator qemu and --medium cd or usb");
    if (m->window && !(x && *x) && !(wayland && *wayland))
        fail(STATUS_FAILED,
             "--display needs a desktop, and neither DISPLAY nor WAYLAND_DISPLAY is set; "
             "`ouro screenshot` takes a picture without one");
}

static bool makes_file(enum command command)
{
    return command == COMMAND_ISO || command == COMMAND_DISK_IMAGE;
}

static void check_image(struct request *o)
{
    const char *name = command_options[o->command].name;
    if (!o->program && !o->oci)
        fail(STATUS_FAILED, "%s needs a program: ouro %s %s", name, name,
             command_options[o->command].arguments);
    if (!o->output)
        fail(STATUS_FAILED, "%s needs the name of the image: -o FILE", name);
    enum image_format named = format_of_name(o->output);
    if (o->command == COMMAND_ISO && named > FORMAT_RAW)
        fail(STATUS_FAILED,
             "-o %s: ouro iso writes an ISO image; ouro image writes this kind of file", o->output);
    if (o->command == COMMAND_DISK_IMAGE && o->format < 0 && named == FORMAT_ISO &&
        path_has_other_ending(o->output, ".iso"))
        fail(STATUS_FAILED, "-o %s: no kind of image has this name: choose by --format", o->output);
    if (o->format < 0)
        o->format = (int)named;
    if (o->format == FORMAT_OCI && o->libvirt)
        fail(STATUS_FAILED, "--libvirt describes a disk image, and --format oci makes none");
    if (o->format == FORMAT_OCI)
        o->machine.medium = MEDIUM_DIRECT; /* no loader is packed */
}

static void check(struct request *o)
{
    struct machine *m = &o->machine;
    bool boots = m->firmware == FIRMWARE_UEFI || (o->medium_chosen && m->medium != MEDIUM_DIRECT);
    if (o->command == COMMAND_EXPLORE && boots && m->chipset == CHIPSET_MICROVM)
        m->chipset = CHIPSET_PC;
    if (o->command == COMMAND_EXPLORE && m->network.ports == 0)
        network_add_port(&m->network, "0:80");
    if (m->chipset == CHIPSET_MICROVM && !o->medium_chosen)
        m->medium = MEDIUM_DIRECT;
    if (makes_file(o->command))
        check_image(o);
    else
        emulator_check(m);
    root_medium_check(o);
    if (o->command == COMMAND_USB && !o->device)
        fail(STATUS_FAILED, "usb needs the name of the disk: ouro usb /dev/sdX [PROGRAM]");
    if (o->command == COMMAND_SCREENSHOT && !o->output)
        fail(STATUS_FAILED,
             "screenshot needs the picture's name: ouro screenshot [PROGRAM] -o FILE.png");
    if (o->command == COMMAND_SCREENSHOT && path_has_other_ending(o->output, ".png"))
        fail(STATUS_FAILED, "-o %s: the picture is a PNG file: -o FILE.png", o->output);
    if (m->screen)
        check_screen(m);
    if (o->command == COMMAND_CHECK && !o->program && !o->oci)
        fail(STATUS_FAILED, "check needs a program: ouro check PROGRAM");
    if (o->command == COMMAND_DEBUG && m->emulator != EMULATOR_QEMU)
        fail(STATUS_FAILED, "debug works with --emulator qemu");
    if (o->oci && (o->root || o->sysroot))
        fail(STATUS_FAILED, "--oci brings its own root folder: leave --root and --sysroot out");
    if (o->image && (o->program || o->oci || o->root || o->sysroot || o->append || o->pagetables ||
                     o->root_on_medium || o->environment.count > 0 || o->with.count > 0 ||
                     (o->command == COMMAND_USB && m->cpus > 1) || o->workdir || o->hostname))
        fail(STATUS_FAILED,
             "--image brings its own program, files and words: leave the others out");
    for (unsigned i = 0; o->image && i < m->disks.count; i++)
        if (m->disks.disk[i].mount || m->disks.disk[i].swap > 0)
            fail(STATUS_FAILED,
                 "--%s needs a word of the kernel, and --image brings its own: leave one out",
                 m->disks.disk[i].mount ? "volume" : "swap");
    if (o->image && m->shares.count > 0)
        fail(STATUS_FAILED,
             "--share needs a word of the kernel, and --image brings its own: leave one out");
    if (o->name && !o->detach)
        fail(STATUS_FAILED, "--name is for --detach");
    if (o->core && (o->image || m->emulator != EMULATOR_QEMU))
        fail(STATUS_FAILED, "--core works with --emulator qemu and without --image");
    if (o->image && m->medium == MEDIUM_DIRECT)
        fail(STATUS_FAILED, "--image boots from --medium cd or usb");
    if (o->image && access(o->image, R_OK) != 0)
        fail_errno("cannot read %s", o->image);
    if (!o->kernel)
        o->kernel = place_built(o->machine.cpus > 1 ? "kernel/ouro-cpus.elf" : "kernel/ouro.elf");
    if (access(o->kernel, R_OK) != 0 && !o->image)
        fail_errno("cannot read the kernel %s", o->kernel);
}

static void start(enum command command, struct request *out)
{
    *out = (struct request){
        .command = command,
        .format = -1,
        .machine = {.memory = MEMORY_DEFAULT,
                    .cpus = 1,
                    .chipset = command == COMMAND_EXPLORE ? CHIPSET_MICROVM : CHIPSET_PC},
        .machine.screen = command == COMMAND_SCREENSHOT,
    };
}

/* Parses once more, with the options of the file before those typed. */
static void read_config(const struct argp *argp, int argc, char **argv, struct request *out)
{
    struct config_file config;
    struct args all = {0};
    config_file_read(out->config, argp->options, &config);
    args_add(&all, argv[0]);
    for (size_t i = 0; i < config.options.count; i++)
        args_add(&all, config.options.item[i]);
    for (int i = 1; i < argc; i++)
        args_add(&all, argv[i]);
    start(out->command, out);
    argp_parse(argp, (int)all.count, all.item, ARGP_IN_ORDER, NULL, out);
    if (!out->program && config.program) {
        out->program = config.program;
        out->arguments = config.arguments.item;
        out->argument_count = config.arguments.count;
    } else if (!out->program && config.arguments.count > 0 && out->oci) {
        out->program = config.arguments.item[0]; /* the image's command */
        out->arguments = config.arguments.item + 1;
        out->argument_count = config.arguments.count - 1;
    }
}

void options_read(enum command command, int argc, char **argv, struct request *out)
{
    const struct argp argp = {.options = command_options[command].options,
                              .parser = parse,
                              .args_doc = command_options[command].arguments,
                              .doc = command_options[command].about};
    start(command, out);
    argp_err_exit_status = STATUS_FAILED;
    suggest_check(command_options[command].options, argc, argv);
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, out);
    bool typed = out->program != NULL;
    if (out->config)
        read_config(&argp, argc, argv, out);
    if ((makes_file(command) || command == COMMAND_SCREENSHOT) && !out->output && typed)
        take_trailing(out, &argp);
    out->machine.qemu_args = &out->qemu_args;
    check(out);
    overwrite_check(out);
}
