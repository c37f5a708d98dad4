/* SPDX-License-Identifier: MIT */
/*
 * Descriptors 0, 1 and 2 of the first program. Each is the terminal if the host's descriptor is a
 * terminal, else it behaves as one end of a pipe: lseek() fails with ESPIPE, isatty() is false.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

/* Opens descriptors 0 to 2 in the calling thread's table, which must be empty. After devfs_fill().
 * Boot. E_NOMEM. */
MUST_CHECK enum err stdio_open(void);
