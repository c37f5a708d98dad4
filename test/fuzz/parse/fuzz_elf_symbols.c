/* SPDX-License-Identifier: MIT */
/*
 * The look-ups of a fault report in an ELF file: each returns a complete answer for any file. The
 * first eight bytes of the input are the address that is looked up.
 */
#include "parse/elf_symbols.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct file {
    const uint8_t *bytes;
    size_t size;
    unsigned reads;
};

#define READS_MAX 2000000 /* more reads in one look-up would hang a report */

static bool read_file(void *context, uint64_t at, void *to, size_t size)
{
    struct file *f = context;
    if (++f->reads > READS_MAX)
        abort();
    if (at > f->size || size > f->size - at)
        return false;
    memcpy(to, f->bytes + at, size);
    return true;
}

static void check_name(const struct elf_name *name, uint64_t address)
{
    size_t n = strnlen(name->text, ELF_NAME_SIZE);
    if (n == ELF_NAME_SIZE || name->start > address)
        abort();
    for (size_t i = 0; i < n; i++)
        if (name->text[i] < ' ' || name->text[i] > '~')
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t address;
    if (size < sizeof address)
        return 0;
    memcpy(&address, data, sizeof address);
    struct file f = {data + sizeof address, size - sizeof address, 0};
    const struct byte_reader reader = {read_file, &f};
    struct elf_name name;
    struct elf_part part;
    struct elf_unwind unwind;
    if (elf_symbol_at(&reader, address, &name))
        check_name(&name, address);
    if (elf_section_at(&reader, address, &name))
        check_name(&name, address);
    /* A mapping starts at the page in which the segment starts. */
    if (elf_part_at_address(&reader, address, &part) &&
        address - (part.address - part.address % 4096) >= part.address % 4096 + part.memory_size)
        abort();
    if (elf_part_at_offset(&reader, address, &part) &&
        address - (part.offset - part.address % 4096) >= part.address % 4096 + part.file_size)
        abort();
    (void)elf_unwind_tables(&reader, &unwind);
    return 0;
}
