/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "dev/screen/keymap.h"

#include <string.h>

static struct keymap map;
static enum keymap_action last;

/* The text that a sequence of scan codes types. */
static const char *typed(const uint8_t *codes, size_t count)
{
    static char out[64];
    size_t n = 0;
    last = KEYMAP_NOTHING;
    for (size_t i = 0; i < count; i++) {
        struct keymap_event event;
        keymap_scancode(&map, codes[i], false, &event);
        if (event.action != KEYMAP_NOTHING)
            last = event.action;
        if (event.action != KEYMAP_TYPE)
            continue;
        memcpy(out + n, event.bytes, event.size);
        n += event.size;
    }
    out[n] = '\0';
    return out;
}

#define TYPED(...) typed((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void use(const char *layout, bool set_2)
{
    map = (struct keymap){.layout = keymap_find(layout), .set_2 = set_2};
    assert_non_null(map.layout);
}

static void test_letters_follow_shift_and_lock(void **state)
{
    (void)state;
    use("us", false);
    assert_string_equal(TYPED(0x1e, 0x9e, 0x2a, 0x1e, 0x9e, 0xaa, 0x1e), "aAa");
    assert_string_equal(TYPED(0x3a, 0xba, 0x1e, 0x02, 0x2a, 0x1e, 0x02, 0xaa), "A1a!");
    assert_string_equal(TYPED(0x3a, 0xba), "");
    assert_int_equal(last, KEYMAP_LIGHTS);
    assert_string_equal(TYPED(0x1d, 0x2e, 0x9d, 0x38, 0x1e, 0xb8), "\003\033a");
    assert_string_equal(TYPED(0x1c, 0x0e, 0x0f, 0x01, 0x39), "\r\177\t\033 ");
}

static void test_special_keys(void **state)
{
    (void)state;
    use("us", false);
    assert_string_equal(TYPED(0xe0, 0x48, 0xe0, 0xc8, 0xe0, 0x4b), "\033[A\033[D");
    assert_string_equal(TYPED(0xe0, 0x47, 0xe0, 0x4f, 0xe0, 0x53, 0xe0, 0x49),
                        "\033[1~\033[4~\033[3~\033[5~");
    /* Some keyboards send fake shifts around these keys. */
    assert_string_equal(TYPED(0xe0, 0x2a, 0xe0, 0x50, 0xe0, 0xd0, 0xe0, 0xaa, 0x1e), "\033[Ba");
    assert_string_equal(TYPED(0x3b, 0x3f, 0x44, 0x57, 0x58),
                        "\033[[A\033[[E\033[21~\033[23~\033[24~");
    assert_string_equal(TYPED(0x47, 0x45, 0x47, 0x4e, 0xe0, 0x1c, 0xe0, 0x35), "\033[1~7+\r/");
    assert_string_equal(TYPED(0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5, 0x1e), "a"); /* Pause */
    struct keymap_event event;
    keymap_scancode(&map, 0xe0, true, &event);
    keymap_scancode(&map, 0x48, true, &event);
    assert_memory_equal(event.bytes, "\033OA", 3);
}

static void test_actions_are_not_typed(void **state)
{
    (void)state;
    use("us", false);
    TYPED(0x2a, 0xe0, 0x49);
    assert_int_equal(last, KEYMAP_LOOK_BACK);
    TYPED(0xe0, 0x51, 0xaa);
    assert_int_equal(last, KEYMAP_LOOK_FORTH);
    TYPED(0x1d, 0x38, 0xe0, 0x53);
    assert_int_equal(last, KEYMAP_RESTART);
    use("us", false);
    TYPED(0x38, 0x54, 0x32);
    assert_int_equal(last, KEYMAP_MAGIC);
    assert_string_equal(TYPED(0xd4, 0xb8, 0x32), "m");
}

static void test_layouts_and_dead_keys(void **state)
{
    (void)state;
    use("de", false);
    assert_string_equal(TYPED(0x15, 0x2c, 0x1a, 0x0c), "zyüß");
    assert_string_equal(TYPED(0xe0, 0x38, 0x10, 0x12, 0x08, 0xe0, 0xb8), "@€{");
    assert_string_equal(TYPED(0x29, 0x1e, 0x0d, 0x12, 0x29, 0x39, 0x29, 0x13), "âé^^r");
    assert_string_equal(TYPED(0x3a, 0x1a, 0x0c),
                        "Üß"); /* Caps Lock shifts letters that have a capital */
    use("fr", false);
    assert_string_equal(TYPED(0x10, 0x1e, 0x02, 0x2a, 0x02, 0xaa, 0x03), "aq&1é");
    assert_string_equal(TYPED(0x2a, 0x1a, 0xaa, 0x12), "ë");
    use("uk", false);
    assert_string_equal(TYPED(0x2a, 0x03, 0x04, 0xaa, 0x2b, 0x56), "\"£#\\");
    assert_null(keymap_find("klingon"));
}

static void test_scan_code_set_2(void **state)
{
    (void)state;
    use("us", true);
    assert_string_equal(TYPED(0x1c, 0xf0, 0x1c, 0x12, 0x1c, 0xf0, 0x1c, 0xf0, 0x12, 0x5a), "aA\r");
    assert_string_equal(TYPED(0xe0, 0x75, 0xe0, 0xf0, 0x75, 0x05), "\033[A\033[[A");
    assert_string_equal(TYPED(0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77, 0x1c), "a");
}

static void test_any_byte_is_harmless(void **state)
{
    (void)state;
    uint32_t random = 1;
    for (int round = 0; round < 8; round++) {
        use(round % 2 ? "fr" : "de", round & 2);
        for (int i = 0; i < 100000; i++) {
            struct keymap_event event;
            random = random * 1664525 + 1013904223;
            keymap_scancode(&map, (uint8_t)(random >> 24), random & 0x800, &event);
            assert_true(event.size <= sizeof event.bytes);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letters_follow_shift_and_lock),
        cmocka_unit_test(test_special_keys),
        cmocka_unit_test(test_actions_are_not_typed),
        cmocka_unit_test(test_layouts_and_dead_keys),
        cmocka_unit_test(test_scan_code_set_2),
        cmocka_unit_test(test_any_byte_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
