/* SPDX-License-Identifier: MIT */
/* dev/screen/framebuffer.c over an array as video memory: channel orders, pitches, addresses, bad values. */
#include "unit.h"

#include "dev/screen/font.h"
#include "dev/screen/surface.h"
#include "mm/heap/heap.h"
#include "mm/init/memory.h"

#include <string.h>

#define CARD_BYTES (64u << 20)

static uint8_t card[CARD_BYTES];
static struct phys_range mapped;
static bool no_memory;

void *memory_map_physical(struct phys_range range, prot_t prot)
{
    (void)prot;
    mapped = range;
    return no_memory || phys_range_size(range) > CARD_BYTES ? NULL : card;
}

/* One allocation at a time: the font. */
static uint8_t heap[1 << 14];
static bool heap_is_full;

void *heap_alloc(size_t size)
{
    return heap_is_full || size > sizeof heap ? NULL : heap;
}

void heap_free(void *p)
{
    assert_ptr_equal(p, heap);
}

static struct boot_framebuffer usual(void)
{
    struct boot_framebuffer f = {.base = phys(0xfd000000),
                                 .pitch = 800 * 4,
                                 .width = 800,
                                 .height = 600,
                                 .bits_per_pixel = 32};
    f.red.position = 16, f.red.size = 8;
    f.green.position = 8, f.green.size = 8;
    f.blue.position = 0, f.blue.size = 8;
    return f;
}

static int prepare(void **state)
{
    (void)state;
    memset(card, 0x5a, sizeof card);
    mapped = phys_range(0, 0);
    no_memory = heap_is_full = false;
    return 0;
}

static uint32_t pixel(const struct boot_framebuffer *f, unsigned x, unsigned y)
{
    uint32_t value;
    memcpy(&value, card + (size_t)y * f->pitch + x * 4, 4);
    return value;
}

/* A solid block in one colour at row 1, column 2. */
static void draw_block(const struct surface *s, unsigned colour)
{
    vt_cell cell = 0x2588 | colour << VT_FOREGROUND_SHIFT;
    s->draw(1, 2, 3, &cell - 2);
}

static void test_colours_follow_the_channels_order(void **state)
{
    (void)state;
    static const struct {
        uint8_t red, green, blue, size;
        uint32_t brown, bright_blue;
    } orders[] = {
        {16, 8, 0, 8, 0xaa5500, 0x5555ff},
        {0, 8, 16, 8, 0x0055aa, 0xff5555},
        {24, 16, 8, 8, 0xaa550000, 0x5555ff00},
        {10, 5, 0, 5, 0x5540, 0x295f},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(orders); i++) {
        struct boot_framebuffer f = usual();
        struct surface s;
        f.red.position = orders[i].red, f.green.position = orders[i].green;
        f.blue.position = orders[i].blue;
        f.red.size = f.green.size = f.blue.size = orders[i].size;
        assert_true(framebuffer_open(&f, &s));
        draw_block(&s, 3);
        assert_int_equal(pixel(&f, 16, font_height), orders[i].brown);
        assert_int_equal(pixel(&f, 23, 2 * font_height - 1), orders[i].brown);
        assert_int_equal(pixel(&f, 24, font_height), 0);
        assert_int_equal(pixel(&f, 15, font_height), 0);
        draw_block(&s, 12);
        assert_int_equal(pixel(&f, 16, font_height), orders[i].bright_blue);
    }
}

/* A pitch larger than the visible line: the bytes between are not written. */
static void test_pitch_and_place(void **state)
{
    (void)state;
    struct boot_framebuffer f = usual();
    struct surface s;
    f.pitch = 800 * 4 + 256;
    f.base = phys(UINT64_C(0x38000000000));
    assert_true(framebuffer_open(&f, &s));
    assert_int_equal(mapped.start.v, f.base.v);
    assert_int_equal(phys_range_size(mapped), (uint64_t)f.pitch * 600);
    assert_int_equal(s.columns, 100);
    assert_int_equal(s.rows, 600 / font_height);
    draw_block(&s, 7);
    assert_int_equal(pixel(&f, 16, font_height), 0xaaaaaa);
    for (unsigned y = 0; y < 600; y++)
        assert_int_equal(pixel(&f, 800 + y % 64, y), 0x5a5a5a5a);
}

static void test_wide_screens_double_the_font(void **state)
{
    (void)state;
    struct boot_framebuffer f = usual();
    struct surface s;
    f.width = 2560, f.height = 1440, f.pitch = 2560 * 4;
    assert_true(framebuffer_open(&f, &s));
    assert_int_equal(s.columns, 160);
    draw_block(&s, 7);
    assert_int_equal(pixel(&f, 32, 2 * font_height), 0xaaaaaa);
    assert_int_equal(pixel(&f, 47, 4 * font_height - 1), 0xaaaaaa);
    assert_int_equal(pixel(&f, 48, 2 * font_height), 0);
}

static void refuse(struct boot_framebuffer f)
{
    struct surface s;
    assert_false(framebuffer_open(&f, &s));
    assert_int_equal(card[0], 0x5a);
}

static void test_absurd_framebuffers_are_refused(void **state)
{
    (void)state;
    struct boot_framebuffer f = usual();
#define WITH(change) (f = usual(), (change), refuse(f), assert_int_equal(mapped.end.v, 0))
    WITH(f.bits_per_pixel = 24);
    WITH(f.bits_per_pixel = 0);
    WITH(f.pitch = 800 * 4 - 4);
    WITH(f.pitch = 800 * 4 + 1);
    WITH(f.pitch = 0);
    WITH(f.width = 0);
    WITH(f.width = 159);
    WITH(f.width = UINT32_MAX);
    WITH(f.height = 0);
    WITH(f.height = 5 * 16 - 1);
    WITH((f.pitch = 0xfffffffc, f.height = UINT32_MAX));
    WITH(f.base = phys(0xfd000001));
    WITH(f.base = phys(UINT64_MAX - 3));
    WITH(f.base = phys((UINT64_C(1) << 52) - 4096));
    WITH(f.red.size = 0);
    WITH(f.red.size = 9);
    WITH(f.green.position = 25);
    WITH(f.blue.position = 255);
#undef WITH
    no_memory = true;
    refuse(usual());
    no_memory = false, heap_is_full = true, mapped = phys_range(0, 0);
    refuse(usual());
    assert_int_equal(mapped.end.v, 0);
}

/* The rows of a character, drawn at row 1, column 2. */
static void drawn_rows(unsigned character, uint8_t bits[16])
{
    struct boot_framebuffer f = usual();
    struct surface s;
    vt_cell cell = character | 7u << VT_FOREGROUND_SHIFT;
    assert_true(framebuffer_open(&f, &s));
    assert_int_equal(font_height, 16);
    s.draw(1, 2, 3, &cell - 2);
    for (unsigned y = 0; y < 16; y++) {
        bits[y] = 0;
        for (unsigned x = 0; x < 8; x++)
            bits[y] = (uint8_t)(bits[y] << 1 | (pixel(&f, 16 + x, 16 + y) != 0));
    }
}

/* The shapes as Terminus draws them; a Cyrillic letter that looks like a Latin one has the same glyph. */
static void test_the_font_is_unpacked(void **state)
{
    (void)state;
    static const struct {
        unsigned character;
        uint8_t bits[16];
    } shapes[] = {
        {' ', {0}},
        {'/', {0, 0, 4, 4, 8, 8, 16, 16, 32, 32, 64, 64}},
        {'-', {0, 0, 0, 0, 0, 0, 0, 126}},
        {0x2500, {0, 0, 0, 0, 0, 0, 0, 255}},
        {0x2588, {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}},
    };
    uint8_t bits[16], same[16], missing[16];
    for (size_t i = 0; i < ARRAY_LENGTH(shapes); i++) {
        drawn_rows(shapes[i].character, bits);
        assert_memory_equal(bits, shapes[i].bits, 16);
    }
    drawn_rows('A', bits);
    drawn_rows(0x410, same);
    assert_memory_equal(bits, same, 16);
    drawn_rows(0xfffd, missing);
    assert_memory_not_equal(bits, missing, 16);
    drawn_rows(0x4e00, same);
    assert_memory_equal(missing, same, 16);
}

/* The part of a picture that exceeds the largest terminal stays empty. */
static void test_more_than_a_terminal_is_margin(void **state)
{
    (void)state;
    struct boot_framebuffer f = usual();
    struct surface s;
    f.width = 2500, f.pitch = 10000, f.height = 6000;
    assert_true(framebuffer_open(&f, &s));
    assert_true(s.columns <= VT_COLUMNS_MAX);
    assert_int_equal(s.rows, VT_ROWS_MAX);
    vt_cell cells[VT_COLUMNS_MAX] = {0};
    s.draw(s.rows - 1u, 0, s.columns, cells);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_colours_follow_the_channels_order, prepare),
        cmocka_unit_test_setup(test_pitch_and_place, prepare),
        cmocka_unit_test_setup(test_wide_screens_double_the_font, prepare),
        cmocka_unit_test_setup(test_absurd_framebuffers_are_refused, prepare),
        cmocka_unit_test_setup(test_the_font_is_unpacked, prepare),
        cmocka_unit_test_setup(test_more_than_a_terminal_is_margin, prepare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
