/* SPDX-License-Identifier: MIT */
#include "dev/screen/keymap.h"

#include "base/compiler.h"
#include "base/str.h"
#include "dev/screen/keymap_layouts.h"

enum {
    EXTENDED = 128, /* added to the number of a key with prefix E0 */
    KEY_ESCAPE = 0x01,
    KEY_BACKSPACE = 0x0e,
    KEY_TAB = 0x0f,
    KEY_ENTER = 0x1c,
    KEY_CONTROL = 0x1d,
    KEY_SHIFT_LEFT = 0x2a,
    KEY_SHIFT_RIGHT = 0x36,
    KEY_PAD_STAR = 0x37,
    KEY_ALT = 0x38,
    KEY_SPACE = 0x39,
    KEY_CAPS = 0x3a,
    KEY_F1 = 0x3b,
    KEY_F10 = 0x44,
    KEY_NUM = 0x45,
    KEY_PAD_7 = 0x47,
    KEY_PAD_POINT = 0x53,
    KEY_SYSRQ = 0x54, /* Alt+PrintScreen, on keyboards that send a code of its own */
    KEY_F11 = 0x57,
    KEY_F12 = 0x58,
    KEY_PRINT = EXTENDED + 0x37,
    KEY_PAD_SLASH = EXTENDED + 0x35,
    KEY_PAD_ENTER = EXTENDED + 0x1c,

    HELD_SHIFT_LEFT = 1,
    HELD_SHIFT_RIGHT = 2,
    HELD_CONTROL_LEFT = 4,
    HELD_CONTROL_RIGHT = 8,
    HELD_ALT = 16,
    HELD_ALTGR = 32,
};

/* The i8042's translation of set 2 to set 1; 0: no key. */
static const uint8_t set_2_to_1[0x84] = {
    0,    0x43, 0,    0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0,    0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29,
    0,    0,    0x38, 0x2a, 0,    0x1d, 0x10, 0x02, 0,    0,    0,    0x2c, 0x1f, 0x1e, 0x11,
    0x03, 0x5b, 0,    0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0,    0x39, 0x2f, 0x21, 0x14,
    0x13, 0x06, 0x5d, 0,    0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0,    0,    0,    0x32, 0x24,
    0x16, 0x08, 0x09, 0,    0,    0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0,    0,    0x34, 0x35,
    0x26, 0x27, 0x19, 0x0c, 0,    0,    0,    0x28, 0,    0x1a, 0x0d, 0,    0,    0x3a, 0x36,
    0x1c, 0x1b, 0,    0x2b, 0,    0,    0,    0x56, 0,    0,    0,    0,    0x0e, 0,    0,
    0x4f, 0,    0x4b, 0x47, 0,    0,    0,    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45,
    0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0,    0,    0,    0,    0x41,
};

/* The keypad from 7 to the point, with NumLock. */
static const char pad_digits[] = "789-456+1230.";

static void type_bytes(struct keymap_event *out, const char *bytes)
{
    out->action = KEYMAP_TYPE;
    for (; *bytes && out->size < sizeof out->bytes; bytes++)
        out->bytes[out->size++] = *bytes;
}

static void type_character(struct keymap_event *out, unsigned c)
{
    out->action = KEYMAP_TYPE;
    char *to = out->bytes + out->size;
    if (c < 0x80) {
        to[0] = (char)c;
        out->size += 1;
    } else if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        out->size += 2;
    } else {
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3f));
        to[2] = (char)(0x80 | (c & 0x3f));
        out->size += 3;
    }
}

const struct keymap_layout *keymap_find(const char *name)
{
    for (unsigned i = 0; i < keymap_layout_count; i++)
        if (strcmp(keymap_layouts[i].name, name) == 0)
            return &keymap_layouts[i];
    return NULL;
}

/* The index of a key in the strings of a layout, or -1. */
static int keymap_place_of(unsigned key)
{
    if (key == 0x29)
        return 0;
    if (key >= 0x02 && key <= 0x0d)
        return (int)(1 + key - 0x02);
    if (key >= 0x10 && key <= 0x1b)
        return (int)(13 + key - 0x10);
    if (key == 0x2b)
        return 25;
    if (key >= 0x1e && key <= 0x28)
        return (int)(26 + key - 0x1e);
    if (key == 0x56)
        return 37;
    if (key >= 0x2c && key <= 0x35)
        return (int)(38 + key - 0x2c);
    return -1;
}

/* The character composed of a dead key and a letter; 0: there is none. */
static unsigned compose(unsigned accent, unsigned letter)
{
    static const struct {
        uint16_t accent;
        const char *letters;
        uint16_t composed[13];
    } table[] = {
        {0x300, "aeiouAEIOU", u"\u00e0\u00e8\u00ec\u00f2\u00f9\u00c0\u00c8\u00cc\u00d2\u00d9"},
        {0x301, "aeiouyAEIOUY",
         u"\u00e1\u00e9\u00ed\u00f3\u00fa\u00fd\u00c1\u00c9\u00cd\u00d3\u00da\u00dd"},
        {0x302, "aeiouAEIOU", u"\u00e2\u00ea\u00ee\u00f4\u00fb\u00c2\u00ca\u00ce\u00d4\u00db"},
        {0x303, "anoANO", u"\u00e3\u00f1\u00f5\u00c3\u00d1\u00d5"},
        {0x308, "aeiouyAEIOU",
         u"\u00e4\u00eb\u00ef\u00f6\u00fc\u00ff\u00c4\u00cb\u00cf\u00d6\u00dc"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
        const char *at = letter < 0x80 ? strchr(table[i].letters, (int)letter) : NULL;
        if (table[i].accent == accent && at != NULL && *at != '\0')
            return table[i].composed[at - table[i].letters];
    }
    return 0;
}

/* The spacing character of a dead key. */
static unsigned accent_alone(unsigned accent)
{
    return accent == 0x300   ? '`'
           : accent == 0x301 ? 0xb4
           : accent == 0x302 ? '^'
           : accent == 0x303 ? '~'
                             : 0xa8;
}

static bool is_letter(unsigned c)
{
    return (c >= 'a' && c <= 'z') || (c >= 0xe0 && c <= 0xfe && c != 0xf7);
}

/* The code of Ctrl and a character. */
static unsigned with_control(unsigned c)
{
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 1;
    if (c >= '@' && c <= '_')
        return c - '@';
    return c == ' ' || c == '2' ? 0 : c == '?' || c == '8' ? 0x7f : c == '/' || c == '7' ? 0x1f : c;
}

static void type_key(struct keymap *map, unsigned c, struct keymap_event *out)
{
    if (map->modifiers & KEYMAP_CONTROL)
        c = with_control(c);
    if (map->dead != 0) {
        unsigned both = compose(map->dead, c);
        if (both == 0 && c != ' ')
            type_character(out, accent_alone(map->dead));
        c = both != 0 ? both : c == ' ' ? accent_alone(map->dead) : c;
        map->dead = 0;
    }
    if (map->modifiers & KEYMAP_ALT)
        type_bytes(out, "\033");
    type_character(out, c);
}

static void layout_key(struct keymap *map, int place, struct keymap_event *out)
{
    const struct keymap_layout *layout = map->layout;
    unsigned c = layout->plain[place];
    bool shift = map->modifiers & KEYMAP_SHIFT;
    if (map->modifiers & KEYMAP_CAPS && is_letter(c) && c != 0xdf)
        shift = !shift;
    if (map->modifiers & KEYMAP_ALTGR)
        c = layout->altgr[place];
    else if (shift)
        c = layout->shifted[place];
    if (c == ' ')
        return; /* no character with AltGr */
    if (c >= 0x300 && c < 0x370)
        map->dead = (uint16_t)c;
    else
        type_key(map, c, out);
}

/* Keys that send an escape sequence. `letter`: A-D arrows, H home, E end, U page up, 6 page down, I
 * insert, X delete. */
static void special(const struct keymap *map, char letter, bool application_cursor,
                    struct keymap_event *out)
{
    static const char numbers[] = "H1I2X3E4U566";
    char sequence[5] = {'\033', '[', letter, '\0'};
    bool shift = map->modifiers & KEYMAP_SHIFT;
    if (shift && (letter == 'U' || letter == '6')) {
        out->action = letter == 'U' ? KEYMAP_LOOK_BACK : KEYMAP_LOOK_FORTH;
        return;
    }
    if (letter == 'X' && map->modifiers & KEYMAP_CONTROL && map->modifiers & KEYMAP_ALT) {
        out->action = KEYMAP_RESTART;
        return;
    }
    if (letter >= 'A' && letter <= 'D') {
        sequence[1] = application_cursor ? 'O' : '[';
    } else {
        for (size_t i = 0; numbers[i]; i += 2)
            if (numbers[i] == letter)
                sequence[2] = numbers[i + 1];
        sequence[3] = '~';
    }
    type_bytes(out, sequence);
}

static void function_key(unsigned n, struct keymap_event *out)
{
    static const char *const sequences[] = {
        "\033[[A",  "\033[[B",  "\033[[C",  "\033[[D",  "\033[[E",  "\033[17~",
        "\033[18~", "\033[19~", "\033[20~", "\033[21~", "\033[23~", "\033[24~",
    };
    type_bytes(out, sequences[n]);
}

/* The letter for special() of a key in the block of the arrow keys; 0: none. */
static char extended_letter(unsigned key)
{
    static const char letters[] = {'H', 'A', 'U', 0, 'D', 0, 'C', 0, 'E', 'B', '6', 'I', 'X'};
    return key >= EXTENDED + KEY_PAD_7 && key <= EXTENDED + KEY_PAD_POINT
               ? letters[key - EXTENDED - KEY_PAD_7]
               : 0;
}

static void pad_key(struct keymap *map, unsigned key, bool application_cursor,
                    struct keymap_event *out)
{
    static const char letters[] = {'H', 'A', 'U', '-', 'D', 0, 'C', '+', 'E', 'B', '6', 'I', 'X'};
    unsigned i = key - KEY_PAD_7;
    bool number = map->modifiers & KEYMAP_NUM;
    if (letters[i] == '-' || letters[i] == '+' || number)
        type_key(map, (uint8_t)pad_digits[i], out);
    else if (letters[i] != 0)
        special(map, letters[i], application_cursor, out);
}

/* The key's bit in `held`, or 0. */
static uint8_t held_bit(unsigned key)
{
    switch (key) {
    case KEY_SHIFT_LEFT:
        return HELD_SHIFT_LEFT;
    case KEY_SHIFT_RIGHT:
        return HELD_SHIFT_RIGHT;
    case KEY_CONTROL:
        return HELD_CONTROL_LEFT;
    case EXTENDED + KEY_CONTROL:
        return HELD_CONTROL_RIGHT;
    case KEY_ALT:
        return HELD_ALT;
    case EXTENDED + KEY_ALT:
        return HELD_ALTGR;
    default:
        return 0;
    }
}

static void set_modifiers(struct keymap *map)
{
    uint8_t h = map->held, locks = map->modifiers & (KEYMAP_CAPS | KEYMAP_NUM);
    map->modifiers =
        (uint8_t)(locks | (h & (HELD_SHIFT_LEFT | HELD_SHIFT_RIGHT) ? KEYMAP_SHIFT : 0) |
                  (h & (HELD_CONTROL_LEFT | HELD_CONTROL_RIGHT) ? KEYMAP_CONTROL : 0) |
                  (h & HELD_ALT ? KEYMAP_ALT : 0) | (h & HELD_ALTGR ? KEYMAP_ALTGR : 0));
}

static void lock_key(struct keymap *map, uint8_t lock, struct keymap_event *out)
{
    map->modifiers ^= lock;
    out->action = KEYMAP_LIGHTS;
}

/* Keys that do not depend on the layout. */
static void common_key(struct keymap *map, unsigned key, struct keymap_event *out)
{
    switch (key) {
    case KEY_ESCAPE:
        type_key(map, 0x1b, out);
        break;
    case KEY_BACKSPACE:
        type_key(map, 0x7f, out);
        break;
    case KEY_TAB:
        if (map->modifiers & KEYMAP_SHIFT)
            type_bytes(out, "\033[Z");
        else
            type_key(map, '\t', out);
        break;
    case KEY_ENTER:
    case KEY_PAD_ENTER:
        type_key(map, '\r', out);
        break;
    case KEY_SPACE:
        type_key(map, ' ', out);
        break;
    case KEY_PAD_STAR:
        type_key(map, '*', out);
        break;
    case KEY_PAD_SLASH:
        type_key(map, '/', out);
        break;
    case KEY_CAPS:
        lock_key(map, KEYMAP_CAPS, out);
        break;
    case KEY_NUM:
        lock_key(map, KEYMAP_NUM, out);
        break;
    }
}

static void pressed(struct keymap *map, unsigned key, bool application_cursor,
                    struct keymap_event *out)
{
    int place = keymap_place_of(key);
    if (map->magic && place >= 0) {
        out->action = KEYMAP_MAGIC;
        out->bytes[0] = (char)map->layout->plain[place];
        out->size = 1;
    } else if (place >= 0) {
        layout_key(map, place, out);
    } else if (extended_letter(key) != 0) {
        special(map, extended_letter(key), application_cursor, out);
    } else if (key >= KEY_PAD_7 && key <= KEY_PAD_POINT) {
        pad_key(map, key, application_cursor, out);
    } else if (key >= KEY_F1 && key <= KEY_F10) {
        function_key(key - KEY_F1, out);
    } else if (key == KEY_F11 || key == KEY_F12) {
        function_key(10 + key - KEY_F11, out);
    } else {
        common_key(map, key, out);
    }
}

static void key_event(struct keymap *map, unsigned key, bool release, bool application_cursor,
                      struct keymap_event *out)
{
    uint8_t held = held_bit(key);
    if (held != 0) {
        map->held = release ? map->held & (uint8_t)~held : map->held | held;
        set_modifiers(map);
    } else if (key == KEY_PRINT || key == KEY_SYSRQ) {
        map->magic = !release && map->modifiers & KEYMAP_ALT;
    } else if (!release) {
        pressed(map, key, application_cursor, out);
    }
}

void keymap_scancode(struct keymap *map, uint8_t byte, bool application_cursor,
                     struct keymap_event *out)
{
    *out = (struct keymap_event){.action = KEYMAP_NOTHING};
    if (map->to_skip > 0) {
        map->to_skip--;
    } else if (byte == 0xe1) { /* Pause: one long sequence, without a release */
        map->to_skip = map->set_2 ? 7 : 5;
    } else if (byte == 0xe0) {
        map->extended = true;
    } else if (map->set_2 && byte == 0xf0) {
        map->released = true;
    } else {
        bool release = map->set_2 ? map->released : byte & 0x80;
        unsigned key = map->set_2 ? byte < sizeof set_2_to_1 ? set_2_to_1[byte] : 0 : byte & 0x7fu;
        unsigned whole = key | (map->extended ? EXTENDED : 0u);
        map->extended = map->released = false;
        /* E0 2A and E0 36 are fake shifts that the keyboard sends around some keys. */
        if (key != 0 && whole != EXTENDED + KEY_SHIFT_LEFT && whole != EXTENDED + KEY_SHIFT_RIGHT)
            key_event(map, whole, release, application_cursor, out);
    }
}
