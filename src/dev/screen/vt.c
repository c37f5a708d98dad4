/* SPDX-License-Identifier: MIT */
#include "dev/screen/vt.h"

#include "base/str.h"

#define REPLACEMENT 0xfffdu

static vt_cell *ring_line(const struct vt *vt, uint32_t line)
{
    return vt->cells + (size_t)(line % vt->lines) * vt->columns;
}

vt_cell *vt_line(const struct vt *vt, unsigned row)
{
    return ring_line(vt, vt->top + row);
}

const vt_cell *vt_row(const struct vt *vt, unsigned row)
{
    return ring_line(vt, vt->top + vt->lines - vt->view + row);
}

bool vt_cursor_shown(const struct vt *vt, unsigned *row, unsigned *column)
{
    *row = vt->cursor.row + vt->view;
    *column = vt->cursor.column;
    return !vt->cursor_hidden && *row < vt->rows;
}

static uint32_t colours(const struct vt_pen *pen)
{
    bool dim_background = !pen->bright_background && !pen->blinking;
    uint32_t front = pen->foreground | (pen->bold || pen->bright_foreground ? 8u : 0);
    uint32_t back = pen->background | (dim_background ? 0 : 8u);
    if (pen->reversed) {
        uint32_t swap = front;
        front = back;
        back = swap & 7;
    }
    return front << VT_FOREGROUND_SHIFT | back << VT_BACKGROUND_SHIFT |
           (pen->underlined ? VT_UNDERLINED : 0);
}

/* Erased cells have the pen's background colour, without underline and brightness. */
vt_cell vt_blank(const struct vt *vt)
{
    return ' ' | VT_DEFAULT | (uint32_t)vt->cursor.pen.background << VT_BACKGROUND_SHIFT;
}

void vt_clear_cells(struct vt *vt, unsigned row, unsigned from, unsigned to)
{
    vt_cell *line = vt_line(vt, row), blank = vt_blank(vt);
    for (unsigned i = from; i < to && i < vt->columns; i++)
        line[i] = blank;
}

static void copy_line(struct vt *vt, unsigned to, unsigned from)
{
    memcpy(vt_line(vt, to), vt_line(vt, from), vt->columns * sizeof(vt_cell));
}

/* Scrolls the whole screen by moving `top`; the lines that leave become scrollback. */
static void turn_ring(struct vt *vt, unsigned count)
{
    vt->top = (vt->top + count) % vt->lines;
    vt->history += count;
    if (vt->history > vt->lines - vt->rows)
        vt->history = vt->lines - vt->rows;
    if (vt->view > 0) /* a view that is scrolled back keeps its lines */
        vt_look_back(vt, (int)count);
    for (unsigned i = 0; i < count; i++)
        vt_clear_cells(vt, vt->rows - count + i, 0, vt->columns);
}

void vt_scroll_up(struct vt *vt, unsigned top, unsigned bottom, unsigned count)
{
    if (count > bottom - top)
        count = bottom - top;
    if (top == 0 && bottom == vt->rows) {
        turn_ring(vt, count);
        return;
    }
    for (unsigned row = top; row + count < bottom; row++)
        copy_line(vt, row, row + count);
    for (unsigned row = bottom - count; row < bottom; row++)
        vt_clear_cells(vt, row, 0, vt->columns);
}

void vt_scroll_down(struct vt *vt, unsigned top, unsigned bottom, unsigned count)
{
    if (count > bottom - top)
        count = bottom - top;
    for (unsigned row = bottom; row-- > top + count;)
        copy_line(vt, row, row - count);
    for (unsigned row = top; row < top + count; row++)
        vt_clear_cells(vt, row, 0, vt->columns);
}

void vt_move_to(struct vt *vt, int row, int column)
{
    struct vt_cursor *c = &vt->cursor;
    int low = c->origin ? vt->region_top : 0;
    int high = (c->origin ? vt->region_bottom : vt->rows) - 1;
    c->row = (uint16_t)(row < low ? low : row > high ? high : row);
    c->column = (uint16_t)(column < 0 ? 0 : column >= vt->columns ? vt->columns - 1 : column);
    c->wrap_pending = false;
}

void vt_line_feed(struct vt *vt)
{
    struct vt_cursor *c = &vt->cursor;
    if (c->row + 1 == vt->region_bottom)
        vt_scroll_up(vt, vt->region_top, vt->region_bottom, 1);
    else if (c->row + 1 < vt->rows)
        c->row++;
    c->wrap_pending = false;
}

/* Combining and zero-width characters, which are dropped. */
static bool takes_no_room(uint32_t c)
{
    return (c >= 0x300 && c < 0x370) || (c >= 0x200b && c < 0x2010) ||
           (c >= 0xfe00 && c < 0xfe10) || c == 0xfeff;
}

/* The VT100's special graphics set, from '`' to '~'. */
static uint32_t line_drawing(uint32_t c)
{
    static const uint16_t characters[] = {
        0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1, 0x2424, 0x240b, 0x2518,
        0x2510, 0x250c, 0x2514, 0x253c, 0x23ba, 0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c, 0x2524,
        0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7,
    };
    return c >= '`' && c <= '~' ? characters[c - '`'] : c;
}

void vt_put(struct vt *vt, uint32_t character)
{
    struct vt_cursor *c = &vt->cursor;
    if (takes_no_room(character))
        return;
    if (c->graphics[c->charset])
        character = line_drawing(character);
    if (character > 0xffff || (character >= 0xd800 && character < 0xe000))
        character = REPLACEMENT;
    if (c->wrap_pending && vt->autowrap) {
        c->column = 0;
        vt_line_feed(vt);
    }
    vt_cell *line = vt_line(vt, c->row);
    if (vt->insert)
        memmove(&line[c->column + 1], &line[c->column],
                (size_t)(vt->columns - 1 - c->column) * sizeof *line);
    line[c->column] = character | colours(&c->pen);
    if (c->column + 1 < vt->columns)
        c->column++;
    else
        c->wrap_pending = true;
}

/* Decodes UTF-8. A malformed sequence becomes one replacement character. */
static void decode(struct vt *vt, uint8_t byte)
{
    if (byte >= 0x80 && byte < 0xc0 && vt->expected > 0) {
        vt->character = vt->character << 6 | (byte & 0x3f);
        if (--vt->expected == 0)
            vt_put(vt, vt->character >= vt->smallest ? vt->character : REPLACEMENT);
        return;
    }
    if (vt->expected > 0) {
        vt->expected = 0;
        vt_put(vt, REPLACEMENT);
    }
    if (byte < 0x80) {
        vt_put(vt, byte);
    } else if (byte < 0xc2 || byte > 0xf4) {
        vt_put(vt, REPLACEMENT);
    } else {
        vt->expected = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
        vt->smallest = byte < 0xe0 ? 0x80 : byte < 0xf0 ? 0x800 : 0x10000;
        vt->character = byte & (0x3fu >> vt->expected);
    }
}

void vt_write(struct vt *vt, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)bytes[i];
        if (!vt_escape(vt, byte))
            decode(vt, byte);
    }
}

void vt_look_back(struct vt *vt, int lines)
{
    int64_t view = (int64_t)vt->view + lines;
    vt->view = view < 0 ? 0 : view > vt->history ? vt->history : (uint32_t)view;
}

void vt_reset(struct vt *vt)
{
    vt->cursor = vt->saved = (struct vt_cursor){.pen = {.foreground = 7}};
    vt->region_top = 0;
    vt->region_bottom = vt->rows;
    vt->cursor_hidden = vt->insert = vt->newline = vt->application_cursor = false;
    vt->autowrap = true;
    vt->state = VT_GROUND;
    vt->expected = 0;
    memset(vt->tabs, 0x01, sizeof vt->tabs);
    for (unsigned row = 0; row < vt->rows; row++)
        vt_clear_cells(vt, row, 0, vt->columns);
}

void vt_init(struct vt *vt, vt_cell *cells, uint32_t lines, uint16_t columns, uint16_t rows)
{
    *vt = (struct vt){.columns = columns, .rows = rows, .lines = lines, .cells = cells};
    vt_reset(vt);
}
