/* SPDX-License-Identifier: MIT */
/* Sums of untrusted numbers: false means that the true result does not fit, and *out is
 * unspecified. */
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

/* Is [offset, offset + length) inside [0, size)? */
static inline MUST_CHECK bool checked_span(uint64_t offset, uint64_t length, uint64_t size)
{
    return offset <= size && length <= size - offset;
}
