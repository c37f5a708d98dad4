/* SPDX-License-Identifier: MIT */
/*
 * Reads JSON in place: a value is the half-open range of its bytes. Pure; allocates nothing, reads only
 * the given bytes, and rejects values nested deeper than those of a report.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
    const char *at, *end;
};

/* The value of `key` in an object; false if the value is not an object or has no such key. Keys with
 * escapes are never found. */
bool json_member(struct json object, const char *key, struct json *out);
/* The next item of an array; *cursor is {0} before the first. False after the last, and if the value is
 * not an array. */
bool json_item(struct json array, struct json *cursor);
/* A string without its quotes, NUL-terminated, with escapes unchanged. False if the value is not a
 * string, does not fit, or has a control character. */
bool json_string(struct json value, char *out, size_t size);
/* An address: a string "0x…" of at most 64 bits. */
bool json_address(struct json value, uint64_t *out);
