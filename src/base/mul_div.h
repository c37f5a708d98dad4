/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* a * b / c, rounded down; UINT64_MAX if that does not fit or c is 0. Pure. */
static inline uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    uint64_t high = (uint64_t)(product >> 64), quotient, rest;
    if (high >= c)
        return UINT64_MAX;
    /* The compiler would call a function for the division of 128 bits; DIV faults only on a
     * quotient that does not fit. */
    __asm__("divq %4"
            : "=a"(quotient), "=d"(rest)
            : "0"((uint64_t)product), "1"(high), "r"(c)
            : "cc");
    return quotient;
}
