/* SPDX-License-Identifier: MIT */
/* Sequences of insertions, removals, changes and questions, against the model of
 * test/unit/support/gap_tree_model.c. */
#include "gap_tree_model.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *next, *end;

static size_t take(size_t n)
{
    size_t v = 0;
    for (size_t below = 1; below < n && next < end; below <<= 8)
        v = v << 8 | *next++;
    return v % n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    next = data;
    end = data + size;
    gap_model_start();
    while (next < end) {
        gap_model_step(take);
        gap_model_check();
    }
    return 0;
}
