/* SPDX-License-Identifier: MIT */
#include "explorer/walk.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* The fields of an Sv39 entry, read as in the manual's figure, not by the masks of the program. */
static unsigned bit(uint64_t entry, unsigned at)
{
    return (unsigned)(entry >> at) & 1;
}

/* All combinations of an entry's flags, on each level. */
static void test_sv39_entries(void **state)
{
    (void)state;
    for (int level = 1; level <= 4; level++)
        for (unsigned n = 0; n < 1024; n++) {
            uint64_t frame = level == 3 ? 0x140000000 : level == 2 ? 0x1fe00000 : 0x12345000;
            uint64_t x86 = (n & 511) | (uint64_t)(n >> 9 & 1) << 63 | frame;
            uint64_t e = sv39_entry(level, x86 | (uint64_t)(n & 1) << 9);
            bool table = level > 1 && !(n & 128);
            assert_int_equal(bit(e, 0), (n & 1) && level < 4);
            if (!(n & 1) || level == 4) {
                assert_int_equal(e, 0);
                continue;
            }
            assert_int_equal((e >> 10 & 0xfffffffffff) << 12, frame);
            assert_int_equal(bit(e, 1), !table);              /* R */
            assert_int_equal(bit(e, 2), !table && (n & 2));   /* W */
            assert_int_equal(bit(e, 3), !table && !(n >> 9)); /* X: not NX */
            assert_int_equal(bit(e, 4), 0);                   /* U */
            assert_int_equal(bit(e, 5), !table && (n & 256)); /* G */
            assert_int_equal(bit(e, 6), !table && (n & 32));  /* A */
            assert_int_equal(bit(e, 7), !table && (n & 64));  /* D */
            assert_int_equal(bit(e, 8), !table);              /* RSW: copy-on-write */
            assert_int_equal(bit(e, 9), 0);
            assert_int_equal(e >> 61 & 3, table ? 0 : n & 16 ? 2 : n & 8 ? 1 : 0);
            assert_int_equal(e >> 54 & 127, 0);
        }
}

static void test_sv39_addresses(void **state)
{
    char flags[SV39_FLAGS_SIZE];
    (void)state;
    assert_true(sv39_canonical(0) && sv39_canonical(0x3fffffffff));
    assert_true(sv39_canonical(0xffffffc000000000) && sv39_canonical(UINT64_MAX));
    assert_false(sv39_canonical(0x4000000000) || sv39_canonical(0x7ffd12345678));
    assert_false(sv39_canonical(0xffffffbfffffffff) || sv39_canonical(0x8000000000000000));
    sv39_flags(0xcf, flags);
    assert_string_equal(flags, "DA--XWRV");
    sv39_flags(0x31, flags);
    assert_string_equal(flags, "--GU---V");
}

#define SLOT(slot, index) ((uint64_t)(slot) << (12 + 9 * ((index)-1)))

/* A walk of four levels, with the window P in slot 272 and R in slot 405. */
static struct walk_facts example(void)
{
    struct walk_facts facts = {
        .address = SLOT(1, 4) | SLOT(72, 3) | SLOT(418, 2) | SLOT(359, 1) | 0x123,
        .path = {.entry = {0, 0x8000000000abc063, 0x333063, 0x222023, 0x111063},
                 .last_level = 1,
                 .leaf_level = 1,
                 .rights = OURO_READ | OURO_WRITE,
                 .page_size = 4096,
                 .physical = 0xabc123},
        .window = 0xffff000000000000 | SLOT(272, 4),
        .kernel_window = 0xffff000000000000 | SLOT(405, 4),
        .table = {0, 0x333000, 0x222000, 0x111000, 0x99000},
        .active = BACK_END_RECURSIVE,
    };
    facts.present[4][0] = 3;
    facts.reached[BACK_END_RECURSIVE][1] = true;
    return facts;
}

/* Each table's address, put together from indices as docs/paging.md draws them. */
static void test_back_ends(void **state)
{
    struct walk_facts f = example();
    const uint64_t high = 0xffff000000000000, r = 405;
    (void)state;
    assert_int_equal(back_end_table(&f, BACK_END_RECURSIVE, 1),
                     high | SLOT(r, 4) | SLOT(1, 3) | SLOT(72, 2) | SLOT(418, 1));
    assert_int_equal(back_end_table(&f, BACK_END_RECURSIVE, 2),
                     high | SLOT(r, 4) | SLOT(r, 3) | SLOT(1, 2) | SLOT(72, 1));
    assert_int_equal(back_end_table(&f, BACK_END_RECURSIVE, 3),
                     high | SLOT(r, 4) | SLOT(r, 3) | SLOT(r, 2) | SLOT(1, 1));
    assert_int_equal(back_end_table(&f, BACK_END_RECURSIVE, 4),
                     high | SLOT(r, 4) | SLOT(r, 3) | SLOT(r, 2) | SLOT(r, 1));
    assert_int_equal(back_end_table(&f, BACK_END_PHYSMAP, 2), 0xfffffa8000222000);
    assert_int_equal(back_end_table(&f, BACK_END_OFFSET, 4), 0xfffffa8000099000);
    assert_int_equal(back_end_table(&f, BACK_END_IDENTITY, 3), 0x111000);
    assert_int_equal(back_end_table(&f, BACK_END_TEMPORARY, 1), 0);
    f.kernel_window = 0;
    assert_int_equal(back_end_table(&f, BACK_END_RECURSIVE, 1), 0);
    assert_int_equal(back_end_of("offset", 6), BACK_END_OFFSET);
    assert_int_equal(back_end_of("offset", 5), BACK_ENDS);
    assert_int_equal(back_end_of("", 0), BACK_ENDS);
}

static char *text_of(const struct walk_facts *facts)
{
    struct json json = {0};
    walk_write(&json, facts);
    assert_true(json_end(&json));
    json.bytes = realloc(json.bytes, json.size + 1);
    json.bytes[json.size] = '\0';
    return json.bytes;
}

static void check_has(const char *text, const char *const *parts)
{
    for (; *parts != NULL; parts++)
        if (strstr(text, *parts) == NULL)
            fail_msg("%s is not in %s", *parts, text);
}

static void test_json(void **state)
{
    struct walk_facts facts = example();
    char *text = text_of(&facts);
    (void)state;
    check_has(
        text,
        (const char *const[]){
            "\"physical\":\"0xabc123\"", "\"rights\":\"rw-\"", "\"slot_p\":272,\"slot_r\":405",
            "{\"level\":1,\"index\":359,\"table\":\"0x333000\",\"entry\":"
            "\"0x8000000000abc063\",\"words\":\"present writable accessed dirty NX 0xabc000 4K\"",
            "{\"level\":4,\"index\":1,\"table\":\"0x99000\",\"entry\":\"0x111063\"",
            "\"present\":\"30000000", "\"name\":\"recursive\"",
            "{\"level\":1,\"at\":\"0xffffca80491a2000\",\"reached\":true}",
            "\"satp\":\"0x8000000000000111\"", "\"canonical\":false",
            "\"entry\":\"0x2af0c7\",\"flags\":\"DA---WRV\",\"memory\":\"\",\"kind\":\"page, 4 KiB\"",
            NULL});
    free(text);
    facts.path = (struct ouro_path){.last_level = 4}; /* nothing is mapped */
    facts.kernel_window = 0;
    text = text_of(&facts);
    check_has(text,
              (const char *const[]){"\"physical\":null", "\"slot_r\":null", "\"kernel_at\":null",
                                    "\"satp\":null,\"levels\":[]", "\"words\":\"empty\"", NULL});
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sv39_entries),
        cmocka_unit_test(test_sv39_addresses),
        cmocka_unit_test(test_back_ends),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
