/* SPDX-License-Identifier: MIT */
#pragma once

#include "tree.h"

/* Writes the tree as a cpio archive to a new file. `memory_bytes` is what the machine will have, 0
 * when nobody knows: a tree that cannot fit fails the tool before anything is written. */
void pack_tree(const struct tree *tree, const char *file, uint64_t memory_bytes);
