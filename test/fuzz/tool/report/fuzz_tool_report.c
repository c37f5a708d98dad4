/* SPDX-License-Identifier: MIT */
/* Any log, in portions of any size: every byte is printed, in order, and the values found in the
 * report's JSON lie within its line. */
#include "host/json.h"
#include "report/report_render.h"
#include "report/report_stream.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct text shown;

static void on_bytes(void *context, const char *bytes, size_t size)
{
    (void)context;
    text_add(&shown, bytes, size);
}

static void on_report(void *context, const char *report, size_t size, bool complete)
{
    (void)context;
    static const struct report_notes none;
    char was[] = ".text", place[] = ".text.longer", tail[] = " at a.c:1";
    char excerpt[] = "     1 | a\n", lines[] = "[]";
    struct report_note note = {0x10, was, place, tail, excerpt, lines};
    const struct report_notes one = {.note = &note, .count = 1};
    struct text noted = {0}, json = {0};
    report_render(report, size, &none, false, &shown);
    report_render(report, size, &one, true, &noted);
    const char *newline = size > 1 ? memrchr(report, '\n', size - 1) : NULL;
    const char *last = newline ? newline + 1 : report;
    size_t length = (size_t)(report + size - last);
    report_render_json(last, length, &one, &json);
    bool replaced = memmem(report, size, " at ", 4) !=
                    NULL; /* the kernel's place by the tool's, which may be shorter */
    if ((noted.length < size && !replaced) || json.length < length ||
        (complete && report[size - 1] != '\n'))
        abort();
    text_free(&noted);
    text_free(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct report_sink sink = {on_bytes, on_report, NULL};
    struct report_stream stream = {0};
    size_t portion = size > 0 ? 1 + data[0] : 1;
    for (size_t at = 0; at < size; at += portion) {
        size_t piece = size - at < portion ? size - at : portion;
        char *copy = malloc(piece);
        memcpy(copy, data + at, piece);
        report_stream_feed(&stream, copy, piece, &sink);
        free(copy);
    }
    report_stream_release(&stream, &sink);
    if (shown.length != size || (size > 0 && memcmp(shown.bytes, data, size) != 0))
        abort();
    text_free(&shown);
    shown = (struct text){0};
    return 0;
}
