/* SPDX-License-Identifier: MIT */
/* The database of dpkg(1). Pure. */
#pragma once

#include "host/text.h"

#include <stdbool.h>

/* The packages that a text of dpkg's status file names for `name`: itself and its dependencies, depth first, each once. The
 * first alternative that is installed counts. False: it is not installed. O(packages * dependencies). */
bool package_closure(const char *status, const char *name, struct args *out);
/* True for a package that every system has: required, essential, or the libraries of C and its compiler. */
bool package_is_base(const char *status, const char *name);
