/* SPDX-License-Identifier: MIT */
#pragma once

/* Compiles a C file to a static program in the temporary folder; returns its path, malloc'ed. The
 * compiler's messages go to stderr. Ends the tool with STATUS_CANNOT_RUN if the file does not
 * compile. */
char *compile_program(const char *source);
/* As compile_program(), but `result` is kept and made again only if `source` is newer. */
void compile_kept(const char *source, const char *result);
/* As compile_kept(), for all C files of a folder, which may include each other's headers. */
void compile_folder_kept(const char *folder, const char *result);
