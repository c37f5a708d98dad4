/* SPDX-License-Identifier: MIT */
/* A growing text buffer, for the generators of /proc. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *bytes;     /* heap; not NUL-terminated */
    size_t length;   /* bytes written */
    size_t capacity; /* bytes allocated */
    bool failed; /* memory was short, or a line exceeded TEXT_LINE_MAX: the text is incomplete */
};

#define TEXT_LINE_MAX 4400 /* maximal bytes of one text_printf(): a path and more */

static inline void text_init(struct text *text)
{
    *text = (struct text){0};
}

void text_free(struct text *text);
/* These functions do not return errors: check text->failed at the end. */
void text_append(struct text *text, const void *bytes, size_t size);
void text_printf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
/* Appends spaces up to `column` bytes after `line_start`. */
void text_pad(struct text *text, size_t line_start, size_t column);
