/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a fault report on its way to stderr.
 *
 *     report --> process of its own: JSON, DWARF, sources --> report with file and line
 *        \------------- when that dies or takes too long --> report as it came
 *
 * The machine that sent a report has ended, so nobody waits for the console meanwhile.
 */
#pragma once

#include "report/report_notes.h"

struct report_options {
    struct report_files files;
    struct text
        *json; /* the line of the last whole report, with what was found out; NULL: not wanted */
    bool colour;
};

/* Is stderr a terminal that shows colours, and nobody who wants none? (https://no-color.org) */
bool report_wants_colour(void);
/* Adds the text to show for a report, whole or cut, to `out`. `report` has a NUL behind it. */
void report_present(const struct report_options *options, const char *report, size_t size,
                    bool complete, struct text *out);
