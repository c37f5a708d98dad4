/* SPDX-License-Identifier: MIT */
/* Growing strings and argument vectors. A failed allocation ends the tool. */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *bytes;   /* NUL-terminated after the first addition; NULL before */
    size_t length; /* without the NUL */
    size_t capacity;
};

void text_add(struct text *text, const void *bytes, size_t size);
void text_string(struct text *text, const char *string);
void text_format(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
/* Removes `size` bytes at the front. O(length). */
void text_drop(struct text *text, size_t size);
/* Adds a string of JSON with its quotes, escaped. */
void text_json(struct text *text, const char *string);
void text_free(struct text *text);

struct args {
    char **item; /* copies, NULL-terminated; NULL if empty */
    size_t count;
};

void args_add(struct args *args, const char *item);
void args_format(struct args *args, const char *format, ...) PRINTF_LIKE(2, 3);
/* Adds copies of all items up to NULL. */
void args_all(struct args *args, const char *const *items);
void args_free(struct args *args);

/* malloc'ed results, never NULL; memory() is zeroed. */
char *string_format(const char *format, ...) PRINTF_LIKE(1, 2);
char *string_copy(const char *string);
void *memory(size_t size);
void *memory_resize(void *block, size_t size);
bool string_ends(const char *string, const char *end);
bool string_starts(const char *string, const char *start);
