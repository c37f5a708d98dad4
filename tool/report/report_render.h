/* SPDX-License-Identifier: MIT */
/* A fault report as a person or a tool will read it: with file and line, and with colour. Pure. */
#pragma once

#include "host/text.h"

#include <stddef.h>
#include <stdint.h>

struct report_note {  /* what was found out about one code address; strings are malloc'ed */
    uint64_t address; /* as the report prints it */
    char *tail;       /* ends its line: " at crash.c:7 in get"; never NULL */
    char *excerpt;    /* whole lines of source; NULL: none */
    char *json;       /* the array of its lines, "[{…}]" */
};

struct report_notes {
    struct report_note *note;
    size_t count;
    char *
        instruction; /* the one that failed, as an assembler would have it; malloc'ed; NULL: not known */
};

/* The report's text, with the notes added to its `what`, `insn` and `trace` lines. An excerpt is shown once.
 */
void report_render(const char *report, size_t size, const struct report_notes *notes, bool colour,
                   struct text *out);
/* The report's JSON line (with or without '\n'), each object of its trace with a member "lines" where
 * there is a note for it. */
void report_render_json(const char *line, size_t size, const struct report_notes *notes,
                        struct text *out);
void report_notes_free(struct report_notes *notes);
