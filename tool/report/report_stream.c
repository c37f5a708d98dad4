/* SPDX-License-Identifier: MIT */
/* Bytes are held while they may be the start of a banner, and from a banner to the JSON line. */
#include "report/report_stream.h"

#include <string.h>

#define BANNER_LENGTH 12
#define HELD_MAX      (1u << 20) /* reports have about ten KiB */

static const char *const banners[] = {"==== CRASH: ", "==== PANIC: "};
static const char last_line[] = "{\"ouro_report\":";

static bool begins_banner(const char *bytes, size_t size)
{
    size_t length = size < BANNER_LENGTH ? size : BANNER_LENGTH;
    return memcmp(bytes, banners[0], length) == 0 || memcmp(bytes, banners[1], length) == 0;
}

bool report_stream_holds(const struct report_stream *s)
{
    return s->held.length > 0;
}

static void hand_over(struct report_stream *s, bool complete, const struct report_sink *sink)
{
    struct text held = s->held;
    bool report = s->in_report;
    s->held = (struct text){0};
    s->in_report = false;
    s->line = 0;
    if (held.length > 0) {
        s->in_line = held.bytes[held.length - 1] != '\n';
        if (report)
            sink->report(sink->context, held.bytes, held.length, complete);
        else
            sink->bytes(sink->context, held.bytes, held.length);
    }
    text_free(&held);
}

void report_stream_release(struct report_stream *s, const struct report_sink *sink)
{
    hand_over(s, false, sink);
}

/* A part of one line, with its '\n' if `ended`. */
static void feed_report(struct report_stream *s, const char *bytes, size_t size, bool ended,
                        const struct report_sink *sink)
{
    text_add(&s->held, bytes, size);
    bool last = s->held.length - s->line >= sizeof(last_line) - 1 &&
                memcmp(s->held.bytes + s->line, last_line, sizeof(last_line) - 1) == 0;
    if (ended && last)
        hand_over(s, true, sink);
    else if (s->held.length > HELD_MAX)
        hand_over(s, false, sink);
    else if (ended)
        s->line = s->held.length;
}

static void feed_outside(struct report_stream *s, const char *bytes, size_t size,
                         const struct report_sink *sink)
{
    if (s->in_line) {
        sink->bytes(sink->context, bytes, size);
        s->in_line = bytes[size - 1] != '\n';
        return;
    }
    text_add(&s->held, bytes, size);
    if (!begins_banner(s->held.bytes, s->held.length))
        hand_over(s, false, sink);
    else if (s->held.length >= BANNER_LENGTH) {
        s->in_report = true;
        s->line = s->held.bytes[s->held.length - 1] == '\n' ? s->held.length : 0;
    }
}

void report_stream_feed(struct report_stream *s, const char *bytes, size_t size,
                        const struct report_sink *sink)
{
    while (size > 0) {
        const char *newline = memchr(bytes, '\n', size);
        size_t piece = newline ? (size_t)(newline - bytes) + 1 : size;
        if (s->in_report)
            feed_report(s, bytes, piece, newline != NULL, sink);
        else
            feed_outside(s, bytes, piece, sink);
        bytes += piece;
        size -= piece;
    }
}
