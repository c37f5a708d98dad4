/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own symbols, in a few KiB of the image, so that a report has names under every
 * loader. Made by cmake/kernel_symbols.c from a first link without a table:
 *
 *   struct symbol_table     build id, sizes, 128 pairs of bytes
 *   text stream             for each symbol: distance from the one before (ULEB128), name, 0
 *   data stream             the same for variables
 *
 * A byte from 128 up in a name stands for a pair, whose bytes may stand for pairs again. The table
 * comes last in .rodata: the text before it does not move when it is linked in, and the data
 * behind it moves as one, so both streams count from the start of their part.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYMBOL_NAME_SIZE 64

struct symbol_table {
    uint64_t build_id;
    uint32_t text_size, data_size; /* bytes of the streams, which follow */
    uint8_t pairs[128][2];
};

/* The symbol with the largest offset <= `offset` in the stream of text or data: its name and where
 * it starts. False: none, or the table is damaged. Reads the table only. Callers: any, a panic too.
 */
bool symbol_table_find(const struct symbol_table *table, bool data, uint64_t offset,
                       uint64_t *start, char name[SYMBOL_NAME_SIZE]);
