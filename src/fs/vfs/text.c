/* SPDX-License-Identifier: MIT */
#include "fs/vfs/text.h"

#include "base/fmt.h"
#include "base/str.h"
#include "mm/heap/heap.h"

static bool text_reserve(struct text *text, size_t more)
{
    if (more <= text->capacity - text->length)
        return true;
    size_t capacity = text->capacity ? text->capacity * 2 : 512;
    while (capacity - text->length < more)
        capacity *= 2;
    char *bytes = heap_resize(text->bytes, capacity);
    if (!bytes) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void text_free(struct text *text)
{
    heap_free(text->bytes);
    text_init(text);
}

void text_append(struct text *text, const void *bytes, size_t size)
{
    if (size == 0 || !text_reserve(text, size))
        return;
    memcpy(text->bytes + text->length, bytes, size);
    text->length += size;
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    size_t size = fmt_vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size > TEXT_LINE_MAX)
        text->failed = true;
    else if (text_reserve(text, size + 1))
        text->length += fmt_vsnprintf(text->bytes + text->length, size + 1, format, again);
    va_end(again);
}

void text_pad(struct text *text, size_t line_start, size_t column)
{
    while (text->length - line_start < column && text_reserve(text, 1))
        text->bytes[text->length++] = ' ';
}
