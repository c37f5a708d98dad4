/* SPDX-License-Identifier: MIT */
/* The input is the machine's memory from 0x6000 on; the start info is at its beginning. */
#include "parse/pvh.h"

#include "parse_check.h"

#define MEMORY_BASE UINT64_C(0x6000)

struct memory {
    const uint8_t *bytes;
    uint64_t size;
};

static bool read_memory(void *context, phys_t from, void *to, uint64_t length)
{
    const struct memory *m = context;
    if (from.v < MEMORY_BASE || !checked_span(from.v - MEMORY_BASE, length, m->size))
        return false;
    memcpy(to, m->bytes + (from.v - MEMORY_BASE), length);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct boot_info info;
    struct parse_fault fault = {0, NULL};
    struct memory m = {data, size};
    if (pvh_parse(phys(MEMORY_BASE), read_memory, &m, &info, &fault) == E_OK)
        check_boot_info(&info);
    else
        assert(fault.what && fault.offset < 56);
    return 0;
}
