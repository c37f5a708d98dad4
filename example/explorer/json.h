/* SPDX-License-Identifier: MIT */
/* Writes JSON into memory that grows. A failed allocation is remembered; json_end() reports it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
    char *bytes; /* malloc'ed; the caller's after json_end() */
    size_t size, capacity;
    bool comma, failed;
};

/* Objects and arrays: '{', '}', '[', ']'. */
void json_open(struct json *json, char bracket);
void json_close(struct json *json, char bracket);
/* In an object, before its value. */
void json_key(struct json *json, const char *key);
void json_number(struct json *json, uint64_t value);
void json_bool(struct json *json, bool value);
void json_null(struct json *json);
/* "0x1234": JavaScript's numbers have 53 bits. */
void json_hex(struct json *json, uint64_t value);
/* Any bytes: what is not ASCII becomes '?', control characters are escaped. */
void json_string(struct json *json, const char *text, size_t length);
void json_text(struct json *json, const char *text);

/* A key with its value. */
void json_key_number(struct json *json, const char *key, uint64_t value);
void json_key_hex(struct json *json, const char *key, uint64_t value);
void json_key_bool(struct json *json, const char *key, bool value);
void json_key_text(struct json *json, const char *key, const char *text);

/* True if all is there. False: the memory did not suffice, and bytes is freed. */
bool json_end(struct json *json);
