/* SPDX-License-Identifier: MIT */
/* The console's font, made by cmake/font.sh out of Debian's console-setup-linux. */
#pragma once

#include <stdint.h>

#define FONT_WIDTH 8

struct font_character {
    uint16_t character, glyph;
};

extern const unsigned font_height;                    /* lines of a glyph, a byte each */
extern const uint8_t font_glyphs[];                   /* bit 7 is the leftmost pixel */
extern const struct font_character font_characters[]; /* sorted by character */
extern const unsigned font_character_count;
