/* SPDX-License-Identifier: MIT */
/*
 * Descriptors 0, 1 and 2 of the first program. Each is the terminal where the host has a terminal
 * there, and otherwise looks like one end of a pipe: lseek() says ESPIPE and isatty() no.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

/* Opens them in the calling thread's table, which is empty. After devfs_fill(). Boot. E_NOMEM. */
MUST_CHECK enum err stdio_open(void);
