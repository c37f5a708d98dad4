/* SPDX-License-Identifier: MIT */
/* Renders a fault report as text or JSON, with file and line, and with colour. Pure. */
#pragma once

#include "host/text.h"

#include <stddef.h>
#include <stdint.h>

struct report_note {  /* name and lines of one code address; strings are malloc'ed */
    uint64_t address; /* as printed in the report */
    char *was;        /* the kernel's place, ".text+0x12 [libc.so.6]"; NULL: it is the better one */
    char *place;      /* what to print instead, "raise+0x2 [libc.so.6]" */
    char *tail;       /* appended to the line: " at crash.c:7 in get"; "" if no line is known */
    char *excerpt;    /* whole lines of source; NULL: none */
    char *json;       /* the array of lines, "[{…}]"; NULL: none is known */
};

struct report_notes {
    struct report_note *note;
    size_t count;
    char *own; /* the first frame of the program's own, if the report is about code of a
                          library: "parse() at crash.c:40"; malloc'ed; NULL: none */
    const struct report_note *own_note; /* its lines; NULL: unknown */
    const char *said;   /* what the program printed last on standard error; NULL: nothing */
    const char *advice; /* more of it; NULL: none */
    char *debugging; /* how to get line numbers, if the program has none; malloc'ed; NULL: it has */
    char *instruction; /* the faulting instruction, disassembled; malloc'ed; NULL: unknown */
};

/* The report's text, with notes added to its `what`, `insn` and `trace` lines. Each excerpt appears once. */
void report_render(const char *report, size_t size, const struct report_notes *notes, bool colour,
                   struct text *out);
/* As report_render(), what a person looks for first, in at most REPORT_BRIEF_LINES lines: what happened, with the source, where,
 * why, history, callers, what the program said, hints, and the headline at the end. */
#define REPORT_BRIEF_LINES 24
void report_render_brief(const char *report, size_t size, const struct report_notes *notes,
                         bool colour, struct text *out);
/* The report's JSON line (with or without '\n'), with a member "lines" in each object of the trace that
 * has a note. */
void report_render_json(const char *line, size_t size, const struct report_notes *notes,
                        struct text *out);
void report_notes_free(struct report_notes *notes);
