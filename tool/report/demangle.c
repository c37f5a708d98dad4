/* SPDX-License-Identifier: MIT */
#include "report/demangle.h"

#include <libiberty/demangle.h>
#include <stdlib.h>

#define NAME_MAX_BYTES 4096

static bool in_name(char c)
{
    return c == '_' || c == '$' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

/* Adds the name of `length` bytes, replaced if it is mangled. */
static void add_name(const char *name, size_t length, struct text *out)
{
    char *copy = string_format("%.*s", (int)length, name);
    char *plain = cplus_demangle(copy, DMGL_AUTO | DMGL_PARAMS | DMGL_ANSI);
    text_string(out, plain ? plain : copy);
    free(plain);
    free(copy);
}

void demangle_text(const char *text, size_t size, struct text *out)
{
    text_string(out, "");
    for (size_t i = 0; i < size;) {
        size_t length = 0;
        bool starts = i == 0 || !in_name(text[i - 1]);
        while (starts && i + length < size && in_name(text[i + length]))
            length++;
        if (length > 3 && length < NAME_MAX_BYTES && text[i] == '_' &&
            (text[i + 1] == 'Z' || text[i + 1] == 'R'))
            add_name(text + i, length, out);
        else
            text_add(out, text + i, length ? length : 1);
        i += length ? length : 1;
    }
}
