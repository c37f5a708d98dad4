/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "dev/screen/vt.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS 20
#define ROWS    6
#define LINES   16

static vt_cell cells[LINES * COLUMNS];
static struct vt vt;
static char replies[64];

static void collect(void *context, const char *bytes, size_t size)
{
    (void)context;
    strncat(replies, bytes, size);
}

static int setup(void **state)
{
    (void)state;
    memset(cells, 0xee, sizeof cells);
    replies[0] = '\0';
    vt_init(&vt, cells, LINES, COLUMNS, ROWS);
    vt.reply = collect;
    return 0;
}

static void put(const char *text)
{
    vt_write(&vt, text, strlen(text));
}

/* A row as ASCII, without the spaces at its end; '?' for what is not ASCII. */
static const char *row(unsigned r)
{
    static char text[COLUMNS + 1];
    const vt_cell *line = vt_row(&vt, r);
    unsigned end = 0;
    for (unsigned i = 0; i < COLUMNS; i++) {
        unsigned c = line[i] & 0xffff;
        text[i] = (char)(c < 0x80 ? c : '?');
        if (c != ' ')
            end = i + 1;
    }
    text[end] = '\0';
    return text;
}

static unsigned character(unsigned r, unsigned c)
{
    return vt_row(&vt, r)[c] & 0xffff;
}

static unsigned foreground(unsigned r, unsigned c)
{
    return vt_row(&vt, r)[c] >> VT_FOREGROUND_SHIFT & 15;
}

static unsigned background(unsigned r, unsigned c)
{
    return vt_row(&vt, r)[c] >> VT_BACKGROUND_SHIFT & 15;
}

static void at(unsigned r, unsigned c)
{
    assert_int_equal(vt.cursor.row, r);
    assert_int_equal(vt.cursor.column, c);
}

static void test_text_and_lines(void **state)
{
    (void)state;
    put("one\r\ntwo\nstairs");
    assert_string_equal(row(0), "one");
    assert_string_equal(row(1), "two");
    assert_string_equal(row(2), "   stairs");
    put("\r\033[20hA\nB"); /* newline mode: LF returns too */
    assert_string_equal(row(3), "B");
    put("\tX\bY");
    assert_string_equal(row(3), "B       Y");
}

static void test_wrap_waits_for_the_next_character(void **state)
{
    (void)state;
    put("abcdefghijklmnopqrst");
    at(0, 19);
    put("\r\nnext");
    assert_string_equal(row(1), "next");
    put("\033[1;20Hzy");
    assert_string_equal(row(0), "abcdefghijklmnopqrsz");
    assert_string_equal(row(1), "yext");
    put("\033[?7l\033[1;20H123"); /* without autowrap the last column is overwritten */
    assert_string_equal(row(0), "abcdefghijklmnopqrs3");
}

static void test_scrolling_keeps_history(void **state)
{
    (void)state;
    char line[16];
    for (int i = 0; i < 30; i++) {
        snprintf(line, sizeof line, "%sline %d", i == 0 ? "" : "\r\n", i);
        put(line);
    }
    assert_string_equal(row(5), "line 29");
    assert_string_equal(row(0), "line 24");
    vt_look_back(&vt, 3);
    assert_string_equal(row(0), "line 21");
    put("\r\nline 30"); /* the view into the history does not move */
    assert_string_equal(row(0), "line 21");
    vt_look_back(&vt, 100);
    assert_string_equal(row(0), "line 15"); /* 10 lines of history */
    unsigned r, c;
    assert_false(vt_cursor_shown(&vt, &r, &c));
    vt_look_back(&vt, -100);
    assert_string_equal(row(5), "line 30");
    assert_true(vt_cursor_shown(&vt, &r, &c));
    put("\033[3J"); /* the screen and the history */
    vt_look_back(&vt, 5);
    assert_int_equal(vt.view, 0);
    assert_string_equal(row(5), "");
}

static void test_scrolling_stays_in_its_region(void **state)
{
    (void)state;
    put("a\r\nb\r\nc\r\nd\r\ne\r\nf\033[2;4r\033[4;1H\nX");
    assert_string_equal(row(0), "a");
    assert_string_equal(row(1), "c");
    assert_string_equal(row(2), "d");
    assert_string_equal(row(3), "X");
    assert_string_equal(row(4), "e");
    put("\033[2;1H\033M\033[1mY"); /* reverse index at the top of the region */
    assert_string_equal(row(1), "Y");
    assert_string_equal(row(2), "c");
    assert_string_equal(row(3), "d");
    put("\033[?6h\033[1;1HZ"); /* rows count from the region */
    assert_string_equal(row(1), "Z");
    put("\033[6n");
    assert_string_equal(replies, "\033[1;2R");
    put("\033[9;9H");
    at(3, 8); /* the last row is the last row of the region */
}

static void test_insert_delete_erase(void **state)
{
    (void)state;
    put("0123456789\r\033[4C\033[2@");
    assert_string_equal(row(0), "0123  456789");
    put("\033[3P");
    assert_string_equal(row(0), "012356789");
    put("\033[2X");
    assert_string_equal(row(0), "0123  789");
    put("\033[4hAB\033[4l");
    assert_string_equal(row(0), "0123AB  789");
    put("\033[1K");
    assert_string_equal(row(0), "        789");
    put("\033[K\r\n1\r\n2\r\n3\033[2;1H\033[L");
    assert_string_equal(row(0), "");
    assert_string_equal(row(1), "");
    assert_string_equal(row(2), "1");
    put("\033[2M");
    assert_string_equal(row(1), "2");
    put("\033[1J");
    assert_string_equal(row(1), "");
    assert_string_equal(row(2), "3");
    put("\033[2J");
    assert_string_equal(row(2), "");
    put("\033[9999@\033[9999P\033[9999L\033[9999M\033[9999S\033[9999T\033[9999X");
    at(1, 0);
}

static void test_colours_of_each_escape(void **state)
{
    (void)state;
    put("\033[31;44mA\033[1mB\033[7mC\033[0mD\033[97;103mE\033[38;5;196;48;2;0;0;255mF\033[4mG");
    assert_int_equal(foreground(0, 0), 1);
    assert_int_equal(background(0, 0), 4);
    assert_int_equal(foreground(0, 1), 9);
    assert_int_equal(background(0, 2), 1);
    assert_int_equal(foreground(0, 2), 4);
    assert_int_equal(foreground(0, 3), 7);
    assert_int_equal(background(0, 3), 0);
    assert_int_equal(foreground(0, 4), 15);
    assert_int_equal(background(0, 4), 11);
    assert_int_equal(foreground(0, 5), 9);
    assert_int_equal(background(0, 5), 12);
    assert_true(vt_row(&vt, 0)[6] & VT_UNDERLINED);
    put("\033[m\033[42m\033[K");
    assert_int_equal(background(0, 10), 2); /* erased cells take the background */
}

static void test_broken_utf8_is_one_sign(void **state)
{
    (void)state;
    put("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80|\xff\xc3|\xc0\x80|\xed\xa0\x80|e\xcc\x81!");
    assert_int_equal(character(0, 0), 0xe4);
    assert_int_equal(character(0, 1), 0x20ac);
    assert_int_equal(character(0, 2), 0xfffd); /* no glyph beyond the first plane */
    assert_int_equal(character(0, 3), '|');
    assert_int_equal(character(0, 4), 0xfffd);
    assert_int_equal(character(0, 5), 0xfffd); /* a sequence cut short by the next byte */
    assert_int_equal(character(0, 6), '|');
    assert_int_equal(character(0, 7), 0xfffd); /* overlong */
    assert_string_equal(row(0) + 9, "|?|e!");  /* surrogates; a mark on the e takes no cell */
}

static void test_line_drawing(void **state)
{
    (void)state;
    put("\033(0lqk\033(B q \016\033)0q\017q");
    assert_int_equal(character(0, 0), 0x250c);
    assert_int_equal(character(0, 1), 0x2500);
    assert_int_equal(character(0, 2), 0x2510);
    assert_int_equal(character(0, 4), 'q');
    assert_int_equal(character(0, 6), 0x2500);
    assert_int_equal(character(0, 7), 'q');
}

static void test_cursor_moves_and_is_saved(void **state)
{
    (void)state;
    unsigned r, c;
    put("\033[3;5H\0337\033[99;99H");
    at(5, 19);
    put("\0338");
    at(2, 4);
    put("\033[A\033[2C\033[B\033[3D\033[2d\033[7G");
    at(1, 6);
    put("\033[?25l");
    assert_false(vt_cursor_shown(&vt, &r, &c));
    put("\033[?25h\033[?1h");
    assert_true(vt_cursor_shown(&vt, &r, &c));
    assert_true(vt.application_cursor);
    put("\033[c\033[5n");
    assert_string_equal(replies, "\033[?6c\033[0n");
    put("\033c");
    at(0, 0);
    assert_false(vt.application_cursor);
}

static void test_what_is_not_understood_is_skipped(void **state)
{
    (void)state;
    put("a\033]0;title\007b\033P1$q\033\\c\033[?1049h\033[>4;1m\033[1;2;3;4;5;6;7;8;9;1;2;3;4;5;6;7;8md"
        "\033[12\x18"
        "e\033[ qf\033%Gg");
    assert_string_equal(row(0), "abcdefg");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_text_and_lines, setup),
        cmocka_unit_test_setup(test_wrap_waits_for_the_next_character, setup),
        cmocka_unit_test_setup(test_scrolling_keeps_history, setup),
        cmocka_unit_test_setup(test_scrolling_stays_in_its_region, setup),
        cmocka_unit_test_setup(test_insert_delete_erase, setup),
        cmocka_unit_test_setup(test_colours_of_each_escape, setup),
        cmocka_unit_test_setup(test_broken_utf8_is_one_sign, setup),
        cmocka_unit_test_setup(test_line_drawing, setup),
        cmocka_unit_test_setup(test_cursor_moves_and_is_saved, setup),
        cmocka_unit_test_setup(test_what_is_not_understood_is_skipped, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
