/* SPDX-License-Identifier: MIT */
/* The whole input is one command line; its values are also parsed as lists and numbers. */
#include "parse/cmdline.h"

#include "base/panic.h"
#include "base/str.h"

#include <stdlib.h>

#define MAX 16

static char *line, *line_end;

/* Checks that the string lies in the line, with its NUL. */
static void check_text(const char *text)
{
    assert(text >= line && text < line_end);
    assert(memchr(text, '\0', (size_t)(line_end - text)) != NULL);
}

static void check_fault(const struct parse_fault *fault, size_t length)
{
    assert(fault->what && fault->offset <= length);
}

static void check_items(const char *const *items, size_t count)
{
    assert(count <= MAX);
    for (size_t i = 0; i < count; i++) {
        check_text(items[i]);
        assert(i == 0 || items[i] > items[i - 1]);
    }
}

static void fuzz_value(const char *value)
{
    const char *items[MAX];
    struct parse_fault fault = {0, NULL};
    unsigned long number;
    size_t count, length = strlen(value);
    char *list = line + (value - line);
    (void)!cmdline_number(value, &number);
    if (cmdline_list(list, items, MAX, &count, &fault) == E_OK)
        check_items(items, count);
    else
        check_fault(&fault, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cmdline_word words[MAX];
    const char *argv[MAX];
    struct parse_fault fault = {0, NULL};
    char *arguments;
    size_t count, argument_count;
    line = malloc(size + 1);
    assert(line != NULL);
    if (size > 0)
        memcpy(line, data, size);
    line[size] = '\0';
    line_end = line + size + 1;

    if (cmdline_split(line, words, MAX, &count, &arguments, &fault) != E_OK) {
        check_fault(&fault, size);
        free(line);
        return 0;
    }
    assert(count <= MAX);
    for (size_t i = 0; i < count; i++) {
        check_text(words[i].name);
        assert(words[i].name[0] != '\0');
        if (words[i].value)
            check_text(words[i].value);
    }
    if (arguments) {
        check_text(arguments);
        if (cmdline_arguments(arguments, argv, MAX, &argument_count, &fault) == E_OK)
            check_items(argv, argument_count);
        else
            check_fault(&fault, size);
    }
    for (size_t i = 0; i < count; i++)
        if (words[i].value)
            fuzz_value(words[i].value);
    free(line);
    return 0;
}
