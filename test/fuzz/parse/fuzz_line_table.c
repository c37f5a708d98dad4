/* SPDX-License-Identifier: MIT */
/* The line of an address in any file: the search ends within its fuel. The first eight bytes of the input are the address. */
#include "parse/line_table.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct file {
    const uint8_t *bytes;
    size_t size, read;
};

static bool read_file(void *context, uint64_t at, void *to, size_t size)
{
    struct file *f = context;
    f->read += size;
    if (at > f->size || size > f->size - at)
        return false;
    memcpy(to, f->bytes + at, size);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t address, fuel = 4096;
    if (size < sizeof address)
        return 0;
    memcpy(&address, data, sizeof address);
    struct file f = {data + sizeof address, size - sizeof address, 0};
    const struct byte_reader reader = {read_file, &f};
    struct line_place place;
    bool found = line_table_find(&reader, address, &fuel, &place);
    /* Names of sections, the heads of 1,024 units, their programs, one name. */
    if (fuel > 4096 ||
        f.read > 4 * 256 * (64 + ELF_NAME_SIZE) + 1024 * 128 + 4096 * 2 + (f.size + 4096) * 4)
        abort();
    if (found && (place.file[0] == '\0' || strnlen(place.file, ELF_NAME_SIZE) == ELF_NAME_SIZE))
        abort();
    for (const char *c = place.file; found && *c; c++)
        if (*c < ' ' || *c > '~')
            abort();
    return 0;
}
