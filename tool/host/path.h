/* SPDX-License-Identifier: MIT */
#pragma once

/* "/" + path, without ".", "..", doubled and trailing slashes; ".." at the root is the root. Purely
 * textual. malloc'ed: "/" or "/name/name". */
char *path_normalise(const char *path);
/* The last component; points into path. */
const char *path_base(const char *path);
