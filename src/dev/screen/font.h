/* SPDX-License-Identifier: MIT */
/*
 * The console font, from Debian's console-setup-linux. cmake/font.sh packs it into one stream, an entry for each
 * character in ascending order:
 *
 *   ULEB128     distance from the character before - 1, times 2, + 1 if its glyph is one of an entry before
 *   ULEB128     such a glyph: how many different glyphs before it came
 *   bytes       a new glyph: a mask, bit 0 of its first byte for the first row: the row differs from the row above
 *   bytes       the rows that differ
 */
#pragma once

#include <stdint.h>

#define FONT_WIDTH 8

struct font_character {
    uint16_t character, glyph;
};

extern const unsigned font_height; /* rows of a glyph, one byte each: bit 7 is the leftmost pixel */
extern const unsigned font_glyph_count, font_character_count;
extern const uint8_t font_packed[];

/* Writes font_glyph_count glyphs, and font_character_count characters, sorted. O(font). Callers: boot. */
void font_unpack(uint8_t *glyphs, struct font_character *characters);
