/* SPDX-License-Identifier: MIT */
/*
 * A text terminal: a grid of cells, and the escape sequences of TERM=linux (console_codes(4),
 * ECMA-48). Pure: dev/screen/screen.c draws the cells that changed.
 *
 * The lines form a ring: scrolling the whole screen changes one number and moves no memory, and the
 * lines that left at the top stay as scrollback:
 *
 *      ring    | ... old ... | row 0 | row 1 | ... | row n-1 | ...free or oldest... |
 *                ^             ^
 *                top-history   top           (both modulo `lines`)
 *
 * Input is untrusted: no sequence, however malformed, reads or writes outside of the grid.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits 0-15: character (Unicode; U+FFFD for those above U+FFFF); 16-19: foreground; 20-23:
 * background; 24: underlined. Colours: bit 0 red, 1 green, 2 blue, 3 bright. */
typedef uint32_t vt_cell;

#define VT_FOREGROUND_SHIFT 16
#define VT_BACKGROUND_SHIFT 20
#define VT_UNDERLINED       (UINT32_C(1) << 24)
#define VT_DEFAULT          (UINT32_C(7) << VT_FOREGROUND_SHIFT)

#define VT_COLUMNS_MAX      480u /* of a screen 3840 pixels wide */
#define VT_ROWS_MAX         200u
#define VT_PARAMETERS       16u

struct vt_pen {
    uint8_t foreground, background; /* 0-7 */
    bool bold, underlined, reversed, blinking;
    bool bright_foreground, bright_background; /* 90-97, 100-107 */
};

struct vt_cursor {
    uint16_t row, column;
    bool wrap_pending; /* the last column was written: the next character wraps first */
    struct vt_pen pen;
    bool graphics[2]; /* G0, G1 is the set of line-drawing characters */
    uint8_t charset;  /* 0: G0 is in use; 1: G1 */
    bool origin;      /* rows count from the top of the scroll region (DECOM) */
};

enum vt_state { /* of the escape parser */
    VT_GROUND,
    VT_ESCAPE,
    VT_CHARSET, /* after ESC ( or the like: the next byte names the set */
    VT_HASH,    /* ESC # */
    VT_CSI,
    VT_CSI_IGNORED, /* malformed, or an unknown private sequence: skipped to its end */
    VT_STRING,      /* OSC, DCS, APC, PM: skipped to its terminator */
    VT_STRING_END,  /* an ESC within a string */
};

struct vt {
    uint16_t columns, rows;
    uint32_t lines;   /* in the ring; at least rows */
    vt_cell *cells;   /* lines * columns, the caller's */
    uint32_t top;     /* ring line of row 0 */
    uint32_t history; /* lines of scrollback above row 0; at most lines - rows */
    uint32_t view;    /* lines by which the view is scrolled back */

    struct vt_cursor cursor, saved;
    uint16_t region_top, region_bottom;            /* scroll region: rows [top, bottom) */
    bool cursor_hidden, autowrap, insert, newline; /* modes ?25, ?7, 4, 20 */
    bool application_cursor;                       /* mode ?1: changes what the arrow keys send */
    uint8_t tabs[VT_COLUMNS_MAX / 8];              /* bit: a tab stop */

    enum vt_state state;
    char intro;   /* of a charset sequence: ( or ) or % */
    char private; /* '?', '>', ... of a CSI sequence, or 0 */
    uint16_t parameter[VT_PARAMETERS];
    unsigned parameters; /* number of parameters that have begun */
    uint32_t character;  /* UTF-8: bits decoded so far */
    uint8_t expected;    /* UTF-8: continuation bytes to come */
    uint32_t smallest;   /* UTF-8: least valid value; a smaller one is an overlong encoding */

    /* Sends the terminal's reports as input; may be NULL. */
    void (*reply)(void *context, const char *bytes, size_t size);
    void *context;
};

/* An empty screen over `cells`, an array of lines * columns. lines >= rows >= 1, columns >= 2; rows
 * and columns within the limits above. */
void vt_init(struct vt *vt, vt_cell *cells, uint32_t lines, uint16_t columns, uint16_t rows);
/* Output of a program. */
void vt_write(struct vt *vt, const char *bytes, size_t size);
/* Scrolls the view back by `lines` (negative: forward), within the scrollback. Output does not move
 * the view. */
void vt_look_back(struct vt *vt, int lines);
/* The `columns` cells of a row of the view. */
const vt_cell *vt_row(const struct vt *vt, unsigned row);
/* True if the cursor is visible; then *row and *column are its place in the view. */
bool vt_cursor_shown(const struct vt *vt, unsigned *row, unsigned *column);

/* For vt_escape.c: the operations behind the sequences. */
vt_cell *vt_line(const struct vt *vt, unsigned row); /* of the screen, not of the view */
vt_cell vt_blank(const struct vt *vt);               /* a space in the pen's background */
void vt_clear_cells(struct vt *vt, unsigned row, unsigned from, unsigned to);
void vt_scroll_up(struct vt *vt, unsigned top, unsigned bottom, unsigned count);
void vt_scroll_down(struct vt *vt, unsigned top, unsigned bottom, unsigned count);
void vt_move_to(struct vt *vt, int row, int column); /* clamped to the screen */
void vt_line_feed(struct vt *vt);
void vt_put(struct vt *vt, uint32_t character);
void vt_reset(struct vt *vt);
/* Feeds one byte to the escape parser; false if the byte is text. */
bool vt_escape(struct vt *vt, uint8_t byte);
