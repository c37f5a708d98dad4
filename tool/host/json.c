/* SPDX-License-Identifier: MIT */
/* A recursive-descent scanner without a tree: each query scans the bytes again. */
#include "host/json.h"

#include <string.h>

#define DEPTH_MAX 8

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

/* Each skip_ function takes the first byte of an element and returns the byte after it; NULL: invalid. */
static const char *skip_string(const char *at, const char *end)
{
    if (at >= end || *at != '"')
        return NULL;
    for (at++; at < end; at++) {
        if (*at == '"')
            return at + 1;
        if (*at == '\\')
            at++;
    }
    return NULL;
}

static const char *skip_scalar(const char *at, const char *end)
{
    const char *start = at;
    while (at < end && *at && strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", *at))
        at++;
    return at > start ? at : NULL;
}

/* Skips a key and its ':'. */
static const char *skip_key(const char *at, const char *end)
{
    at = skip_string(at, end);
    at = at ? skip_blanks(at, end) : NULL;
    return at && at < end && *at == ':' ? skip_blanks(at + 1, end) : NULL;
}

static const char *skip_value(const char *at, const char *end, unsigned depth)
{
    if (at >= end)
        return NULL;
    if (*at == '"')
        return skip_string(at, end);
    if (*at != '{' && *at != '[')
        return skip_scalar(at, end);
    char close = *at == '{' ? '}' : ']';
    if (depth == DEPTH_MAX)
        return NULL;
    at = skip_blanks(at + 1, end);
    if (at < end && *at == close)
        return at + 1;
    for (;;) {
        if (close == '}')
            at = skip_key(at, end);
        at = at ? skip_value(at, end, depth + 1) : NULL;
        at = at ? skip_blanks(at, end) : NULL;
        if (!at || at >= end)
            return NULL;
        if (*at == close)
            return at + 1;
        if (*at != ',')
            return NULL;
        at = skip_blanks(at + 1, end);
    }
}

bool json_member(struct json object, const char *key, struct json *out)
{
    size_t length = strlen(key);
    const char *at = skip_blanks(object.at, object.end), *end = object.end;
    if (at >= end || *at != '{')
        return false;
    at = skip_blanks(at + 1, end);
    for (;;) {
        const char *name = at, *value = skip_key(at, end);
        const char *behind = value ? skip_value(value, end, 1) : NULL;
        if (!behind)
            return false;
        if ((size_t)(value - name) > length + 2 && memcmp(name + 1, key, length) == 0 &&
            name[length + 1] == '"') {
            *out = (struct json){value, behind};
            return true;
        }
        at = skip_blanks(behind, end);
        if (at >= end || *at != ',')
            return false;
        at = skip_blanks(at + 1, end);
    }
}

bool json_item(struct json array, struct json *cursor)
{
    const char *at = skip_blanks(cursor->at ? cursor->end : array.at, array.end);
    if (at >= array.end || *at != (cursor->at ? ',' : '['))
        return false;
    at = skip_blanks(at + 1, array.end);
    const char *behind = skip_value(at, array.end, 1);
    if (!behind)
        return false;
    *cursor = (struct json){at, behind};
    return true;
}

bool json_string(struct json value, char *out, size_t size)
{
    size_t length = (size_t)(value.end - value.at);
    if (length < 2 || value.at[0] != '"' || length - 2 >= size)
        return false;
    for (size_t i = 1; i < length - 1; i++)
        if ((unsigned char)value.at[i] < ' ')
            return false;
    memcpy(out, value.at + 1, length - 2);
    out[length - 2] = '\0';
    return true;
}

bool json_address(struct json value, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 + 16 + 1];
    uint64_t address = 0;
    if (!json_string(value, text, sizeof(text)) || strncmp(text, "0x", 2) != 0 || !text[2])
        return false;
    for (const char *c = text + 2; *c; c++) {
        const char *digit = strchr(digits, *c);
        if (!digit)
            return false;
        address = address << 4 | (uint64_t)(digit - digits);
    }
    *out = address;
    return true;
}
