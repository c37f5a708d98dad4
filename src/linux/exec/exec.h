/* SPDX-License-Identifier: MIT */
/*
 * Starting a program, the first one and those that execve() puts in its place: static and
 * static-PIE ELF files, those with an interpreter that the root file system has, and scripts with a
 * "#!" line.
 *
 * Everything that can be refused is checked and built before the old program is taken apart. What
 * fails after that (memory) leaves no program to go back to.
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
    bool fixed_addresses; /* norandmaps: image, heap, stack and mappings are not moved at random */
    virt_t pagetables;    /* AT_OURO_PAGETABLES: the program's window on its page tables, or 0 */
};

/* For all programs from now on. Boot. */
void exec_configure(const struct exec_options *options);

struct exec_result {
    virt_t entry, stack; /* first rip and rsp */
};

/* argv and envp are NULL-terminated. Refusals leave everything as it was unless too_late. Callers:
 * the thread that will run the program. */
MUST_CHECK enum err exec_program(const char *path, const char *const *argv, const char *const *envp,
                                 struct exec_result *out, struct exec_refusal *why);

/* The registers with which a program starts (Linux: all zero but rsp and rip). Pure. */
void exec_set_registers(struct trap_frame *frame, const struct exec_result *start);
