/* SPDX-License-Identifier: MIT */
/*
 * The mem* and str* functions that the compiler and the kernel need; contracts of C17 7.24.
 * base/str.c implements them for the kernel; native builds use libc's.
 */
#pragma once

#include <stddef.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int byte, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);

/* Copies at most size - 1 bytes and a NUL. Returns the length of src, as strlcpy(3bsd). */
size_t str_copy(char *dst, const char *src, size_t size);
