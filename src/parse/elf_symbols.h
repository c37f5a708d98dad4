/* SPDX-License-Identifier: MIT */
/*
 * Names out of an ELF file: which symbol and which section holds an address, and where the unwind
 * tables are. For fault reports: the file comes through a reader, nothing is kept, and nothing in
 * it is believed. gABI chapter 4. Pure.
 *
 * All addresses are the file's own, before the load bias.
 */
#pragma once

#include "base/byte_reader.h"

#define ELF_NAME_SIZE 64

struct elf_name {
    char text[ELF_NAME_SIZE]; /* cut when longer; only printable characters */
    uint64_t start;           /* where the symbol or section begins */
    uint64_t size;            /* 0: it does not say */
};

struct elf_part {   /* a PT_LOAD */
    unsigned index; /* among all program headers */
    uint64_t address, memory_size, offset, file_size;
};

/* The symbol (of .symtab, else .dynsym) that holds the address, or else the one that starts closest
 * below it in its section without a size. False: none, or no ELF file. */
bool elf_symbol_at(const struct byte_reader *file, uint64_t address, struct elf_name *out);
/* The section; false also when the file has no section headers. */
bool elf_section_at(const struct byte_reader *file, uint64_t address, struct elf_name *out);
/* The segment that loads the byte at this file offset. */
bool elf_part_at_offset(const struct byte_reader *file, uint64_t offset, struct elf_part *out);
bool elf_part_at_address(const struct byte_reader *file, uint64_t address, struct elf_part *out);

struct elf_unwind {
    uint64_t header, header_size; /* .eh_frame_hdr; size 0: none */
    uint64_t frames, frames_size; /* .eh_frame; size 0: only the header knows */
};
bool elf_unwind_tables(const struct byte_reader *file, struct elf_unwind *out);
