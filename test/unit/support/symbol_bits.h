/* SPDX-License-Identifier: MIT */
/* Writes tables of symbols for tests (parse/symbol_table.h). */
#pragma once

#include "parse/symbol_table.h"

#include <string.h>

struct symbol_bits {
    uint8_t *bytes; /* zeros */
    size_t at;      /* in bits */
};

static inline void put_symbol_bits(struct symbol_bits *to, unsigned value, unsigned count)
{
    for (unsigned i = 0; i < count; i++, to->at++)
        to->bytes[to->at / 8] |= (uint8_t)((value >> i & 1) << to->at % 8);
}

/* The distance of a symbol from the one before, and how many letters they have in common. */
static inline void put_symbol_start(struct symbol_bits *to, unsigned distance, unsigned common)
{
    for (unsigned n = distance >> SYMBOL_DISTANCE_BITS; n > 0; n--)
        put_symbol_bits(to, 1, 1);
    put_symbol_bits(to, 0, 1);
    put_symbol_bits(to, distance & ((1u << SYMBOL_DISTANCE_BITS) - 1), SYMBOL_DISTANCE_BITS);
    put_symbol_bits(to, common > 0, 1);
    if (common > 0)
        put_symbol_bits(to, common, SYMBOL_COMMON_BITS);
}

static inline void put_symbol_code(struct symbol_bits *to, unsigned code)
{
    put_symbol_bits(to, code, SYMBOL_CODE_BITS);
}

/* A name, or what is left of it, as letters. */
static inline void put_symbol_name(struct symbol_bits *to, const char *name)
{
    for (const char *c = name; *c != '\0'; c++)
        put_symbol_code(to, (unsigned)((const char *)memchr(symbol_letters, *c, SYMBOL_LETTERS) -
                                       symbol_letters));
    put_symbol_code(to, 0);
}

static inline void put_symbol_pair(struct symbol_table *table, unsigned code, unsigned first,
                                   unsigned second)
{
    struct symbol_bits to = {table->pairs, (code - SYMBOL_LETTERS) * 2 * SYMBOL_CODE_BITS};
    put_symbol_code(&to, first);
    put_symbol_code(&to, second);
}

static inline uint32_t symbol_bytes(const struct symbol_bits *bits)
{
    return (uint32_t)(bits->at + 7) / 8;
}
