/* SPDX-License-Identifier: MIT */
/*
 * Adds file and line to a fault report on its way to stderr.
 *
 *     report --> separate process: JSON, DWARF, sources --> report with file and line
 *        \------------- if that dies or takes too long --> unchanged report
 *
 * The machine that sent the report has ended, so blocking here delays nothing.
 */
#pragma once

#include "report/report_notes.h"

struct report_options {
    struct report_files files;
    struct text *json; /* gets the JSON line of the last complete report, with lines; NULL: none */
    bool colour;
    bool brief;        /* show what fits a terminal; `json` gets all */
    struct text *said; /* the end of what the program printed on standard error; NULL: unknown */
};

/* True if stderr is a terminal, NO_COLOR is unset or empty (https://no-color.org) and TERM is not "dumb". */
bool report_wants_colour(void);
/* Adds the text to show for a report, complete or not, to `out`. A NUL follows `report`. */
void report_present(const struct report_options *options, const char *report, size_t size,
                    bool complete, struct text *out);
