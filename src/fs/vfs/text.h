/* SPDX-License-Identifier: MIT */
/* A growing text buffer, for the generators of /proc. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* A text is a list of parts of at most TEXT_PART_MAX bytes, so that one of any length grows without a long
 * copy. */
struct text {
    struct text_part *first, *last; /* NULL: none */
    size_t length;                  /* bytes written */
    bool failed; /* memory was short, or a line exceeded TEXT_LINE_MAX: the text is incomplete */
};

#define TEXT_PART_MAX (256u << 10)
#define TEXT_LINE_MAX 4400 /* maximal bytes of one text_printf(): a path and more */

static inline void text_init(struct text *text)
{
    *text = (struct text){0};
}

void text_free(struct text *text);
/* Makes the text empty; keeps the first part for what comes. O(parts). */
void text_clear(struct text *text);
/* The bytes at the offset, which is below `length`, up to the end of their part; *size: their number.
 * O(parts). */
const char *text_at(const struct text *text, size_t offset, size_t *size);
/* These functions do not return errors: check text->failed at the end. */
void text_append(struct text *text, const void *bytes, size_t size);
void text_printf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
/* Appends spaces up to `column` bytes after `line_start`. */
void text_pad(struct text *text, size_t line_start, size_t column);
