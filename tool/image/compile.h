/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/* The length of the ending that makes a name a source file's (.c, .cc, .cpp, .cxx); 0: it has none. Pure. */
size_t compile_ending(const char *file);

/* Compiles a source file in the temporary folder, C to a static program; returns its path, malloc'ed. The
 * compiler's messages go to stderr. Ends the tool with STATUS_CANNOT_RUN if the file does not
 * compile. */
char *compile_program(const char *source);
/* As compile_program(), but the program is kept as `result`, if that folder can be written, and made again only if
 * `source` is newer. */
char *compile_kept(const char *source, const char *result);
/* As compile_kept(), for all C files of a folder, which may include each other's headers. */
char *compile_folder_kept(const char *folder, const char *result);
