/* SPDX-License-Identifier: MIT */
/*
 * Decodes the framed console (src/kern/console_frame.h): bytes of the serial port or of the port in,
 * calls out. Pure: no files, no clock.
 */
#pragma once

#include "kern/block_ring.h"

#include <stdbool.h>
#include <stddef.h>

enum stream {
    STREAM_BOOT, /* output of firmware and boot loader before the kernel's first frame */
    STREAM_STDOUT,
    STREAM_STDERR,
    STREAM_LOG,
};

#define UNFRAME_LINE_MAX 256 /* longer text lines are truncated */

struct unframe_sink {
    void (*bytes)(void *context, enum stream stream, const char *bytes, size_t size);
    void (*ready)(void *context);                  /* input may be sent */
    void (*line)(void *context, const char *line); /* "exit 3", "mark main 12345" */
    void *context;
};

struct unframe {
    bool greeted;   /* FRAME_HELLO was seen */
    unsigned hello; /* bytes of FRAME_HELLO matched so far */
    bool escape;    /* the last byte was DLE */
    bool in_line;   /* collecting a text line */
    enum stream stream;
    size_t line_length;
    char line[UNFRAME_LINE_MAX];
};

/* Decodes bytes in any portions. The initial state is a zeroed struct unframe. Returns the number of
 * bytes taken: all, or those up to FRAME_PORT, and sets *to_port then. */
size_t unframe_feed(struct unframe *u, const char *bytes, size_t size, bool *to_port,
                    const struct unframe_sink *sink);

struct unblock {
    struct block_reader reader;
    size_t line_length;
    char line[UNFRAME_LINE_MAX];
};

/* Decodes blocks, in any portions. The initial state is a zeroed struct unblock. */
void unblock_feed(struct unblock *u, const char *bytes, size_t size,
                  const struct unframe_sink *sink);
