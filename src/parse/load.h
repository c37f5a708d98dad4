/* SPDX-License-Identifier: MIT */
/*
 * Loads of little-endian words at any alignment. On x86-64 the copy compiles to one load.
 */
#pragma once

#include "base/str.h"

#include <stdint.h>

static inline uint16_t load16(const void *from)
{
    uint16_t v;
    memcpy(&v, from, sizeof v);
    return v;
}

static inline uint32_t load32(const void *from)
{
    uint32_t v;
    memcpy(&v, from, sizeof v);
    return v;
}

static inline uint64_t load64(const void *from)
{
    uint64_t v;
    memcpy(&v, from, sizeof v);
    return v;
}
