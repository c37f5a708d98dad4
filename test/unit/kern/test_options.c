/* SPDX-License-Identifier: MIT */
#include "kern/options.h"

#include "bytes.h"
#include "unit.h"

#include <stdio.h>

#include <stdlib.h>
#include <string.h>

static struct options o;
static char complaint[200];
static char *line;

/* Parses a copy of the exact size, so that AddressSanitizer reports a read past the end. */
static enum err parse(const char *text)
{
    free(line);
    line = (char *)exact_copy(text, strlen(text) + 1);
    memset(&o, 0xff, sizeof o);
    strcpy(complaint, "(none)");
    return options_parse(line, &o, complaint, sizeof complaint);
}

static int end(void **state)
{
    (void)state;
    free(line);
    line = NULL;
    return 0;
}

static void test_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse(""), E_OK);
    assert_false(o.console.framed);
    assert_int_equal(o.console.terminals, 0);
    assert_int_equal(o.console.columns, 0);
    assert_int_equal(o.loglevel, 4);
    assert_int_equal(o.exit_way, EXIT_DEFAULT);
    assert_int_equal(o.deadlock_seconds, 10);
    assert_int_equal(o.watchdog_seconds, 3);
    assert_int_equal(o.tsc_hz, 0);
    assert_false(o.time_from_host);
    assert_int_equal(o.window_slot, 0);
    assert_false(o.no_randomness);
    assert_null(o.test);
    assert_string_equal(o.init, "/init");
    assert_string_equal(o.argv[0], "/init");
    assert_null(o.argv[1]);
    assert_string_equal(o.envp[0], "HOME=/root");
    assert_string_equal(o.envp[1], "TERM=linux");
    assert_null(o.envp[2]);
}

static void check_address(const uint8_t address[4], const char *text)
{
    char have[16];
    assert_int_equal(net_address_text(address, have, sizeof have), strlen(text));
    assert_string_equal(have, text);
}

static void test_ip(void **state)
{
    (void)state;
    assert_int_equal(parse(""), E_OK);
    assert_int_equal(o.net.way, NET_DHCP);
    assert_int_equal(parse("ip=off"), E_OK);
    assert_int_equal(o.net.way, NET_OFF);
    assert_int_equal(parse("ip=dhcp"), E_OK);
    assert_int_equal(o.net.way, NET_DHCP);
    assert_int_equal(parse("ip=10.0.2.15/24,gw=10.0.2.2,dns=10.0.2.3,host=10.0.2.4,dns=8.8.8.8"),
                     E_OK);
    assert_int_equal(o.net.way, NET_STATIC);
    assert_int_equal(o.net.prefix, 24);
    assert_int_equal(o.net.dns_count, 2);
    check_address(o.net.address, "10.0.2.15");
    check_address(o.net.gateway, "10.0.2.2");
    check_address(o.net.dns[0], "10.0.2.3");
    check_address(o.net.dns[1], "8.8.8.8");
    check_address(o.net.host, "10.0.2.4");
    assert_int_equal(parse("ip=192.168.255.255/32"), E_OK);
    check_address(o.net.gateway, "0.0.0.0");
    static const char *const wrong[] = {
        "ip=",
        "ip=DHCP",
        "ip=1.2.3/24",
        "ip=1.2.3.4",
        "ip=1.2.3.4/",
        "ip=1.2.3.4/33",
        "ip=1.2.3.4/0",
        "ip=1.2.3.256/24",
        "ip=01.2.3.4/24",
        "ip=1.2.3.4/24,",
        "ip=1.2.3.4/24 ,gw=1.2.3.5",
        "ip=1.2.3.4/24,gw=",
        "ip=1.2.3.4/24,gw=1.2.3.5,gw=1.2.3.6",
        "ip=1.2.3.4/24,dns=1.1.1.1x",
        "ip=1.2.3.4/24,dns=1.1.1.1,dns=1.1.1.2,dns=1.1.1.3,dns=1.1.1.4",
        "ip=127.0.0.1/8",
        "ip=224.0.0.1/24",
        "ip=0.0.0.0/24",
        "ip=1.2.3.4/024",
        "ip=99999999999.2.3.4/24",
        "ip=1.2.3.4/24,mtu=1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(parse(wrong[i]), E_INVAL);
}

static void test_mounts(void **state)
{
    (void)state;
    assert_int_equal(parse("mount=/dev/vda1:/data mount=a:b:/mnt/b:ro"), E_OK);
    assert_string_equal(o.mounts[0].source, "/dev/vda1");
    assert_string_equal(o.mounts[0].path, "/data");
    assert_false(o.mounts[0].readonly);
    assert_string_equal(o.mounts[1].source, "a:b");
    assert_string_equal(o.mounts[1].path, "/mnt/b");
    assert_true(o.mounts[1].readonly);
    assert_null(o.mounts[2].source);
    static const char *const bad[] = {"mount=",       "mount=vda",          "mount=vda:data",
                                      "mount=:/data", "mount=vda:/data:rw", "mount=vda:/data:ro:"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
        assert_int_equal(parse(bad[i]), E_INVAL);
    char many[20 * (OPTIONS_MOUNTS_MAX + 1)] = "";
    for (size_t i = 0; i < OPTIONS_MOUNTS_MAX; i++)
        strcat(many, "mount=a:/b ");
    assert_int_equal(parse(many), E_OK);
    strcat(many, "mount=a:/b");
    assert_int_equal(parse(many), E_INVAL);
}

static void test_root(void **state)
{
    (void)state;
    assert_int_equal(parse("root=vda"), E_OK);
    assert_string_equal(o.root, "vda");
    assert_false(o.root_readonly);
    assert_int_equal(parse("root=/dev/sr0:ro"), E_OK);
    assert_string_equal(o.root, "/dev/sr0");
    assert_true(o.root_readonly);
    static const char *const bad[] = {"root=", "root=:ro", "root=vda:rw", "root=vda:/data"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
        assert_int_equal(parse(bad[i]), E_INVAL);
}

static void test_each_word_is_taken(void **state)
{
    (void)state;
    assert_int_equal(
        parse(
            "console=framed stdio.terminals=0,2 terminal.size=132x43 loglevel=7 deadlock=0 watchdog=7 tsc=2096012000 time=host exit=0xf4 "
            "pagetables=recursive pagetables.slot=300 norandmaps stats bootchart init=/bin/sh test=all"),
        E_OK);
    assert_true(o.console.framed);
    assert_int_equal(o.console.terminals, 5);
    assert_int_equal(o.console.columns, 132);
    assert_int_equal(o.console.rows, 43);
    assert_int_equal(o.loglevel, 7);
    assert_int_equal(o.deadlock_seconds, 0);
    assert_int_equal(o.watchdog_seconds, 7);
    assert_int_equal(o.tsc_hz, 2096012000);
    assert_true(o.time_from_host);
    assert_int_equal(o.exit_way, EXIT_DEBUG_PORT);
    assert_int_equal(o.exit_port, 0xf4);
    assert_int_equal(o.window_slot, 300);
    assert_true(o.no_randomness);
    assert_true(o.stats && o.boot_chart);
    assert_string_equal(o.init, "/bin/sh");
    assert_string_equal(o.argv[0], "/bin/sh");
    assert_string_equal(o.test, "all");
    static const char *const ways[] = {"recursive", "physmap", "offset", "identity", "temporary"};
    for (unsigned i = 0; i < PAGING_KINDS; i++) {
        char text[100];
        snprintf(text, sizeof text,
                 "pagetables=%s pagetables.arena=512 pagetables.pool=9 pagetables.slots=64",
                 ways[i]);
        assert_int_equal(parse(text), E_OK);
        assert_int_equal(o.pagetables, i);
        assert_int_equal(o.arena, 512);
        assert_int_equal(o.pool, 9);
        assert_int_equal(o.slots, 64);
    }
    assert_int_equal(parse("quiet"), E_OK);
    assert_false(o.stats || o.boot_chart);
    assert_int_equal(o.loglevel, 4);
    assert_int_equal(parse("debug"), E_OK);
    assert_int_equal(o.loglevel, 7);
    assert_int_equal(parse("exit=bochs"), E_OK);
    assert_int_equal(o.exit_way, EXIT_BOCHS);
    assert_int_equal(parse("exit=halt"), E_OK);
    assert_int_equal(o.exit_way, EXIT_HALT);
    assert_int_equal(parse("exit=halt exit=poweroff"), E_OK); /* the last one counts */
    assert_int_equal(o.exit_way, EXIT_POWER_OFF);
    assert_int_equal(parse("console=ttyS0,115200n8 console=ttyS0"), E_OK);
    assert_true(o.console.serial && !o.console.screen);
    assert_int_equal(parse("console=tty0 panic=5 keyboard=de exit=key"), E_OK);
    assert_true(o.console.screen && !o.console.serial);
    assert_int_equal(o.panic_seconds, 5);
    assert_string_equal(o.keyboard, "de");
    assert_int_equal(o.exit_way, EXIT_KEY);
    assert_int_equal(parse("stdio.terminals=none"), E_OK);
    assert_int_equal(o.console.terminals, 0);
    assert_int_equal(parse("stdio.terminals=0,1,2"), E_OK);
    assert_int_equal(o.console.terminals, 7);
}

static void test_owner_of_shares(void **state)
{
    (void)state;
    static const char *const bad[] = {"share.owner=", "share.owner=1",
                                      "share.owner=1:", "share.owner=web:1",
                                      "share.owner=1:4294967295"};
    assert_int_equal(parse(""), E_OK);
    assert_int_equal(o.share_uid, 0);
    assert_int_equal(parse("share.owner=33:34"), E_OK);
    assert_int_equal(o.share_uid, 33);
    assert_int_equal(o.share_gid, 34);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parse(bad[i]), E_INVAL);
}

static void test_bad_values_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "console=",
        "console=tty1",
        "panic=soon",
        "keyboard=klingonisch",
        "console=Framed",
        "stdio.terminals=3",
        "stdio.terminals=0;1",
        "stdio.terminals=01",
        "terminal.size=80",
        "terminal.size=80x",
        "terminal.size=x25",
        "terminal.size=80x25x1",
        "terminal.size=80x10001",
        "deadlock=soon",
        "deadlock=1000001",
        "watchdog=soon",
        "watchdog=100001",
        "loglevel=8",
        "loglevel=-1",
        "loglevel=",
        "loglevel=high",
        "exit=65536",
        "exit=",
        "exit=never",
        "pagetables=mirror",
        "pagetables=",
        "pagetables=Physmap",
        "pagetables.arena=4",
        "pagetables.arena=1024",
        "pagetables.arena=100",
        "pagetables.pool=0",
        "pagetables.pool=-1",
        "pagetables.slots=0",
        "pagetables.slots=65",
        "pagetables.slot=255",
        "pagetables.slot=496",
        "pagetables.slot=x",
        "init=",
        "init=sh",
        "argv=%zz",
        "env=a,%0",
        "argv=%00",
        "test=",
        "init",
        "exit",
        "quiet=1",
        "nonsense",
        "nonsense=1",
        "=",
        "loglevel",
        "\"open",
        "-- \"open",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (parse(bad[i]) != E_INVAL)
            fail_msg("%s is taken", bad[i]);
        assert_string_not_equal(complaint, "(none)");
        assert_true(strlen(complaint) > 10);
        assert_non_null(o.init); /* the options are complete */
    }
    assert_int_equal(parse("colour=red"), E_INVAL);
    assert_string_equal(complaint, "unknown kernel word: colour");
    assert_int_equal(parse("loglevel=9"), E_INVAL);
    assert_string_equal(complaint, "the kernel word loglevel= does not take this value: 9");
}

static void test_bad_words_of_clocks_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "tsc=1", "tsc=999999", "tsc=100000000001", "tsc=99999999999999999999", "tsc=-1",
        "tsc=",  "time=",      "time=1795957701",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parse(bad[i]) != E_INVAL)
            fail_msg("%s is taken", bad[i]);
    assert_int_equal(parse("tsc=0"), E_OK);
    assert_int_equal(parse("tsc=1000000"), E_OK);
    assert_int_equal(o.tsc_hz, 1000000);
}

/* Words after a wrong one are parsed, because they may name the console for the complaint. */
static void test_goes_on_after_a_complaint(void **state)
{
    (void)state;
    assert_int_equal(parse("first=1 second=2 console=framed exit=0x501"), E_INVAL);
    assert_string_equal(complaint, "unknown kernel word: first");
    assert_true(o.console.framed);
    assert_int_equal(o.exit_port, 0x501);
}

static void test_arguments(void **state)
{
    (void)state;
    assert_int_equal(parse("init=/bin/echo -- hello \"two words\" x=y"), E_OK);
    assert_string_equal(o.argv[0], "/bin/echo");
    assert_string_equal(o.argv[1], "hello");
    assert_string_equal(o.argv[2], "two words");
    assert_string_equal(o.argv[3], "x=y");
    assert_null(o.argv[4]);
    assert_int_equal(parse("init=/bin/echo argv=other,a%20b,,c%2cd env=A=1,B=%0a"), E_OK);
    assert_string_equal(o.init, "/bin/echo");
    assert_string_equal(o.argv[0], "other");
    assert_string_equal(o.argv[1], "a b");
    assert_string_equal(o.argv[2], "");
    assert_string_equal(o.argv[3], "c,d");
    assert_null(o.argv[4]);
    assert_string_equal(o.envp[0], "A=1");
    assert_string_equal(o.envp[1], "B=\n");
    assert_null(o.envp[2]);
    assert_int_equal(parse("argv= env="),
                     E_OK); /* no argument: argv[0] is added, as by execve(2) */
    assert_string_equal(o.argv[0], "/init");
    assert_null(o.argv[1]);
    assert_null(o.envp[0]);
    assert_int_equal(parse("init=/x --"), E_OK);
    assert_string_equal(o.argv[0], "/x");
    assert_null(o.argv[1]);
}

/* A word with a list of `count` items. */
static char *many(const char *word, size_t count)
{
    char *text = malloc(strlen(word) + 2 * count + 1);
    strcpy(text, word);
    for (size_t i = 0; i < count; i++)
        strcat(text, i == 0 ? "x" : ",x");
    return text;
}

static void test_argument_limits(void **state)
{
    (void)state;
    char *text = many("argv=", OPTIONS_ARGUMENTS_MAX);
    assert_int_equal(parse(text), E_OK);
    assert_non_null(o.argv[OPTIONS_ARGUMENTS_MAX - 1]);
    assert_null(o.argv[OPTIONS_ARGUMENTS_MAX]);
    free(text);
    text = many("argv=", OPTIONS_ARGUMENTS_MAX + 1);
    assert_int_equal(parse(text), E_INVAL);
    free(text);
    text = many("env=", OPTIONS_ENVIRONMENT_MAX);
    assert_int_equal(parse(text), E_OK);
    assert_null(o.envp[OPTIONS_ENVIRONMENT_MAX]);
    free(text);
    text = many("env=", OPTIONS_ENVIRONMENT_MAX + 1);
    assert_int_equal(parse(text), E_INVAL);
    free(text);
    text = many("-- ", OPTIONS_ARGUMENTS_MAX + 5);
    for (char *p = text; *p; p++)
        if (*p == ',')
            *p = ' ';
    assert_int_equal(parse(text), E_INVAL);
    free(text);
    char words[200] = "";
    for (int i = 0; i < 65; i++)
        strcat(words, "a ");
    assert_int_equal(parse(words), E_INVAL);
}

static void test_complaint_is_cut(void **state)
{
    (void)state;
    for (size_t size = 1; size < 30; size++) {
        char text[] = "a_word_that_nobody_knows=1";
        char small[40];
        memset(small, 'x', sizeof small);
        assert_int_equal(options_parse(text, &o, small, size), E_INVAL);
        assert_true(strlen(small) < size);
        assert_int_equal(small[size], 'x');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_ip),
        cmocka_unit_test(test_mounts),
        cmocka_unit_test(test_root),
        cmocka_unit_test(test_each_word_is_taken),
        cmocka_unit_test(test_owner_of_shares),
        cmocka_unit_test(test_bad_values_are_refused),
        cmocka_unit_test(test_bad_words_of_clocks_are_refused),
        cmocka_unit_test(test_goes_on_after_a_complaint),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_argument_limits),
        cmocka_unit_test_teardown(test_complaint_is_cut, end),
    };
    return RUN_TESTS(tests);
}
