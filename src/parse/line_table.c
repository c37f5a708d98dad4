/* SPDX-License-Identifier: MIT */
#include "parse/line_table.h"

#include "base/str.h"
#include "parse/cursor.h"

enum {
    PATH_SIZE = 4096, /* characters that are read of a path */
    FORMATS_MAX = 8,  /* fields of an entry of the lists of DWARF 5 */

    DW_LNS_COPY = 1,
    DW_LNS_ADVANCE_PC,
    DW_LNS_ADVANCE_LINE,
    DW_LNS_SET_FILE,
    DW_LNS_SET_COLUMN,
    DW_LNS_CONST_ADD_PC = 8,
    DW_LNS_FIXED_ADVANCE_PC,
    DW_LNS_SET_ISA = 12,
    DW_LNE_END_SEQUENCE = 1,
    DW_LNE_SET_ADDRESS = 2,

    DW_LNCT_PATH = 1,
    DW_FORM_DATA2 = 0x05,
    DW_FORM_DATA4 = 0x06,
    DW_FORM_DATA8 = 0x07,
    DW_FORM_STRING = 0x08,
    DW_FORM_DATA1 = 0x0b,
    DW_FORM_STRP = 0x0e,
    DW_FORM_UDATA = 0x0f,
    DW_FORM_DATA16 = 0x1e,
    DW_FORM_LINE_STRP = 0x1f,
};

struct unit {
    const struct byte_reader *file;
    unsigned version, step, range, opcodes;
    int base;
    uint64_t names, program, end; /* offsets of the file */
};

struct line_row {
    uint64_t address, file, line;
    bool there;
};

/* Reads a path up to its NUL; keeps what is behind the last slash. */
static void take_source_path(struct cursor *c, char to[ELF_NAME_SIZE])
{
    size_t n = 0;
    for (unsigned i = 0; i < PATH_SIZE; i++) {
        char letter = (char)cursor_take(c, 1);
        if (letter == '\0')
            break;
        if (letter == '/')
            n = 0;
        else if (n < ELF_NAME_SIZE - 1)
            to[n++] = letter > ' ' && letter < 127 ? letter : '?';
    }
    to[n] = '\0';
}

/* A path in another section of the file. */
static void path_in(const struct byte_reader *file, const char *section, uint64_t at, char *to)
{
    struct elf_span strings;
    struct cursor c;
    if (!elf_section_named(file, section, &strings) || at >= strings.size)
        return;
    cursor_start(&c, file, strings.offset + at, strings.offset + strings.size);
    take_source_path(&c, to);
}

/* Reads a field of an entry, into `path` if that is not NULL. */
static void take_form(struct cursor *c, uint64_t form, char *path)
{
    static const uint8_t sizes[] = {
        [DW_FORM_DATA2] = 2, [DW_FORM_DATA4] = 4,   [DW_FORM_DATA8] = 8,     [DW_FORM_DATA1] = 1,
        [DW_FORM_STRP] = 4,  [DW_FORM_DATA16] = 16, [DW_FORM_LINE_STRP] = 4,
    };
    char unwanted[ELF_NAME_SIZE];
    if (form == DW_FORM_STRING) {
        take_source_path(c, path != NULL ? path : unwanted);
    } else if (form == DW_FORM_UDATA) {
        cursor_uleb(c);
    } else if (form >= sizeof sizes || sizes[form] == 0) {
        c->bad = true;
    } else {
        uint64_t end = c->at + sizes[form], at = cursor_take(c, 4);
        if (path != NULL)
            path_in(c->memory, form == DW_FORM_STRP ? ".debug_str" : ".debug_line_str", at, path);
        c->at = end;
    }
}

/* Reads a list of folders or files of DWARF 5 up to entry `wanted`, whose path goes to `path`. */
static void take_list(struct cursor *c, uint64_t wanted, char *path)
{
    uint64_t kind[FORMATS_MAX], form[FORMATS_MAX], formats = cursor_take(c, 1);
    if (formats == 0 || formats > FORMATS_MAX) {
        c->bad = true;
        return;
    }
    for (unsigned i = 0; i < formats; i++) {
        kind[i] = cursor_uleb(c);
        form[i] = cursor_uleb(c);
    }
    uint64_t count = cursor_uleb(c);
    for (uint64_t n = 0; n < count && n <= wanted && !c->bad; n++)
        for (unsigned i = 0; i < formats; i++)
            take_form(c, form[i], n == wanted && kind[i] == DW_LNCT_PATH ? path : NULL);
}

static void name_file(const struct unit *u, uint64_t number, char path[ELF_NAME_SIZE])
{
    char folder[ELF_NAME_SIZE];
    struct cursor c;
    cursor_start(&c, u->file, u->names, u->program);
    path[0] = '\0';
    if (u->version >= 5) {
        take_list(&c, UINT64_MAX, folder);
        take_list(&c, number, path);
        return;
    }
    do
        take_source_path(&c, folder);
    while (folder[0] != '\0');
    for (uint64_t n = 1; n <= number; n++) {
        take_source_path(&c, path);
        if (path[0] == '\0')
            return;
        cursor_uleb(&c); /* folder, time, size */
        cursor_uleb(&c);
        cursor_uleb(&c);
    }
}

/* Ends the row that is being made, at `to`: true if it has the address. */
static bool row_holds(const struct line_row *row, uint64_t to, uint64_t address)
{
    return row->there && row->address <= address && address < to;
}

/* Runs the program of a unit until a row has the address. */
static bool run(const struct unit *u, uint64_t address, struct line_row *last)
{
    static const struct line_row first = {.file = 1, .line = 1, .there = true};
    struct line_row now = first;
    struct cursor c;
    cursor_start(&c, u->file, u->program, u->end);
    last->there = false;
    while (c.at < c.end && !c.bad) {
        uint64_t code = cursor_take(&c, 1);
        bool row = code == DW_LNS_COPY || code >= u->opcodes, ends = false;
        if (code >= u->opcodes || code == DW_LNS_CONST_ADD_PC) {
            uint64_t special = (row ? code : 255) - u->opcodes;
            now.address += special / u->range * u->step;
            if (row)
                now.line += (uint64_t)(int64_t)(u->base + (int)(special % u->range));
        } else if (code == 0) {
            uint64_t size = cursor_uleb(&c), end = c.at + size;
            code = cursor_take(&c, 1);
            row = ends = code == DW_LNE_END_SEQUENCE;
            if (code == DW_LNE_SET_ADDRESS)
                now.address = cursor_take(&c, 8);
            if (end < c.at || end > c.end)
                return false;
            c.at = end;
        } else if (code == DW_LNS_ADVANCE_PC) {
            now.address += cursor_uleb(&c) * u->step;
        } else if (code == DW_LNS_ADVANCE_LINE) {
            now.line += (uint64_t)cursor_sleb(&c);
        } else if (code == DW_LNS_SET_FILE) {
            now.file = cursor_uleb(&c);
        } else if (code == DW_LNS_FIXED_ADVANCE_PC) {
            now.address += cursor_take(&c, 2);
        } else if (code == DW_LNS_SET_COLUMN || code == DW_LNS_SET_ISA) {
            cursor_uleb(&c);
        } else if (code > DW_LNS_SET_ISA) {
            return false; /* of no version */
        }
        if (!row)
            continue;
        if (row_holds(last, now.address, address))
            return !c.bad;
        *last = now;
        last->there = !ends;
        if (ends)
            now = first;
    }
    return false;
}

/* Reads the head of the unit at u->names, which is limited by u->end. */
static bool read_unit(struct unit *u, uint64_t *next)
{
    struct cursor c;
    cursor_start(&c, u->file, u->names, u->end);
    uint64_t size = cursor_take(&c, 4);
    if (c.bad || size > c.end - c.at) /* 64-bit DWARF, too */
        return false;
    c.end = u->end = *next = c.at + size;
    u->version = (unsigned)cursor_take(&c, 2);
    if (u->version >= 5)
        cursor_take(&c, 2); /* sizes of an address and of a selector */
    size = cursor_take(&c, 4);
    if (c.bad || u->version < 2 || u->version > 5 || size > c.end - c.at)
        return false;
    u->program = c.at + size;
    u->step = (unsigned)cursor_take(&c, 1);
    cursor_take(&c, u->version >= 4 ? 2 : 1); /* operations of an instruction, is_stmt */
    u->base = (int)cursor_extend(cursor_take(&c, 1), 8);
    u->range = (unsigned)cursor_take(&c, 1);
    u->opcodes = (unsigned)cursor_take(&c, 1);
    u->names = c.at + u->opcodes - 1;
    return !c.bad && u->range != 0 && u->opcodes != 0 && u->names <= u->program;
}

bool line_table_find(const struct byte_reader *file, uint64_t address, uint64_t *fuel,
                     struct line_place *out)
{
    struct elf_span lines;
    if (!elf_section_named(file, ".debug_line", &lines) || lines.offset + lines.size < lines.offset)
        return false;
    uint64_t end = lines.offset + lines.size;
    for (uint64_t at = lines.offset, next; at < end; at = next) {
        struct unit u = {.file = file, .names = at, .end = end};
        struct line_row row = {0};
        if (!read_unit(&u, &next) || next - at > *fuel)
            return false;
        *fuel -= next - at;
        if (!run(&u, address, &row))
            continue;
        name_file(&u, row.file, out->file);
        out->line = row.line;
        return out->file[0] != '\0';
    }
    return false;
}
