/* SPDX-License-Identifier: MIT */
/* Options by argp: one table for each command, one parser for all. */
#include "machine/options.h"
#include "host/fail.h"
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

enum { /* options without a short form */
    KEY_ROOT = 0x100,
    KEY_SYSROOT,
    KEY_WITH,
    KEY_APPEND,
    KEY_PAGETABLES,
    KEY_KERNEL,
    KEY_EMULATOR,
    KEY_FIRMWARE,
    KEY_MEDIUM,
    KEY_MACHINE,
    KEY_IMAGE,
    KEY_TIMEOUT,
    KEY_REPORT,
    KEY_CORE,
    KEY_QEMU_ARG,
    KEY_GDB_ARG,
    KEY_STATS,
    KEY_STRACE,
    KEY_BOOTCHART,
    KEY_PROFILE,
    KEY_DISPLAY,
    KEY_AT,
    KEY_NET,
    KEY_NET_DUMP,
};

#define PACK_OPTIONS                                                                                \
    {"root", KEY_ROOT, "DIR", 0, "the program's root folder", 1},                                   \
        {"sysroot",                                                                                 \
         KEY_SYSROOT,                                                                               \
         "DIR",                                                                                     \
         0,                                                                                         \
         "take program, libraries and --with of absolute paths from this folder",                   \
         1},                                                                                        \
        {"with",                                                                                    \
         KEY_WITH,                                                                                  \
         "PATH",                                                                                    \
         0,                                                                                         \
         "also pack this file or folder, with the libraries that it needs; repeatable",             \
         1},                                                                                        \
        {"env", 'e', "NAME=VALUE", 0, "set an environment variable of the program; repeatable", 1}, \
        {"append", KEY_APPEND, "WORDS", 0, "kernel command line", 1},                               \
        {"pagetables",                                                                              \
         KEY_PAGETABLES,                                                                            \
         "recursive|physmap|offset|identity|temporary",                                             \
         0,                                                                                         \
         "the kernel's method of reaching page tables",                                             \
         1},                                                                                        \
    {                                                                                               \
        "kernel", KEY_KERNEL, "FILE", 0, "use this kernel instead of the one built here", 1         \
    }

#define MACHINE_OPTIONS                                                                                          \
    {"memory", 'm', "SIZE", 0, "memory of the machine: 8M, 1G; default 256M", 2},                                \
        {"emulator", KEY_EMULATOR, "qemu|bochs", 0, "default qemu", 2},                                          \
        {"firmware", KEY_FIRMWARE, "bios|uefi", 0, "default bios", 2},                                           \
        {"medium",                                                                                               \
         KEY_MEDIUM,                                                                                             \
         "cd|usb|direct",                                                                                        \
         0,                                                                                                      \
         "boot medium; direct: QEMU -kernel, no boot loader",                                                    \
         2},                                                                                                     \
        {"machine", KEY_MACHINE, "pc|q35|microvm", 0, "kind of machine; microvm: direct only", 2},               \
        {"port",                                                                                                 \
         'p',                                                                                                    \
         "[ADDR:]HOST:GUEST[/udp]",                                                                              \
         0,                                                                                                      \
         "port HOST of this computer (0: a free one) is port GUEST of the machine; ADDR: 127.0.0.1; repeatable", \
         2},                                                                                                     \
        {"net",                                                                                                  \
         KEY_NET,                                                                                                \
         "none|user|tap:NAME",                                                                                   \
         0,                                                                                                      \
         "network card; default user, and none if neither the program nor its libraries can open a socket",      \
         2},                                                                                                     \
        {"net-dump", KEY_NET_DUMP, "FILE.pcap", 0, "write all frames to this file", 2},                          \
        {"qemu-arg", KEY_QEMU_ARG, "ARG", 0, "pass to QEMU unchanged; repeatable", 2},                           \
    {                                                                                                            \
        "verbose", 'v', NULL, 0,                                                                                 \
            "show the kernel's log and the output of firmware and boot loader", 3                                \
    }

static const struct argp_option run_options[] = {
    PACK_OPTIONS,
    MACHINE_OPTIONS,
    {"image", KEY_IMAGE, "FILE.iso", 0, "boot this image of `ouro iso` instead of packing one", 1},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0, "end the machine after this time, with status 124", 3},
    {"display", KEY_DISPLAY, NULL, 0,
     "show the machine's screen in a window, which takes its keyboard input", 2},
    {"report", KEY_REPORT, "FILE.json", 0,
     "write the JSON of a fault report, with file and line; empty if there is none", 3},
    {"core", KEY_CORE, "FILE", 0,
     "if the program crashes, write a core file for gdb PROGRAM FILE; else an empty file", 3},
    {"strace", KEY_STRACE, NULL, 0,
     "print every system call, its result and its time on standard error, like strace", 4},
    {"stats", KEY_STATS, NULL, 0,
     "print counts of faults, flushes, switches and system calls at the end", 4},
    {"profile", KEY_PROFILE, "FILE", OPTION_ARG_OPTIONAL,
     "profile by sampling: folded stacks to FILE (" PROFILE_FILE "), a flame graph to FILE.svg", 4},
    {"bootchart", KEY_BOOTCHART, NULL, 0, "print the time of each phase of the kernel's boot", 4},
    {0},
};

static const struct argp_option debug_options[] = {
    PACK_OPTIONS,
    MACHINE_OPTIONS,
    {"gdb-arg", KEY_GDB_ARG, "ARG", 0, "pass to gdb unchanged; repeatable", 3},
    {0},
};

static const struct argp_option iso_options[] = {
    PACK_OPTIONS,
    {"output", 'o', "FILE.iso", 0, "the image to make", 1},
    {0},
};

static const struct argp_option usb_options[] = {
    PACK_OPTIONS,
    {"image", KEY_IMAGE, "FILE.iso", 0, "write this image of `ouro iso` instead of packing one", 1},
    {"yes", 'y', NULL, 0, "write without asking", 2},
    {0},
};

static const struct argp_option screenshot_options[] = {
    PACK_OPTIONS,
    MACHINE_OPTIONS,
    {"output", 'o', "FILE.png", 0, "the picture", 1},
    {"at", KEY_AT, "TEXT", 0, "take the picture when the program prints TEXT, not at its end", 1},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0, "take the picture after this time", 3},
    {0},
};

static const struct argp_option check_options[] = {
    PACK_OPTIONS,
    {0},
};

static uint64_t parse_memory(struct argp_state *state, const char *text)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    static const char units[] = "KMGT";
    const char *unit = *end ? strchr(units, *end & ~0x20) : "M";
    uint64_t bytes = 0;
    bool good = text[0] >= '0' && text[0] <= '9' && errno == 0 && unit && (!*end || !end[1]);
    unsigned shift = !good ? 0 : *end ? (unsigned)(unit - units + 1) * 10 : 20;
    if (good && value <= MEMORY_MAX >> shift)
        bytes = (uint64_t)value << shift;
    if (bytes < MEMORY_MIN || bytes % 4096 != 0)
        argp_error(state, "--memory %s: not a size like 256M, between 1M and 1T", text);
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
    if (key == KEY_NET_DUMP)
        network->dump = text;
    else
        why = key == 'p' ? network_add_port(network, text) : network_choose(network, text);
    if (why)
        argp_error(state, "%s %s: %s", key == 'p' ? "--port" : "--net", text, why);
}

static error_t parse_machine(int key, char *text, struct argp_state *state)
{
    static const char *const emulators[] = {"qemu", "bochs", NULL};
    static const char *const firmwares[] = {"bios", "uefi", NULL};
    static const char *const media[] = {"cd", "usb", "direct", NULL};
    static const char *const chipsets[] = {"pc", "q35", "microvm", NULL};
    struct request *o = state->input;
    struct machine *m = &o->machine;
    switch (key) {
    case 'm':
        m->memory = parse_memory(state, text);
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
    case KEY_MACHINE:
        m->chipset = parse_choice(state, "--machine", text, chipsets);
        break;
    case 'p':
    case KEY_NET:
    case KEY_NET_DUMP:
        parse_network(state, key, text);
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
static void add_environment(struct argp_state *state, struct request *o, const char *text)
{
    if (*text == '=' || !*text)
        argp_error(state, "--env %s: a variable needs a name", text);
    const char *value = strchr(text, '=') ? NULL : getenv(text);
    if (strchr(text, '='))
        args_add(&o->environment, text);
    else if (value)
        args_format(&o->environment, "%s=%s", text, value);
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
    case 'e':
        add_environment(state, o, text);
        break;
    case 'o':
        o->output = text;
        break;
    case 'v':
        o->verbose = true;
        break;
    case ARGP_KEY_ARG: /* the program; all further arguments are the program's */
        if (o->command == COMMAND_USB && !o->device) {
            o->device = text;
            break;
        }
        o->program = text;
        o->arguments = state->argv + state->next;
        o->argument_count = (size_t)(state->argc - state->next);
        state->next = state->argc;
        break;
    default:
        return parse_answer(key, text, state);
    }
    return 0;
}

static const char *const value_options[] = {"-o",           "--output", "--root", "--sysroot",
                                            "--with",       "-e",       "--env",  "--append",
                                            "--pagetables", "--kernel", "--at",   NULL};

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
    char *name = string_format("ouro %s", o->command == COMMAND_ISO ? "iso" : "screenshot");
    struct args trailing = {0};
    args_add(&trailing, name);
    for (size_t i = start; i < o->argument_count; i++)
        args_add(&trailing, o->arguments[i]);
    o->argument_count = start;
    argp_parse(argp, (int)trailing.count, trailing.item, ARGP_IN_ORDER, NULL, o);
    free(name);
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

static void check(struct request *o)
{
    struct machine *m = &o->machine;
    if (m->chipset == CHIPSET_MICROVM && !o->medium_chosen)
        m->medium = MEDIUM_DIRECT;
    if (o->command != COMMAND_ISO)
        emulator_check(m);
    if (o->command == COMMAND_ISO && !o->program)
        fail(STATUS_FAILED, "iso needs a program: ouro iso PROGRAM -o FILE.iso");
    if (o->command == COMMAND_ISO && !o->output)
        fail(STATUS_FAILED, "iso needs the name of the image: -o FILE.iso");
    if (o->command == COMMAND_USB && !o->device)
        fail(STATUS_FAILED, "usb needs the name of the disk: ouro usb /dev/sdX [PROGRAM]");
    if (o->command == COMMAND_SCREENSHOT && (!o->program || !o->output))
        fail(STATUS_FAILED,
             "screenshot needs a program and the picture's name: ouro screenshot PROGRAM -o "
             "FILE.png");
    if (m->screen)
        check_screen(m);
    if (o->command == COMMAND_CHECK && !o->program)
        fail(STATUS_FAILED, "check needs a program: ouro check PROGRAM");
    if (o->command == COMMAND_DEBUG && m->emulator != EMULATOR_QEMU)
        fail(STATUS_FAILED, "debug works with --emulator qemu");
    if (o->image && (o->program || o->root || o->sysroot || o->append || o->pagetables ||
                     o->environment.count > 0 || o->with.count > 0))
        fail(STATUS_FAILED,
             "--image brings its own program, files and words: leave the others out");
    if (o->core && (o->image || m->emulator != EMULATOR_QEMU))
        fail(STATUS_FAILED, "--core works with --emulator qemu and without --image");
    if (o->image && m->medium == MEDIUM_DIRECT)
        fail(STATUS_FAILED, "--image boots from --medium cd or usb");
    if (o->image && access(o->image, R_OK) != 0)
        fail_errno("cannot read %s", o->image);
    if (access(o->kernel, R_OK) != 0 && !o->image)
        fail_errno("cannot read the kernel %s", o->kernel);
}

void options_read(enum command command, int argc, char **argv, struct request *out)
{
    static const struct argp argps[] = {
        [COMMAND_RUN] =
            {run_options, parse, "[PROGRAM [ARGS...]]",
             "Boot PROGRAM (a Linux ELF file, packed with its libraries; a script; or a .c file, which is compiled) in a machine of its own. Its output is this command's output, its status this command's status. Without PROGRAM the demo is booted.",
             NULL, NULL, NULL},
        [COMMAND_ISO] = {iso_options, parse, "PROGRAM [ARGS...] -o FILE.iso",
                         "Make a bootable image of PROGRAM: for a CD or a USB stick, BIOS or UEFI.",
                         NULL, NULL, NULL},
        [COMMAND_DEBUG] =
            {debug_options, parse, "[PROGRAM [ARGS...]]",
             "Boot PROGRAM in QEMU, stopped at its first instruction under gdb, which knows the symbols of kernel and program.",
             NULL, NULL, NULL},
        [COMMAND_USB] =
            {usb_options, parse, "DISK [PROGRAM [ARGS...]]",
             "Write a bootable image of PROGRAM (or the demo) to a whole disk, a USB stick or a card, which is shown first. Nothing is written to disks that are in use or built in. What was written is read back.",
             NULL, NULL, NULL},
        [COMMAND_SCREENSHOT] =
            {screenshot_options, parse, "PROGRAM [ARGS...] -o FILE.png",
             "Run PROGRAM in a machine with a screen that nobody sees, and keep a picture of it.",
             NULL, NULL, NULL},
        [COMMAND_CHECK] =
            {check_options, parse, "PROGRAM",
             "Say what would be packed with PROGRAM, and which system calls in it Ouro lacks; status 1 when there are any. Boots nothing.",
             NULL, NULL, NULL},
    };
    *out = (struct request){
        .command = command,
        .machine = {.memory = MEMORY_DEFAULT},
        .kernel = OURO_BUILD_DIR "/kernel/ouro.elf",
        .machine.screen = command == COMMAND_SCREENSHOT,
    };
    argp_err_exit_status = STATUS_FAILED;
    argp_parse(&argps[command], argc, argv, ARGP_IN_ORDER, NULL, out);
    if ((command == COMMAND_ISO || command == COMMAND_SCREENSHOT) && !out->output && out->program)
        take_trailing(out, &argps[command]);
    out->machine.qemu_args = &out->qemu_args;
    check(out);
}
