/* SPDX-License-Identifier: MIT */
/*
 * `ouro debug`: boots the program in QEMU under gdb. gdb has the terminal and Ctrl-C; the machine's
 * output appears between its lines, and the program's standard input is empty. The breakpoint at the
 * entry is a hardware one, because it is set before the program is in memory.
 */
#include "command/commands.h"
#include "console/console.h"
#include "host/fail.h"
#include "machine/boot.h"
#include "mm/layout.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static Elf64_Ehdr read_header(const char *file)
{
    Elf64_Ehdr header;
    FILE *in = fopen(file, "re");
    if (!in || fread(&header, sizeof(header), 1, in) != 1)
        fail_errno("cannot read %s", file);
    fclose(in);
    return header;
}

static void gdb_arguments(struct args *args, const struct request *o, const struct program *program)
{
    Elf64_Ehdr header = read_header(program->file);
    uint64_t bias = header.e_type == ET_DYN ? LAYOUT_PIE_BASE : 0;
    char *symbols = boot_kernel_symbols(o->kernel);
    const char *const start[] = {"gdb", "-q", "-iex", "set debuginfod enabled off", symbols, NULL};
    args_all(args, start);
    args_add(args, "-ex");
    args_format(args, "target remote %s", o->machine.gdb);
    args_add(args, "-ex");
    args_format(args, "add-symbol-file \"%s\" -o 0x%llx", program->file, (unsigned long long)bias);
    args_add(args, "-ex");
    args_format(args, "thbreak *0x%llx", (unsigned long long)(header.e_entry + bias));
    args_add(args, "-ex");
    args_add(args, "continue");
    for (size_t i = 0; i < o->gdb_args.count; i++)
        args_add(args, o->gdb_args.item[i]);
    free(symbols);
}

int command_debug(int argc, char **argv)
{
    struct request request;
    struct program program;
    struct tree tree;
    struct emulator emulator;
    struct child gdb;
    struct args args = {0};
    struct console_result result = {0};
    int status = 0;
    options_read(COMMAND_DEBUG, argc, argv, &request);
    boot_prepare(&request, &program, &tree);
    char *socket_path = guard_path("gdb.socket");
    request.machine.gdb = socket_path;
    request.machine.waits = true;
    emulator_start(&request.machine, &emulator);
    while (access(socket_path, F_OK) != 0 && !child_wait(&emulator.child, 10, &status))
        ;
    gdb_arguments(&args, &request, &program);
    guard_ignore_interrupt();
    if (!child_start(&(struct spawn){.argv = args.item, .input = 0, .output = 1, .error = 2}, &gdb))
        fail_errno("cannot start gdb");
    const struct report_options report = {.files = {&tree, boot_kernel_symbols(request.kernel)},
                                          .colour = report_wants_colour()};
    const struct console_options console = {.serial = emulator.serial,
                                            .port = emulator.port,
                                            .report = &report,
                                            .verbose = request.verbose};
    console_run(&console, &result);
    while (!child_wait(&gdb, -1, &status))
        ;
    emulator_end(&emulator);
    args_free(&args);
    free(socket_path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_FAILED;
}
