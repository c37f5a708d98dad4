/* SPDX-License-Identifier: MIT */
/* Works line by line: labels select the colour, addresses in `what` and `trace` lines select the note. */
#include "report/report_render.h"
#include "host/json.h"

#include <stdlib.h>
#include <string.h>

#define LABEL_START 2 /* "  what    READ of …" */
#define LABEL_END   10

enum part {
    PART_BANNER,
    PART_LABEL,
    PART_WHAT,
    PART_DENIES,
    PART_HINT,
    PART_SOURCE,
    PART_MARKED,
    PART_JSON,
    PART_PLAIN,
};

static const char *const colours[] = {
    [PART_BANNER] = "\033[1;31m", [PART_LABEL] = "\033[36m",  [PART_WHAT] = "\033[1m",
    [PART_DENIES] = "\033[31m",   [PART_HINT] = "\033[1;33m", [PART_SOURCE] = "\033[32m",
    [PART_MARKED] = "\033[1m",    [PART_JSON] = "\033[2m",
};

/* Parts of the brief report, and the most lines of each. */
static const struct part_limit {
    const char *label;
    unsigned lines;
} brief_parts[] = {{"what", 1}, {"reason", 1},  {"where", 3}, {"why", 1}, {"history", 2},
                   {"heap", 2}, {"serving", 1}, {"trace", 8}, {"hint", 2}};

struct render {
    const struct report_notes *notes;
    bool colour;
    bool in_trace;
    bool brief;                      /* no excerpts but the one of `what` */
    bool said;                       /* what the program said was printed */
    unsigned banners;                /* printed */
    const struct report_note *shown; /* the note whose excerpt was printed last */
    struct text *out;
};

static void put(const struct render *r, enum part part, const char *bytes, size_t size)
{
    bool coloured = r->colour && size > 0 && part != PART_PLAIN;
    if (coloured)
        text_string(r->out, colours[part]);
    text_add(r->out, bytes, size);
    if (coloured)
        text_string(r->out, "\033[0m");
}

static const char *find(const char *line, size_t size, const char *words)
{
    return memmem(line, size, words, strlen(words));
}

static const struct report_note *note_at(const struct render *r, const char *digits,
                                         const char *end)
{
    uint64_t address = 0;
    for (; digits < end; digits++) {
        unsigned char c = (unsigned char)*digits;
        if (c >= '0' && c <= '9')
            address = address << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            address = address << 4 | (uint64_t)(c - 'a' + 10);
        else
            break;
    }
    for (size_t i = 0; i < r->notes->count; i++)
        if (r->notes->note[i].address == address)
            return &r->notes->note[i];
    return NULL;
}

/* The note for a `what` or `trace` line, by its address: "  what … (rip 0x…)", "          #1 0x…". */
static const struct report_note *note_for(struct render *r, const char *line, size_t size)
{
    bool labelled = size > LABEL_START && line[LABEL_START] != ' ';
    const char *text = size > LABEL_END ? line + LABEL_END : line + size;
    const char *address = NULL;
    if (labelled)
        r->in_trace = string_starts(line, "  trace ");
    if (labelled && string_starts(line, "  what "))
        address = find(line, size, "rip 0x");
    else if (r->in_trace && text < line + size && *text == '#')
        address = find(text, (size_t)(line + size - text), " 0x");
    if (!address)
        return NULL;
    return note_at(r, find(address, (size_t)(line + size - address), "0x") + 2, line + size);
}

/* A `what` or `trace` line, or the headline, with the better name of its place; malloc'ed. */
static char *name_line(struct render *r, const char *line, size_t size)
{
    const char *rip = string_starts(line, "==== ") ? find(line, size, " rip 0x") : NULL;
    const struct report_note *note =
        rip ? note_at(r, rip + strlen(" rip 0x"), line + size) : note_for(r, line, size);
    const char *was = note && note->was ? find(line, size, note->was) : NULL;
    if (!was) {
        char *same = memory(size + 1);
        memcpy(same, line, size);
        same[size] = '\0';
        return same;
    }
    struct text out = {0};
    text_add(&out, line, (size_t)(was - line));
    text_string(&out, note->place);
    was += strlen(note->was);
    text_add(&out, was, (size_t)(line + size - was));
    return out.bytes;
}

/* True for what the program's own words make needless. */
static bool is_superseded(const struct render *r, const char *line)
{
    return (r->notes->said || r->notes->own) &&
           string_starts(line, "  hint    abort() was called:");
}

/* The program's own part in a report about a library's code. */
static void put_own(struct render *r)
{
    if (!r->notes->own)
        return;
    put(r, PART_LABEL, "          ", 10);
    text_string(r->out, "called from ");
    put(r, PART_SOURCE, r->notes->own, strlen(r->notes->own));
    text_string(r->out, "\n");
}

/* Lines of a text, each behind the label of its first. */
static void put_labelled(struct render *r, const char *label, enum part part, const char *text)
{
    while (text && *text) {
        size_t length = strcspn(text, "\n");
        char *front = string_format("  %-8s", label);
        put(r, PART_LABEL, front, strlen(front));
        put(r, part, text, length);
        text_string(r->out, "\n");
        free(front);
        label = "";
        text += length + (text[length] == '\n');
    }
}

/* Once, before the first hint. */
static void put_said(struct render *r)
{
    if (!r->said)
        put_labelled(r, "said", PART_PLAIN, r->notes->said);
    r->said = true;
}

static void put_advice(struct render *r)
{
    put_said(r);
    put_labelled(r, "hint", PART_HINT, r->notes->advice);
    put_labelled(r, "hint", PART_HINT, r->notes->debugging);
}

static void put_excerpt(struct render *r, const struct report_note *note)
{
    const char *line = note->excerpt;
    if (!line || note == r->shown)
        return;
    r->shown = note;
    while (*line) {
        size_t length = strcspn(line, "\n");
        put(r, line[strspn(line, " ")] == '>' ? PART_MARKED : PART_PLAIN, line, length);
        text_string(r->out, "\n");
        line += length + (line[length] == '\n');
    }
}

static void put_body(struct render *r, const char *line, size_t size)
{
    enum part rest = string_starts(line, "  what ")    ? PART_WHAT
                     : string_starts(line, "  hint ")  ? PART_HINT
                     : find(line, size, " <== denies") ? PART_DENIES
                                                       : PART_PLAIN;
    bool labelled = size > LABEL_END && line[LABEL_START] != ' ' && strncmp(line, "  ", 2) == 0;
    size_t label = labelled ? LABEL_END : 0;
    put(r, PART_LABEL, line, label);
    put(r, rest, line + label, size - label);
}

/* A '\n' or a NUL follows `line`. */
static void put_line(struct render *r, const char *line, size_t size, bool ended)
{
    const struct report_note *note = note_for(r, line, size);
    /* The line that the kernel found gives way to the tool's, which has its folder and what was inlined. */
    const char *found = r->in_trace && note && note->tail[0] ? find(line, size, "] at ") : NULL;
    if (found)
        size = (size_t)(found + 1 - line);
    if (string_starts(line, "==== ") && r->banners++ > 0)
        put_advice(r);
    if (string_starts(line, "==== "))
        put(r, PART_BANNER, line, size);
    else if (string_starts(line, "{\"ouro_report\""))
        put(r, PART_JSON, line, size);
    else
        put_body(r, line, size);
    if (note)
        put(r, PART_SOURCE, note->tail, strlen(note->tail));
    if (r->notes->instruction && string_starts(line, "  insn ")) {
        text_string(r->out, "; ");
        put(r, PART_SOURCE, r->notes->instruction, strlen(r->notes->instruction));
    }
    if (ended)
        text_string(r->out, "\n");
    if (ended && string_starts(line, "  what "))
        put_own(r);
    if (note && ended)
        put_excerpt(r, note);
}

/* --- the brief report --- */

/* The most lines of the part that begins with this line; 0: it is not shown. */
static unsigned brief_limit(const char *line)
{
    for (size_t i = 0; i < sizeof(brief_parts) / sizeof(*brief_parts); i++) {
        size_t length = strlen(brief_parts[i].label);
        if (strncmp(line + LABEL_START, brief_parts[i].label, length) == 0 &&
            line[LABEL_START + length] == ' ')
            return brief_parts[i].lines;
    }
    return 0;
}

/* "what": for abort() the program's own frame says more than the place in libc. */
static void put_brief_what(struct render *r, const char *line, size_t size, bool aborted)
{
    const struct report_note *own = r->notes->own_note, *note = note_for(r, line, size);
    if (aborted && r->notes->own) {
        char *text = string_format("abort() called from %s", r->notes->own);
        put_labelled(r, "what", PART_WHAT, text);
        free(text);
    } else {
        put_line(r, line, size, false);
        text_string(r->out, "\n");
        put_own(r);
    }
    note = own ? own : note;
    if (note)
        put_excerpt(r, note);
}

void report_render_brief(const char *report, size_t size, const struct report_notes *notes,
                         bool colour, struct text *out)
{
    struct render r = {.notes = notes, .colour = colour, .brief = true, .out = out};
    unsigned left = 0, hidden = 0;
    bool aborted = string_starts(report, "==== CRASH: abort");
    while (size > 0) {
        const char *newline = memchr(report, '\n', size);
        size_t length = newline ? (size_t)(newline - report) : size;
        char *plain = string_format("%.*s", (int)length, report);
        char *line = name_line(&r, plain, strlen(plain));
        bool banner = string_starts(line, "==== ");
        bool labelled =
            strlen(line) > LABEL_END && string_starts(line, "  ") && line[LABEL_START] != ' ';
        if (labelled || banner) {
            if (hidden > 0)
                text_format(out, "          %u more: --report FILE.json, or -v\n", hidden);
            hidden = 0;
            left = labelled ? brief_limit(line) : 0;
            r.in_trace = string_starts(line, "  trace ");
        }
        if (banner) {
            put_line(&r, line, strlen(line), true);
            left = 0;
        } else if (labelled && string_starts(line, "  what ")) {
            put_brief_what(&r, line, strlen(line), aborted);
            left = 0;
        } else if (left > 0 && !is_superseded(&r, line)) {
            if (string_starts(line, "  hint "))
                put_said(&r);
            put_line(&r, line, strlen(line), false);
            text_string(out, "\n");
            left--;
        } else {
            hidden += r.in_trace && line[0] == ' ' && !labelled;
        }
        free(line);
        free(plain);
        length += newline != NULL;
        report += length;
        size -= length;
    }
}

void report_render(const char *report, size_t size, const struct report_notes *notes, bool colour,
                   struct text *out)
{
    struct render r = {.notes = notes, .colour = colour, .out = out};
    while (size > 0) {
        const char *newline = memchr(report, '\n', size);
        size_t length = newline ? (size_t)(newline - report) : size;
        char *plain = memory(length + 1);
        memcpy(plain, report, length);
        plain[length] = '\0';
        char *line = name_line(&r, plain, length);
        if (string_starts(line, "  hint "))
            put_said(&r);
        if (!is_superseded(&r, line))
            put_line(&r, line, length == strlen(plain) ? strlen(line) : length, newline != NULL);
        free(line);
        free(plain);
        length += newline != NULL;
        report += length;
        size -= length;
    }
}

void report_render_json(const char *line, size_t size, const struct report_notes *notes,
                        struct text *out)
{
    struct json report = {line, line + size}, trace, frame = {0}, rip;
    const struct render r = {.notes = notes};
    const char *copied = line;
    if (json_member(report, "trace", &trace)) {
        while (json_item(trace, &frame)) {
            char digits[32];
            const struct report_note *note = json_member(frame, "rip", &rip) &&
                                                     json_string(rip, digits, sizeof(digits)) &&
                                                     string_starts(digits, "0x")
                                                 ? note_at(&r, digits + 2, digits + strlen(digits))
                                                 : NULL;
            if (!note || !note->json)
                continue;
            text_add(out, copied, (size_t)(frame.end - 1 - copied));
            text_format(out, ",\"lines\":%s", note->json);
            copied = frame.end - 1;
        }
    }
    text_add(out, copied, (size_t)(line + size - copied));
}

void report_notes_free(struct report_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++) {
        free(notes->note[i].was);
        free(notes->note[i].place);
        free(notes->note[i].tail);
        free(notes->note[i].excerpt);
        free(notes->note[i].json);
    }
    free(notes->note);
    free(notes->instruction);
    free(notes->own);
    free(notes->debugging);
    *notes = (struct report_notes){0};
}
