/* SPDX-License-Identifier: MIT */
/* The input is what a client sent: requests are taken from it as the server does. */
#include "../../../example/explorer/http.h"

#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(const char *bytes, size_t size, const char *at, size_t length)
{
    assert(at >= bytes && length <= size && at <= bytes + size - length);
}

static void check_request(const char *bytes, size_t size, const struct http_request *r)
{
    const char *value;
    size_t length;
    uint64_t number;
    assert(r->size > 0 && r->size <= size && r->size <= HTTP_REQUEST_MAX);
    check_inside(bytes, r->size, r->path, r->path_length);
    check_inside(bytes, r->size, r->query, r->query_length);
    assert(r->path_length > 0 && r->path[0] == '/');
    if (http_parameter(r, "do", &value, &length))
        check_inside(r->query, r->query_length, value, length);
    http_number(r, "page", &number);
    http_is(r, "do", "map");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t at = 0;
    while (at < size) {
        size_t left = size - at < HTTP_REQUEST_MAX ? size - at : HTTP_REQUEST_MAX;
        char *bytes = malloc(left); /* exactly, for ASan */
        struct http_request request, before;
        memcpy(bytes, data + at, left);
        enum http_result result = http_parse(bytes, left, &request);
        if (result == HTTP_READY) {
            check_request(bytes, left, &request);
            /* What is complete does not depend on what follows; what is not, is not. */
            assert(http_parse(bytes, request.size, &before) == HTTP_READY);
            assert(before.size == request.size);
            assert(http_parse(bytes, request.size - 1, &before) == HTTP_MORE);
        }
        assert(result != HTTP_REFUSED || (request.refusal >= 400 && !request.keep_alive));
        assert(result != HTTP_MORE || left < HTTP_REQUEST_MAX);
        at += result == HTTP_READY ? request.size : left;
        free(bytes);
    }
    return 0;
}
