/* SPDX-License-Identifier: MIT */
/* Lines and source for a report, from the DWARF of the machine's files. Only for the reader process of
 * report.c: see source.h. */
#pragma once

#include "image/tree.h"
#include "report/report_render.h"

struct report_files {
    const struct tree *tree;    /* the packed files; may be empty */
    const char *kernel_symbols; /* ELF file of the kernel with DWARF; used if the build matches */
};

/* One note for each code address of the trace with known lines. `line`: the JSON line. */
void report_notes_make(const struct report_files *files, const char *line, size_t size,
                       struct report_notes *out);
