/* SPDX-License-Identifier: MIT */
/* The console font; cmake/font.sh generates it from Debian's console-setup-linux. */
#pragma once

#include <stdint.h>

#define FONT_WIDTH 8

struct font_character {
    uint16_t character, glyph;
};

extern const unsigned font_height;                    /* rows of a glyph, one byte each */
extern const uint8_t font_glyphs[];                   /* bit 7 is the leftmost pixel */
extern const struct font_character font_characters[]; /* sorted by character */
extern const unsigned font_character_count;
