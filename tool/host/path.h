/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/* "/" + path, without ".", "..", doubled and trailing slashes; ".." at the root is the root. Purely
 * textual. malloc'ed: "/" or "/name/name". */
char *path_normalise(const char *path);
/* The last component; points into path. */
const char *path_base(const char *path);
/* True if the name has an ending, and not this one (".png"). */
bool path_has_other_ending(const char *path, const char *ending);
