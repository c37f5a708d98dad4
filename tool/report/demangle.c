/* SPDX-License-Identifier: MIT */
/* The library is loaded when a name needs it: the tool is built without a compiler of C++. */
#include "report/demangle.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 4096
#define HASH           19 /* "::h" and 16 digits */

typedef char *demangler(const char *mangled, char *buffer, size_t *length, int *status);

static demangler *load(void)
{
    void *library = dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL);
    return library ? (demangler *)(uintptr_t)dlsym(library, "__cxa_demangle") : NULL;
}

static bool in_name(char c)
{
    return c == '_' || c == '$' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

static void drop_hash(char *name)
{
    size_t length = strlen(name);
    char *hash = length > HASH ? name + length - HASH : NULL;
    if (hash && strncmp(hash, "::h", 3) == 0 && strspn(hash + 3, "0123456789abcdef") == HASH - 3)
        *hash = '\0';
}

/* Adds the name of `length` bytes, replaced if it is mangled. */
static void add_name(const char *name, size_t length, struct text *out)
{
    static demangler *demangle;
    static bool loaded;
    int status = -1;
    if (!loaded)
        demangle = load();
    loaded = true;
    char *copy = string_format("%.*s", (int)length, name);
    char *plain = demangle ? demangle(copy, NULL, NULL, &status) : NULL;
    if (plain && status == 0) {
        drop_hash(plain);
        text_string(out, plain);
    } else {
        text_add(out, name, length);
    }
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
        if (length > 3 && length < NAME_MAX_BYTES && text[i] == '_' && text[i + 1] == 'Z')
            add_name(text + i, length, out);
        else
            text_add(out, text + i, length ? length : 1);
        i += length ? length : 1;
    }
}
