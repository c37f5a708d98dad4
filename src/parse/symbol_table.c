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

static void expand(const struct symbol_table *t, const uint8_t *at, const uint8_t *end, char *name)
{
    size_t n = 0;
    for (; at < end && *at != 0; at++) {
        uint8_t waiting[DEPTH];
        unsigned depth = 0;
        waiting[depth++] = *at;
        while (depth > 0) {
            uint8_t byte = waiting[--depth];
            if (byte < 128) {
                if (n < SYMBOL_NAME_SIZE - 1)
                    name[n++] = (char)byte;
            } else if (depth + 2 <= DEPTH && n < SYMBOL_NAME_SIZE - 1) {
                waiting[depth++] = t->pairs[byte - 128][1];
                waiting[depth++] = t->pairs[byte - 128][0];
            }
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
        while (at < end && *at != 0)
            at++;
        at += at < end;
    }
    if (best == NULL)
        return false;
    expand(t, best, end, name);
    *start = found;
    return true;
}
