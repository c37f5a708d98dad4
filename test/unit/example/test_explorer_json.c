/* SPDX-License-Identifier: MIT */
#include "explorer/json.h"

#include "unit.h"

#include <stdlib.h>

static void test_values(void **state)
{
    struct json json = {0};
    (void)state;
    json_open(&json, '{');
    json_key_number(&json, "n", UINT64_MAX);
    json_key_hex(&json, "h", 0x1f);
    json_key_bool(&json, "t", true);
    json_key_text(&json, "s", "a\"b\\c\nd\001\xe2\x80\x94");
    json_key(&json, "list");
    json_open(&json, '[');
    json_null(&json);
    json_bool(&json, false);
    json_open(&json, '[');
    json_close(&json, ']');
    json_open(&json, '{');
    json_close(&json, '}');
    json_close(&json, ']');
    json_close(&json, '}');
    assert_true(json_end(&json));
    static const char expected[] =
        "{\"n\":18446744073709551615,\"h\":\"0x1f\",\"t\":true,\"s\":\"a\\\"b\\\\c\\nd\\u0001???\","
        "\"list\":[null,false,[],{}]}";
    assert_int_equal(json.size, sizeof expected - 1);
    assert_memory_equal(json.bytes, expected, json.size);
    free(json.bytes);
}

static void test_no_memory(void **state)
{
    struct json json = {.failed = true};
    (void)state;
    json_text(&json, "nothing is written after a failure");
    assert_false(json_end(&json));
    assert_null(json.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
