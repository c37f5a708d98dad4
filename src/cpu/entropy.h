/* SPDX-License-Identifier: MIT */
/* Raw random bits of the CPU. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* From RDSEED or RDRAND (SDM 1 7.3.17). False if the CPU has neither or the generator is
 * exhausted. */
bool cpu_random(uint64_t *out);
/* Jitter of the TSC against the memory system: a few bits of entropy, none guaranteed. */
uint64_t cpu_jitter(void);
