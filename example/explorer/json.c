/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(struct json *json, const char *bytes, size_t size)
{
    if (json->failed)
        return;
    if (size > json->capacity - json->size) {
        size_t capacity = (json->capacity + size) * 2;
        char *more = realloc(json->bytes, capacity);
        if (more == NULL) {
            json->failed = true;
            return;
        }
        json->bytes = more;
        json->capacity = capacity;
    }
    memcpy(json->bytes + json->size, bytes, size);
    json->size += size;
}

/* Before each value, and each key. */
static void separate(struct json *json)
{
    if (json->comma)
        put(json, ",", 1);
    json->comma = true;
}

void json_open(struct json *json, char bracket)
{
    separate(json);
    put(json, &bracket, 1);
    json->comma = false;
}

void json_close(struct json *json, char bracket)
{
    put(json, &bracket, 1);
    json->comma = true;
}

void json_key(struct json *json, const char *key)
{
    json_text(json, key);
    put(json, ":", 1);
    json->comma = false;
}

static void put_value(struct json *json, const char *text)
{
    separate(json);
    put(json, text, strlen(text));
}

void json_number(struct json *json, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    put_value(json, text);
}

void json_bool(struct json *json, bool value)
{
    put_value(json, value ? "true" : "false");
}

void json_null(struct json *json)
{
    put_value(json, "null");
}

void json_hex(struct json *json, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "\"0x%" PRIx64 "\"", value);
    put_value(json, text);
}

void json_string(struct json *json, const char *text, size_t length)
{
    separate(json);
    put(json, "\"", 1);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        char escape[8];
        if (c == '"' || c == '\\')
            put(json, (const char[]){'\\', (char)c}, 2);
        else if (c == '\n')
            put(json, "\\n", 2);
        else if (c < 0x20)
            put(json, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c));
        else
            put(json, c < 0x7f ? &text[i] : "?", 1);
    }
    put(json, "\"", 1);
}

void json_text(struct json *json, const char *text)
{
    json_string(json, text, strlen(text));
}

void json_key_number(struct json *json, const char *key, uint64_t value)
{
    json_key(json, key);
    json_number(json, value);
}

void json_key_hex(struct json *json, const char *key, uint64_t value)
{
    json_key(json, key);
    json_hex(json, value);
}

void json_key_bool(struct json *json, const char *key, bool value)
{
    json_key(json, key);
    json_bool(json, value);
}

void json_key_text(struct json *json, const char *key, const char *text)
{
    json_key(json, key);
    json_text(json, text);
}

bool json_end(struct json *json)
{
    if (!json->failed)
        return true;
    free(json->bytes);
    *json = (struct json){.failed = true};
    return false;
}
