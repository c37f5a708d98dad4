/* SPDX-License-Identifier: MIT */
#include "parse/pvh.h"

#include "bytes.h"
#include "parse_check.h"

#include "unit.h"

/* The machine's memory: one block at a physical address; other addresses cannot be read. */
#define MEMORY_BASE UINT64_C(0x6000)

struct memory {
    const uint8_t *bytes;
    uint64_t size;
};

static struct boot_info info;
static struct parse_fault fault;

static bool read_memory(void *context, phys_t from, void *to, uint64_t length)
{
    const struct memory *m = context;
    if (from.v < MEMORY_BASE || !checked_span(from.v - MEMORY_BASE, length, m->size))
        return false;
    memcpy(to, m->bytes + (from.v - MEMORY_BASE), length);
    return true;
}

enum {
    AT_START = 0,
    AT_MODULES = 64,
    AT_MAP = 96,
    AT_COMMAND_LINE = 216
};

static void add_entry(struct bytes *b, uint64_t base, uint64_t size, uint32_t type)
{
    bytes_add64(b, base);
    bytes_add64(b, size);
    bytes_add32(b, type);
    bytes_add32(b, 0);
}

static void build_good(struct bytes *b)
{
    b->size = 0;
    bytes_add32(b, PVH_START_MAGIC);
    bytes_add32(b, 1); /* version */
    bytes_add32(b, 0);
    bytes_add32(b, 1); /* modules */
    bytes_add64(b, MEMORY_BASE + AT_MODULES);
    bytes_add64(b, MEMORY_BASE + AT_COMMAND_LINE);
    bytes_add64(b, 0xf59c0); /* RSDP */
    bytes_add64(b, MEMORY_BASE + AT_MAP);
    bytes_add32(b, 5);
    bytes_add32(b, 0);
    bytes_align(b, 64);
    bytes_add64(b, 0x7000000);
    bytes_add64(b, 0x123456);
    bytes_add64(b, 0);
    bytes_add64(b, 0);
    add_entry(b, 0, 0x9fc00, 1);
    add_entry(b, 0x9fc00, 0x400, 2);
    add_entry(b, 0xf0000, 0x10000, 2);
    add_entry(b, 0x100000, 0x7f00000, 1);
    add_entry(b, 0, 0, 0); /* the last entry of microvm's map */
    bytes_add(b, "loglevel=6 init=/hello", 23);
}

static enum err parse_bytes(const uint8_t *bytes, size_t size)
{
    struct memory m = {bytes, size};
    fault.what = NULL;
    enum err e = pvh_parse(phys(MEMORY_BASE), read_memory, &m, &info, &fault);
    if (e == E_OK)
        check_boot_info(&info);
    else
        assert_non_null(fault.what);
    return e;
}

static enum err parse(const struct bytes *b)
{
    uint8_t *copy = exact_copy(b->data, b->size);
    enum err e = parse_bytes(copy, b->size);
    free(copy);
    return e;
}

static void expect_refused(const struct bytes *b, const char *what)
{
    assert_int_equal(parse(b), E_INVAL);
    assert_string_equal(fault.what, what);
}

static void parse_any(const uint8_t *bytes, size_t size)
{
    (void)!parse_bytes(bytes, size);
}

static struct bytes b;

static void test_good_start_info_is_read(void **state)
{
    (void)state;
    build_good(&b);
    assert_int_equal(parse(&b), E_OK);
    assert_int_equal(info.loader, BOOT_LOADER_PVH);
    assert_string_equal(info.loader_name, "PVH");
    assert_string_equal(info.command_line, "loglevel=6 init=/hello");
    assert_int_equal(info.memory_count, 4);
    assert_int_equal(info.memory[3].range.end.v, 0x8000000);
    assert_int_equal(info.module_count, 1);
    assert_int_equal(info.modules[0].start.v, 0x7000000);
    assert_int_equal(info.modules[0].end.v, 0x7123456);
    assert_int_equal(info.rsdp.v, 0xf59c0);
    assert_int_equal(info.info.start.v, MEMORY_BASE);
    assert_int_equal(info.info.end.v, MEMORY_BASE + 56);
    assert_false(info.uefi);
}

/* The start info of QEMU's microvm, with its parts moved together. */
static void test_start_info_of_real_qemu(void **state)
{
    (void)state;
    bytes_load(&b, "pvh/qemu-microvm");
    assert_int_equal(parse(&b), E_OK);
    assert_int_equal(info.module_count, 1);
    assert_string_equal(info.command_line, "console=ttyS0 init=/bin/true");
    assert_true(info.rsdp.v != 0);
    assert_int_equal(info.memory[0].kind, BOOT_MEMORY_RAM);
}

static void test_without_command_line_and_modules(void **state)
{
    (void)state;
    build_good(&b);
    bytes_set64(&b, 24, 0);
    bytes_set32(&b, 12, 0);
    bytes_set64(&b, 16, 0);
    assert_int_equal(parse(&b), E_OK);
    assert_string_equal(info.command_line, "");
    assert_int_equal(info.module_count, 0);
}

static void test_empty_module_is_none(void **state)
{
    (void)state;
    build_good(&b);
    bytes_set64(&b, AT_MODULES + 8, 0);
    assert_int_equal(parse(&b), E_OK);
    assert_int_equal(info.module_count, 0);
}

static void test_all_modules(void **state)
{
    (void)state;
    build_good(&b);
    bytes_set64(&b, 16, MEMORY_BASE + b.size);
    bytes_set32(&b, 12, BOOT_MODULES_MAX);
    for (uint64_t i = 0; i < BOOT_MODULES_MAX; i++) {
        bytes_add64(&b, i << 20);
        bytes_add64(&b, 1);
        bytes_add_zeros(&b, 16);
    }
    assert_int_equal(parse(&b), E_OK);
    assert_int_equal(info.module_count, BOOT_MODULES_MAX);
    assert_int_equal(info.modules[7].start.v, 7 << 20);
}

static void test_command_line_lengths(void **state)
{
    (void)state;
    build_good(&b);
    b.size = AT_COMMAND_LINE;
    while (b.size < AT_COMMAND_LINE + BOOT_COMMAND_LINE_MAX - 1)
        bytes_add(&b, "x", 1);
    expect_refused(&b, "the command line is not in memory");
    bytes_add(&b, "", 1);
    assert_int_equal(parse(&b), E_OK);
    assert_int_equal(strlen(info.command_line), BOOT_COMMAND_LINE_MAX - 1);
    b.data[b.size - 1] = 'x';
    bytes_add(&b, "", 1);
    expect_refused(&b, "the command line is longer than 16383 bytes");
}

static void test_broken_start_info_is_refused(void **state)
{
    (void)state;
    b.size = 0;
    expect_refused(&b, "the PVH start info is not in memory");
    build_good(&b);
    b.data[0] ^= 1;
    expect_refused(&b, "the PVH start info has a wrong magic number");
    build_good(&b);
    bytes_set32(&b, 4, 0);
    expect_refused(&b, "there is no memory map (PVH start info of version 0)");
    b.size = 40; /* all that version 0 has */
    expect_refused(&b, "there is no memory map (PVH start info of version 0)");
    build_good(&b);
    b.size = 55;
    expect_refused(&b, "the PVH start info is not in memory");

    build_good(&b);
    bytes_set64(&b, 40, 0);
    expect_refused(&b, "there is no memory map");
    build_good(&b);
    bytes_set32(&b, 48, 0);
    expect_refused(&b, "there is no memory map");
    bytes_set32(&b, 48, UINT32_MAX);
    expect_refused(&b, "the memory map has an impossible number of entries");
    bytes_set32(&b, 48, 4096);
    expect_refused(&b, "the memory map is not in memory");
    bytes_set32(&b, 48, 5);
    bytes_set64(&b, 40, UINT64_MAX - 10);
    expect_refused(&b, "the memory map is not in memory");

    build_good(&b);
    bytes_set64(&b, 16, 1);
    expect_refused(&b, "the list of modules is not in memory");
    build_good(&b);
    bytes_set64(&b, AT_MODULES + 8, UINT64_MAX);
    expect_refused(&b, "a module wraps around the address space");
    build_good(&b);
    bytes_set32(&b, 12, BOOT_MODULES_MAX + 1);
    assert_int_equal(parse(&b), E_2BIG);
}

static void test_every_truncation(void **state)
{
    (void)state;
    build_good(&b);
    each_truncation(&b, parse_any);
}

static void test_every_flip(void **state)
{
    (void)state;
    build_good(&b);
    each_flip(&b, b.size, parse_any);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_start_info_is_read),
        cmocka_unit_test(test_start_info_of_real_qemu),
        cmocka_unit_test(test_without_command_line_and_modules),
        cmocka_unit_test(test_empty_module_is_none),
        cmocka_unit_test(test_all_modules),
        cmocka_unit_test(test_command_line_lengths),
        cmocka_unit_test(test_broken_start_info_is_refused),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_every_flip),
    };
    return RUN_TESTS(tests);
}
