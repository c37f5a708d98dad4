/* SPDX-License-Identifier: MIT */
#pragma once

/* Compiles a C file to a static program in the temporary folder: its path, malloc'ed. The
 * compiler's messages go to stderr; ends the tool with STATUS_CANNOT_RUN when the file does not
 * compile. */
char *compile_program(const char *source);
/* The same, kept at `result` and made again only when `source` is newer. */
void compile_kept(const char *source, const char *result);
