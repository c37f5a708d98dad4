/* SPDX-License-Identifier: MIT */
#pragma once

#include "image/tree.h"

/* Writes the tree as a cpio archive to a new file. `memory_bytes` is what the machine will have, 0
 * when nobody knows, and the kernel has it up to `kernel_end`: a tree that cannot fit fails the tool
 * before anything is written. Returns the bytes of memory that the machine needs at the very least. */
uint64_t pack_tree(const struct tree *tree, const char *file, uint64_t kernel_end,
                   uint64_t memory_bytes);
