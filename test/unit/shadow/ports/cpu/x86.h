/* SPDX-License-Identifier: MIT */
/* Stands in for src/cpu/x86.h in native tests: the ports are the test's. */
#pragma once

#include <stdint.h>

uint8_t in8(uint16_t port);
uint16_t in16(uint16_t port);
void out8(uint16_t port, uint8_t value);
void out16(uint16_t port, uint16_t value);
void out32(uint16_t port, uint32_t value);
uint64_t rdtsc(void);
