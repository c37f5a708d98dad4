/* SPDX-License-Identifier: MIT */
#include "parse/elf64.h"

#include "parse_check.h"

#define LIMIT UINT64_C(0x7ffffffff000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct elf64_image image;
    struct parse_fault fault = {0, NULL};
    if (elf64_parse(data, size, LIMIT, &image, &fault) == E_OK)
        check_elf64(&image, size, LIMIT);
    else
        assert(fault.what && fault.offset <= size);
    return 0;
}
