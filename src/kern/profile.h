/* SPDX-License-Identifier: MIT */
/*
 * The word `profile` on the kernel command line: a timer looks each millisecond where the CPU is,
 * and equal places are counted together. At the end the host is told:
 *
 *     image START                  where the program's image lies, hex
 *     sample COUNT PC PC ...       innermost first, hex: the kernel's frames, then the program's one
 *     samples TAKEN LOST           LOST found no room
 *
 * Of the program only the place itself is taken: programs keep no chain of frames that could be
 * trusted. Where interrupts are off no sample is taken; it falls on the place that turns them on.
 * An idle CPU is not sampled.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdint.h>

/* Starts. E_NOMEM. Caller: boot, on the thread that becomes the program. */
MUST_CHECK enum err profile_start(void);
/* Stops, and tells the host, when it was started. */
void profile_tell(uint64_t image_start);
