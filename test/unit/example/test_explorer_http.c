/* SPDX-License-Identifier: MIT */
#include "explorer/http.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Exactly that many bytes, so that ASan sees a read past them. */
static enum http_result parse(const char *text, size_t size, struct http_request *out)
{
    static char *copy;
    free(copy);
    copy = malloc(size + (size == 0));
    memcpy(copy, text, size);
    return http_parse(copy, size, out);
}

static enum http_result parse_text(const char *text, struct http_request *out)
{
    return parse(text, strlen(text), out);
}

#define HOST "Host: localhost\r\n"

static void test_ready(void **state)
{
    static const char text[] =
        "POST /api/scratch?do=map&page=0x1f HTTP/1.1\r\n" HOST
        "X-Explorer: 1\r\nContent-Length: 3\r\nUser-Agent: a b\tc\r\n\r\nabcGET /";
    struct http_request r;
    uint64_t page;
    (void)state;
    assert_int_equal(parse_text(text, &r), HTTP_READY);
    assert_int_equal(r.method, HTTP_POST);
    assert_int_equal(r.path_length, 12);
    assert_memory_equal(r.path, "/api/scratch", 12);
    assert_true(r.own && r.keep_alive);
    assert_int_equal(r.size, sizeof text - 1 - 5);
    assert_true(http_is(&r, "do", "map") && !http_is(&r, "do", "ma") && !http_is(&r, "o", "map"));
    assert_true(http_number(&r, "page", &page));
    assert_int_equal(page, 31);
    for (size_t size = 0; size < r.size; size++) /* and no refusal before it is complete */
        assert_int_equal(parse(text, size, &(struct http_request){0}), HTTP_MORE);
}

static void test_keep_alive(void **state)
{
    static const struct {
        const char *text;
        bool stays;
    } cases[] = {
        {"GET / HTTP/1.1\r\n" HOST "\r\n", true},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"GET / HTTP/1.1\r\n" HOST "connection: foo , CLOSE\r\n\r\n", false},
        {"\r\nHEAD / HTTP/1.1\r\n" HOST "\r\n", true},
    };
    struct http_request r;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse_text(cases[i].text, &r), HTTP_READY);
        assert_int_equal(r.keep_alive, cases[i].stays);
        assert_false(r.own);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        int status;
    } cases[] = {
        {"BREW / HTTP/1.1\r\n" HOST "\r\n", 405},
        {"get / HTTP/1.1\r\n", 405},
        {"GET / HTTP/2.0\r\n", 505},
        {"GET / HTTX/1.1\r\n", 400},
        {"GET  HTTP/1.1\r\n", 400},
        {"GET http://a/ HTTP/1.1\r\n", 400},
        {"GET /\r\n", 400},
        {"GET / HTTP/1.1\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400}, /* no Host */
        {"GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST " folded: x\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : x\r\n", 400},
        {"GET / HTTP/1.1\r\nHo\001st: x\r\n", 400},
        {"GET / HTTP/1.1\r\n: x\r\n", 400},
        {"GET / HTTP/1.1\r\nno colon\r\n", 400},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1x\r\n", 400},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n", 400},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n", 400},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n", 400},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1025\r\n", 413},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n", 413},
        {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n", 501},
    };
    struct http_request r;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse_text(cases[i].text, &r), HTTP_REFUSED);
        assert_int_equal(r.refusal, cases[i].status);
        assert_false(r.keep_alive);
    }
}

static void test_endless(void **state)
{
    char text[HTTP_REQUEST_MAX];
    struct http_request r;
    (void)state;
    memset(text, 'a', sizeof text);
    assert_int_equal(parse(text, sizeof text - 1, &r), HTTP_MORE);
    assert_int_equal(parse(text, sizeof text, &r), HTTP_REFUSED);
    assert_int_equal(r.refusal, 431);
    memset(text, '\n', sizeof text);
    for (size_t i = 0; i < sizeof text; i += 2)
        text[i] = '\r';
    assert_int_equal(parse(text, sizeof text, &r), HTTP_REFUSED);
}

static void test_parameters(void **state)
{
    static const struct {
        const char *query;
        bool number;
        uint64_t value;
    } cases[] = {
        {"?a=0", true, 0},
        {"?b&a=12", true, 12},
        {"?a=0xFFffFFffFFffFFff", true, UINT64_MAX},
        {"?a=18446744073709551615", true, UINT64_MAX},
        {"?a=18446744073709551616", false, 0},
        {"?a=0x10000000000000000", false, 0},
        {"?a=", false, 0},
        {"?a=0x", false, 0},
        {"?a=1f", false, 0},
        {"?a=-1", false, 0},
        {"?aa=1&ba=2", false, 0},
        {"", false, 0},
        {"?", false, 0},
        {"?&&=&a", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128];
        struct http_request r;
        uint64_t value = 77;
        snprintf(text, sizeof text, "GET /%s HTTP/1.1\r\n" HOST "\r\n", cases[i].query);
        assert_int_equal(parse_text(text, &r), HTTP_READY);
        assert_int_equal(r.path_length, 1);
        assert_int_equal(http_number(&r, "a", &value), cases[i].number);
        assert_int_equal(value, cases[i].number ? cases[i].value : 77);
    }
}

static void test_head(void **state)
{
    static const int statuses[] = {200, 400, 403, 404, 405, 413, 431, 500, 501, 505};
    char head[HTTP_HEAD_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        size_t size =
            http_head(head, statuses[i], "text/javascript; charset=utf-8", SIZE_MAX, true);
        assert_true(size < sizeof head && size == strlen(head));
        assert_memory_equal(head + size - 4, "\r\n\r\n", 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ready),      cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_endless),
        cmocka_unit_test(test_parameters), cmocka_unit_test(test_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
