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
    function uleb(value) {
        for (; value >= 128; value = int(value / 128))
            printf "%d,", value % 128 + 128
        printf "%d,", value
    }
    # The entry of `character`, of which `number` has the places of glyphs by their rows.
    function pack(glyph, i, row, above, mask, rows, masks) {
        for (i = 0; i < height; i++) {
            row = byte[4 + glyph * height + i]
            if (row != above + 0) {
                mask += 2 ^ (i % 8)
                rows = rows row ","
            }
            above = row
            if (i % 8 == 7 || i == height - 1) {
                masks = masks mask + 0 ","
                mask = 0
            }
        }
        if ((masks rows) in number) {
            uleb(2 * (character - next_character) + 1)
            uleb(glyphs - number[masks rows])
        } else {
            uleb(2 * (character - next_character))
            printf "%s", masks rows
            number[masks rows] = glyphs++
        }
        print ""
        next_character = character + 1
        n++
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
        print "const uint8_t font_packed[] = {"
        for (character = 0; character < 65536; character++)
            if (character in of)
                pack(of[character])
        print "};"
        printf "const unsigned font_glyph_count = %d;\n", glyphs
        printf "const unsigned font_character_count = %d;\n", n
    }' >"$2.new"
mv -- "$2.new" "$2"
