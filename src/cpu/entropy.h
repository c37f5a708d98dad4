/* SPDX-License-Identifier: MIT */
/* Raw random bits of the CPU. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* From RDSEED or RDRAND (SDM 1 7.3.17); false when there is neither or it has nothing now. */
bool cpu_random(uint64_t *out);
/* The jitter of the TSC against the memory system: some bits in every CPU, none to be relied on. */
uint64_t cpu_jitter(void);
