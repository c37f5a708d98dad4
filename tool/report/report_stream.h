/* SPDX-License-Identifier: MIT */
/*
 * Finds fault reports in the machine's log. Other text passes at once; a report is held until its last
 * line, the JSON, which has the load addresses of the program's files (docs/diagnostics.md). Pure: the
 * caller has the clock, and releases an incomplete report after a pause.
 */
#pragma once

#include "host/text.h"

struct report_sink {
    void (*bytes)(void *context, const char *bytes, size_t size);
    /* A report, or its beginning if !complete. A complete one ends with '\n'. A NUL follows the text. */
    void (*report)(void *context, const char *text, size_t size, bool complete);
    void *context;
};

struct report_stream {
    struct text held;
    size_t line;    /* start of the last line in `held` */
    bool in_report; /* false: `held` may be the start of a banner */
    bool in_line;   /* the last byte that passed was not '\n' */
};

/* A zeroed struct report_stream is ready. */
void report_stream_feed(struct report_stream *s, const char *bytes, size_t size,
                        const struct report_sink *sink);
/* Passes the held bytes to the sink, as an incomplete report. */
void report_stream_release(struct report_stream *s, const struct report_sink *sink);
bool report_stream_holds(const struct report_stream *s);
