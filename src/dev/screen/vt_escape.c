/* SPDX-License-Identifier: MIT */
/* The escape parser. It takes one byte at a time, so a sequence may span several writes. */
#include "base/fmt.h"
#include "base/str.h"
#include "dev/screen/vt.h"

static void answer(struct vt *vt, const char *text)
{
    if (vt->reply != NULL)
        vt->reply(vt->context, text, strlen(text));
}

static bool tab_at(const struct vt *vt, unsigned column)
{
    return vt->tabs[column / 8] >> column % 8 & 1;
}

static void tab(struct vt *vt)
{
    unsigned column = vt->cursor.column;
    do
        column++;
    while (column < vt->columns && !tab_at(vt, column));
    vt_move_to(vt, vt->cursor.row, (int)column);
}

/* Executes a C0 control character, also inside of a sequence. False if the byte is none. */
static bool control(struct vt *vt, uint8_t byte)
{
    struct vt_cursor *c = &vt->cursor;
    switch (byte) {
    case 0x08:
        vt_move_to(vt, c->row, c->column - 1);
        return true;
    case 0x09:
        tab(vt);
        return true;
    case 0x0a:
    case 0x0b:
    case 0x0c:
        vt_line_feed(vt);
        if (!vt->newline)
            return true;
        /* fall through */
    case 0x0d:
        vt_move_to(vt, c->row, 0);
        return true;
    case 0x0e:
    case 0x0f:
        c->charset = byte == 0x0e;
        return true;
    case 0x18:
    case 0x1a:
        vt->state = VT_GROUND;
        return true;
    case 0x1b:
        vt->state = VT_ESCAPE;
        vt->expected = 0;
        return true;
    default:
        return byte < 0x20 || byte == 0x7f;
    }
}

/* Parameter i; `otherwise` if it is missing or zero. */
static int parameter(const struct vt *vt, unsigned i, int otherwise)
{
    return i < vt->parameters && vt->parameter[i] != 0 ? vt->parameter[i] : otherwise;
}

static void erase_display(struct vt *vt, int what)
{
    const struct vt_cursor *c = &vt->cursor;
    unsigned from = what == 0 ? c->row + 1u : 0, to = what == 1 ? c->row : vt->rows;
    if (what > 3)
        return;
    if (what == 0)
        vt_clear_cells(vt, c->row, c->column, vt->columns);
    else if (what == 1)
        vt_clear_cells(vt, c->row, 0, c->column + 1u);
    else if (what == 3)
        vt->history = vt->view = 0;
    for (unsigned row = from; row < to; row++)
        vt_clear_cells(vt, row, 0, vt->columns);
}

static void erase_line(struct vt *vt, int what)
{
    const struct vt_cursor *c = &vt->cursor;
    if (what <= 2)
        vt_clear_cells(vt, c->row, what == 0 ? c->column : 0,
                       what == 1 ? c->column + 1u : vt->columns);
}

static void insert_characters(struct vt *vt, unsigned count)
{
    vt_cell *line = vt_line(vt, vt->cursor.row);
    unsigned at = vt->cursor.column, room = vt->columns - at;
    if (count > room)
        count = room;
    memmove(&line[at + count], &line[at], (room - count) * sizeof *line);
    vt_clear_cells(vt, vt->cursor.row, at, at + count);
}

static void delete_characters(struct vt *vt, unsigned count)
{
    vt_cell *line = vt_line(vt, vt->cursor.row);
    unsigned at = vt->cursor.column, room = vt->columns - at;
    if (count > room)
        count = room;
    memmove(&line[at], &line[at + count], (room - count) * sizeof *line);
    vt_clear_cells(vt, vt->cursor.row, vt->columns - count, vt->columns);
}

static bool in_region(const struct vt *vt)
{
    return vt->cursor.row >= vt->region_top && vt->cursor.row < vt->region_bottom;
}

/* The closest of the sixteen colours to an RGB colour: components above half of the largest give
 * the hue, the largest gives the brightness. */
static unsigned nearest(unsigned red, unsigned green, unsigned blue)
{
    unsigned most = red > green ? red : green;
    most = most > blue ? most : blue;
    if (most < 48)
        return 0;
    unsigned half = most / 2;
    unsigned hue = (red > half ? 1u : 0) | (green > half ? 2u : 0) | (blue > half ? 4u : 0);
    if (hue == 7 && most < 128)
        return 8;
    return hue | (most > 208 ? 8u : 0);
}

static unsigned of_256(unsigned n)
{
    if (n < 16)
        return n;
    if (n >= 232)
        return nearest(8 + 10 * (n - 232), 8 + 10 * (n - 232), 8 + 10 * (n - 232));
    n -= 16;
    return nearest(n / 36 * 51, n / 6 % 6 * 51, n % 6 * 51);
}

/* SGR 38 and 48: a colour by number or by components. Returns the index of its last parameter. */
static unsigned mixed_colour(struct vt *vt, unsigned i)
{
    struct vt_pen *pen = &vt->cursor.pen;
    bool front = vt->parameter[i] == 38;
    int kind = parameter(vt, i + 1, 0);
    unsigned colour;
    if (kind == 5 && i + 2 < vt->parameters) {
        colour = of_256(vt->parameter[i + 2] & 255u);
        i += 2;
    } else if (kind == 2 && i + 4 < vt->parameters) {
        colour = nearest(vt->parameter[i + 2], vt->parameter[i + 3], vt->parameter[i + 4]);
        i += 4;
    } else {
        return vt->parameters;
    }
    if (front) {
        pen->foreground = colour & 7;
        pen->bright_foreground = colour >= 8;
    } else {
        pen->background = colour & 7;
        pen->bright_background = colour >= 8;
    }
    return i;
}

/* SGR 30-37, 40-47, 90-97 and 100-107. */
static void row_colour(struct vt_pen *pen, unsigned p)
{
    if (p % 10 > 7)
        return;
    if (p / 10 == 3 || p / 10 == 9) {
        pen->foreground = (uint8_t)(p % 10);
        pen->bright_foreground = p >= 90;
    } else {
        pen->background = (uint8_t)(p % 10);
        pen->bright_background = p >= 90;
    }
}

static unsigned one_rendition(struct vt *vt, unsigned i)
{
    struct vt_pen *pen = &vt->cursor.pen;
    unsigned p = vt->parameter[i];
    switch (p) {
    case 0:
        *pen = (struct vt_pen){.foreground = 7};
        break;
    case 1:
        pen->bold = true;
        break;
    case 4:
        pen->underlined = true;
        break;
    case 5:
        pen->blinking = true;
        break;
    case 7:
        pen->reversed = true;
        break;
    case 21:
    case 22:
        pen->bold = false;
        break;
    case 24:
        pen->underlined = false;
        break;
    case 25:
        pen->blinking = false;
        break;
    case 27:
        pen->reversed = false;
        break;
    case 38:
    case 48:
        return mixed_colour(vt, i);
    case 39:
        pen->foreground = 7;
        pen->bright_foreground = false;
        break;
    case 49:
        pen->background = 0;
        pen->bright_background = false;
        break;
    default:
        if ((p >= 30 && p < 50) || (p >= 90 && p < 108))
            row_colour(pen, p);
    }
    return i;
}

static void renditions(struct vt *vt)
{
    if (vt->parameters == 0)
        vt->parameters = 1; /* a missing parameter is 0 */
    for (unsigned i = 0; i < vt->parameters; i++)
        i = one_rendition(vt, i);
}

static void private_mode(struct vt *vt, unsigned mode, bool on)
{
    switch (mode) {
    case 1:
        vt->application_cursor = on;
        break;
    case 6:
        vt->cursor.origin = on;
        vt_move_to(vt, on ? vt->region_top : 0, 0);
        break;
    case 7:
        vt->autowrap = on;
        break;
    case 25:
        vt->cursor_hidden = !on;
        break;
    }
}

static void modes(struct vt *vt, bool on)
{
    for (unsigned i = 0; i < vt->parameters; i++) {
        unsigned mode = vt->parameter[i];
        if (vt->private == '?')
            private_mode(vt, mode, on);
        else if (mode == 4)
            vt->insert = on;
        else if (mode == 20)
            vt->newline = on;
    }
}

static void report_status(struct vt *vt)
{
    char text[32];
    const struct vt_cursor *c = &vt->cursor;
    if (parameter(vt, 0, 0) == 5)
        answer(vt, "\033[0n");
    if (parameter(vt, 0, 0) != 6)
        return;
    unsigned row = c->row - (c->origin ? vt->region_top : 0u);
    fmt_snprintf(text, sizeof text, "\033[%u;%uR", row + 1, c->column + 1u);
    answer(vt, text);
}

static void set_region(struct vt *vt)
{
    int top = parameter(vt, 0, 1), bottom = parameter(vt, 1, vt->rows);
    if (bottom > vt->rows)
        bottom = vt->rows;
    if (top >= bottom)
        return;
    vt->region_top = (uint16_t)(top - 1);
    vt->region_bottom = (uint16_t)bottom;
    vt_move_to(vt, vt->cursor.origin ? vt->region_top : 0, 0);
}

/* Moves the cursor up or down; it does not leave the scroll region if it starts in it. */
static void move_rows(struct vt *vt, int by)
{
    struct vt_cursor *c = &vt->cursor;
    bool inside = in_region(vt);
    int row = c->row + by;
    if (inside && row < vt->region_top)
        row = vt->region_top;
    if (inside && row >= vt->region_bottom)
        row = vt->region_bottom - 1;
    vt_move_to(vt, row, c->column);
}

/* Executes a sequence that moves the cursor. False if the sequence is none of these. */
static bool csi_move(struct vt *vt, char final)
{
    struct vt_cursor *c = &vt->cursor;
    int n = parameter(vt, 0, 1), origin = c->origin ? vt->region_top : 0;
    switch (final) {
    case 'A':
        move_rows(vt, -n);
        return true;
    case 'B':
    case 'e':
        move_rows(vt, n);
        return true;
    case 'C':
    case 'a':
        vt_move_to(vt, c->row, c->column + n);
        return true;
    case 'D':
        vt_move_to(vt, c->row, c->column - n);
        return true;
    case 'E':
        move_rows(vt, n);
        vt_move_to(vt, c->row, 0);
        return true;
    case 'F':
        move_rows(vt, -n);
        vt_move_to(vt, c->row, 0);
        return true;
    case 'G':
    case '`':
        vt_move_to(vt, c->row, n - 1);
        return true;
    case 'd':
        vt_move_to(vt, origin + n - 1, c->column);
        return true;
    case 'H':
    case 'f':
        vt_move_to(vt, origin + n - 1, parameter(vt, 1, 1) - 1);
        return true;
    case 's':
        vt->saved = *c;
        return true;
    case 'u':
        *c = vt->saved;
        return true;
    default:
        return false;
    }
}

/* Executes a sequence that changes cells. False if the sequence is none of these. */
static bool csi_edit(struct vt *vt, char final)
{
    const struct vt_cursor *c = &vt->cursor;
    unsigned n = (unsigned)parameter(vt, 0, 1);
    switch (final) {
    case '@':
        insert_characters(vt, n);
        return true;
    case 'P':
        delete_characters(vt, n);
        return true;
    case 'X':
        vt_clear_cells(vt, c->row, c->column, c->column + n);
        return true;
    case 'J':
        erase_display(vt, parameter(vt, 0, 0));
        return true;
    case 'K':
        erase_line(vt, parameter(vt, 0, 0));
        return true;
    case 'L':
        if (in_region(vt))
            vt_scroll_down(vt, c->row, vt->region_bottom, n);
        return true;
    case 'M':
        if (in_region(vt))
            vt_scroll_up(vt, c->row, vt->region_bottom, n);
        return true;
    case 'S':
        vt_scroll_up(vt, vt->region_top, vt->region_bottom, n);
        return true;
    case 'T':
        vt_scroll_down(vt, vt->region_top, vt->region_bottom, n);
        return true;
    default:
        return false;
    }
}

static void clear_tabs(struct vt *vt)
{
    unsigned column = vt->cursor.column;
    if (parameter(vt, 0, 0) == 0)
        vt->tabs[column / 8] &= (uint8_t) ~(1u << column % 8);
    else if (parameter(vt, 0, 0) == 3)
        memset(vt->tabs, 0, sizeof vt->tabs);
}

static void csi(struct vt *vt, char final)
{
    bool set = final == 'h';
    if (vt->private != 0 && (vt->private != '?' || (!set && final != 'l')))
        return;
    if (set || final == 'l') {
        modes(vt, set);
        return;
    }
    if (csi_move(vt, final) || csi_edit(vt, final))
        return;
    switch (final) {
    case 'm':
        renditions(vt);
        break;
    case 'r':
        set_region(vt);
        break;
    case 'n':
        report_status(vt);
        break;
    case 'c':
        answer(vt, "\033[?6c"); /* VT102, as Linux's console */
        break;
    case 'g':
        clear_tabs(vt);
        break;
    }
}

static void csi_begin(struct vt *vt)
{
    vt->state = VT_CSI;
    vt->private = 0;
    vt->parameters = 0;
    memset(vt->parameter, 0, sizeof vt->parameter);
}

static void csi_byte(struct vt *vt, uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        if (vt->parameters == 0)
            vt->parameters = 1;
        uint16_t *p = &vt->parameter[vt->parameters - 1];
        *p = (uint16_t)(*p < 1000 ? *p * 10 + (byte - '0') : 9999);
    } else if (byte == ';' || byte == ':') {
        if (vt->parameters == 0)
            vt->parameters = 1;
        if (vt->parameters == VT_PARAMETERS)
            vt->state = VT_CSI_IGNORED;
        else
            vt->parameters++;
    } else if (byte >= '<' && byte <= '?' && vt->parameters == 0) {
        vt->private = (char)byte;
    } else if (byte >= 0x40 && byte < 0x7f) {
        vt->state = VT_GROUND;
        csi(vt, (char)byte);
    } else {
        vt->state = VT_CSI_IGNORED;
    }
}

/* DECALN: fills the screen with E. */
static void fill_with_e(struct vt *vt)
{
    for (unsigned row = 0; row < vt->rows; row++)
        for (unsigned i = 0; i < vt->columns; i++)
            vt_line(vt, row)[i] = 'E' | VT_DEFAULT;
}

static void reverse_line_feed(struct vt *vt)
{
    struct vt_cursor *c = &vt->cursor;
    if (c->row == vt->region_top)
        vt_scroll_down(vt, vt->region_top, vt->region_bottom, 1);
    else if (c->row > 0)
        c->row--;
    c->wrap_pending = false;
}

static void escape_byte(struct vt *vt, uint8_t byte)
{
    struct vt_cursor *c = &vt->cursor;
    vt->state = VT_GROUND;
    switch (byte) {
    case '[':
        csi_begin(vt);
        break;
    case ']':
    case 'P':
    case '_':
    case '^':
        vt->state = VT_STRING;
        break;
    case '(':
    case ')':
    case '%': /* selects the encoding; ignored: always UTF-8 */
        vt->intro = (char)byte;
        vt->state = VT_CHARSET;
        break;
    case '#':
        vt->state = VT_HASH;
        break;
    case '7':
        vt->saved = *c;
        break;
    case '8':
        *c = vt->saved;
        break;
    case 'E':
        vt_move_to(vt, c->row, 0);
        /* fall through */
    case 'D':
        vt_line_feed(vt);
        break;
    case 'M':
        reverse_line_feed(vt);
        break;
    case 'H':
        vt->tabs[c->column / 8] |= (uint8_t)(1u << c->column % 8);
        break;
    case 'Z':
        answer(vt, "\033[?6c");
        break;
    case 'c':
        vt_reset(vt);
        break;
    }
}

/* A string ends with BEL, ST (ESC \), CAN, SUB or a line feed. */
static void string_byte(struct vt *vt, uint8_t byte)
{
    if (vt->state == VT_STRING_END) {
        vt->state = VT_GROUND;
        if (byte != '\\')
            escape_byte(vt, byte);
    } else if (byte == 0x07) {
        vt->state = VT_GROUND;
    } else if (byte == 0x1b) {
        vt->state = VT_STRING_END;
    } else if (byte == 0x18 || byte == 0x1a || byte == '\n') {
        vt->state = VT_GROUND;
    }
}

bool vt_escape(struct vt *vt, uint8_t byte)
{
    if (vt->state == VT_STRING || vt->state == VT_STRING_END) {
        string_byte(vt, byte);
        return true;
    }
    if (byte < 0x20 || byte == 0x7f)
        return control(vt, byte);
    switch (vt->state) {
    case VT_ESCAPE:
        escape_byte(vt, byte);
        return true;
    case VT_CHARSET:
        if (vt->intro != '%')
            vt->cursor.graphics[vt->intro == ')'] = byte == '0';
        vt->state = VT_GROUND;
        return true;
    case VT_HASH:
        if (byte == '8')
            fill_with_e(vt);
        vt->state = VT_GROUND;
        return true;
    case VT_CSI:
        csi_byte(vt, byte);
        return true;
    case VT_CSI_IGNORED:
        if (byte >= 0x40)
            vt->state = VT_GROUND;
        return true;
    default:
        return false;
    }
}
