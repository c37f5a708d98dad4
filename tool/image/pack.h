/* SPDX-License-Identifier: MIT */
#pragma once

#include "image/tree.h"

/* The least memory, in bytes, of a machine with the tree in it: the kernel occupies it up to `kernel_end`. */
uint64_t pack_needed(const struct tree *tree, uint64_t kernel_end);
/* Writes the tree as a cpio archive to a new file. `memory_bytes` is the machine's memory, 0 if
 * unknown; the kernel occupies it up to `kernel_end`. A tree that does not fit fails the tool before
 * anything is written. Returns the least memory that the machine needs, in bytes. */
uint64_t pack_tree(const struct tree *tree, const char *file, uint64_t kernel_end,
                   uint64_t memory_bytes);
