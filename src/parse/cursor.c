/* SPDX-License-Identifier: MIT */
#include "parse/cursor.h"

void cursor_start(struct cursor *c, const struct byte_reader *memory, uint64_t at, uint64_t end)
{
    c->memory = memory;
    c->at = at;
    c->end = end;
    c->window_size = 0;
    c->bad = at > end;
}

static void cursor_fill(struct cursor *c)
{
    uint64_t left = c->end - c->at;
    c->window_at = c->at;
    c->window_size = left < sizeof c->window ? (size_t)left : sizeof c->window;
    if (!byte_read(c->memory, c->at, c->window, c->window_size))
        c->bad = true;
}

uint64_t cursor_take(struct cursor *c, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        if (c->bad || c->at >= c->end) {
            c->bad = true;
            return 0;
        }
        if (c->at - c->window_at >= c->window_size)
            cursor_fill(c);
        if (c->bad)
            return 0;
        value |= (uint64_t)c->window[c->at++ - c->window_at] << 8 * i;
    }
    return value;
}

static uint64_t take_leb(struct cursor *c, bool with_sign)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = cursor_take(c, 1);
        value |= (byte & 127) << shift;
        if (!(byte & 128))
            return with_sign && shift + 7 < 64 ? (uint64_t)cursor_extend(value, shift + 7) : value;
    }
    c->bad = true;
    return 0;
}

uint64_t cursor_uleb(struct cursor *c)
{
    return take_leb(c, false);
}

int64_t cursor_sleb(struct cursor *c)
{
    return (int64_t)take_leb(c, true);
}
