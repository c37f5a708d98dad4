/* SPDX-License-Identifier: MIT */
/* Sequences of mmap, munmap, mprotect, mremap, madvise and faults, with memory running out, compared
 * after each step with the model of test/unit/support/areas_model.c. */
#include "areas_model.h"

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
    model_random = take;
    model_start();
    while (next < end) {
        model_step();
        model_check();
    }
    model_forget_all();
    model_check();
    return 0;
}
