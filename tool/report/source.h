/* SPDX-License-Identifier: MIT */
/*
 * From an address to file and line, by the DWARF of an ELF file (libdw). The file is whatever somebody
 * packed: libdw may loop, overrun its stack or ask for all memory on a hostile one, so this runs in a
 * process of its own (report.c).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source_line { /* strings are malloc'ed */
    char *function;  /* "" when the DWARF does not say */
    char *path;      /* absolute, as far as the DWARF tells */
    int line;
    int column; /* 0: unknown */
};

/* Where one address is: the first is the line itself, each further one the line that the function
 * before was inlined at. */
struct source_lines {
    struct source_line *line;
    size_t count;
};

struct source_module;

/* An ELF file whose addresses were moved by `bias`. NULL when it cannot be read. */
struct source_module *source_open(const char *file, uint64_t bias);
/* No lines when the file has no DWARF for that address. */
void source_find(struct source_module *module, uint64_t address, struct source_lines *out);
/* The 64-bit word at a symbol of the file. */
bool source_word(struct source_module *module, const char *symbol, uint64_t *out);
