/* SPDX-License-Identifier: MIT */
/*
 * `ouro run --profile`: what the kernel counted (src/kern/profile.h), with names: FILE in the form of
 * folded stacks ("outer;inner COUNT"), FILE.svg a flame graph, and the functions that took most on
 * stderr.
 */
#pragma once

#include "host/text.h"

#define PROFILE_FILE "ouro-profile.folded"

/* Is this line of the kernel's for us? Then it is kept. */
bool profile_line(struct args *lines, const char *line);
/* Writes it all. `kernel` and `program` are ELF files; `program` NULL: unknown. */
void profile_write(const struct args *lines, const char *kernel, const char *program,
                   const char *file);
