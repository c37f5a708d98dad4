/* SPDX-License-Identifier: MIT */
/* A cache as ldconfig writes it, in both layouts, truncated and damaged. */
#include "image/ld_cache.h"

#include "unit.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COUNT       4u
#define HEADER      48u
#define ENTRY       24u
#define OLD_ENTRIES 3u

static void put_u32(struct text *t, uint32_t value)
{
    text_add(t, &value, sizeof(value));
}

static struct text make_cache(bool old)
{
    static const struct {
        uint32_t flags;
        const char *key, *path;
    } rows[COUNT] = {
        {0x303, "libb.so.1", "/lib/fast/libb.so.1"},
        {0x003, "liba.so.1", "/lib32/liba.so.1"},
        {0x303, "liba.so.1", "/opt/liba.so.1"},
        {0x303, "liba.so.1", "/lib/liba.so.1"},
    };
    struct text out = {0}, strings = {0};
    if (old) {
        text_add(&out, "ld.so-1.7.0", 12);
        put_u32(&out, OLD_ENTRIES);
        for (unsigned i = 0; i < OLD_ENTRIES * 3; i++)
            put_u32(&out, i);
        while (out.length % 8 != 0)
            text_add(&out, "", 1);
    }
    text_add(&out, "glibc-ld.so.cache1.1", 20);
    put_u32(&out, COUNT);
    for (unsigned i = 0; i < 6; i++)
        put_u32(&out, 0);
    for (unsigned i = 0; i < COUNT; i++) {
        uint32_t base = HEADER + COUNT * ENTRY;
        put_u32(&out, rows[i].flags);
        put_u32(&out, base + (uint32_t)strings.length);
        text_add(&strings, rows[i].key, strlen(rows[i].key) + 1);
        put_u32(&out, base + (uint32_t)strings.length);
        text_add(&strings, rows[i].path, strlen(rows[i].path) + 1);
        for (unsigned k = 0; k < 3; k++)
            put_u32(&out, 0);
    }
    text_add(&out, strings.bytes, strings.length);
    text_free(&strings);
    return out;
}

static void check_find(bool old)
{
    struct text cache = make_cache(old);
    struct args found = {0};
    assert_true(ld_cache_find(cache.bytes, cache.length, "liba.so.1", &found));
    assert_int_equal(found.count, 2);
    assert_string_equal(found.item[0], "/opt/liba.so.1");
    assert_string_equal(found.item[1], "/lib/liba.so.1");
    assert_true(ld_cache_find(cache.bytes, cache.length, "liba.so", &found));
    assert_int_equal(found.count, 2);
    args_free(&found);
    text_free(&cache);
}

static void test_library_is_found_in_both_formats(void **state)
{
    (void)state;
    check_find(false);
    check_find(true);
}

/* Every length, each in a block of its exact size, so that ASan reports a read behind the end. */
static void test_truncated(void **state)
{
    (void)state;
    struct text cache = make_cache(true);
    for (size_t size = 0; size < cache.length; size++) {
        struct args found = {0};
        char *copy = malloc(size ? size : 1);
        memcpy(copy, cache.bytes, size);
        assert_false(ld_cache_find(copy, size, "liba.so.1", &found));
        args_free(&found);
        free(copy);
    }
    text_free(&cache);
}

/* Every byte of headers and entries set to the most harmful values. */
static void test_any_wrong_byte_is_answered(void **state)
{
    (void)state;
    struct text cache = make_cache(true);
    for (size_t at = 0; at < cache.length; at++) {
        struct args found = {0};
        char kept = cache.bytes[at];
        char *copy = malloc(cache.length);
        memcpy(copy, cache.bytes, cache.length);
        copy[at] = (char)(kept ^ 0xff);
        bool good = ld_cache_find(copy, cache.length, "liba.so.1", &found);
        for (size_t i = 0; good && i < found.count; i++)
            assert_int_equal(found.item[i][0], '/');
        args_free(&found);
        free(copy);
    }
    text_free(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_library_is_found_in_both_formats),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_any_wrong_byte_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
