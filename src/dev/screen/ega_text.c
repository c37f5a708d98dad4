/* SPDX-License-Identifier: MIT */
/* VGA text mode: two bytes a character, code page 437 and attribute. */
#include "base/str.h"
#include "cpu/x86.h"
#include "dev/screen/surface.h"
#include "mm/init/memory.h"

enum {
    TEXT_MEMORY = 0xb8000,
    TEXT_COLUMNS = 80,
    TEXT_ROWS = 25,
    MISC_OUTPUT_READ = 0x3cc,
    GRAPHICS_INDEX = 0x3ce,
    GRAPHICS_DATA = 0x3cf,
    GRAPHICS_MISC = 6, /* bit 0: graphics mode; bits 2-3: memory map, 3 = 0xb8000 */
    CRTC_INDEX = 0x3d4,
    CRTC_DATA = 0x3d5,
    CRTC_CURSOR_START = 0x0a,
    CURSOR_OFF = 0x20,
};

static volatile uint16_t *cells_of_card;
static uint16_t columns_of_card;

/* Code page 437, characters 128 to 255. */
static const uint16_t page_437[128] = {
    0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef,
    0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9,
    0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa,
    0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb,
    0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557,
    0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f,
    0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559,
    0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
    0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4,
    0x221e, 0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248,
    0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

static uint8_t code_of(unsigned character)
{
    if (character >= 0x20 && character < 0x7f)
        return (uint8_t)character;
    for (unsigned i = 0; i < 128; i++)
        if (page_437[i] == character)
            return (uint8_t)(128 + i);
    return '?';
}

/* From bit 0 the terminal's colours are red, green, blue; the adapter's are blue, green, red. */
static unsigned ega_text_colour_of(unsigned c)
{
    return (c & 8) | (c & 1) << 2 | (c & 2) | (c & 4) >> 2;
}

static void ega_text_draw(unsigned row, unsigned from, unsigned to, const vt_cell *cells)
{
    for (unsigned i = from; i < to; i++) {
        unsigned front = ega_text_colour_of(cells[i] >> VT_FOREGROUND_SHIFT & 15);
        /* Bit 3 of the background would mean blinking. */
        unsigned back = ega_text_colour_of(cells[i] >> VT_BACKGROUND_SHIFT & 7);
        cells_of_card[row * columns_of_card + i] =
            (uint16_t)(code_of(cells[i] & 0xffff) | front << 8 | back << 12);
    }
}

bool ega_text_present(void)
{
    if (in8(MISC_OUTPUT_READ) == 0xff)
        return false; /* no adapter */
    out8(GRAPHICS_INDEX, GRAPHICS_MISC);
    return (in8(GRAPHICS_DATA) & 0x0d) == 0x0c;
}

bool ega_text_open(const struct boot_framebuffer *boot, struct surface *out)
{
    uint64_t base = boot->text ? boot->base.v : TEXT_MEMORY;
    uint32_t columns = boot->text ? boot->width : TEXT_COLUMNS;
    uint32_t rows = boot->text ? boot->height : TEXT_ROWS;
    if (columns < 20 || columns > VT_COLUMNS_MAX || rows < 5 || rows > VT_ROWS_MAX ||
        base != TEXT_MEMORY || (boot->text && boot->pitch != columns * 2))
        return false;
    cells_of_card = memory_map_physical(phys_range(base, base + columns * rows * 2), prot_device());
    if (cells_of_card == NULL)
        return false;
    columns_of_card = (uint16_t)columns;
    out8(CRTC_INDEX, CRTC_CURSOR_START); /* the cursor is drawn as a reversed cell */
    out8(CRTC_DATA, CURSOR_OFF);
    *out = (struct surface){
        .columns = (uint16_t)columns, .rows = (uint16_t)rows, .draw = ega_text_draw};
    return true;
}
