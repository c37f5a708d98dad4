/* SPDX-License-Identifier: MIT */
#include "linux/call/syscall.h"

#include "unit.h"

#include <string.h>

struct syscall_row syscall_row(uint32_t number)
{
    switch (number) {
    case 1:
        return (struct syscall_row){"write", ARGS(FD, PTR, SIZE), RET_INT};
    case 9:
        return (struct syscall_row){"mmap", ARGS(PTR, SIZE, PROT, MAP, FD, HEX), RET_HEX};
    case 13:
        return (struct syscall_row){"kill", ARGS(INT, SIGNAL), RET_INT};
    case 257:
        return (struct syscall_row){"openat", ARGS(FD, STR, OFLAGS, OPEN_MODE), RET_FD};
    case 82:
        return (struct syscall_row){"rename", ARGS(STR, STR), RET_INT};
    case 16:
        return (struct syscall_row){"ioctl", ARGS(FD, HEX, HEX), RET_INT};
    case 39:
        return (struct syscall_row){"getpid", ARGS(), RET_INT};
    case 83:
        return (struct syscall_row){"mkdir", ARGS(STR, MODE), RET_INT};
    default:
        return (struct syscall_row){NULL, ARGS(HEX, HEX, HEX, HEX, HEX, HEX), RET_INT};
    }
}

static void expect(struct syscall_record record, const char *text)
{
    static const struct syscall_text texts[SYSCALL_TEXTS] = {
        {0x2000, 7, "/etc/passwd"},
        {0x3000, 7, "0123456789012345678901234567890123456789012345678901"},
        {0x2000, 6, "another call's"},
    };
    char out[160];
    syscall_format(&record, texts, 7, out, sizeof out);
    assert_string_equal(out, text);
}

const char *signal_name(int signal)
{
    return signal == 9 ? "SIGKILL" : NULL;
}

static void test_each_kind_of_argument(void **state)
{
    (void)state;
    expect((struct syscall_record){39, true, {7}, 1}, "getpid() = 1");
    expect((struct syscall_record){1, true, {UINT64_MAX, 0x1000, 10}, -9},
           "write(-1, 0x1000, 10) = -1 EBADF");
    expect((struct syscall_record){83, true, {0, 0755}, -14}, "mkdir(NULL, 0755) = -1 EFAULT");
    expect((struct syscall_record){16, false, {1, 0x5401, 0}, 0}, "ioctl(1, 0x5401, 0) = ?");
    expect((struct syscall_record){39, true, {0}, 0x7f0000000000}, "getpid() = 0x7f0000000000");
}

/* Names of flags and signals, paths that were saved at the call, arguments that are not there. */
static void test_as_strace_prints(void **state)
{
    (void)state;
    expect((struct syscall_record){257, true, {(uint32_t)-100, 0x2000, 0x80000, 0x1234}, 3},
           "openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY|O_CLOEXEC) = 3");
    expect((struct syscall_record){257, true, {5, 0x4000, 0101, 0600}, -2},
           "openat(5, 0x4000, O_WRONLY|O_CREAT, 0600) = -1 ENOENT");
    expect(
        (struct syscall_record){82, true, {0x2000, 0x3000}, 0},
        "rename(\"/etc/passwd\", \"0123456789012345678901234567890123456789012345678901\"...) = 0");
    expect((struct syscall_record){9, true, {0, 4096, 3, 0x22, UINT64_MAX, 0}, 0x7000},
           "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7000");
    expect((struct syscall_record){13, true, {7, 9}, 0}, "kill(7, SIGKILL) = 0");
}

static void test_unknown_number(void **state)
{
    (void)state;
    expect((struct syscall_record){4000000000, true, {1, 2, 3, 4, 5, 6}, -38},
           "syscall_4000000000(0x1, 0x2, 0x3, 0x4, 0x5, 0x6) = -1 ENOSYS");
}

static void test_small_buffers(void **state)
{
    (void)state;
    struct syscall_record record = {1, true, {1, 0x1000, 10}, 10};
    const char *whole = "write(1, 0x1000, 10) = 10";
    for (size_t size = 1; size < 40; size++) {
        char out[40];
        memset(out, 'x', sizeof out);
        syscall_format(&record, NULL, 0, out, size);
        size_t kept = strlen(whole) < size - 1 ? strlen(whole) : size - 1;
        assert_int_equal(strlen(out), kept);
        assert_memory_equal(out, whole, kept);
        assert_int_equal(out[size], 'x');
    }
}

static void expect_flags(enum argument_kind kind, uint64_t value, const char *text)
{
    char out[160] = "";
    struct text_out t = {out, sizeof out};
    assert_true(argument_put_flags(&t, kind, value));
    assert_string_equal(out, text);
}

static void test_flags_by_name(void **state)
{
    (void)state;
    expect_flags(ARG_OFLAGS, 0, "O_RDONLY");
    expect_flags(ARG_OFLAGS, 02102, "O_RDWR|O_CREAT|O_APPEND");
    expect_flags(ARG_OFLAGS, 0x410002, "O_RDWR|O_TMPFILE");
    expect_flags(ARG_OFLAGS, 3, "0x3");
    expect_flags(ARG_OFLAGS, 0x40000001, "O_WRONLY|0x40000000");
    expect_flags(ARG_PROT, 0, "PROT_NONE");
    expect_flags(ARG_PROT, 5, "PROT_READ|PROT_EXEC");
    expect_flags(ARG_MAP, 0x22, "MAP_PRIVATE|MAP_ANONYMOUS");
    expect_flags(ARG_MAP, 0x20, "MAP_ANONYMOUS");
    expect_flags(ARG_AT, 0, "0");
    expect_flags(ARG_WHENCE, 2, "SEEK_END");
    expect_flags(ARG_WHENCE, 99, "99");
    expect_flags(ARG_WHENCE, UINT64_MAX, "-1");
    expect_flags(ARG_FUTEX, 0x181, "FUTEX_WAKE_PRIVATE|FUTEX_CLOCK_REALTIME");
    struct text_out none = {NULL, 0};
    assert_false(argument_put_flags(&none, ARG_INT, 1));
    assert_false(argument_put_flags(&none, ARG_FUTEX_BITS, 1));
}

static void expect_quoted(const char *bytes, size_t size, bool more, const char *text)
{
    char out[80];
    struct text_out t = {out, sizeof out};
    text_put_quoted(&t, bytes, size, more);
    assert_string_equal(out, text);
}

static void test_quoted_bytes_are_escaped(void **state)
{
    (void)state;
    expect_quoted("", 0, false, "\"\"");
    expect_quoted("a\"b\\c\n\t", 7, true, "\"a\\\"b\\\\c\\n\\t\"...");
    expect_quoted("\0\0011\377x", 5, false, "\"\\0\\0011\\377x\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_of_argument),
        cmocka_unit_test(test_as_strace_prints),
        cmocka_unit_test(test_unknown_number),
        cmocka_unit_test(test_small_buffers),
        cmocka_unit_test(test_flags_by_name),
        cmocka_unit_test(test_quoted_bytes_are_escaped),
    };
    return RUN_TESTS(tests);
}
