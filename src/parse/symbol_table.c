/* SPDX-License-Identifier: MIT */
#include "parse/symbol_table.h"

#define DEPTH 32 /* of the stack on which pairs are expanded */

static bool symbol_table_take_uleb(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; *at < end && shift < 63; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 127) << shift;
        if (!(byte & 128)) {
            *out = value;
            return true;
        }
    }
    return false;
}

/* The first (0) or second (1) code of a pair; the end of a name if the table is damaged. */
static uint8_t half_of(const struct symbol_table *t, uint8_t code, unsigned half)
{
    uint8_t part = t->pairs[code - SYMBOL_LETTERS][half];
    return part < code ? part : 0;
}

static bool ends_name(const struct symbol_table *t, uint8_t code)
{
    while (code >= SYMBOL_LETTERS)
        code = half_of(t, code, 1);
    return code == 0;
}

static void expand(const struct symbol_table *t, const uint8_t *at, const uint8_t *end, char *name)
{
    uint8_t waiting[DEPTH];
    unsigned depth = 0;
    size_t n = 0;
    while (n < SYMBOL_NAME_SIZE - 1 && (depth > 0 || at < end)) {
        uint8_t code = depth > 0 ? waiting[--depth] : *at++;
        if (code == 0)
            break;
        if (code < SYMBOL_LETTERS) {
            name[n++] = symbol_letters[code];
        } else if (depth + 2 <= DEPTH) {
            waiting[depth++] = half_of(t, code, 1);
            waiting[depth++] = half_of(t, code, 0);
        }
    }
    name[n] = '\0';
}

bool symbol_table_find(const struct symbol_table *t, bool data, uint64_t offset, uint64_t *start,
                       char name[SYMBOL_NAME_SIZE])
{
    const uint8_t *at = (const uint8_t *)(t + 1), *end = at + t->text_size, *best = NULL;
    if (data) {
        at = end;
        end += t->data_size;
    }
    uint64_t address = 0, found = 0, distance;
    while (symbol_table_take_uleb(&at, end, &distance)) {
        address += distance;
        if (address > offset)
            break;
        best = at;
        found = address;
        while (at < end && !ends_name(t, *at++)) {
        }
    }
    if (best == NULL)
        return false;
    expand(t, best, end, name);
    *start = found;
    return true;
}
