/* SPDX-License-Identifier: MIT */
#include "golden.h"

#include "unit.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static char text[200000];
static size_t used;

void golden_line(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text + used, sizeof text - used, format, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n + 1 < sizeof text - used);
    used += (size_t)n;
    text[used++] = '\n';
    text[used] = '\0';
}

void golden_check(const char *path, void (*write)(void))
{
    static char golden[sizeof text];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(golden, 1, sizeof golden - 1, file);
    fclose(file);
    golden[size] = '\0';
    used = 0;
    write();
    for (char *got = text, *expected = golden; *got || *expected;) {
        size_t n = strcspn(got, "\n"), m = strcspn(expected, "\n");
        if (n != m || memcmp(got, expected, n) != 0)
            fail_msg("got      %.*s\nexpected %.*s", (int)n, got, (int)m, expected);
        got += n + (got[n] == '\n');
        expected += m + (expected[m] == '\n');
    }
}

int golden_write(const char *path, void (*write)(void))
{
    FILE *file = fopen(path, "w");
    used = 0;
    write();
    return file == NULL || fwrite(text, 1, used, file) != used || fclose(file) != 0;
}

/* --- facts --- */

static bool is_register(const char *word, size_t length)
{
    static const char *const names[] = {"rip", "rsp", "rbp", "rax",    "rbx", "rcx", "rdx",
                                        "rsi", "rdi", "fs",  "rflags", "gs",  "efer"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i]) == length && memcmp(names[i], word, length) == 0)
            return true;
    return false;
}

static bool is_fact(const char *word, size_t length)
{
    bool digit = false, capitals = length > 1;
    for (size_t i = 0; i < length; i++) {
        digit = digit || isdigit((unsigned char)word[i]);
        capitals = capitals && isupper((unsigned char)word[i]);
    }
    return length > 0 &&
           (digit || capitals || is_register(word, length) || strchr("\"/[.", word[0]) != NULL);
}

/* The length of a word: up to a blank, or the closing quote. */
static size_t word_length(const char *at)
{
    const char *quote = *at == '"' ? strchr(at + 1, '"') : NULL;
    return quote != NULL ? (size_t)(quote + 1 - at) : strcspn(at, " ");
}

void golden_facts(const char *line, char *to, size_t size)
{
    size_t n = 0;
    to[0] = '\0';
    while (*(line += strspn(line, " ,;:()")) != '\0') {
        size_t length = word_length(line), bare = length;
        while (bare > 0 && strchr(",;:.()", line[bare - 1]) != NULL)
            bare--;
        if (is_fact(line, bare)) {
            n += (size_t)snprintf(to + n, size - n, "%s%.*s", n > 0 ? " " : "", (int)bare, line);
            assert_true(n < size);
        }
        line += length;
    }
}
