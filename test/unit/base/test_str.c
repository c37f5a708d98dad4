/* SPDX-License-Identifier: MIT */
/*
 * The kernel's string functions, compiled under the names ouro_*, against libc's: all small lengths
 * and all alignments of both ends, each in a heap block of its exact size, so that AddressSanitizer
 * reports an access to one byte too many.
 */
#include "base/str.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

void *ouro_memcpy(void *restrict dst, const void *restrict src, size_t n);
void *ouro_memmove(void *dst, const void *src, size_t n);
void *ouro_memset(void *dst, int byte, size_t n);
int ouro_memcmp(const void *a, const void *b, size_t n);
void *ouro_memchr(const void *s, int byte, size_t n);
size_t ouro_strlen(const char *s);
size_t ouro_strnlen(const char *s, size_t max);
int ouro_strcmp(const char *a, const char *b);
int ouro_strncmp(const char *a, const char *b, size_t n);
char *ouro_strchr(const char *s, int c);
char *ouro_strrchr(const char *s, int c);

#define LENGTH_MAX 100

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

static unsigned char *random_block(size_t n)
{
    unsigned char *block = malloc(n ? n : 1);
    for (size_t i = 0; i < n; i++)
        block[i] = (unsigned char)rand();
    return block;
}

static void test_memcpy_memset(void **state)
{
    (void)state;
    for (size_t n = 0; n <= LENGTH_MAX; n++) {
        for (size_t skew = 0; skew < 8; skew++) {
            unsigned char *from = random_block(n + skew), *to = random_block(n + 8 - skew);
            assert_ptr_equal(ouro_memcpy(to + 8 - skew, from + skew, n), to + 8 - skew);
            assert_memory_equal(to + 8 - skew, from + skew, n);
            assert_ptr_equal(ouro_memset(to + 8 - skew, 0x1c3, n), to + 8 - skew);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(to[8 - skew + i], 0xc3);
            free(from);
            free(to);
        }
    }
}

static void test_memmove(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 70; n++) {
        for (size_t from = 0; from <= 40; from++) {
            for (size_t to = 0; to <= 40; to += 3) {
                unsigned char *ours = random_block(n + 40), *libc = malloc(n + 40);
                memcpy(libc, ours, n + 40);
                assert_ptr_equal(ouro_memmove(ours + to, ours + from, n), ours + to);
                memmove(libc + to, libc + from, n);
                assert_memory_equal(ours, libc, n + 40);
                free(ours);
                free(libc);
            }
        }
    }
}

static void test_memcmp_memchr(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 40; n++) {
        unsigned char *a = random_block(n), *b = malloc(n ? n : 1);
        memcpy(b, a, n);
        assert_int_equal(ouro_memcmp(a, b, n), 0);
        for (size_t i = 0; i < n; i++) {
            b[i] = (unsigned char)(a[i] ^ 0x80);
            assert_int_equal(sign(ouro_memcmp(a, b, n)), sign(memcmp(a, b, n)));
            assert_int_equal(sign(ouro_memcmp(b, a, n)), sign(memcmp(b, a, n)));
            assert_ptr_equal(ouro_memchr(a, b[i], n), memchr(a, b[i], n));
            assert_ptr_equal(ouro_memchr(a, a[i] + 256, n), memchr(a, a[i], n));
            b[i] = a[i];
        }
        free(a);
        free(b);
    }
}

static void test_string_functions_agree_with_libc(void **state)
{
    static const char *const texts[] = {"",    "a",      "b",    "ab",   "abc",
                                        "abd", "abcabc", "\xff", "a\xff"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *a = texts[i];
        assert_int_equal(ouro_strlen(a), strlen(a));
        for (size_t n = 0; n < 8; n++)
            assert_int_equal(ouro_strnlen(a, n), strnlen(a, n));
        for (int c = 0; c < 256; c++) {
            assert_ptr_equal(ouro_strchr(a, c), strchr(a, c));
            assert_ptr_equal(ouro_strrchr(a, c), strrchr(a, c));
        }
        for (size_t j = 0; j < sizeof texts / sizeof texts[0]; j++) {
            const char *b = texts[j];
            assert_int_equal(sign(ouro_strcmp(a, b)), sign(strcmp(a, b)));
            for (size_t n = 0; n < 8; n++)
                assert_int_equal(sign(ouro_strncmp(a, b, n)), sign(strncmp(a, b, n)));
        }
    }
}

static void test_strnlen_stops(void **state)
{
    (void)state;
    char *text = malloc(5);
    memset(text, 'x', 5);
    assert_int_equal(ouro_strnlen(text, 5), 5);
    assert_int_equal(ouro_strncmp(text, text, 5), 0);
    free(text);
}

static void test_str_copy_ends_with_nul(void **state)
{
    (void)state;
    for (size_t size = 0; size < 8; size++) {
        char *to = malloc(size + 1);
        memset(to, '#', size + 1);
        assert_int_equal(str_copy(to, "hello", size), 5);
        assert_int_equal(to[size], '#');
        if (size > 0) {
            size_t kept = size - 1 < 5 ? size - 1 : 5;
            assert_memory_equal(to, "hello", kept);
            assert_int_equal(to[kept], '\0');
        }
        free(to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memcpy_memset),
        cmocka_unit_test(test_memmove),
        cmocka_unit_test(test_memcmp_memchr),
        cmocka_unit_test(test_string_functions_agree_with_libc),
        cmocka_unit_test(test_strnlen_stops),
        cmocka_unit_test(test_str_copy_ends_with_nul),
    };
    return RUN_TESTS(tests);
}
