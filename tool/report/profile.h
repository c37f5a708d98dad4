/* SPDX-License-Identifier: MIT */
/*
 * `ouro run --profile`: the kernel's samples (src/kern/profile.h) with names. FILE has folded stacks
 * ("outer;inner COUNT"), FILE.svg a flame graph; the functions with the most samples go to stderr.
 */
#pragma once

#include "host/text.h"

#define PROFILE_FILE "ouro-profile.folded"

/* True if the kernel's line belongs to the profile; then it is added to `lines`. */
bool profile_line(struct args *lines, const char *line);
/* Writes both files and the list. `kernel` and `program` are ELF files; `program` NULL: unknown. */
void profile_write(const struct args *lines, const char *kernel, const char *program,
                   const char *file);
