#!/bin/sh
# SPDX-License-Identifier: MIT
# font.sh FONT.psf.gz OUTPUT.c: a console font (PSF version 1, with its Unicode table) as C, for src/dev/screen/font.h.
set -eu
gzip -dc -- "$1" | od -An -v -tu1 -w1 | awk '
    function fail(why) {
        print "font.sh: " why >"/dev/stderr"
        bad = 1
        exit 1
    }
    { byte[NR - 1] = $1 + 0 }
    END {
        if (bad)
            exit 1
        if (NR < 4 || byte[0] != 54 || byte[1] != 4)
            fail("not a PSF1 font")
        count = byte[2] % 2 ? 512 : 256
        height = byte[3]
        if (int(byte[2] / 2) % 2 == 0)
            fail("the font has no Unicode table")
        at = 4 + count * height
        if (NR < at)
            fail("the font is cut short")
        print "#include \"dev/screen/font.h\"\n"
        printf "const unsigned font_height = %d;\n", height
        print "const uint8_t font_glyphs[] = {"
        for (i = 4; i < at; i++)
            printf "%d,%s", byte[i], (i - 3) % height ? "" : "\n"
        print "};"
        # An entry: the characters of the glyph, optional sequences (after 0xfffe), a terminator (0xffff).
        for (glyph = 0; at + 1 < NR; at += 2) {
            character = byte[at] + 256 * byte[at + 1]
            if (character == 65535) {
                glyph++
                sequence = 0
            } else if (character == 65534) {
                sequence = 1
            } else if (!sequence && !(character in of)) {
                of[character] = glyph
            }
        }
        print "const struct font_character font_characters[] = {"
        for (character = 0; character < 65536; character++)
            if (character in of) {
                printf "{%d, %d},\n", character, of[character]
                n++
            }
        print "};"
        printf "const unsigned font_character_count = %d;\n", n
    }' >"$2.new"
mv -- "$2.new" "$2"
