/* SPDX-License-Identifier: MIT */
/* Arithmetic on untrusted numbers. False means that the true result does not fit; *out is
 * unspecified then. */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

static inline MUST_CHECK bool checked_add(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline MUST_CHECK bool checked_mul(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

/* True if [offset, offset + length) lies in [0, size). */
static inline MUST_CHECK bool checked_span(uint64_t offset, uint64_t length, uint64_t size)
{
    return offset <= size && length <= size - offset;
}
