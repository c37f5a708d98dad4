/* SPDX-License-Identifier: MIT */
/* What the DWARF of the machine's files says about a report. For report.c's process only: see
 * source.h. */
#pragma once

#include "image/tree.h"
#include "report/report_render.h"

struct report_files {
    const struct tree *tree; /* what the machine's files were made of; may be empty */
    const char
        *kernel_symbols; /* ELF file of the kernel with its DWARF; used when it is that build */
};

/* One note for each code address of the trace that something is known about. `line`: the JSON line.
 */
void report_notes_make(const struct report_files *files, const char *line, size_t size,
                       struct report_notes *out);
