/* SPDX-License-Identifier: MIT */
/* Registers in memory. Accesses are not merged, split or reordered. */
#pragma once

#include <stdint.h>

static inline uint8_t mmio_read8(const volatile void *at)
{
    return *(const volatile uint8_t *)at;
}

static inline uint32_t mmio_read32(const volatile void *at)
{
    return *(const volatile uint32_t *)at;
}

static inline void mmio_write32(volatile void *at, uint32_t value)
{
    *(volatile uint32_t *)at = value;
}
