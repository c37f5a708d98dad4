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
    size_t room = text->capacity - text->length;
    va_start(args, format);
    size_t size =
        fmt_vsnprintf(text->bytes ? text->bytes + text->length : NULL, room, format, args);
    va_end(args);
    if (size > TEXT_LINE_MAX) {
        text->failed = true;
        return;
    }
    if (size >= room) {
        if (!text_reserve(text, size + 1))
            return;
        va_start(args, format);
        fmt_vsnprintf(text->bytes + text->length, size + 1, format, args);
        va_end(args);
    }
    text->length += size;
}

void text_pad(struct text *text, size_t line_start, size_t column)
{
    size_t width = text->length - line_start;
    if (width >= column || !text_reserve(text, column - width))
        return;
    memset(text->bytes + text->length, ' ', column - width);
    text->length += column - width;
}
