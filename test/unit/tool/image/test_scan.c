/* SPDX-License-Identifier: MIT */
/* `syscall` sites of compilers and of assembly by hand, and at the ends of the code. */
#include "image/scan.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

static struct scan scan_bytes(const char *bytes, size_t size)
{
    struct scan scan = {0};
    uint8_t *exact = malloc(size ? size : 1); /* ASan reports a read beside it */
    memcpy(exact, bytes, size);
    scan_code(exact, size, &scan);
    free(exact);
    return scan;
}

#define SCAN(text) scan_bytes(text, sizeof(text) - 1)

static void test_number_before_a_syscall_is_found(void **state)
{
    (void)state;
    struct scan scan = SCAN("\xb8\x27\x00\x00\x00\x0f\x05"); /* mov $39, %eax */
    assert_true(scan.direct[39]);
    assert_int_equal(scan.sites, 1);
    assert_int_equal(scan.unknown, 0);
    scan = SCAN("\x31\xc0\x0f\x05"); /* xor %eax, %eax */
    assert_true(scan.direct[0]);
    scan = SCAN("\x48\xc7\xc0\x3c\x00\x00\x00\x31\xff\x0f\x05"); /* mov $60, %rax; xor %edi, %edi */
    assert_true(scan.direct[60]);
    /* The nearest load counts. */
    scan = SCAN("\xb8\x01\x00\x00\x00\xb8\xe9\x00\x00\x00\x48\x89\xfe\x0f\x05");
    assert_true(scan.direct[233]);
    assert_false(scan.direct[1]);
}

static void test_no_number_is_guessed(void **state)
{
    (void)state;
    struct scan scan = SCAN("\x89\xf8\x0f\x05"); /* mov %edi, %eax */
    assert_int_equal(scan.unknown, 1);
    scan = SCAN("\xb8\x00\x10\x00\x00\x0f\x05"); /* no such number */
    assert_int_equal(scan.unknown, 1);
    scan = SCAN("\x0f\x05\xb8\x01");
    assert_int_equal(scan.unknown, 1);
    scan = SCAN("\x0f");
    assert_int_equal(scan.sites, 0);
    scan = SCAN("");
    assert_int_equal(scan.sites, 0);
}

static void test_rows_are_sorted(void **state)
{
    (void)state;
    assert_true(scan_row_count > 300);
    assert_string_equal(scan_rows[0].name, "read");
    assert_true(scan_rows[0].present);
    for (size_t i = 1; i < scan_row_count; i++)
        assert_true(scan_rows[i].number > scan_rows[i - 1].number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_before_a_syscall_is_found),
        cmocka_unit_test(test_no_number_is_guessed),
        cmocka_unit_test(test_rows_are_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
