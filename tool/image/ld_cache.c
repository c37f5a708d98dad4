/* SPDX-License-Identifier: MIT */
/* The cache of ld.so; image/ld_cache.h has the format. */
#include "image/ld_cache.h"

#include <stdint.h>
#include <string.h>

#define MAGIC_OLD    "ld.so-1.7.0"
#define OLD_HEADER   16u /* magic, NUL, count */
#define OLD_ENTRY    12u
#define MAGIC_NEW    "glibc-ld.so.cache1.1"
#define NEW_HEADER   48u
#define NEW_ENTRY    24u
#define FLAGS_X86_64 0x0303u /* libc 6, 64-bit */

static uint32_t read_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static const char *string_at(const uint8_t *start, size_t size, uint32_t offset)
{
    if (offset >= size || !memchr(start + offset, '\0', size - offset))
        return NULL;
    return (const char *)start + offset;
}

/* Skips the older table, whose header has its length; returns the newer one. */
static const uint8_t *skip_old(const uint8_t *bytes, size_t *size)
{
    if (*size < OLD_HEADER || memcmp(bytes, MAGIC_OLD, sizeof(MAGIC_OLD) - 1) != 0)
        return bytes;
    uint64_t length = OLD_HEADER + (uint64_t)read_u32(bytes + OLD_HEADER - 4) * OLD_ENTRY;
    length = (length + 7) & ~UINT64_C(7);
    if (length > *size)
        return NULL;
    *size -= (size_t)length;
    return bytes + length;
}

bool ld_cache_find(const void *bytes, size_t size, const char *name, struct args *out)
{
    const uint8_t *start = skip_old(bytes, &size);
    if (!start || size < NEW_HEADER || memcmp(start, MAGIC_NEW, sizeof(MAGIC_NEW) - 1) != 0)
        return false;
    uint32_t count = read_u32(start + sizeof(MAGIC_NEW) - 1);
    if (count > (size - NEW_HEADER) / NEW_ENTRY)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *entry = start + NEW_HEADER + (size_t)i * NEW_ENTRY;
        if (read_u32(entry) != FLAGS_X86_64)
            continue;
        const char *key = string_at(start, size, read_u32(entry + 4));
        const char *path = string_at(start, size, read_u32(entry + 8));
        if (!key || !path)
            return false;
        if (path[0] == '/' && strcmp(key, name) == 0)
            args_add(out, path);
    }
    return true;
}
