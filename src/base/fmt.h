/* SPDX-License-Identifier: MIT */
/*
 * Bounded printf. Allocates nothing and takes no lock. Callers: any, a panic included.
 *
 * Supports %d %i %u %x %X %o %c %s %p %%, the lengths hh h l ll z j t, the flags - 0 + space #,
 * width and precision as numbers or *. No floating point: the kernel does not use the FPU.
 */
#pragma once

#include "base/compiler.h"

#include <stdarg.h>
#include <stddef.h>

/* Writes at most size - 1 bytes and a NUL (nothing if size is 0). Returns the length of the whole
 * text: a result >= size means that the output was truncated (C17 7.21.6.5). */
size_t fmt_vsnprintf(char *buf, size_t size, const char *format, va_list args) PRINTF_LIKE(3, 0);
size_t fmt_snprintf(char *buf, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);
