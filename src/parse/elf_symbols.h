/* SPDX-License-Identifier: MIT */
/*
 * Lookup in an ELF file: the symbol and the section of an address, and the unwind tables (gABI
 * chapter 4). For fault reports: the file is untrusted and read through a reader; nothing is
 * allocated. Pure.
 *
 * All addresses are those of the file, before the load bias.
 */
#pragma once

#include "base/byte_reader.h"

#define ELF_NAME_SIZE 64

struct elf_name {
    char text[ELF_NAME_SIZE]; /* truncated if longer; only printable characters */
    uint64_t start;           /* of the symbol or section */
    uint64_t size;            /* of the symbol or section; 0: unknown */
};

struct elf_part {   /* a PT_LOAD */
    unsigned index; /* among all program headers */
    uint64_t address, memory_size, offset, file_size;
};

/* The symbol (of .symtab, else of .dynsym) that contains the address, or else the closest one below
 * it that has no size and lies in the same section. False: none, or no ELF file. O(symbols). */
bool elf_symbol_at(const struct byte_reader *file, uint64_t address, struct elf_name *out);
/* The section that contains the address. False: none, or no section headers. */
bool elf_section_at(const struct byte_reader *file, uint64_t address, struct elf_name *out);
/* The PT_LOAD that maps the byte at this file offset, or at this address. */
bool elf_part_at_offset(const struct byte_reader *file, uint64_t offset, struct elf_part *out);
bool elf_part_at_address(const struct byte_reader *file, uint64_t address, struct elf_part *out);

struct elf_span {
    uint64_t address, offset, size;
};
/* The first section of this name, in the file and not compressed. */
bool elf_section_named(const struct byte_reader *file, const char *name, struct elf_span *out);

struct elf_unwind {
    uint64_t header, header_size; /* .eh_frame_hdr; size 0: none */
    uint64_t frames, frames_size; /* .eh_frame; size 0: no section header names it */
};
bool elf_unwind_tables(const struct byte_reader *file, struct elf_unwind *out);
