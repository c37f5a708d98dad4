/* SPDX-License-Identifier: MIT */
/* Reading what the loader left, while the stub's identity map of the first 4 GiB stands. Boot only.
 */
#pragma once

#include "parse/boot_info.h"

/* `loader` and `info` as the stub passed them. Stops the machine with a sentence when they make no
 * sense. */
void loader_read(uint32_t loader, uint64_t info, struct boot_info *out);
