/* SPDX-License-Identifier: MIT */
/* RFLAGS.IF of this CPU (SDM 3A 6.8.1). */
#pragma once

#include "cpu/bits.h"

#include <stdbool.h>
#include <stdint.h>

/* Turns interrupts off; returns the flags for irq_restore(). Sections nest. */
static inline uint64_t irq_save(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
    return flags;
}

static inline bool irq_are_on(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
    return flags & RFLAGS_IF;
}

static inline void irq_restore(uint64_t flags)
{
    if (flags & RFLAGS_IF)
        __asm__ volatile("sti" : : : "memory");
}
