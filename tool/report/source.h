/* SPDX-License-Identifier: MIT */
/*
 * From an address to file and line, by the DWARF of an ELF file (libdw). The file is not trusted: on a
 * hostile one libdw may loop, overflow its stack or exhaust memory, so this runs in a separate process
 * (report.c).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source_line { /* strings are malloc'ed */
    char *function;  /* "": not in the DWARF */
    char *path;      /* absolute if the DWARF has the directory */
    int line;
    int column; /* 0: unknown */
};

/* The lines of one address: the first is the line itself, each further one the line at which the
 * previous function was inlined. */
struct source_lines {
    struct source_line *line;
    size_t count;
};

struct source_module;

/* Opens an ELF file loaded at `bias`. NULL: it cannot be read. */
struct source_module *source_open(const char *file, uint64_t bias);
/* Finds the lines of an address; none if the file has no DWARF for it. */
void source_find(struct source_module *module, uint64_t address, struct source_lines *out);
/* The function at an address, by the symbols of the file, of its separate debug file or of its compressed ones; NULL: none.
 * *offset: of the address in it. Owned by the module. */
const char *source_symbol(struct source_module *module, uint64_t address, uint64_t *offset);
/* Reads the 64-bit word at a symbol of the file. */
bool source_word(struct source_module *module, const char *symbol, uint64_t *out);
