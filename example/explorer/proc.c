/* SPDX-License-Identifier: MIT */
#include "proc.h"

#include <string.h>

struct span {
    uint64_t start, end;
    char rights[5];
    const char *name;
    size_t name_length;
};

static bool read_hex(const char **at, uint64_t *out)
{
    unsigned digits = 0;
    for (*out = 0; digits <= 16; digits++, ++*at) {
        char c = **at;
        if (c >= '0' && c <= '9')
            *out = *out << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *out = *out << 4 | (uint64_t)(c - 'a' + 10);
        else
            break;
    }
    return digits > 0 && digits <= 16;
}

/* "start-end ", from which *at is moved on. */
static bool read_range(const char **at, struct span *out)
{
    return read_hex(at, &out->start) && *(*at)++ == '-' && read_hex(at, &out->end) &&
           *(*at)++ == ' ' && out->end > out->start;
}

/* The start of the next field, which stands after blanks; the end of the line if there is none. */
static const char *after_blanks(const char *at)
{
    while (*at == ' ')
        at++;
    return at;
}

static const char *after_field(const char *at)
{
    while (*at != ' ' && *at != '\n' && *at != '\0')
        at++;
    return after_blanks(at);
}

static const char *end_of_line(const char *at)
{
    while (*at != '\n' && *at != '\0')
        at++;
    return at;
}

static void take_name(struct span *span, const char *at)
{
    span->name = at;
    span->name_length = (size_t)(end_of_line(at) - at);
}

static void take_rights(struct span *span, const char *at)
{
    size_t n = 0;
    while (n < sizeof span->rights - 1 && at[n] != ' ' && at[n] != '\n' && at[n] != '\0')
        n++;
    memcpy(span->rights, at, n);
    span->rights[n] = '\0';
}

static void write_span(struct json *json, const struct span *span, const char *kind)
{
    json_open(json, '{');
    json_key_hex(json, "start", span->start);
    json_key_hex(json, "end", span->end);
    json_key_text(json, "rights", span->rights);
    json_key(json, "name");
    json_string(json, span->name, span->name_length);
    json_key_text(json, "kind", kind);
    json_close(json, '}');
}

/* start-end rwxp offset device inode   name */
static bool read_map(const char *line, struct span *out)
{
    const char *at = line;
    if (!read_range(&at, out))
        return false;
    take_rights(out, at);
    for (unsigned field = 0; field < 4; field++)
        at = after_field(at);
    take_name(out, at);
    return true;
}

void proc_maps_write(struct json *json, const char *text)
{
    struct span span;
    for (const char *line = text; *line != '\0'; line = end_of_line(line), line += *line == '\n')
        if (read_map(line, &span))
            write_span(json, &span, "program");
}

/* start-end size [leaf] rwx flags [type] accessed/leaves dirty/leaves name; of a window: start-end 512G rwx text */
static bool read_pagetables(const char *line, struct span *out, bool *window)
{
    const char *at = line;
    if (!read_range(&at, out))
        return false;
    at = after_field(after_blanks(at)); /* the size */
    *window = (at[0] == 'r' || at[0] == '-') && (at[1] == 'w' || at[1] == '-');
    if (!*window)
        at = after_field(at);
    take_rights(out, at);
    at = after_field(at);
    const char *end = end_of_line(at), *slash = end;
    for (const char *p = at; !*window && p < end;
         p++) /* the second fraction; a name may hold a slash */
        if (*p == '/' && p + 1 < end && p[1] >= '0' && p[1] <= '9') {
            if (slash < end) {
                slash = p;
                break;
            }
            slash = p;
        }
    take_name(out, *window ? at : slash < end ? after_field(slash) : at);
    return true;
}

void proc_pagetables_write(struct json *json, const char *text)
{
    struct span last = {0}, span;
    bool window, kernel = false;
    for (const char *line = text; *line != '\0'; line = end_of_line(line), line += *line == '\n') {
        kernel = kernel || strncmp(line, "---- windows", 12) == 0;
        if (!kernel || !read_pagetables(line, &span, &window))
            continue;
        if (window) {
            write_span(json, &span, "window");
            continue;
        }
        bool same = last.name != NULL && span.start - last.end < UINT64_C(1) << 24 &&
                    span.name_length == last.name_length &&
                    memcmp(span.name, last.name, span.name_length) == 0 &&
                    strcmp(span.rights, last.rights) == 0;
        if (same) {
            last.end = span.end;
            continue;
        }
        if (last.name != NULL)
            write_span(json, &last, "kernel");
        last = span;
    }
    if (last.name != NULL)
        write_span(json, &last, "kernel");
}

uint64_t proc_kernel_window(const char *text)
{
    static const char mark[] = "the kernel's window";
    struct span span;
    bool window;
    for (const char *line = text; *line != '\0'; line = end_of_line(line), line += *line == '\n') {
        const char *end = end_of_line(line);
        size_t length = (size_t)(end - line), size = sizeof mark - 1;
        if (length > size && memcmp(end - size, mark, size) == 0 &&
            read_pagetables(line, &span, &window) && window)
            return span.start;
    }
    return 0;
}

bool proc_word(const char *text, const char *name, const char **at, size_t *length)
{
    size_t size = strlen(name);
    for (const char *line = text; *line != '\0'; line = end_of_line(line), line += *line == '\n') {
        if (strncmp(line, name, size) != 0 || (line[size] != ':' && line[size] != ' '))
            continue;
        *at = after_blanks(line + size + 1);
        *length = (size_t)(end_of_line(*at) - *at);
        return true;
    }
    return false;
}

bool proc_value(const char *text, const char *name, uint64_t *out)
{
    const char *at;
    size_t length;
    uint64_t value = 0;
    if (!proc_word(text, name, &at, &length) || length == 0 || at[0] < '0' || at[0] > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    *out = value;
    return true;
}
