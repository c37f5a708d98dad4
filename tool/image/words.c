/* SPDX-License-Identifier: MIT */
#include "image/words.h"
#include "host/fail.h"
#include "parse/boot_info.h"

#include <stdlib.h>
#include <string.h>

static bool travels_unencoded(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("_./:=+@-", c));
}

void words_list(struct args *words, const char *name, char *const *items, size_t count)
{
    struct text word = {0};
    text_format(&word, "%s=", name);
    if (count == 1 && !items[0][0])
        text_string(&word, "%"); /* an empty word would be a list without items */
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text_string(&word, ",");
        for (const char *c = items[i]; *c; c++) {
            if (travels_unencoded((unsigned char)*c))
                text_add(&word, c, 1);
            else
                text_format(&word, "%%%02X", (unsigned char)*c);
        }
    }
    args_add(words, word.bytes);
    text_free(&word);
}

void words_plain(struct args *words, const char *word, const char *what)
{
    for (const char *c = word; *c; c++)
        if (strchr("'\"\\", *c) || (unsigned char)*c < ' ' || *c == '\177')
            fail(
                STATUS_FAILED,
                "%s holds a quote, a backslash or a control character, which the boot loader cannot pass on",
                what);
    args_add(words, word);
}

void words_typed(struct args *words, const char *typed)
{
    struct text word = {0};
    bool quoted = false, started = false;
    for (const char *c = typed;; c++) {
        if (*c == '\0' || (!quoted && strchr(" \t\n", *c))) {
            if (started)
                words_plain(words, word.bytes ? word.bytes : "", "a word of --append");
            text_free(&word);
            started = false;
            if (*c == '\0')
                break;
        } else if (*c == '"') {
            quoted = !quoted;
            started = true;
        } else {
            text_add(&word, c, 1);
            started = true;
        }
    }
    if (quoted)
        fail(STATUS_FAILED, "--append has a double quote that is not closed");
}

char *words_line(const struct args *words)
{
    struct text line = {0};
    for (size_t i = 0; i < words->count; i++) {
        const char *quote = strpbrk(words->item[i], " ") || !words->item[i][0] ? "\"" : "";
        text_format(&line, "%s%s%s%s", i > 0 ? " " : "", quote, words->item[i], quote);
    }
    size_t length = line.length;
    if (length >= BOOT_COMMAND_LINE_MAX) {
        text_free(&line);
        fail(
            STATUS_FAILED,
            "arguments and environment are too long: the kernel command line would have %zu bytes, and %d fit",
            length, BOOT_COMMAND_LINE_MAX - 1);
    }
    return line.bytes ? line.bytes : string_copy("");
}

char *words_grub(const struct args *words)
{
    struct text out = {0};
    for (size_t i = 0; i < words->count; i++)
        text_format(&out, "%s'%s'", i > 0 ? " " : "", words->item[i]);
    return out.bytes ? out.bytes : string_copy("");
}
