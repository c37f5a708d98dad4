/* SPDX-License-Identifier: MIT */
/* Stands in for src/cpu/irq.h in native tests, where cli faults: only counts. */
#pragma once

#include "cpu/bits.h"

#include <stdint.h>

extern int native_irq_depth;

static inline uint64_t irq_save(void)
{
    native_irq_depth++;
    return 0;
}

static inline void irq_restore(uint64_t flags)
{
    (void)flags;
    native_irq_depth--;
}
