/* SPDX-License-Identifier: MIT */
/*
 * The kernel's symbols, compressed to a few KiB of the image, so that reports have names under
 * every loader. cmake/kernel_symbols.c generates the table from a first link without it:
 *
 *   struct symbol_table     build id, sizes, 192 pairs of codes
 *   text stream             for each symbol: distance from the one before (ULEB128), codes of the name
 *   data stream             the same for variables
 *
 * A code < 64 is a letter, 0 the end of the name. A larger one stands for a pair of smaller codes; the
 * last code of a name expands to letters of which the last is the end. The table is last in .rodata:
 * linking it in does not move the text before it and moves the data after it as a whole, so both
 * streams count from the start of their part.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYMBOL_NAME_SIZE 64
#define SYMBOL_LETTERS   64
#define SYMBOL_PAIRS     192

/* The letters of the codes: all characters of C names. */
static const char symbol_letters[SYMBOL_LETTERS] =
    "\0abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

struct symbol_table {
    uint64_t build_id;
    uint32_t text_size, data_size; /* bytes of the streams, which follow */
    uint8_t pairs[SYMBOL_PAIRS][2];
};

/* The symbol with the largest offset <= `offset` in the stream of text or data: its name and its
 * offset. False: none, or the table is damaged. O(symbols). Callers: any, a panic included. */
bool symbol_table_find(const struct symbol_table *table, bool data, uint64_t offset,
                       uint64_t *start, char name[SYMBOL_NAME_SIZE]);
