/* SPDX-License-Identifier: MIT */
#include "console/unframe.h"
#include "console/boot_output.h"
#include "kern/console_frame.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All calls of the sink as text: "<1>bytes", "<!>", "<#exit 3>". */
static char heard[4096];
static size_t heard_length;

static void add(const char *bytes, size_t size)
{
    assert_true(heard_length + size < sizeof heard);
    memcpy(heard + heard_length, bytes, size);
    heard_length += size;
    heard[heard_length] = '\0';
}

static int last_stream;

static void on_bytes(void *context, enum stream stream, const char *bytes, size_t size)
{
    (void)context;
    assert_true(size > 0);
    if (last_stream != (int)stream) {
        char mark[8];
        add(mark, (size_t)snprintf(mark, sizeof mark, "<%d>", stream));
    }
    last_stream = (int)stream;
    add(bytes, size);
}

static void on_ready(void *context)
{
    (void)context;
    add("<!>", 3);
}

static void on_line(void *context, const char *line)
{
    (void)context;
    add("<#", 2);
    add(line, strlen(line));
    add(">", 1);
}

static const struct unframe_sink sink = {on_bytes, on_ready, on_line, NULL};

static void feed(const char *bytes, size_t size, size_t portion)
{
    struct unframe u = {0};
    heard_length = 0;
    heard[0] = '\0';
    last_stream = -1;
    for (size_t at = 0; at < size;) {
        bool to_port;
        at += unframe_feed(&u, bytes + at, size - at < portion ? size - at : portion, &to_port,
                           &sink);
        if (to_port)
            add("<port>", 6);
    }
}

/* Checks the result for the input in portions of every size. */
static void expect(const char *bytes, size_t size, const char *wanted)
{
    for (size_t portion = 1; portion <= size; portion++) {
        feed(bytes, size, portion);
        assert_string_equal(heard, wanted);
    }
}

#define EXPECT(bytes, wanted) expect(bytes, sizeof(bytes) - 1, wanted)

static void test_frames_part_the_streams(void **state)
{
    (void)state;
    EXPECT(FRAME_HELLO "log\0201out\0202err\0203more", "<3>log<1>out<2>err<3>more");
    EXPECT(FRAME_HELLO "\0201a\020\020b", "<1>a\020b");
    EXPECT(FRAME_HELLO "\020!\0201x\020#exit 42\ny", "<!><1>x<#exit 42>y");
    EXPECT(FRAME_HELLO "\0201\020\020\0202\020\020\020!", "<1>\020<2>\020<!>");
}

static void test_boot_output_comes_before_hello(void **state)
{
    (void)state;
    EXPECT("firmware\r\n" FRAME_HELLO "log", "<0>firmware\r\n<3>log");
    EXPECT("\020\020" FRAME_HELLO "log", "<0>\020\020<3>log");
    EXPECT("\020\020\020OURO2\n", "<0>\020\020\020OURO2\n");
    EXPECT("\020\020\020O" FRAME_HELLO, "<0>\020\020\020O");
    EXPECT("\020!\0201not ours", "<0>\020!\0201not ours");
    EXPECT(FRAME_HELLO, "");
}

static void expect_blocks(const char *bytes, size_t size, const char *wanted)
{
    for (size_t portion = 1; portion <= size; portion++) {
        struct unblock u = {0};
        heard_length = 0;
        heard[0] = '\0';
        last_stream = -1;
        for (size_t at = 0; at < size; at += portion)
            unblock_feed(&u, bytes + at, size - at < portion ? size - at : portion, &sink);
        assert_string_equal(heard, wanted);
    }
}

static void test_blocks(void **state)
{
    (void)state;
    static const char all[] =
        "1\3\0\0out2\3\0\0err3\4\0\0log\n!\1\0\0x#\6\0\0exit 71\1\0\0\020Z\2\0\0yz";
    expect_blocks(all, sizeof all - 1, "<1>out<2>err<3>log\n<!><#exit 7><1>\020<3>yz");
    expect_blocks("1\0\0\0", 4, "");
    static char text[4 + 600] = "#\x58\2\0"; /* 600 bytes */
    memset(text + 4, 'x', 600);
    struct unblock u = {0};
    heard_length = 0;
    unblock_feed(&u, text, sizeof text, &sink);
    assert_int_equal(heard_length, 3 + UNFRAME_LINE_MAX - 1);
}

static void test_switch_to_the_port(void **state)
{
    (void)state;
    EXPECT(FRAME_HELLO "\0201a\020>b\020>", "<1>a<port>b<port>");
}

static void test_unknown_escape_is_shown(void **state)
{
    (void)state;
    EXPECT(FRAME_HELLO "\0201a\020Zb", "<1>a<3>\020Z<1>b");
}

static void test_long_line_is_cut(void **state)
{
    (void)state;
    static char input[2000] = FRAME_HELLO "\020#";
    memset(input + strlen(input), 'x', 1000);
    strcat(input, "\n");
    feed(input, strlen(input), 7);
    assert_int_equal(heard_length, 3 + UNFRAME_LINE_MAX - 1);
}

/* With random input no bytes but the escapes are lost, and nothing crashes. */
static void test_random_bytes(void **state)
{
    (void)state;
    srandom(1);
    for (int round = 0; round < 2000; round++) {
        char bytes[300];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (char)(random() % 3 ? random() % 256 : FRAME_DLE);
        if (round % 2)
            memcpy(bytes, FRAME_HELLO, sizeof(FRAME_HELLO) - 1);
        feed(bytes, sizeof bytes, (size_t)(random() % 300 + 1));
    }
}

static void test_stop_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *stop;
    } cases[] = {
        {"\033[2Jnoise\r\nouro: stop: no long mode\r\n", "no long mode"},
        {"\033[1;1Houro: stop: moved\033[2;1H", "moved"},
        {"ouro: stop: not finished", ""},
        {"\033[01;01H\033[0mgrub> ", "the boot loader ran out of commands"},
        {"grub rescue> ", "the boot loader found no files on the boot medium"},
        {"UEFI Interactive Shell v2.2\r\n", "the firmware found nothing to boot"},
        {"all is well\n", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct boot_output boot_output = {0};
        for (const char *p = cases[i].bytes; *p; p++)
            boot_output_feed(&boot_output, p, 1);
        assert_string_equal(boot_output.stop, cases[i].stop);
    }
}

static void keep(const char *line)
{
    add(line, strlen(line));
    add("|", 1);
}

static void test_last_lines_of_boot_are_kept(void **state)
{
    (void)state;
    struct boot_output boot_output = {0};
    char line[2000];
    for (int i = 0; i < 20; i++)
        boot_output_feed(&boot_output, line,
                         (size_t)snprintf(line, sizeof line, "line %d\r\n  \r\n", i));
    memset(line, 'x', sizeof line);
    boot_output_feed(&boot_output, line, sizeof line);
    boot_output_feed(&boot_output, "\nopen", 5);
    heard_length = 0;
    boot_output_last(&boot_output, keep);
    assert_non_null(strstr(heard, "line 19|xxxx"));
    assert_null(strstr(heard, "line 11|"));
    assert_string_equal(heard + heard_length - 5, "open|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_part_the_streams),
        cmocka_unit_test(test_boot_output_comes_before_hello),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_switch_to_the_port),
        cmocka_unit_test(test_unknown_escape_is_shown),
        cmocka_unit_test(test_long_line_is_cut),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_stop_is_found),
        cmocka_unit_test(test_last_lines_of_boot_are_kept),
    };
    return RUN_TESTS(tests);
}
