/* SPDX-License-Identifier: MIT */
/*
 * --core: an ELF core file of the program in Linux's format, from a machine in QEMU that has
 * printed its report and halted.
 *
 *     report's JSON     --> general registers, signal, mapped files
 *     QEMU, page tables --> the program's mapped pages and their contents
 *     QEMU, registers   --> x87 and SSE: the kernel leaves them unchanged
 */
#pragma once

#include "report/report_notes.h"

struct core_source {
    const char *socket_path; /* of QEMU's gdb server */
    const char *json;        /* the report's */
    const struct tree *tree;
    const char *place; /* of the program in the machine */
};

/* False with a message in *reason; there is no file then. */
bool core_write(const struct core_source *source, const char *path, const char **reason);
