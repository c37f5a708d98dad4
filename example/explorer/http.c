/* SPDX-License-Identifier: MIT */
#include "http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A line without its CR LF; false: no whole line is there. */
struct line {
    const char *at;
    size_t length;
};

static bool next_line(const char **at, const char *end, struct line *out)
{
    const char *feed = memchr(*at, '\n', (size_t)(end - *at));
    if (feed == NULL)
        return false;
    *out = (struct line){*at, (size_t)(feed - *at)};
    *at = feed + 1;
    return true;
}

/* False for a line that does not end with CR LF, or holds another control character. */
static bool clean(struct line *line)
{
    if (line->length == 0 || line->at[line->length - 1] != '\r')
        return false;
    line->length--;
    for (size_t i = 0; i < line->length; i++) {
        unsigned char c = (unsigned char)line->at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool equals(const char *at, size_t length, const char *text)
{
    return strlen(text) == length && memcmp(at, text, length) == 0;
}

static bool names(const char *at, size_t length, const char *name)
{
    return strlen(name) == length && strncasecmp(at, name, length) == 0;
}

struct headers {
    bool host_required;
    unsigned hosts, lengths;
    size_t body;
};

static int parse_method(const char *at, size_t length, enum http_method *out)
{
    static const char *const methods[] = {"GET", "HEAD", "POST"};
    for (unsigned i = 0; i < 3; i++)
        if (equals(at, length, methods[i])) {
            *out = (enum http_method)i;
            return 0;
        }
    return 405;
}

/* METHOD SP /path?query SP HTTP/1.x. Returns the status to refuse it with, or 0. */
static int parse_start(const struct line *line, struct http_request *out, struct headers *seen)
{
    const char *end = line->at + line->length;
    const char *target = memchr(line->at, ' ', line->length);
    if (target == NULL)
        return 400;
    target++;
    const char *version = memchr(target, ' ', (size_t)(end - target));
    if (version == NULL || target[0] != '/')
        return 400;
    version++;
    size_t left = (size_t)(end - version);
    if (!equals(version, left, "HTTP/1.1") && !equals(version, left, "HTTP/1.0"))
        return left > 5 && memcmp(version, "HTTP/", 5) == 0 ? 505 : 400;
    out->keep_alive = seen->host_required = version[left - 1] == '1';
    const char *mark = memchr(target, '?', (size_t)(version - 1 - target));
    out->path = target;
    out->path_length = (size_t)((mark != NULL ? mark : version - 1) - target);
    out->query = mark != NULL ? mark + 1 : version - 1;
    out->query_length = (size_t)(version - 1 - out->query);
    return parse_method(line->at, (size_t)(target - 1 - line->at), &out->method);
}

/* True if the list of words, separated by commas, has the word. */
static bool lists(const char *at, size_t length, const char *word)
{
    const char *end = at + length;
    while (at < end) {
        while (at < end && (*at == ' ' || *at == '\t' || *at == ','))
            at++;
        const char *start = at;
        while (at < end && *at != ' ' && *at != '\t' && *at != ',')
            at++;
        if (names(start, (size_t)(at - start), word))
            return true;
    }
    return false;
}

static int parse_length(const char *at, size_t length, struct headers *seen)
{
    size_t value = 0;
    if (length == 0 || seen->lengths++ > 0)
        return 400;
    for (size_t i = 0; i < length; i++) {
        if (at[i] < '0' || at[i] > '9')
            return 400;
        value = value * 10 + (size_t)(at[i] - '0');
        if (value > HTTP_BODY_MAX)
            return 413;
    }
    seen->body = value;
    return 0;
}

/* name ":" value. Returns the status to refuse it with, or 0. */
static int parse_header(const struct line *line, struct http_request *out, struct headers *seen)
{
    const char *colon = memchr(line->at, ':', line->length), *value, *end;
    if (colon == NULL || colon == line->at)
        return 400;
    size_t name = (size_t)(colon - line->at);
    for (size_t i = 0; i < name; i++)
        if (line->at[i] <= ' ') /* also a line that continues the one before */
            return 400;
    value = colon + 1;
    end = line->at + line->length;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    size_t length = (size_t)(end - value);
    if (names(line->at, name, "host"))
        seen->hosts++;
    else if (names(line->at, name, "x-explorer"))
        out->own = true;
    else if (names(line->at, name, "transfer-encoding"))
        return 501;
    else if (names(line->at, name, "content-length"))
        return parse_length(value, length, seen);
    else if (names(line->at, name, "connection") && lists(value, length, "close"))
        out->keep_alive = false;
    else if (names(line->at, name, "connection") && lists(value, length, "keep-alive"))
        out->keep_alive = true;
    return 0;
}

static enum http_result refuse(struct http_request *out, int status)
{
    out->refusal = status;
    out->keep_alive = false;
    return HTTP_REFUSED;
}

enum http_result http_parse(const char *bytes, size_t size, struct http_request *out)
{
    const char *at = bytes, *end = bytes + size;
    struct headers seen = {0};
    struct line line;
    bool started = false;
    *out = (struct http_request){0};
    while (next_line(&at, end, &line)) {
        if (!clean(&line))
            return refuse(out, 400);
        if (line.length == 0 && !started) /* RFC 9112 2.2: an empty line before it */
            continue;
        if (line.length == 0) {
            if (seen.hosts > 1 || (seen.hosts == 0 && seen.host_required))
                return refuse(out, 400);
            out->size = (size_t)(at - bytes) + seen.body;
            if (out->size > HTTP_REQUEST_MAX)
                return refuse(out, 413);
            return out->size <= size ? HTTP_READY : HTTP_MORE;
        }
        int status = started ? parse_header(&line, out, &seen) : parse_start(&line, out, &seen);
        started = true;
        if (status != 0)
            return refuse(out, status);
    }
    return size < HTTP_REQUEST_MAX ? HTTP_MORE : refuse(out, 431);
}

bool http_parameter(const struct http_request *request, const char *name, const char **value,
                    size_t *length)
{
    const char *at = request->query, *end = at + request->query_length;
    size_t size = strlen(name);
    while (at < end) {
        const char *next = memchr(at, '&', (size_t)(end - at));
        if (next == NULL)
            next = end;
        if ((size_t)(next - at) > size && memcmp(at, name, size) == 0 && at[size] == '=') {
            *value = at + size + 1;
            *length = (size_t)(next - *value);
            return true;
        }
        at = next < end ? next + 1 : end;
    }
    return false;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

bool http_number(const struct http_request *request, const char *name, uint64_t *out)
{
    const char *at;
    size_t length;
    uint64_t value = 0;
    if (!http_parameter(request, name, &at, &length))
        return false;
    uint64_t base = length > 2 && at[0] == '0' && (at[1] | 0x20) == 'x' ? 16 : 10;
    for (size_t i = base == 16 ? 2 : 0; i < length; i++) {
        uint64_t n = (uint64_t)digit(at[i]);
        if (n >= base || value > (UINT64_MAX - n) / base)
            return false;
        value = value * base + n;
    }
    if (length > 0)
        *out = value;
    return length > 0;
}

bool http_is(const struct http_request *request, const char *name, const char *value)
{
    const char *at;
    size_t length;
    return http_parameter(request, name, &at, &length) && equals(at, length, value);
}

static const char *reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 413:
        return "Content Too Large";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Bad Request";
    }
}

size_t http_head(char out[HTTP_HEAD_MAX], int status, const char *type, size_t length,
                 bool keep_alive)
{
    int size =
        snprintf(out, HTTP_HEAD_MAX,
                 "HTTP/1.1 %d %s\r\n"
                 "Content-Type: %s\r\n"
                 "Content-Length: %zu\r\n"
                 "Cache-Control: no-store\r\n"
                 "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'\r\n"
                 "X-Content-Type-Options: nosniff\r\n"
                 "Connection: %s\r\n\r\n",
                 status, reason_of(status), type, length, keep_alive ? "keep-alive" : "close");
    return (size_t)size;
}
