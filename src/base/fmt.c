/* SPDX-License-Identifier: MIT */
#include "base/fmt.h"

#include <stdbool.h>
#include <stdint.h>

/* The output buffer. `length` is the length of the whole text, also beyond `size`. */
struct sink {
    char *buf;
    size_t size;
    size_t length;
};

enum length {
    LENGTH_CHAR,
    LENGTH_SHORT,
    LENGTH_INT,
    LENGTH_LONG, /* also long long, size_t, intmax_t and ptrdiff_t: all are 64 bits wide */
};

_Static_assert(sizeof(long) == 8 && sizeof(long long) == 8 && sizeof(size_t) == 8,
               "LENGTH_LONG stands for all of them");

struct spec {
    bool plain; /* no flag, width or precision */
    bool left, zero, plus, space, alternate;
    size_t width;
    size_t precision;
    bool has_precision;
    enum length length;
};

/* va_list may be an array type, and a parameter of array type has no address to pass on. */
struct arguments {
    va_list list;
};

static void fmt_put(struct sink *out, const char *text, size_t n)
{
    size_t room = out->length < out->size ? out->size - out->length - 1 : 0;
    for (size_t i = 0, least = n < room ? n : room; i < least; i++)
        out->buf[out->length + i] = text[i];
    out->length += n;
}

/* O(size of the buffer), however wide the field is. */
static void put_fill(struct sink *out, char c, size_t n)
{
    for (size_t i = 0; i < n && out->length + i + 1 < out->size; i++)
        out->buf[out->length + i] = c;
    out->length += n;
}

static void fmt_put_string(struct sink *out, const struct spec *s, const char *text, size_t n)
{
    size_t fill = s->width > n ? s->width - n : 0;
    if (!s->left)
        put_fill(out, ' ', fill);
    fmt_put(out, text, n);
    if (s->left)
        put_fill(out, ' ', fill);
}

struct number {
    uint64_t value;
    unsigned base;
    bool upper;
    const char *prefix; /* sign or base prefix; precedes the zeros that fill a field */
};

static void fmt_put_number(struct sink *out, const struct spec *s, const struct number *number)
{
    const char *prefix = number->prefix;
    const char *digits = number->upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[22]; /* 64 bits in octal */
    size_t n = 0;
    for (uint64_t v = number->value; v != 0; v /= number->base)
        text[sizeof text - ++n] = digits[v % number->base];

    if (s->plain && *prefix == '\0') {
        if (n == 0)
            text[sizeof text - ++n] = '0';
        fmt_put(out, text + sizeof text - n, n);
        return;
    }
    size_t minimum = s->has_precision ? s->precision : 1;
    size_t zeros = minimum > n ? minimum - n : 0;
    if (number->base == 8 && s->alternate && zeros == 0)
        zeros = 1; /* "#" raises the precision of octal so that the first digit is 0 */
    size_t prefix_length = 0;
    while (prefix[prefix_length])
        prefix_length++;

    size_t used = prefix_length + zeros + n;
    size_t fill = s->width > used ? s->width - used : 0;
    bool zero_filled = s->zero && !s->left && !s->has_precision;
    if (!s->left && !zero_filled)
        put_fill(out, ' ', fill);
    fmt_put(out, prefix, prefix_length);
    put_fill(out, '0', zero_filled ? zeros + fill : zeros);
    fmt_put(out, text + sizeof text - n, n);
    if (s->left)
        put_fill(out, ' ', fill);
}

static int64_t take_signed(struct arguments *args, enum length length)
{
    switch (length) {
    case LENGTH_CHAR:
        return (signed char)va_arg(args->list, int);
    case LENGTH_SHORT:
        return (short)va_arg(args->list, int);
    case LENGTH_INT:
        return va_arg(args->list, int);
    case LENGTH_LONG:
        break;
    }
    return va_arg(args->list, long);
}

static uint64_t take_unsigned(struct arguments *args, enum length length)
{
    switch (length) {
    case LENGTH_CHAR:
        return (unsigned char)va_arg(args->list, unsigned);
    case LENGTH_SHORT:
        return (unsigned short)va_arg(args->list, unsigned);
    case LENGTH_INT:
        return va_arg(args->list, unsigned);
    case LENGTH_LONG:
        break;
    }
    return va_arg(args->list, unsigned long);
}

static const char *read_flags(const char *f, struct spec *s)
{
    for (;; f++) {
        switch (*f) {
        case '-':
            s->left = true;
            break;
        case '0':
            s->zero = true;
            break;
        case '+':
            s->plus = true;
            break;
        case ' ':
            s->space = true;
            break;
        case '#':
            s->alternate = true;
            break;
        default:
            return f;
        }
    }
}

/* Parses a number or *; *out may be negative for *. */
static const char *read_count(const char *f, struct arguments *args, int *out)
{
    *out = 0;
    if (*f == '*') {
        *out = va_arg(args->list, int);
        return f + 1;
    }
    for (; *f >= '0' && *f <= '9'; f++)
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, *f - '0', out))
            *out = INT32_MAX / 10;
    return f;
}

static const char *read_width(const char *f, struct spec *s, struct arguments *args)
{
    int count;
    f = read_count(f, args, &count);
    if (count < 0)
        s->left = true;
    s->width = count < 0 ? -(size_t)count : (size_t)count;
    if (*f != '.')
        return f;
    f = read_count(f + 1, args, &count);
    s->has_precision = count >= 0; /* a negative precision is ignored (C17 7.21.6.1) */
    s->precision = count < 0 ? 0 : (size_t)count;
    return f;
}

static const char *read_length(const char *f, struct spec *s)
{
    s->length = LENGTH_INT;
    switch (*f) {
    case 'h':
        s->length = f[1] == 'h' ? LENGTH_CHAR : LENGTH_SHORT;
        return f[1] == 'h' ? f + 2 : f + 1;
    case 'l':
        s->length = LENGTH_LONG;
        return f[1] == 'l' ? f + 2 : f + 1;
    case 'z':
    case 'j':
    case 't':
        s->length = LENGTH_LONG;
        return f + 1;
    default:
        return f;
    }
}

static void convert_string(struct sink *out, const struct spec *s, const char *text)
{
    if (!text)
        text = "(null)";
    /* With a precision the text need not be NUL-terminated. */
    size_t n = 0;
    while ((!s->has_precision || n < s->precision) && text[n])
        n++;
    fmt_put_string(out, s, text, n);
}

static void convert_signed(struct sink *out, const struct spec *s, int64_t value)
{
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    const char *sign = value < 0 ? "-" : s->plus ? "+" : s->space ? " " : "";
    fmt_put_number(out, s, &(struct number){magnitude, 10, false, sign});
}

static void convert_unsigned(struct sink *out, const struct spec *s, uint64_t value, unsigned base)
{
    fmt_put_number(out, s, &(struct number){value, base, false, ""});
}

static void convert_hex(struct sink *out, const struct spec *s, uint64_t value, bool upper)
{
    const char *prefix = !s->alternate || value == 0 ? "" : upper ? "0X" : "0x";
    fmt_put_number(out, s, &(struct number){value, 16, upper, prefix});
}

/* False: the conversion is unknown, and no argument was consumed. */
static bool convert(struct sink *out, const struct spec *s, char conversion, struct arguments *args)
{
    switch (conversion) {
    case 'd':
    case 'i':
        convert_signed(out, s, take_signed(args, s->length));
        return true;
    case 'u':
        convert_unsigned(out, s, take_unsigned(args, s->length), 10);
        return true;
    case 'o':
        convert_unsigned(out, s, take_unsigned(args, s->length), 8);
        return true;
    case 'x':
    case 'X':
        convert_hex(out, s, take_unsigned(args, s->length), conversion == 'X');
        return true;
    case 'p': {
        uint64_t address = (uint64_t)(uintptr_t)va_arg(args->list, void *);
        fmt_put_number(out, s, &(struct number){address, 16, false, "0x"});
        return true;
    }
    case 'c': {
        char c = (char)va_arg(args->list, int);
        fmt_put_string(out, s, &c, 1);
        return true;
    }
    case 's':
        convert_string(out, s, va_arg(args->list, const char *));
        return true;
    case '%':
        fmt_put(out, "%", 1);
        return true;
    default:
        return false;
    }
}

size_t fmt_vsnprintf(char *buf, size_t size, const char *format, va_list args)
{
    struct sink out = {buf, size, 0};
    struct arguments rest;
    va_copy(rest.list, args);
    for (const char *f = format; *f;) {
        const char *start = f;
        while (*f && *f != '%')
            f++;
        fmt_put(&out, start, (size_t)(f - start));
        if (!*f)
            break;

        struct spec s = {0};
        start = f;
        f++;
        s.plain = *f >= 'A'; /* below are the flags, digits, `*` and `.` */
        if (!s.plain)
            f = read_width(read_flags(f, &s), &s, &rest);
        f = read_length(f, &s);
        if (*f && convert(&out, &s, *f, &rest)) {
            f++;
            continue;
        }
        /* An unknown conversion: the rest of the format is copied, because the position of later
         * arguments is unknown. */
        while (*f)
            f++;
        fmt_put(&out, start, (size_t)(f - start));
    }
    va_end(rest.list);
    if (size > 0)
        buf[out.length < size ? out.length : size - 1] = '\0';
    return out.length;
}

size_t fmt_snprintf(char *buf, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t length = fmt_vsnprintf(buf, size, format, args);
    va_end(args);
    return length;
}
