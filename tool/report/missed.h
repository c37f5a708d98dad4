/* SPDX-License-Identifier: MIT */
/* Paths that the program asked for and did not find, and that are on this computer. */
#pragma once

#include "image/tree.h"

/* Those of `asked` that this computer has and the tree lacks, each by the folder that would have to be packed, once. Left out
 * are the folders that each machine has of its own: /proc, /sys, /dev, /tmp, /run. O(asked * depth * log tree + missed^2). */
void missed_choose(const struct tree *tree, const struct args *asked, struct args *missed);
/* One line for each on stderr; at most ten, then their number. */
void missed_tell(const struct args *missed);
/* Adds the member "missing", an array of the paths, to an object that ends in "}" or "}\n". Nothing if there are none. */
void missed_json(const struct args *missed, struct text *json);
