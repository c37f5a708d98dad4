/* SPDX-License-Identifier: MIT */
#include "dev/screen/font.h"

static unsigned font_take_uleb(const uint8_t **at)
{
    unsigned value = 0, shift = 0;
    do {
        value |= (**at & 127u) << shift;
        shift += 7;
    } while (*(*at)++ & 128);
    return value;
}

static const uint8_t *font_unpack_glyph(const uint8_t *at, uint8_t *rows)
{
    const uint8_t *mask = at;
    uint8_t row = 0;
    at += (font_height + 7) / 8;
    for (unsigned y = 0; y < font_height; y++) {
        if (mask[y / 8] >> y % 8 & 1)
            row = *at++;
        rows[y] = row;
    }
    return at;
}

void font_unpack(uint8_t *glyphs, struct font_character *characters)
{
    const uint8_t *at = font_packed;
    unsigned character = 0, count = 0;
    for (unsigned i = 0; i < font_character_count; i++) {
        unsigned code = font_take_uleb(&at), glyph = count;
        if (code & 1) {
            glyph -= font_take_uleb(&at);
        } else {
            at = font_unpack_glyph(at, glyphs + glyph * font_height);
            count++;
        }
        character += code / 2;
        characters[i] = (struct font_character){(uint16_t)character++, (uint16_t)glyph};
    }
}
