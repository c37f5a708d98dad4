/* SPDX-License-Identifier: MIT */
/*
 * Source lines of code, from .debug_line of an ELF file (DWARF 2 to 5, section 6.2). For fault reports on machines without the host
 * tool: the file is untrusted and read through a reader; nothing is allocated. Pure.
 */
#pragma once

#include "parse/elf_symbols.h"

struct line_place {
    char file
        [ELF_NAME_SIZE]; /* without its folder; truncated if longer; only printable characters */
    uint64_t line;
};

/* The line of the code at an address of the file, before the load bias. Takes from *fuel what it reads of the section, and gives up
 * when that is used up. False: not known. O(the section). */
bool line_table_find(const struct byte_reader *file, uint64_t address, uint64_t *fuel,
                     struct line_place *out);
