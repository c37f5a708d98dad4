/* SPDX-License-Identifier: MIT */
/* Files of this computer, or of the sysroot, that the program may need: what is missing or cannot be read is left out. */
#pragma once

#include "image/tree.h"

/* Packs a file, a link with what it leads to, or a folder without its contents, and the libraries of an ELF file. False: it
 * is not there. */
bool pick_file(struct tree *tree, const char *place);
/* Packs what matches a pattern of glob(7), folders with their contents; paths that match one of `left_out` (fnmatch(3)) are
 * left out. */
void pick_pattern(struct tree *tree, const char *pattern, const struct args *left_out);
