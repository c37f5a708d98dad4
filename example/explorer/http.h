/* SPDX-License-Identifier: MIT */
/*
 * The part of HTTP/1.1 (RFC 9112) that a browser needs: GET, HEAD and POST, connections that stay open. Pure:
 * bytes in, a request out. Nothing is trusted; a request has at most HTTP_REQUEST_MAX bytes with its body.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_REQUEST_MAX 8192
#define HTTP_BODY_MAX    1024 /* bodies are read and ignored: parameters are in the query */

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
};

struct http_request {
    enum http_method method;
    const char *path, *query; /* into the bytes, not NUL-terminated */
    size_t path_length, query_length;
    bool keep_alive; /* the connection may stay open */
    bool own;        /* has X-Explorer: came from the page, and not from another one's form */
    size_t size;     /* bytes of the whole request, with its body */
    int refusal;     /* HTTP_REFUSED: the status to answer */
};

enum http_result {
    HTTP_MORE,    /* the request is not complete */
    HTTP_READY,   /* *out is filled in */
    HTTP_REFUSED, /* out->refusal; the connection must be closed */
};

/* Reads the request at the start of the bytes. O(size). */
enum http_result http_parse(const char *bytes, size_t size, struct http_request *out);

/* The value of a parameter of the query; false: absent. */
bool http_parameter(const struct http_request *request, const char *name, const char **value,
                    size_t *length);
/* A number, decimal or 0x hexadecimal; false: absent or none. */
bool http_number(const struct http_request *request, const char *name, uint64_t *out);
/* True if the parameter has this value. */
bool http_is(const struct http_request *request, const char *name, const char *value);

/* The head of an answer; returns its length, which is below HTTP_HEAD_MAX. */
#define HTTP_HEAD_MAX 512
size_t http_head(char out[HTTP_HEAD_MAX], int status, const char *type, size_t length,
                 bool keep_alive);
