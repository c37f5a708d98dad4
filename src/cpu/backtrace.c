/* SPDX-License-Identifier: MIT */
#include "cpu/backtrace.h"

unsigned backtrace(uint64_t rbp, backtrace_read read, void *context, uint64_t *out, unsigned max)
{
    unsigned n = 0;
    while (n < max && rbp != 0 && rbp % 8 == 0) {
        uint64_t caller, next;
        if (!read(context, rbp, &next) || !read(context, rbp + 8, &caller) || caller == 0)
            break;
        out[n++] = caller;
        /* Stacks grow down, so callers' frames lie higher; the kernel's stack links to the
         * program's, which lies lower: one jump down from the upper half is a trap. */
        if (next <= rbp && !(rbp >> 63 && !(next >> 63)))
            break;
        rbp = next;
    }
    return n;
}
