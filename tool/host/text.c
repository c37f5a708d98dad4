/* SPDX-License-Identifier: MIT */
#include "host/text.h"
#include "host/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *memory_resize(void *block, size_t size)
{
    void *result = realloc(block, size ? size : 1);
    if (!result)
        fail(STATUS_FAILED, "out of memory: %zu bytes", size);
    return result;
}

void *memory(size_t size)
{
    void *result = memory_resize(NULL, size);
    memset(result, 0, size);
    return result;
}

char *string_copy(const char *string)
{
    size_t size = strlen(string) + 1;
    return memcpy(memory(size), string, size);
}

static PRINTF_LIKE(1, 0) char *format_all(const char *format, va_list args)
{
    char *result;
    if (vasprintf(&result, format, args) < 0)
        fail(STATUS_FAILED, "this computer has no memory left");
    return result;
}

char *string_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *result = format_all(format, args);
    va_end(args);
    return result;
}

bool string_starts(const char *string, const char *start)
{
    return strncmp(string, start, strlen(start)) == 0;
}

bool string_ends(const char *string, const char *end)
{
    size_t length = strlen(string), tail = strlen(end);
    return length >= tail && strcmp(string + length - tail, end) == 0;
}

void text_add(struct text *text, const void *bytes, size_t size)
{
    if (text->capacity - text->length <= size) {
        text->capacity = (text->length + size + 64) * 2;
        text->bytes = memory_resize(text->bytes, text->capacity);
    }
    if (size > 0)
        memcpy(text->bytes + text->length, bytes, size);
    text->length += size;
    text->bytes[text->length] = '\0';
}

void text_string(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_format(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *more = format_all(format, args);
    va_end(args);
    text_string(text, more);
    free(more);
}

void text_drop(struct text *text, size_t size)
{
    text->length -= size;
    if (size > 0)
        memmove(text->bytes, text->bytes + size, text->length + 1);
}

void text_free(struct text *text)
{
    free(text->bytes);
    *text = (struct text){0};
}

static void args_take(struct args *args, char *item)
{
    args->item = memory_resize(args->item, (args->count + 2) * sizeof(*args->item));
    args->item[args->count++] = item;
    args->item[args->count] = NULL;
}

void args_add(struct args *args, const char *item)
{
    args_take(args, string_copy(item));
}

void args_format(struct args *args, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    args_take(args, format_all(format, list));
    va_end(list);
}

void args_all(struct args *args, const char *const *items)
{
    for (; *items; items++)
        args_add(args, *items);
}

void args_free(struct args *args)
{
    for (size_t i = 0; i < args->count; i++)
        free(args->item[i]);
    free(args->item);
    *args = (struct args){0};
}

void text_json(struct text *out, const char *string)
{
    text_string(out, "\"");
    for (; *string; string++) {
        unsigned char c = (unsigned char)*string;
        if (c == '"' || c == '\\')
            text_format(out, "\\%c", c);
        else if (c < ' ')
            text_format(out, "\\u%04x", c);
        else
            text_add(out, string, 1);
    }
    text_string(out, "\"");
}
