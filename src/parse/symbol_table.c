/* SPDX-License-Identifier: MIT */
#include "parse/symbol_table.h"

#define DEPTH SYMBOL_NAME_SIZE /* of the stack on which pairs are expanded */

struct bits {
    const uint8_t *bytes;
    size_t at, end; /* in bits */
};

/* The next `count` bits, at most SYMBOL_CODE_BITS. False: the string has ended. */
static bool take_bits(struct bits *bits, unsigned count, unsigned *out)
{
    const uint8_t *byte = bits->bytes + bits->at / 8;
    if (bits->end - bits->at < count)
        return false;
    unsigned three = byte[0] | (unsigned)byte[1] << 8 | (unsigned)byte[2] << 16;
    *out = three >> bits->at % 8 & ((1u << count) - 1);
    bits->at += count;
    return true;
}

static bool take_distance(struct bits *bits, uint64_t *out)
{
    unsigned more, rest;
    for (uint64_t distance = 0; take_bits(bits, 1, &more); distance += 1u << SYMBOL_DISTANCE_BITS) {
        if (more)
            continue;
        bool taken = take_bits(bits, SYMBOL_DISTANCE_BITS, &rest);
        *out = distance + (taken ? rest : 0);
        return taken;
    }
    return false;
}

/* The first (0) or second (1) code of a pair; the end of a name if the table is damaged. */
static unsigned half_of(const struct symbol_table *t, unsigned code, unsigned half)
{
    struct bits pairs = {t->pairs, (2 * (code - SYMBOL_LETTERS) + half) * SYMBOL_CODE_BITS,
                         sizeof t->pairs * 8};
    unsigned part;
    return take_bits(&pairs, SYMBOL_CODE_BITS, &part) && part < code ? part : 0;
}

/* Writes the letters of the name from `n` on; *bits goes behind the end of the name. */
static void take_letters(const struct symbol_table *t, struct bits *bits, char *name, size_t n)
{
    uint16_t waiting[DEPTH];
    unsigned depth = 0, code;
    for (;;) {
        if (depth > 0)
            code = waiting[--depth];
        else if (!take_bits(bits, SYMBOL_CODE_BITS, &code))
            break;
        if (code == 0)
            break;
        if (code < SYMBOL_LETTERS) {
            if (n < SYMBOL_NAME_SIZE - 1)
                name[n++] = symbol_letters[code];
        } else if (depth + 2 <= DEPTH) {
            waiting[depth++] = (uint16_t)half_of(t, code, 1);
            waiting[depth++] = (uint16_t)half_of(t, code, 0);
        }
    }
    name[n] = '\0';
}

bool symbol_table_find(const struct symbol_table *t, bool data, uint64_t offset, uint64_t *start,
                       char name[SYMBOL_NAME_SIZE])
{
    const uint8_t *text = (const uint8_t *)(t + 1);
    struct bits bits = {text, 0, (uint64_t)t->text_size * 8};
    if (data)
        bits = (struct bits){text + t->text_size, 0, (uint64_t)t->data_size * 8};
    uint64_t address = 0, distance;
    bool found = false;
    size_t length = 0; /* of the name before */
    while (take_distance(&bits, &distance) && address + distance <= offset) {
        unsigned common = 0;
        address += distance;
        if (!take_bits(&bits, 1, &common) ||
            (common && !take_bits(&bits, SYMBOL_COMMON_BITS, &common)))
            break;
        take_letters(t, &bits, name, common < length ? common : length);
        for (length = 0; name[length] != '\0';)
            length++;
        found = true;
        *start = address;
    }
    return found;
}
