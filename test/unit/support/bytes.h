/* SPDX-License-Identifier: MIT */
/*
 * A buffer of bytes for tests that build a valid input and then damage it. exact_copy() returns a heap
 * block of the exact size: AddressSanitizer reports a read of the byte behind it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
    uint8_t data[65536];
    size_t size;
};

static inline void bytes_add(struct bytes *b, const void *from, size_t size)
{
    if (size > sizeof b->data - b->size)
        abort();
    memcpy(b->data + b->size, from, size);
    b->size += size;
}

static inline void bytes_add32(struct bytes *b, uint32_t v)
{
    bytes_add(b, &v, sizeof v);
}

static inline void bytes_add64(struct bytes *b, uint64_t v)
{
    bytes_add(b, &v, sizeof v);
}

static inline void bytes_add_zeros(struct bytes *b, size_t size)
{
    if (size > sizeof b->data - b->size)
        abort();
    memset(b->data + b->size, 0, size);
    b->size += size;
}

static inline void bytes_align(struct bytes *b, size_t to)
{
    bytes_add_zeros(b, (to - b->size % to) % to);
}

static inline void bytes_set16(struct bytes *b, size_t at, uint16_t v)
{
    memcpy(b->data + at, &v, sizeof v);
}

static inline void bytes_set32(struct bytes *b, size_t at, uint32_t v)
{
    memcpy(b->data + at, &v, sizeof v);
}

static inline void bytes_set64(struct bytes *b, size_t at, uint64_t v)
{
    memcpy(b->data + at, &v, sizeof v);
}

static inline uint8_t *exact_copy(const void *from, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    if (size > 0)
        memcpy(copy, from, size);
    return copy;
}

/* Calls `parse` with every prefix of the input. */
static inline void each_truncation(const struct bytes *b, void (*parse)(const uint8_t *, size_t))
{
    for (size_t n = 0; n < b->size; n++) {
        uint8_t *copy = exact_copy(b->data, n);
        parse(copy, n);
        free(copy);
    }
}

/* Calls `parse` with each of the first `length` bytes changed: each bit, all bits, 0 and 0xff. */
static inline void each_flip(const struct bytes *b, size_t length,
                             void (*parse)(const uint8_t *, size_t))
{
    uint8_t *copy = exact_copy(b->data, b->size);
    for (size_t at = 0; at < length && at < b->size; at++) {
        uint8_t good = copy[at];
        uint8_t bad[] = {good ^ 1,  good ^ 2,   good ^ 4,       good ^ 8, good ^ 16, good ^ 32,
                         good ^ 64, good ^ 128, (uint8_t)~good, 0,        0xff};
        for (size_t i = 0; i < sizeof bad; i++) {
            copy[at] = bad[i];
            parse(copy, b->size);
        }
        copy[at] = good;
    }
    free(copy);
}

/* Loads a file of test/fuzz/corpus, such as "cpio/gnu-newc". */
static inline void bytes_load(struct bytes *b, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", OURO_TEST_DATA, name);
    FILE *f = fopen(path, "rb");
    if (!f) {
        fprintf(stderr, "%s is missing\n", path);
        abort();
    }
    b->size = fread(b->data, 1, sizeof b->data, f);
    fclose(f);
}
