/* SPDX-License-Identifier: MIT */
/* From options to a machine that can be started: the files are packed, the words written. */
#pragma once

#include "image/program.h"
#include "machine/options.h"

/* What the request packs, in a tree. Needs guard_start(). */
void boot_tree(const struct request *request, struct tree *tree, struct program *program);
/* The file with the symbols of a kernel; the kernel itself when there is none beside it. malloc'ed.
 */
char *boot_kernel_symbols(const char *kernel);
/* Packs what the request names (nothing with --image) and fills in the machine's files, which lie
 * in the temporary folder. *program tells what will run, *tree what its files were made of; both are
 * empty with --image. Calls guard_start(). */
void boot_prepare(struct request *request, struct program *program, struct tree *tree);
