/* SPDX-License-Identifier: MIT */
/*
 * Reads JSON in place: a value is the bytes from its first to behind its last. Pure, takes no memory,
 * never leaves the bytes it was given, and refuses what is nested deeper than a report is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
    const char *at, *end;
};

/* The value of `key` in an object; false when it is none, or there is no such key. Keys with escapes
 * are never found. */
bool json_member(struct json object, const char *key, struct json *out);
/* The next item of an array. *cursor: {0} before the first. False behind the last, and at whatever is
 * no array. */
bool json_item(struct json array, struct json *cursor);
/* A string without its quotes, NUL-terminated, escapes left as they are. False when it is no string,
 * does not fit, or holds a control character. */
bool json_string(struct json value, char *out, size_t size);
/* A string "0x…" of at most 64 bits. */
bool json_address(struct json value, uint64_t *out);
