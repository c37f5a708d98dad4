/* SPDX-License-Identifier: MIT */
/* Text that grows as it is written: what generators of /proc write into. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *bytes;     /* heap; not NUL-terminated */
    size_t length;   /* bytes written */
    size_t capacity; /* bytes allocated */
    bool failed; /* memory was short, or a line was longer than TEXT_LINE_MAX: what was written is
                    incomplete */
};

#define TEXT_LINE_MAX 4400 /* bytes that one text_printf() may write: a path and some more */

static inline void text_init(struct text *text)
{
    *text = (struct text){0};
}

void text_free(struct text *text);
/* None of these fails: text->failed is looked at once, at the end. */
void text_append(struct text *text, const void *bytes, size_t size);
void text_printf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
/* Spaces until the text is `column` characters behind `line_start`; nothing when it is already. */
void text_pad(struct text *text, size_t line_start, size_t column);
