/* SPDX-License-Identifier: MIT */
/*
 * From the report's JSON line to notes: modules with their DWARF, lines of source, the disassembled
 * instruction. Runs in the reader process of report.c; report and DWARF are not trusted.
 */
#include "report/report_notes.h"
#include "base/compiler.h"
#include "host/json.h"
#include "report/disassemble.h"
#include "report/report_own.h"
#include "report/source.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES_MAX   256 /* of a trace; more than the kernel sends */
#define EXCERPTS_MAX 6
#define COLUMNS      100
#define TAB          4
#define SOURCE_MAX   (16 << 20) /* bytes of a source file that is read */
#define KERNEL_START UINT64_C(0xffffffff80000000)

struct module {
    uint64_t start, end;
    struct source_module *source; /* NULL: unknown */
};

struct modules {
    struct module *module;
    size_t count;
};

/* True if the kernel file is the build of the report. The symbol table starts with the build id, of
 * which the report shows all but the last 16 bits. */
static bool is_build(struct source_module *kernel, struct json report)
{
    struct json build;
    uint64_t number;
    char reported[32], here[32];
    if (!json_member(report, "build", &build) || !json_string(build, reported, sizeof(reported)) ||
        !source_word(kernel, "kernel_symbols", &number))
        return false;
    snprintf(here, sizeof(here), "%012llx", (unsigned long long)(number >> 16));
    return strcmp(here, reported) == 0;
}

static void add_module(struct modules *list, struct module module)
{
    list->module = memory_resize(list->module, (list->count + 1) * sizeof(*list->module));
    list->module[list->count++] = module;
}

static void open_modules(const struct report_files *files, struct json report, struct modules *list)
{
    struct json modules, item = {0}, value;
    struct module kernel = {KERNEL_START, UINT64_MAX, source_open(files->kernel_symbols, 0)};
    if (kernel.source && is_build(kernel.source, report))
        add_module(list, kernel);
    if (!json_member(report, "modules", &modules))
        return;
    while (list->count < FRAMES_MAX && json_item(modules, &item)) {
        char path[PATH_MAX];
        struct module m = {0};
        uint64_t bias;
        const struct entry *entry = NULL;
        if (json_member(item, "path", &value) && json_string(value, path, sizeof(path)) &&
            path[0] == '/')
            entry = tree_follow(files->tree, path);
        if (!entry || !entry->source || !json_member(item, "start", &value) ||
            !json_address(value, &m.start) || !json_member(item, "end", &value) ||
            !json_address(value, &m.end) || !json_member(item, "bias", &value) ||
            !json_address(value, &bias))
            continue;
        m.source = source_open(entry->source, bias);
        if (m.source)
            add_module(list, m);
    }
}

/* --- words --- */

/* Adds bytes with control characters, those of C1 in UTF-8 included, replaced by question marks. */
static void add_clean(struct text *out, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)bytes[i];
        bool c1 = c == 0xc2 && i + 1 < size && (unsigned char)bytes[i + 1] < 0xa0;
        text_add(out, c < ' ' || c == 0x7f || c1 ? "?" : &bytes[i], 1);
        i += c1;
    }
}

/* The path relative to the current directory or to Ouro's top folder, without "./". malloc'ed. */
static char *shorten(const char *path)
{
    static char here[PATH_MAX];
    const char *const folders[] = {here, OURO_SOURCE_DIR};
    if (!here[0] && !getcwd(here, sizeof(here)))
        here[0] = '\0';
    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++) {
        size_t length = strlen(folders[i]);
        if (length > 1 && strncmp(path, folders[i], length) == 0 && path[length] == '/')
            path += length + 1;
    }
    if (string_starts(path, "/rustc/")) /* and a commit: Rust's library */
        path += strcspn(path + strlen("/rustc/"), "/") + strlen("/rustc/");
    struct text out = {0};
    text_string(&out, "");
    for (const char *start = path; *path; path++)
        if ((path == start || path[-1] == '/') && strncmp(path, "./", 2) == 0)
            path++;
        else
            text_add(&out, path, 1);
    return out.bytes;
}

static char *make_tail(const struct source_lines *lines)
{
    struct text out = {0};
    for (size_t i = 0; i < lines->count; i++) {
        const struct source_line *l = &lines->line[i];
        char *path = shorten(l->path);
        text_string(&out, i == 0 ? " at " : ", inlined at ");
        add_clean(&out, path, strlen(path));
        free(path);
        text_format(&out, ":%d", l->line);
        if (lines->count > 1 && l->function[0]) {
            text_string(&out, " in ");
            add_clean(&out, l->function, strlen(l->function));
        }
    }
    return out.bytes;
}

static char *make_json(const struct source_lines *lines)
{
    struct text out = {0};
    for (size_t i = 0; i < lines->count; i++) {
        const struct source_line *l = &lines->line[i];
        text_string(&out, i == 0 ? "[{\"function\":" : ",{\"function\":");
        text_json(&out, l->function);
        text_string(&out, ",\"file\":");
        text_json(&out, l->path);
        text_format(&out, ",\"line\":%d,\"column\":%d}", l->line, l->column);
    }
    text_string(&out, "]");
    return out.bytes;
}

/* --- source --- */

/* Never blocks: the name comes from the DWARF and may be that of a pipe or a device. A relative name
 * is refused: it could match an unrelated file here. */
static FILE *open_source(const char *path)
{
    struct stat st;
    if (path[0] != '/')
        return NULL;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= SOURCE_MAX)
        return fdopen(fd, "r");
    close(fd);
    return NULL;
}

static void add_source_line(struct text *out, const char *line, int number, bool marked)
{
    struct text wide = {0};
    text_string(&wide, "");
    for (; *line && *line != '\n' && *line != '\r'; line++)
        text_add(&wide, *line == '\t' ? "    " : line, *line == '\t' ? TAB : 1);
    if (wide.length > COLUMNS) {
        wide.length = COLUMNS;
        while (wide.length > 0 && ((unsigned char)wide.bytes[wide.length] & 0xc0) == 0x80)
            wide.length--;
    }
    text_format(out, "          %c %5d |%s", marked ? '>' : ' ', number, wide.length ? " " : "");
    add_clean(out, wide.bytes, wide.length);
    text_string(out, "\n");
    text_free(&wide);
}

/* Three lines: the line itself, the previous and the next. */
static char *make_excerpt(const struct source_line *wanted)
{
    FILE *file = open_source(wanted->path);
    struct text out = {0};
    char *line = NULL;
    size_t room = 0;
    for (int number = 1; file && number <= wanted->line + 1; number++) {
        if (getline(&line, &room, file) < 0)
            break;
        if (number >= wanted->line - 1)
            add_source_line(&out, line, number, number == wanted->line);
    }
    free(line);
    if (file)
        fclose(file);
    return out.bytes;
}

/* Disassembles the instruction in the JSON line, "48c7401801000000". */
static char *make_instruction(struct json report)
{
    struct json value, registers;
    char digits[64], name[160];
    uint8_t bytes[16];
    uint64_t rip;
    size_t n = 0;
    unsigned byte;
    if (!json_member(report, "insn", &value) || !json_string(value, digits, sizeof(digits)) ||
        !json_member(report, "registers", &registers) || !json_member(registers, "rip", &value) ||
        !json_address(value, &rip))
        return NULL;
    while (n < sizeof(bytes) && digits[2 * n] && sscanf(digits + 2 * n, "%2x", &byte) == 1 &&
           digits[2 * n + 1])
        bytes[n++] = (uint8_t)byte;
    return disassemble(rip, bytes, n, name, sizeof(name)) ? strdup(name) : NULL;
}

/* --- frames --- */

/* The better name of a place: of a file without a symbol table the debug file's, and of a name that the kernel cut the whole. */
static void find_name(struct source_module *source, uint64_t code, struct json frame,
                      struct report_note *note)
{
    struct json value;
    char was[400];
    uint64_t offset;
    const char *file, *name = source_symbol(source, code, &offset);
    size_t length = name ? strcspn(name, "@") : 0; /* without its version */
    if (!name || !json_member(frame, "at", &value) || !json_string(value, was, sizeof(was)))
        return;
    file = strrchr(was, '[');
    bool cut = strncmp(was, name, strcspn(was, "+")) == 0 && strcspn(was, "+") < length;
    if (!file || (was[0] != '.' && was[0] != '[' && !cut))
        return;
    struct text place = {0};
    add_clean(&place, name, length);
    text_format(&place, "+0x%llx %.*s", (unsigned long long)offset, (int)strcspn(file, "+"), file);
    note->was = string_copy(was);
    note->place = place.bytes;
}

static bool add_note(const struct modules *list, struct json frame, bool excerpt,
                     struct report_notes *out)
{
    struct json value;
    struct source_lines lines = {0};
    struct report_note note = {0};
    char how[4] = "";
    if (!json_member(frame, "rip", &value) || !json_address(value, &note.address))
        return false;
    if (json_member(frame, "how", &value))
        json_string(value, how, sizeof(how));
    /* A return address may be past the end of its function: the byte before belongs to the call. */
    uint64_t code = strcmp(how, "0") == 0 ? note.address : note.address - 1;
    for (size_t i = 0; i < list->count && lines.count == 0; i++)
        if (code >= list->module[i].start && code < list->module[i].end) {
            source_find(list->module[i].source, code, &lines);
            find_name(list->module[i].source, code, frame, &note);
        }
    if (lines.count == 0 && !note.place)
        return false;
    note.tail = lines.count > 0 ? make_tail(&lines) : string_copy("");
    note.excerpt = excerpt && lines.count > 0 ? make_excerpt(&lines.line[0]) : NULL;
    note.json = lines.count > 0 ? make_json(&lines) : NULL;
    out->note = memory_resize(out->note, (out->count + 1) * sizeof(*out->note));
    out->note[out->count++] = note;
    for (size_t i = 0; i < lines.count; i++) {
        free(lines.line[i].function);
        free(lines.line[i].path);
    }
    free(lines.line);
    return note.excerpt != NULL;
}

void report_notes_make(const struct report_files *files, const char *line, size_t size,
                       struct report_notes *out)
{
    struct json report = {line, line + size}, trace, frame = {0};
    struct modules list = {0};
    size_t excerpts = 0;
    open_modules(files, report, &list);
    *out = (struct report_notes){.instruction = make_instruction(report)};
    if (json_member(report, "trace", &trace))
        for (size_t i = 0; i < FRAMES_MAX && json_item(trace, &frame); i++)
            excerpts += add_note(&list, frame, excerpts < EXCERPTS_MAX, out);
    free(list.module);
    if (json_member(report, "trace", &trace) && json_member(report, "kind", &frame)) {
        char kind[16] = "";
        json_string(frame, kind, sizeof(kind));
        if (strcmp(kind, "crash") == 0)
            report_own_find(files->tree, report, out);
    }
}
