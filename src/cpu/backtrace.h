/* SPDX-License-Identifier: MIT */
/* The frame-pointer chain: [rbp] is the caller's rbp, [rbp + 8] the return address. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Reads a word; false when nothing is mapped there. */
typedef bool (*backtrace_read)(void *context, uint64_t address, uint64_t *out);

/* Fills at most `max` return addresses, innermost first; the number found. Stops where the chain
 * does not rise or is misaligned, so no chain makes it loop. */
unsigned backtrace(uint64_t rbp, backtrace_read read, void *context, uint64_t *out, unsigned max);
