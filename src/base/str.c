/* SPDX-License-Identifier: MIT */
/*
 * Copies use plain loads and stores of eight bytes: under QEMU's TCG `rep movsb` costs fifteen
 * times as much, and on hardware the difference is small for the sizes that the kernel copies.
 * word_t may be unaligned and may alias any type.
 */
#include "base/str.h"
#include "base/compiler.h"

#include <stdint.h>

typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    char *d = dst;
    const char *s = src;
    for (; n >= 32; n -= 32, d += 32, s += 32) {
        uint64_t a = ((const word_t *)s)[0], b = ((const word_t *)s)[1];
        uint64_t c = ((const word_t *)s)[2], e = ((const word_t *)s)[3];
        ((word_t *)d)[0] = a;
        ((word_t *)d)[1] = b;
        ((word_t *)d)[2] = c;
        ((word_t *)d)[3] = e;
    }
    for (; n >= 8; n -= 8, d += 8, s += 8)
        *(word_t *)d = *(const word_t *)s;
    for (; n > 0; n--)
        *d++ = *s++;
    return dst;
}

COLD void *memmove(void *dst, const void *src, size_t n)
{
    char *d = dst;
    const char *s = src;
    if ((uintptr_t)d - (uintptr_t)s >= n)
        return memcpy(dst, src, n); /* also if d < s: a forward copy never reads what it wrote */
    while (n >= 32) {
        n -= 32;
        uint64_t a = ((const word_t *)(s + n))[3], b = ((const word_t *)(s + n))[2];
        uint64_t c = ((const word_t *)(s + n))[1], e = ((const word_t *)(s + n))[0];
        ((word_t *)(d + n))[3] = a;
        ((word_t *)(d + n))[2] = b;
        ((word_t *)(d + n))[1] = c;
        ((word_t *)(d + n))[0] = e;
    }
    while (n >= 8) {
        n -= 8;
        *(word_t *)(d + n) = *(const word_t *)(s + n);
    }
    while (n > 0) {
        n--;
        d[n] = s[n];
    }
    return dst;
}

void *memset(void *dst, int byte, size_t n)
{
    char *d = dst;
    uint64_t word = (uint64_t)(unsigned char)byte * UINT64_C(0x0101010101010101);
    for (; n >= 32; n -= 32, d += 32) {
        ((word_t *)d)[0] = word;
        ((word_t *)d)[1] = word;
        ((word_t *)d)[2] = word;
        ((word_t *)d)[3] = word;
    }
    for (; n >= 8; n -= 8, d += 8)
        *(word_t *)d = word;
    for (; n > 0; n--)
        *d++ = (char)byte;
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    for (; n >= 8 && *(const word_t *)x == *(const word_t *)y; n -= 8, x += 8, y += 8)
        ;
    for (; n > 0; n--, x++, y++)
        if (*x != *y)
            return *x < *y ? -1 : 1;
    return 0;
}

void *memchr(const void *s, int byte, size_t n)
{
    const unsigned char *p = s;
    for (; n > 0; n--, p++)
        if (*p == (unsigned char)byte)
            return (void *)(uintptr_t)p;
    return NULL;
}

size_t strlen(const char *s)
{
    const char *p = s;
    while (*p)
        p++;
    return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;
    while (n < max && s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        ;
    return (int)(unsigned char)*a - (int)(unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n > 0 && *a && *a == *b; a++, b++, n--)
        ;
    return n == 0 ? 0 : (int)(unsigned char)*a - (int)(unsigned char)*b;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)(uintptr_t)s;
        if (!*s)
            return NULL;
    }
}

char *strrchr(const char *s, int c)
{
    const char *last = NULL;
    for (;; s++) {
        if (*s == (char)c)
            last = s;
        if (!*s)
            return (char *)(uintptr_t)last;
    }
}

COLD size_t str_copy(char *dst, const char *src, size_t size)
{
    size_t n = strlen(src);
    if (size > 0) {
        size_t take = n < size ? n : size - 1;
        memcpy(dst, src, take);
        dst[take] = '\0';
    }
    return n;
}
