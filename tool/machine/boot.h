/* SPDX-License-Identifier: MIT */
/* Prepares a machine from the options: packs the files, writes the command line, makes the image. */
#pragma once

#include "image/program.h"
#include "image/rules.h"
#include "machine/options.h"

/* Collects the files that the request packs in a tree. With --oci the request becomes what the image says. Needs guard_start(). */
void boot_tree(struct request *request, struct tree *tree, struct program *program,
               struct rules_notes *notes);
/* True if the program, or a library packed with it, can open a socket, as far as its file shows: a library by an import,
 * a static program by a system call. O(files), of each the imports. */
bool boot_uses_sockets(const struct program *program, const struct tree *tree);
/* The file with the symbols of a kernel, or the kernel itself if there is none. malloc'ed. */
char *boot_kernel_symbols(const char *kernel);
/* Packs the request's files (none with --image) and fills in the machine's files, which are in the
 * temporary folder. *program is the program that will run, *tree the packed files; both are empty
 * with --image. Calls guard_start(). */
void boot_prepare(struct request *request, struct program *program, struct tree *tree);
