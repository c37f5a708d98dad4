/* SPDX-License-Identifier: MIT */
/*
 * The word `missed`: each path that a walk does not find goes to the host once, as the line "missed PATH"
 * (kern/console_frame.h). The tool names those that are on its computer and were not packed.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

struct location;

extern bool missed_wanted; /* set at boot */

/* The walk found no `name` in `at`; `rest` is what follows it. A path of more than MISSED_LENGTH bytes and one behind the
 * first MISSED_MAX are ignored. Under kernel_lock. O(length + depth). */
#define MISSED_LENGTH 240
#define MISSED_MAX    768
COLD void missed_note(const struct location *at, const struct location *root, const char *name,
                      size_t length, const char *rest);
