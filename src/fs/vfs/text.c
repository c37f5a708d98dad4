/* SPDX-License-Identifier: MIT */
#include "fs/vfs/text.h"

#include "base/fmt.h"
#include "base/str.h"
#include "mm/heap/heap.h"

#define TEXT_PART_MIN 496 /* with its head, a block of 512 bytes */

struct text_part {
    struct text_part *next;
    uint32_t used, capacity;
    char bytes[];
};

static size_t text_room(const struct text *text)
{
    return text->last ? text->last->capacity - text->last->used : 0;
}

static char *text_end(const struct text *text)
{
    return text->last->bytes + text->last->used;
}

static void text_grow(struct text *text, size_t size)
{
    text->last->used += (uint32_t)size;
    text->length += size;
}

/* Makes room for `more` bytes in one piece: the only part grows until it is large, then there are others. */
static bool text_reserve(struct text *text, size_t more)
{
    struct text_part *last = text->last, *part;
    if (more <= text_room(text))
        return true;
    bool grows = text->first == last && (!last || last->used + more <= TEXT_PART_MAX);
    size_t least = grows && last ? last->used + more : more;
    size_t capacity = grows ? TEXT_PART_MIN : TEXT_PART_MAX;
    while (capacity < least)
        capacity *= 2;
    if (grows)
        part = heap_resize(last, sizeof *part + capacity);
    else
        part = heap_alloc(sizeof *part + capacity);
    if (!part) {
        text->failed = true;
        return false;
    }
    if (!grows || !last) {
        part->next = NULL;
        part->used = 0;
    }
    part->capacity = (uint32_t)capacity;
    if (grows)
        text->first = part;
    else
        last->next = part;
    text->last = part;
    return true;
}

static void free_parts(struct text_part *part)
{
    while (part) {
        struct text_part *next = part->next;
        heap_free(part);
        part = next;
    }
}

void text_free(struct text *text)
{
    free_parts(text->first);
    text_init(text);
}

void text_clear(struct text *text)
{
    struct text_part *first = text->first;
    text_init(text);
    if (!first)
        return;
    free_parts(first->next);
    first->next = NULL;
    first->used = 0;
    text->first = text->last = first;
}

const char *text_at(const struct text *text, size_t offset, size_t *size)
{
    const struct text_part *part = text->first;
    for (; offset >= part->used; part = part->next)
        offset -= part->used;
    *size = part->used - offset;
    return part->bytes + offset;
}

void text_append(struct text *text, const void *bytes, size_t size)
{
    if (size == 0 || !text_reserve(text, size))
        return;
    memcpy(text_end(text), bytes, size);
    text_grow(text, size);
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list args;
    size_t room = text_room(text);
    va_start(args, format);
    size_t size = fmt_vsnprintf(room ? text_end(text) : NULL, room, format, args);
    va_end(args);
    if (size > TEXT_LINE_MAX) {
        text->failed = true;
        return;
    }
    if (size >= room) {
        if (!text_reserve(text, size + 1))
            return;
        va_start(args, format);
        fmt_vsnprintf(text_end(text), size + 1, format, args);
        va_end(args);
    }
    text_grow(text, size);
}

void text_pad(struct text *text, size_t line_start, size_t column)
{
    size_t width = text->length - line_start;
    if (width >= column || !text_reserve(text, column - width))
        return;
    memset(text_end(text), ' ', column - width);
    text_grow(text, column - width);
}
