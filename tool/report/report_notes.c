/* SPDX-License-Identifier: MIT */
/*
 * From the report's JSON line to notes: modules with their DWARF, lines of source, the disassembled
 * instruction. Runs in the reader process of report.c; report and DWARF are not trusted.
 */
#include "report/report_notes.h"
#include "base/compiler.h"
#include "host/json.h"
#include "report/disassemble.h"
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

static bool add_note(const struct modules *list, struct json frame, bool excerpt,
                     struct report_notes *out)
{
    struct json value;
    struct source_lines lines = {0};
    uint64_t address;
    char how[4] = "";
    if (!json_member(frame, "rip", &value) || !json_address(value, &address))
        return false;
    if (json_member(frame, "how", &value))
        json_string(value, how, sizeof(how));
    /* A return address may be past the end of its function: the byte before belongs to the call. */
    uint64_t code = strcmp(how, "0") == 0 ? address : address - 1;
    for (size_t i = 0; i < list->count && lines.count == 0; i++)
        if (code >= list->module[i].start && code < list->module[i].end)
            source_find(list->module[i].source, code, &lines);
    if (lines.count == 0)
        return false;
    out->note = memory_resize(out->note, (out->count + 1) * sizeof(*out->note));
    struct report_note *note = &out->note[out->count++];
    *note = (struct report_note){.address = address,
                                 .tail = make_tail(&lines),
                                 .excerpt = excerpt ? make_excerpt(&lines.line[0]) : NULL,
                                 .json = make_json(&lines)};
    for (size_t i = 0; i < lines.count; i++) {
        free(lines.line[i].function);
        free(lines.line[i].path);
    }
    free(lines.line);
    return note->excerpt != NULL;
}

/* "parse+0x2a [crash]" -> the file, "crash", as text; false: none. */
static bool file_of(const char *place, char *file, size_t size)
{
    const char *open = strrchr(place, '['), *close = open ? strchr(open, ']') : NULL;
    if (!close)
        return false;
    snprintf(file, size, "%.*s", (int)(close - open - 1), open + 1);
    return true;
}

static bool is_own(const char *file)
{
    return !strstr(file, ".so") && strcmp(file, "kernel") != 0 && strcmp(file, "vdso") != 0 &&
           string_starts(file, "[") == 0;
}

/* What is known of the runtimes in the trace's files. */
static const char *runtime_advice(const char *file)
{
    static const struct {
        const char *file, *advice;
    } runtimes[] = {
        {"python3",
         "the Python program's own message is above; python3 -X faulthandler adds the Python lines"},
        {"libpython3",
         "the Python program's own message is above; python3 -X faulthandler adds the Python lines"},
        {"node",
         "node's own message is above; node --abort-on-uncaught-exception is what stops it here"},
        {"libnode.so",
         "node's own message is above; node --abort-on-uncaught-exception is what stops it here"},
        {"libjvm.so",
         "Java's own message is above; its hs_err file, if it wrote one, is in the program's folder"},
        {"libruby", "Ruby's own message is above"},
        {"libperl.so", "Perl's own message is above"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(runtimes); i++)
        if (string_starts(file, runtimes[i].file))
            return runtimes[i].advice;
    return NULL;
}

static const struct report_note *note_of(const struct report_notes *notes, struct json frame)
{
    struct json value;
    uint64_t address;
    if (!json_member(frame, "rip", &value) || !json_address(value, &address))
        return NULL;
    for (size_t i = 0; i < notes->count; i++)
        if (notes->note[i].address == address)
            return &notes->note[i];
    return NULL;
}

/* "main+0x2 [app]" and its tail " at a.c:3 in parse, inlined at a.c:4 in main" -> "parse() at a.c:3". */
static char *name_own(const char *place, const char *tail)
{
    const char *inlined = strstr(tail, " in "), *comma = inlined ? strchr(inlined, ',') : NULL;
    if (comma)
        return string_format("%.*s()%.*s", (int)(comma - inlined - 4), inlined + 4,
                             (int)(inlined - tail), tail);
    return string_format("%.*s()%s", (int)strcspn(place, "+ "), place, tail);
}

/* The first frame of the program's own: its place, and if it is known its line. */
static void find_own(struct json trace, struct report_notes *out)
{
    struct json frame = {0}, value;
    char place[400], file[200];
    for (size_t i = 0; i < FRAMES_MAX && json_item(trace, &frame); i++) {
        if (!json_member(frame, "at", &value) || !json_string(value, place, sizeof(place)) ||
            !file_of(place, file, sizeof(file)))
            continue;
        if (!out->advice)
            out->advice = runtime_advice(file);
        if (!is_own(file))
            continue;
        const struct report_note *note = note_of(out, frame);
        if (!note)
            out->undebugged = strdup(file);
        if (i > 0 && note)
            out->own = name_own(place, note->tail);
        else if (i > 0)
            out->own = string_format("%s", place);
        out->own_note = i > 0 ? note : NULL;
        return;
    }
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
            find_own(trace, out);
    }
}
