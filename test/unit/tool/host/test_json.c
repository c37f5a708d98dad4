/* SPDX-License-Identifier: MIT */
#include "host/json.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static struct json whole(const char *text)
{
    return (struct json){text, text + strlen(text)};
}

static void test_members_are_found(void **state)
{
    (void)state;
    struct json value;
    char text[16];
    struct json object =
        whole(" { \"a\" : [1, {\"b\":2}], \"ab\":\"x\\\"}\", \"b\":\"0x1f\", \"c\":-1.5e3 }");
    assert_true(json_member(object, "a", &value));
    assert_int_equal(value.end - value.at, 12);
    assert_true(json_member(object, "ab", &value));
    assert_true(json_string(value, text, sizeof text));
    assert_string_equal(text, "x\\\"}");
    assert_false(json_string(value, text, 4)); /* without room for its NUL */
    assert_true(json_string(value, text, 5));
    uint64_t address;
    assert_true(json_member(object, "b", &value));
    assert_true(json_address(value, &address));
    assert_int_equal(address, 0x1f);
    assert_true(json_member(object, "c", &value));
    assert_false(json_address(value, &address));
    assert_false(json_member(object, "d", &value));
    assert_false(json_member(object, "", &value));
}

static void test_items_come_in_order(void **state)
{
    (void)state;
    struct json array = whole("[{\"n\":1}, [ ] ,{}, \"]\"]"), item = {0};
    const char *const expected[] = {"{\"n\":1}", "[ ]", "{}", "\"]\""};
    for (size_t i = 0; i < 4; i++) {
        assert_true(json_item(array, &item));
        assert_int_equal(item.end - item.at, strlen(expected[i]));
        assert_memory_equal(item.at, expected[i], strlen(expected[i]));
    }
    assert_false(json_item(array, &item));
    struct json none = {0};
    assert_false(json_item(whole("[]"), &none));
    assert_false(json_item(whole("{}"), &none));
    assert_false(json_item(whole(""), &none));
}

static void test_addresses_have_64_bits(void **state)
{
    (void)state;
    static const char *const bad[] = {"\"0x\"",   "\"1f\"", "\"0x1F\"", "\"0x12345678123456789\"",
                                      "\"0x1 \"", "12",     "\"0x",     ""};
    uint64_t address = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(json_address(whole(bad[i]), &address));
    assert_int_equal(address, 7);
    assert_true(json_address(whole("\"0xffffffffffffffff\""), &address));
    assert_true(address == UINT64_MAX);
}

static void test_control_characters_and_depth_are_refused(void **state)
{
    (void)state;
    struct json value;
    char text[8];
    assert_false(json_string(whole("\"a\nb\""), text, sizeof text));
    assert_true(json_member(whole("{\"a\":[[[[[[[]]]]]]],\"b\":1}"), "b", &value));
    assert_false(json_member(whole("{\"a\":[[[[[[[[]]]]]]]],\"b\":1}"), "b", &value));
}

/* Each prefix is malformed, and is in a block of its exact size. */
static void test_no_byte_behind_the_end_is_read(void **state)
{
    (void)state;
    static const char text[] = "{\"a\" : [1, {\"b\":\"\\\"\"}, true], \"c\" : \"0x1\"}";
    for (size_t size = 0; size < sizeof text - 1; size++) {
        char *copy = malloc(size ? size : 1);
        memcpy(copy, text, size);
        struct json part = {copy, copy + size}, value, item = {0};
        char string[8];
        if (json_member(part, "a", &value))
            while (json_item(value, &item))
                json_string(item, string, sizeof string);
        assert_true(json_member(part, "c", &value) == (size == sizeof text - 2));
        assert_false(json_item(part, &item));
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_are_found),
        cmocka_unit_test(test_items_come_in_order),
        cmocka_unit_test(test_addresses_have_64_bits),
        cmocka_unit_test(test_control_characters_and_depth_are_refused),
        cmocka_unit_test(test_no_byte_behind_the_end_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
