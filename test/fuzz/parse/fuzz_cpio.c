/* SPDX-License-Identifier: MIT */
#include "parse/cpio.h"

#include "parse_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cpio_reader r;
    struct cpio_entry e;
    struct parse_fault fault = {0, NULL};
    enum cpio_next next;
    uint64_t before = 0;
    cpio_open(&r, data, size);
    while ((next = cpio_read(&r, &e, &fault)) == CPIO_ENTRY) {
        check_cpio_entry(&e, data, size);
        assert(r.offset > before && r.offset <= size); /* progress in each step, so it ends */
        before = r.offset;
    }
    if (next == CPIO_BROKEN)
        assert(fault.what && fault.offset <= size);
    else
        assert(cpio_read(&r, &e, &fault) == CPIO_END);
    return 0;
}
