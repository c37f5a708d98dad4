/* SPDX-License-Identifier: MIT */
/*
 * Finds fault reports in the machine's log: all else passes at once, a report is held until its last
 * line, because only that one says where the program's files lie (docs/diagnostics.md). Pure: the
 * clock is the caller's, who releases what a machine that hangs left unfinished.
 */
#pragma once

#include "host/text.h"

struct report_sink {
    void (*bytes)(void *context, const char *bytes, size_t size);
    /* A report, or with !complete its beginning; it ends with '\n' when complete, and has a NUL behind
     * it. */
    void (*report)(void *context, const char *text, size_t size, bool complete);
    void *context;
};

struct report_stream {
    struct text held;
    size_t line;    /* where the last line starts in `held` */
    bool in_report; /* else `held` may become a banner */
    bool in_line;   /* the last byte that passed ended no line */
};

/* A zeroed struct report_stream is ready. */
void report_stream_feed(struct report_stream *s, const char *bytes, size_t size,
                        const struct report_sink *sink);
/* Lets go of what is held. */
void report_stream_release(struct report_stream *s, const struct report_sink *sink);
bool report_stream_holds(const struct report_stream *s);
