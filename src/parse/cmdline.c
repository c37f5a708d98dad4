/* SPDX-License-Identifier: MIT */
#include "parse/cmdline.h"

#include "base/str.h"

#include <stdint.h>

static enum err cmdline_refuse(struct parse_fault *fault, const char *start, const char *at,
                               const char *what, enum err e)
{
    *fault = (struct parse_fault){(uint64_t)(at - start), what};
    return e;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char *skip_spaces(char *p)
{
    while (is_space(*p))
        p++;
    return p;
}

/* One word; its quotes are removed in place. */
struct token {
    char *text;  /* NUL-terminated */
    char *equal; /* the first '=' in it, or NULL */
    char *rest;  /* the text after it */
};

/* `p` points to the first character of the word. False: a quote is not closed. */
static bool take_token(char *p, struct token *t)
{
    char *to = p;
    bool quoted = false;
    t->text = p;
    t->equal = NULL;
    for (; *p && (quoted || !is_space(*p)); p++) {
        if (*p == '"') {
            quoted = !quoted;
            continue;
        }
        if (*p == '=' && !t->equal)
            t->equal = to;
        *to++ = *p;
    }
    t->rest = *p ? p + 1 : p;
    *to = '\0';
    return !quoted;
}

enum err cmdline_split(char *line, struct cmdline_word *words, size_t max, size_t *count,
                       char **arguments, struct parse_fault *fault)
{
    size_t n = 0;
    struct token t;
    *arguments = NULL;
    for (char *p = skip_spaces(line); *p; p = skip_spaces(t.rest)) {
        if (!take_token(p, &t))
            return cmdline_refuse(fault, line, p, "a quote is not closed", E_INVAL);
        if (strcmp(t.text, "--") == 0) {
            *arguments = skip_spaces(t.rest);
            break;
        }
        if (t.text[0] == '\0' || t.equal == t.text)
            return cmdline_refuse(fault, line, p, "a word has no name", E_INVAL);
        if (n == max)
            return cmdline_refuse(fault, line, p, "there are too many words", E_2BIG);
        if (t.equal)
            *t.equal = '\0';
        words[n++] = (struct cmdline_word){t.text, t.equal ? t.equal + 1 : NULL};
    }
    *count = n;
    return E_OK;
}

enum err cmdline_arguments(char *text, const char **argv, size_t max, size_t *count,
                           struct parse_fault *fault)
{
    size_t n = 0;
    struct token t;
    for (char *p = skip_spaces(text); *p; p = skip_spaces(t.rest)) {
        if (!take_token(p, &t))
            return cmdline_refuse(fault, text, p, "a quote is not closed", E_INVAL);
        if (n == max)
            return cmdline_refuse(fault, text, p, "there are too many arguments", E_2BIG);
        argv[n++] = t.text;
    }
    *count = n;
    return E_OK;
}

/* 0-15; -1 if `c` is not a hexadecimal digit. */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte of "%xx" at `p`; 0 if it is malformed or %00, which no string can contain. */
static char decode_escape(const char *p)
{
    int high = hex_digit(p[1]);
    int low = high < 0 ? -1 : hex_digit(p[2]);
    return (char)(low < 0 ? 0 : high << 4 | low);
}

enum err cmdline_list(char *text, const char **items, size_t max, size_t *count,
                      struct parse_fault *fault)
{
    size_t n = 0;
    if (strcmp(text, "%") == 0)
        text[0] = '\0'; /* one empty item */
    else if (text[0] == '\0') {
        *count = 0;
        return E_OK;
    }
    char *to = text;
    for (const char *p = text;; p++) {
        if (n == max)
            return cmdline_refuse(fault, text, p, "the list has too many items", E_2BIG);
        items[n++] = to;
        for (; *p && *p != ','; p++) {
            char c = *p;
            if (c == '%') {
                c = decode_escape(p);
                if (c == '\0')
                    return cmdline_refuse(fault, text, p, "a percent sign starts no byte", E_INVAL);
                p += 2;
            }
            *to++ = c;
        }
        bool last = *p == '\0'; /* read before the store: `to` may equal `p` */
        *to++ = '\0';
        if (last)
            break;
    }
    *count = n;
    return E_OK;
}

/* The shift that a unit stands for; -1 if it is unknown. */
static int unit_shift(const char *unit)
{
    if (*unit == '\0')
        return 0;
    if (unit[1] != '\0')
        return -1;
    switch (*unit) {
    case 'k':
    case 'K':
        return 10;
    case 'm':
    case 'M':
        return 20;
    case 'g':
    case 'G':
        return 30;
    default:
        return -1;
    }
}

bool cmdline_number(const char *text, unsigned long *out)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    unsigned long base = hex ? 16 : 10, value = 0;
    const char *p = hex ? text + 2 : text, *first = p;
    for (;; p++) {
        int digit = hex_digit(*p);
        if (digit < 0 || (unsigned long)digit >= base)
            break;
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (unsigned long)digit, &value))
            return false;
    }
    int shift = p == first ? -1 : unit_shift(p);
    if (shift < 0 || value > UINT64_MAX >> shift)
        return false;
    *out = value << shift;
    return true;
}
