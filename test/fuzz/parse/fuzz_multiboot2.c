/* SPDX-License-Identifier: MIT */
#include "parse/multiboot2.h"

#include "parse_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct boot_info info;
    struct parse_fault fault = {0, NULL};
    if (multiboot2_parse(data, size, phys(0x9000), &info, &fault) != E_OK) {
        assert(fault.what && fault.offset <= size);
        return 0;
    }
    check_boot_info(&info);
    assert(info.info.end.v - info.info.start.v <= size);
    return 0;
}
