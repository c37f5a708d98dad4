/* SPDX-License-Identifier: MIT */
/* The functions of an ELF file by address. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct symbol {
    uint64_t start, end;
    char *name;
};

struct symbols {
    struct symbol *item; /* by start */
    size_t count;
    uint64_t lowest; /* address of the image's first page in the file */
};

/* Reads .symtab, or .dynsym if there is none. A file that cannot be read gives no symbols. */
void symbols_read(struct symbols *out, const char *file);
/* The function at the address; NULL: none. O(log n). */
const char *symbols_find(const struct symbols *symbols, uint64_t address);
void symbols_free(struct symbols *symbols);
