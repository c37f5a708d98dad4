/* SPDX-License-Identifier: MIT */
/* A linear framebuffer of 32 bits a pixel, with any pitch, order of channels and address. */
#include "base/checked.h"
#include "base/str.h"
#include "dev/screen/font.h"
#include "dev/screen/surface.h"
#include "mm/heap/heap.h"
#include "mm/init/memory.h"

/* Screens of this width or more have small pixels: characters are drawn at double size. */
#define DOUBLE_FROM_WIDTH 2560u

static uint8_t *card; /* write-combining: written in order, never read */
static uint32_t pitch;
static unsigned scale;
static uint32_t palette[16];
static uint16_t ascii_glyph[128];
static uint8_t
    *font_glyphs; /* on the heap, with the characters: only a machine with a screen has them */
static struct font_character *font_characters;

static unsigned glyph_of(unsigned character)
{
    unsigned low = 0, high = font_character_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (font_characters[middle].character == character)
            return font_characters[middle].glyph;
        if (font_characters[middle].character < character)
            low = middle + 1;
        else
            high = middle;
    }
    return character == 0xfffd ? 0 : glyph_of(0xfffd);
}

static uint32_t channel(unsigned value, unsigned position, unsigned size)
{
    return (uint32_t)(value >> (8 - size)) << position;
}

/* The 16 colours of VGA text mode. */
static void make_palette(const struct boot_framebuffer *f)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned high = i & 8 ? 0xff : 0xaa, low = i & 8 ? 0x55 : 0;
        unsigned red = i & 1 ? high : low, green = i & 2 ? high : low, blue = i & 4 ? high : low;
        if (i == 3)
            green = 0x55; /* brown */
        palette[i] = channel(red, f->red.position, f->red.size) |
                     channel(green, f->green.position, f->green.size) |
                     channel(blue, f->blue.position, f->blue.size);
    }
}

/* Two pixels, written with one store. */
typedef uint64_t pixel_pair __attribute__((aligned(4), may_alias));

/* The pixels for each pair of glyph bits in the cell's colours; the high bit is the left pixel. */
static void colour_pairs(vt_cell cell, uint64_t pair[4])
{
    uint64_t front = palette[cell >> VT_FOREGROUND_SHIFT & 15];
    uint64_t back = palette[cell >> VT_BACKGROUND_SHIFT & 15];
    pair[0] = back | back << 32;
    pair[1] = back | front << 32;
    pair[2] = front | back << 32;
    pair[3] = front | front << 32;
}

/* Draws one line of pixels of one character; returns the end. */
static pixel_pair *draw_bits(pixel_pair *to, unsigned bits, const uint64_t pair[4])
{
    if (scale == 1) {
        to[0] = pair[bits >> 6];
        to[1] = pair[bits >> 4 & 3];
        to[2] = pair[bits >> 2 & 3];
        to[3] = pair[bits & 3];
        return to + 4;
    }
    for (int i = 7; i >= 0; i--)
        *to++ = pair[bits >> i & 1 ? 3 : 0];
    return to;
}

/* Draws pixel lines across all cells, so that write-combining buffers fill. */
static void framebuffer_draw(unsigned row, unsigned from, unsigned to, const vt_cell *cells)
{
    static const uint8_t *glyphs[VT_COLUMNS_MAX];
    for (unsigned i = from; i < to; i++) {
        unsigned character = cells[i] & 0xffff;
        unsigned glyph = character < 128 ? ascii_glyph[character] : glyph_of(character);
        glyphs[i] = font_glyphs + glyph * font_height;
    }
    for (unsigned y = 0; y < font_height * scale; y++) {
        unsigned line = y / scale;
        uint64_t pair[4];
        vt_cell colours = ~cells[from]; /* the cell that `pair` was made for */
        uint64_t offset = ((uint64_t)row * font_height * scale + y) * pitch +
                          (uint64_t)from * FONT_WIDTH * scale * sizeof(uint32_t);
        pixel_pair *pixel = (pixel_pair *)(card + offset);
        for (unsigned i = from; i < to; i++) {
            if ((cells[i] ^ colours) >> VT_FOREGROUND_SHIFT) {
                colours = cells[i];
                colour_pairs(colours, pair);
            }
            unsigned bits = glyphs[i][line];
            if (cells[i] & VT_UNDERLINED && line == font_height - 2)
                bits = 0xff;
            pixel = draw_bits(pixel, bits, pair);
        }
    }
}

static bool channel_ok(unsigned position, unsigned size)
{
    return size >= 1 && size <= 8 && position + size <= 32;
}

static bool description_ok(const struct boot_framebuffer *f, uint64_t *bytes, uint64_t *end)
{
    return f->bits_per_pixel == 32 && f->pitch % sizeof(uint32_t) == 0 &&
           f->base.v % sizeof(uint32_t) == 0 && f->width <= f->pitch / sizeof(uint32_t) &&
           channel_ok(f->red.position, f->red.size) &&
           channel_ok(f->green.position, f->green.size) &&
           channel_ok(f->blue.position, f->blue.size) && checked_mul(f->pitch, f->height, bytes) &&
           checked_add(f->base.v, *bytes, end) && *end <= UINT64_C(1) << 52;
}

static unsigned at_most(unsigned v, unsigned most)
{
    return v < most ? v : most;
}

bool framebuffer_open(const struct boot_framebuffer *boot, struct surface *out)
{
    uint64_t bytes, end;
    if (!description_ok(boot, &bytes, &end))
        return false;
    scale = boot->width >= DOUBLE_FROM_WIDTH ? 2 : 1;
    unsigned columns = boot->width / (FONT_WIDTH * scale);
    unsigned rows = boot->height / (font_height * scale);
    if (columns < 20 || rows < 5)
        return false;
    font_characters = heap_alloc(font_character_count * sizeof(struct font_character) +
                                 font_glyph_count * font_height);
    if (font_characters == NULL)
        return false;
    font_glyphs = (uint8_t *)(font_characters + font_character_count);
    font_unpack(font_glyphs, font_characters);
    card = memory_map_physical(phys_range(boot->base.v, end), prot_write_combining());
    if (card == NULL) {
        heap_free(font_characters);
        return false;
    }
    pitch = boot->pitch;
    make_palette(boot);
    for (unsigned i = 0; i < 128; i++)
        ascii_glyph[i] = (uint16_t)glyph_of(i);
    for (uint32_t y = 0; y < boot->height; y++) /* also the margins, which no character covers */
        memset(card + (uint64_t)y * pitch, 0, (uint64_t)boot->width * sizeof(uint32_t));
    *out = (struct surface){
        .columns = (uint16_t)at_most(columns, VT_COLUMNS_MAX),
        .rows = (uint16_t)at_most(rows, VT_ROWS_MAX),
        .draw = framebuffer_draw,
    };
    return true;
}
