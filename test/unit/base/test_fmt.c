/* SPDX-License-Identifier: MIT */
/* The formatter against libc's snprintf: both must agree on every combination. */
#include "base/fmt.h"

#include "unit.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The formats under test are composed at run time. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

static const char *const flags[] = {
    "",   "-",  "0",  "+",  " ",  "#",  "-0",  "-+",  "- ",   "-#",
    "0+", "0 ", "0#", "+ ", "+#", " #", "-0#", "-+#", "0+ #",
};
static const char *const sizes[] = {
    "", "1", "7", "30", ".", ".0", ".1", ".5", ".25", "7.3", "3.7", "30.25",
};

static void expect_equal(const char *format, const char *expected, int expected_length,
                         const char *actual, size_t actual_length)
{
    if (strcmp(expected, actual) != 0 || (size_t)expected_length != actual_length)
        fail_msg("\"%s\": libc says \"%s\" (%d), we say \"%s\" (%zu)", format, expected,
                 expected_length, actual, actual_length);
}

#define COMPARE(format, value)                                                                     \
    do {                                                                                           \
        char libc_[128], ours_[128];                                                               \
        int libc_length_ = snprintf(libc_, sizeof libc_, format, value);                           \
        size_t ours_length_ = fmt_snprintf(ours_, sizeof ours_, format, value);                    \
        expect_equal(format, libc_, libc_length_, ours_, ours_length_);                            \
    } while (0)

static void compare_one(const char *prefix, const char *length, char conversion)
{
    static const long long values[] = {
        0,   1,     -1,    7,     8,     10,      127,     128,      -128,      255,
        256, 32767, 32768, 65535, 65536, INT_MAX, INT_MIN, UINT_MAX, LLONG_MAX, LLONG_MIN,
    };
    char format[32];
    snprintf(format, sizeof format, "<%s%s%c>", prefix, length, conversion);
    bool wide = strpbrk(length, "lzjt") != NULL;
    for (size_t i = 0; i < COUNT(values); i++) {
        if (wide)
            COMPARE(format, values[i]);
        else
            COMPARE(format, (int)values[i]);
    }
}

static void test_integers_as_libc(void **state)
{
    static const char *const lengths[] = {"hh", "h", "", "l", "ll", "z", "j", "t"};
    (void)state;
    for (size_t f = 0; f < COUNT(flags); f++) {
        for (size_t s = 0; s < COUNT(sizes); s++) {
            char prefix[32];
            snprintf(prefix, sizeof prefix, "%%%s%s", flags[f], sizes[s]);
            for (size_t l = 0; l < COUNT(lengths); l++)
                for (const char *c = "diuxXo"; *c; c++)
                    compare_one(prefix, lengths[l], *c);
        }
    }
}

static void test_strings_as_libc(void **state)
{
    static const char *const values[] = {"", "a", "seven..", "longer than any of the fields above"};
    static const char *const prefixes[] = {"%",  "%-",  "%10",   "%-10",  "%.0",
                                           "%.", "%.3", "%10.3", "%-10.3"};
    (void)state;
    for (size_t p = 0; p < COUNT(prefixes); p++) {
        char format[32];
        snprintf(format, sizeof format, "<%ss>", prefixes[p]);
        for (size_t v = 0; v < COUNT(values); v++)
            COMPARE(format, values[v]);
    }
    COMPARE("<%c>", 'x');
    COMPARE("<%5c>", 'x');
    COMPARE("<%-5c>", 'x');
    COMPARE("<%%%d>", 5);
    COMPARE("<%p>", (void *)0x1234);
    COMPARE("<%20p>", (void *)0x1234);
    COMPARE("<%-20p>", (void *)0x1234);
}

static void test_string_without_nul(void **state)
{
    (void)state;
    char *text = malloc(3); /* AddressSanitizer sees a read of the fourth byte */
    char out[16];
    memcpy(text, "abc", 3);
    assert_int_equal(fmt_snprintf(out, sizeof out, "%.3s|%.*s", text, 2, text), 6);
    assert_string_equal(out, "abc|ab");
    free(text);
}

static void test_star_takes_width_from_arguments(void **state)
{
    (void)state;
    char ours[64], libc[64];
    static const int widths[] = {0, 1, 8, -8, -1};
    for (size_t w = 0; w < COUNT(widths); w++) {
        for (size_t p = 0; p < COUNT(widths); p++) {
            int expected =
                snprintf(libc, sizeof libc, "%*.*d|%0*d", widths[w], widths[p], 42, widths[w], -42);
            size_t got = fmt_snprintf(ours, sizeof ours, "%*.*d|%0*d", widths[w], widths[p], 42,
                                      widths[w], -42);
            expect_equal("%*.*d", libc, expected, ours, got);
        }
    }
    const char *volatile format = "%*d";
    assert_int_equal(fmt_snprintf(ours, sizeof ours, format, INT_MIN, 1), (size_t)INT_MAX + 1);
}

static void test_every_buffer_size(void **state)
{
    (void)state;
    const char *whole = "name=value 0x00ff [  12]";
    size_t length = strlen(whole);
    for (size_t size = 0; size <= length + 2; size++) {
        char *buf = malloc(size + 1);
        memset(buf, '#', size + 1);
        assert_int_equal(fmt_snprintf(buf, size, "%s=%s %#06x [%4d]", "name", "value", 255, 12),
                         length);
        assert_int_equal(buf[size], '#');
        if (size > 0) {
            size_t kept = size - 1 < length ? size - 1 : length;
            assert_memory_equal(buf, whole, kept);
            assert_int_equal(buf[kept], '\0');
        }
        free(buf);
    }
    assert_int_equal(fmt_snprintf(NULL, 0, "%d", 12345), 5);
}

static void test_wide_field_is_cheap(void **state)
{
    (void)state;
    char buf[8];
    assert_int_equal(fmt_snprintf(buf, sizeof buf, "%2000000000d", 1), 2000000000);
    assert_string_equal(buf, "       ");
    /* A width far beyond int is capped and does not wrap. */
    const char *volatile format = "%99999999999999d";
    assert_true(fmt_snprintf(buf, sizeof buf, format, 1) < SIZE_MAX / 2);
}

static void test_null_string(void **state)
{
    (void)state;
    char buf[32];
    const char *volatile none = NULL;
    fmt_snprintf(buf, sizeof buf, "%s|%p", none, (void *)0);
    assert_string_equal(buf, "(null)|0x0");
}

static void test_unknown_conversion_takes_nothing(void **state)
{
    (void)state;
    char buf[32];
    const char *volatile format = "a %q %s";
    fmt_snprintf(buf, sizeof buf, format, 1);
    assert_string_equal(buf, "a %q %s");
    format = "cut %-12";
    fmt_snprintf(buf, sizeof buf, format);
    assert_string_equal(buf, "cut %-12");
    format = "%";
    fmt_snprintf(buf, sizeof buf, format);
    assert_string_equal(buf, "%");
    format = "%f|%d";
    fmt_snprintf(buf, sizeof buf, format, 1);
    assert_string_equal(buf, "%f|%d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers_as_libc),
        cmocka_unit_test(test_strings_as_libc),
        cmocka_unit_test(test_string_without_nul),
        cmocka_unit_test(test_star_takes_width_from_arguments),
        cmocka_unit_test(test_every_buffer_size),
        cmocka_unit_test(test_wide_field_is_cheap),
        cmocka_unit_test(test_null_string),
        cmocka_unit_test(test_unknown_conversion_takes_nothing),
    };
    return RUN_TESTS(tests);
}
