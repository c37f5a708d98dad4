/* SPDX-License-Identifier: MIT */
/* Stands in for src/cpu/x86.h in native tests, where privileged registers cannot be read. */
#pragma once

#include "cpu/bits.h"

#include <stdint.h>

uint64_t rdmsr(uint32_t msr);
uint64_t read_cr0(void);
uint64_t read_cr2(void);
uint64_t read_cr4(void);
