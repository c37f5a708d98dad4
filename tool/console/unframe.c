/* SPDX-License-Identifier: MIT */
/* A state machine over bytes: boot output, text line, escape, stream. */
#include "console/unframe.h"
#include "kern/console_frame.h"

#include <string.h>

/* FRAME_HELLO starts with three DLE: after a mismatch, the DLEs received last still count. */
static void feed_boot_output(struct unframe *u, char byte, const struct unframe_sink *sink)
{
    static const char hello[] = FRAME_HELLO;
    if (byte != hello[u->hello]) {
        unsigned kept = 0;
        if (byte == FRAME_DLE)
            kept = u->hello >= 2 && hello[u->hello - 1] == FRAME_DLE ? 2 : 0;
        if (u->hello > kept)
            sink->bytes(sink->context, STREAM_BOOT, hello, u->hello - kept);
        u->hello = kept;
        if (byte != hello[u->hello]) {
            sink->bytes(sink->context, STREAM_BOOT, &byte, 1);
            return;
        }
    }
    if (hello[++u->hello] == '\0') {
        u->greeted = true;
        u->stream = STREAM_LOG;
    }
}

static void feed_line(struct unframe *u, char byte, const struct unframe_sink *sink)
{
    if (byte != '\n') {
        if (u->line_length < sizeof(u->line) - 1)
            u->line[u->line_length++] = byte;
        return;
    }
    u->line[u->line_length] = '\0';
    u->in_line = false;
    sink->line(sink->context, u->line);
}

static void feed_escape(struct unframe *u, char byte, const struct unframe_sink *sink)
{
    const char both[2] = {FRAME_DLE, byte};
    u->escape = false;
    switch (byte) {
    case FRAME_STDOUT:
        u->stream = STREAM_STDOUT;
        break;
    case FRAME_STDERR:
        u->stream = STREAM_STDERR;
        break;
    case FRAME_LOG:
        u->stream = STREAM_LOG;
        break;
    case FRAME_READY:
        sink->ready(sink->context);
        break;
    case FRAME_TEXT:
        u->in_line = true;
        u->line_length = 0;
        break;
    case FRAME_DLE:
        sink->bytes(sink->context, u->stream, both, 1);
        break;
    default: /* unknown: output of firmware at run time goes to the log */
        sink->bytes(sink->context, STREAM_LOG, both, 2);
        break;
    }
}

size_t unframe_feed(struct unframe *u, const char *bytes, size_t size, bool *to_port,
                    const struct unframe_sink *sink)
{
    const char *start = bytes, *end = bytes + size;
    *to_port = false;
    while (bytes < end) {
        if (!u->greeted) {
            feed_boot_output(u, *bytes++, sink);
        } else if (u->in_line) {
            feed_line(u, *bytes++, sink);
        } else if (u->escape && *bytes == FRAME_PORT) {
            u->escape = false;
            *to_port = true;
            return (size_t)(bytes + 1 - start);
        } else if (u->escape) {
            feed_escape(u, *bytes++, sink);
        } else {
            const char *escape = memchr(bytes, FRAME_DLE, (size_t)(end - bytes));
            const char *stop = escape ? escape : end;
            if (stop > bytes)
                sink->bytes(sink->context, u->stream, bytes, (size_t)(stop - bytes));
            u->escape = escape != NULL;
            bytes = escape ? escape + 1 : end;
        }
    }
    return size;
}

static void feed_text(struct unblock *u, const char *bytes, size_t size,
                      const struct unframe_sink *sink)
{
    size_t room = sizeof(u->line) - 1 - u->line_length;
    memcpy(u->line + u->line_length, bytes, size < room ? size : room);
    u->line_length += size < room ? size : room;
    if (u->reader.left > size)
        return;
    u->line[u->line_length] = '\0';
    u->line_length = 0;
    sink->line(sink->context, u->line);
}

static void feed_block(struct unblock *u, char kind, const char *bytes, size_t size,
                       const struct unframe_sink *sink)
{
    switch (kind) {
    case FRAME_STDOUT:
        sink->bytes(sink->context, STREAM_STDOUT, bytes, size);
        break;
    case FRAME_STDERR:
        sink->bytes(sink->context, STREAM_STDERR, bytes, size);
        break;
    case FRAME_TEXT:
        feed_text(u, bytes, size, sink);
        break;
    case FRAME_READY:
        if (u->reader.left == size) /* once for each block */
            sink->ready(sink->context);
        break;
    default: /* the log; anything unknown must be seen */
        sink->bytes(sink->context, STREAM_LOG, bytes, size);
        break;
    }
}

void unblock_feed(struct unblock *u, const char *bytes, size_t size,
                  const struct unframe_sink *sink)
{
    for (size_t at = 0; at < size;) {
        char kind;
        size_t count;
        at += block_reader_next(&u->reader, (const uint8_t *)bytes + at, size - at, &kind, &count);
        if (count > 0)
            feed_block(u, kind, bytes + at, count, sink);
        block_reader_took(&u->reader, count);
        at += count;
    }
}
