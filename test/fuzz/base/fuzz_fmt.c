/* SPDX-License-Identifier: MIT */
/*
 * The input is a format. Every argument is a 64-bit word that is also the address of a string, so
 * that it is valid for each conversion; the kernel's formatter has no %n.
 */
#include "base/fmt.h"

#include "base/panic.h"
#include "base/str.h"

#include <stdint.h>
#include <stdlib.h>

#define ARGUMENTS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

/* Upper bound of the number of arguments: three for each percent sign (width, precision, value). */
static size_t arguments_of(const char *format)
{
    size_t count = 0;
    for (; *format; format++)
        count += *format == '%' ? 3 : 0;
    return count;
}

static size_t print(char *buf, size_t size, const char *format)
{
    static const char text[] = "text";
    return fmt_snprintf(buf, size, format, text, text, text, text, text, text, text, text, text,
                        text, text, text, text, text, text, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *format = malloc(size + 1);
    assert(format != NULL);
    if (size > 0)
        memcpy(format, data, size);
    format[size] = '\0';
    if (arguments_of(format) <= ARGUMENTS) {
        char whole[256], cut[16];
        size_t length = print(whole, sizeof whole, format);
        assert(print(NULL, 0, format) == length);
        assert(print(cut, sizeof cut, format) == length);
        assert(strlen(whole) <= length && strlen(whole) < sizeof whole);
        assert(strncmp(whole, cut, sizeof cut - 1) == 0);
    }
    free(format);
    return 0;
}
