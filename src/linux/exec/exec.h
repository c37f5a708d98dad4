/* SPDX-License-Identifier: MIT */
/*
 * Starts a program, the first one or one for execve(): static, static-PIE and dynamically linked
 * ELF files, and scripts with a "#!" line.
 *
 * All checks and all preparation precede the removal of the old program. A later failure, for lack
 * of memory, leaves no program to return to.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "cpu/trap_frame.h"
#include "linux/task/image.h"

#include <stdbool.h>
#include <stdint.h>

struct exec_options {
    bool fixed_addresses; /* norandmaps: no randomization of image, heap, stack, mappings */
    virt_t pagetables;    /* AT_OURO_PAGETABLES: the program window, or 0 */
};

/* Sets the options of all later exec_program() calls. Boot. */
void exec_configure(const struct exec_options *options);

struct exec_result {
    virt_t entry, stack; /* first rip and rsp */
};

/* Replaces the current process's program. argv and envp are NULL-terminated. On failure the old
 * program is intact unless why->too_late. Callers: the thread that will run the program. */
MUST_CHECK enum err exec_program(const char *path, const char *const *argv, const char *const *envp,
                                 struct exec_result *out, struct exec_refusal *why);

/* The initial registers of a program: as in Linux, zero except rip and rsp. Pure. */
void exec_set_registers(struct trap_frame *frame, const struct exec_result *start);
