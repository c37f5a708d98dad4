/* SPDX-License-Identifier: MIT */
/*
 * The kernel's symbols, compressed to a few KiB of the image, so that reports have names under
 * every loader. cmake/kernel_symbols.c generates the table from a first link without it:
 *
 *   struct symbol_table     build id, sizes, pairs of codes
 *   text stream             by address; for each symbol: its distance from the one before, how many
 *                           letters its name has in common with that one's, codes of the others
 *   data stream             the same for variables
 *   padding                 SYMBOL_PADDING bytes
 *
 * All are strings of bits, the lowest of a byte first:
 *
 *   distance   distance / 128 ones, a zero, 7 bits
 *   letters    a zero: none; or a one and 5 bits
 *   codes      10 bits each: below 64 a letter, 0 the end of the name; a larger one stands for a pair of smaller codes
 *
 * The table is last in .rodata: linking it in does not move the text before it and moves the data after it as a whole, so
 * both streams count from the start of their part.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYMBOL_NAME_SIZE     64
#define SYMBOL_LETTERS       64
#define SYMBOL_PAIRS         960
#define SYMBOL_CODE_BITS     10
#define SYMBOL_COMMON_BITS   5
#define SYMBOL_DISTANCE_BITS 7
#define SYMBOL_PADDING       2 /* what is read together with the last bits */

/* The letters of the codes: all characters of C names. */
static const char symbol_letters[SYMBOL_LETTERS] =
    "\0abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

struct symbol_table {
    uint64_t build_id;
    uint32_t text_size, data_size; /* bytes of the streams, which follow */
    uint8_t pairs[SYMBOL_PAIRS * 2 * SYMBOL_CODE_BITS / 8];
};

/* The symbol with the largest offset <= `offset` in the stream of text or data: its name and its
 * offset. False: none, or the table is damaged. O(symbols). Callers: any, a panic included. */
bool symbol_table_find(const struct symbol_table *table, bool data, uint64_t offset,
                       uint64_t *start, char name[SYMBOL_NAME_SIZE]);
