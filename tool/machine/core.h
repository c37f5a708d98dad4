/* SPDX-License-Identifier: MIT */
/*
 * --core: an ELF core file of the program, as Linux writes them, out of a machine in QEMU that has
 * printed its report and halted.
 *
 *     report's JSON     --> general registers, signal, mapped files
 *     QEMU, page tables --> which pages of the program are there, their bytes
 *     QEMU, registers   --> x87 and SSE: the kernel does not use them
 */
#pragma once

#include "report/report_notes.h"

struct core_source {
    const char *socket_path; /* of QEMU's gdb server */
    const char *json;        /* the report's */
    const struct tree *tree;
    const char *place; /* of the program in the machine */
};

/* False with a sentence in *reason; the file is not there then. */
bool core_write(const struct core_source *source, const char *path, const char **reason);
