/* SPDX-License-Identifier: MIT */
/* From options to a machine that can be started: the files are packed, the words written. */
#pragma once

#include "options.h"
#include "program.h"

/* What the request packs, in a tree. Needs guard_start(). */
void boot_tree(const struct request *request, struct tree *tree, struct program *program);
/* Packs what the request names (nothing with --image) and fills in the machine's files, which lie
 * in the temporary folder. *program tells what will run; its members are NULL with --image. Calls
 * guard_start(). */
void boot_prepare(struct request *request, struct program *program);
