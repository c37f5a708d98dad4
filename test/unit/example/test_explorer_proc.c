/* SPDX-License-Identifier: MIT */
#include "explorer/proc.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

static const char maps[] =
    "00400000-00401000 r--p 00000000 00:02 12                                 /explorer\n"
    "00414000-004a3000 rw-p 00000000 00:00 0 \n"
    "nonsense\n"
    "7ffd69e00000-7ffd69e22000 rw-p 00000000 00:00 0                          [stack]\n"
    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

static const char tables[] =
    "start            end                  size leaf cpu flags       accessed        dirty  what\n"
    "---- the program\n"
    "0000000000400000-0000000000401000       4K   4K r-- c--              1/1          0/1  /a/1/2\n"
    "---- windows on the page tables\n"
    "ffff880000000000-ffff888000000000     512G      r-- the level-4 table itself, slot 272: the "
    "program's window\n"
    "ffffca8000000000-ffffcb0000000000     512G      rw- the level-4 table itself, slot 405: the "
    "kernel's window\n"
    "---- the kernel\n"
    "fffff80000000000-fffff8000001e000     120K   4K rw- ---            30/30        30/30  kernel "
    "heap\n"
    "fffff80000020000-fffff80000027000      28K   4K rw- ---              3/7          3/7  kernel "
    "heap\n"
    "fffff90000000000-fffff90000005000      20K   4K rw- --- UC           5/5          4/5  "
    "devices, root archive\n"
    "ffffffff801d9000-ffffffff801de000      20K   4K r-- ---              0/5          0/5  ?\n";

static char *written(void (*write)(struct json *, const char *), const char *text, size_t size)
{
    struct json json = {0};
    char *copy = malloc(size + 1);
    memcpy(copy, text, size);
    copy[size] = '\0';
    json_open(&json, '[');
    write(&json, copy);
    json_close(&json, ']');
    json_string(&json, "", 0);
    assert_true(json_end(&json));
    json.bytes[json.size - 3] = '\0';
    free(copy);
    return json.bytes;
}

static void check(void (*write)(struct json *, const char *), const char *text,
                  const char *expected)
{
    char *got = written(write, text, strlen(text));
    assert_string_equal(got, expected);
    free(got);
    for (size_t size = 0; size < strlen(text); size++) /* a text that was cut */
        free(written(write, text, size));
}

#define AREA(start, end, rights, name, kind)                                                       \
    "{\"start\":\"" start "\",\"end\":\"" end "\",\"rights\":\"" rights "\",\"name\":\"" name      \
    "\",\"kind\":\"" kind "\"}"

static void test_maps(void **state)
{
    (void)state;
    check(proc_maps_write, maps,
          "[" AREA("0x400000", "0x401000", "r--p", "/explorer", "program") "," AREA(
              "0x414000", "0x4a3000", "rw-p", "",
              "program") "," AREA("0x7ffd69e00000", "0x7ffd69e22000", "rw-p", "[stack]",
                                  "program") "," AREA("0xffffffffff600000", "0xffffffffff601000",
                                                      "--xp", "[vsyscall]", "program") "]");
    check(proc_maps_write, "2000-1000 r--p 0 0 0 x\n11112222333344445-0 r--p\n-\n1000-2000", "[]");
}

static void test_pagetables(void **state)
{
    (void)state;
    check(
        proc_pagetables_write, tables,
        "[" AREA(
            "0xffff880000000000", "0xffff888000000000", "r--",
            "the level-4 table itself, slot 272: the program's window",
            "window") "," AREA("0xffffca8000000000", "0xffffcb0000000000", "rw-",
                               "the level-4 table itself, slot 405: the kernel's window",
                               "window") "," AREA("0xfffff80000000000", "0xfffff80000027000", "rw-",
                                                  "kernel heap",
                                                  "kernel") "," AREA("0xfffff90000000000",
                                                                     "0xfffff90000005000", "rw-",
                                                                     "devices, root archive",
                                                                     "kernel") "," AREA("0xffffffff801d9000",
                                                                                        "0xffffffff801de000",
                                                                                        "r--", "?",
                                                                                        "kernel") "]");
    assert_int_equal(proc_kernel_window(tables), 0xffffca8000000000);
    assert_int_equal(proc_kernel_window(maps), 0);
    assert_int_equal(proc_kernel_window(""), 0);
}

static void test_values(void **state)
{
    static const char text[] = "MemTotal:       259836 kB\npgfault 128\npgfaults 1\nempty:\n"
                               "pagetables: recursive\n";
    uint64_t value = 5;
    const char *at;
    size_t length;
    (void)state;
    assert_true(proc_value(text, "MemTotal", &value));
    assert_int_equal(value, 259836);
    assert_true(proc_value(text, "pgfaults", &value));
    assert_int_equal(value, 1);
    assert_false(proc_value(text, "pgfaul", &value));
    assert_false(proc_value(text, "empty", &value));
    assert_false(proc_value(text, "pagetables", &value));
    assert_true(proc_word(text, "pagetables", &at, &length));
    assert_int_equal(length, 9);
    assert_memory_equal(at, "recursive", 9);
    assert_false(proc_word("", "pagetables", &at, &length));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_pagetables),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
