/* SPDX-License-Identifier: MIT */
#include "parse/multiboot2.h"

#include "bytes.h"
#include "parse_check.h"

#include "unit.h"

#define WHERE phys(0x9000)

static struct boot_info info;
static struct parse_fault fault;

static size_t tag_start;

static void begin(struct bytes *b)
{
    b->size = 0;
    bytes_add_zeros(b, 8);
}

static size_t begin_tag(struct bytes *b, uint32_t type)
{
    bytes_align(b, 8);
    tag_start = b->size;
    bytes_add32(b, type);
    bytes_add32(b, 0);
    return tag_start;
}

static void end_tag(struct bytes *b)
{
    bytes_set32(b, tag_start + 4, (uint32_t)(b->size - tag_start));
}

static void add_string(struct bytes *b, uint32_t type, const char *text)
{
    begin_tag(b, type);
    bytes_add(b, text, strlen(text) + 1);
    end_tag(b);
}

static void add_module(struct bytes *b, uint32_t start, uint32_t end)
{
    begin_tag(b, 3);
    bytes_add32(b, start);
    bytes_add32(b, end);
    bytes_add(b, "root", 5);
    end_tag(b);
}

static void add_entry(struct bytes *b, uint64_t base, uint64_t length, uint32_t type)
{
    bytes_add64(b, base);
    bytes_add64(b, length);
    bytes_add32(b, type);
    bytes_add32(b, 0);
}

static void add_memory_map(struct bytes *b)
{
    begin_tag(b, 6);
    bytes_add32(b, 24);
    bytes_add32(b, 0);
    add_entry(b, 0, 0x9fc00, 1);
    add_entry(b, 0x9fc00, 0x400, 2);
    add_entry(b, 0x100000, 0x7ee0000, 1);
    add_entry(b, 0x7fe0000, 0x20000, 3);
    end_tag(b);
}

static void add_framebuffer(struct bytes *b, uint8_t kind, uint32_t pitch, uint32_t width)
{
    uint8_t head[] = {32, kind, 0, 0}, colours[] = {16, 8, 8, 8, 0, 8};
    begin_tag(b, 8);
    bytes_add64(b, 0xfd000000);
    bytes_add32(b, pitch);
    bytes_add32(b, width);
    bytes_add32(b, 600);
    bytes_add(b, head, sizeof head);
    bytes_add(b, colours, sizeof colours);
    end_tag(b);
}

static void add_rsdp(struct bytes *b, uint32_t type, size_t size)
{
    uint8_t rsdp[36] = "RSD PTR ";
    rsdp[15] = (uint8_t)type;
    begin_tag(b, type);
    bytes_add(b, rsdp, size);
    end_tag(b);
}

static void finish(struct bytes *b)
{
    begin_tag(b, 0);
    end_tag(b);
    bytes_set32(b, 0, (uint32_t)b->size);
}

static void build_good(struct bytes *b)
{
    begin(b);
    add_string(b, 1, "console=ttyS0 init=/hello");
    add_string(b, 2, "GRUB 2.06-13");
    add_module(b, 0x200000, 0x300001);
    add_memory_map(b);
    add_framebuffer(b, 1, 3200, 800);
    add_rsdp(b, 14, 20);
    add_rsdp(b, 15, 36);
    finish(b);
}

static enum err parse(const struct bytes *b)
{
    uint8_t *copy = exact_copy(b->data, b->size);
    enum err e = multiboot2_parse(copy, b->size, WHERE, &info, &fault);
    free(copy);
    if (e == E_OK)
        check_boot_info(&info);
    return e;
}

static void expect_refused(const struct bytes *b, const char *what)
{
    assert_int_equal(parse(b), E_INVAL);
    assert_string_equal(fault.what, what);
    assert_true(fault.offset <= b->size);
}

static void parse_any(const uint8_t *block, size_t size)
{
    fault.what = NULL;
    if (multiboot2_parse(block, size, WHERE, &info, &fault) == E_OK)
        check_boot_info(&info);
    else
        assert_non_null(fault.what);
}

static struct bytes b;

static void test_good_block_is_read(void **state)
{
    (void)state;
    build_good(&b);
    assert_int_equal(parse(&b), E_OK);
    assert_int_equal(info.loader, BOOT_LOADER_MULTIBOOT2);
    assert_string_equal(info.command_line, "console=ttyS0 init=/hello");
    assert_string_equal(info.loader_name, "GRUB 2.06-13");
    assert_false(info.uefi);
    assert_int_equal(info.module_count, 1);
    assert_int_equal(info.modules[0].start.v, 0x200000);
    assert_int_equal(info.modules[0].end.v, 0x300001);
    assert_int_equal(info.memory_count, 4);
    assert_int_equal(info.memory[2].range.end.v, 0x7fe0000);
    assert_int_equal(info.memory[3].kind, BOOT_MEMORY_ACPI);
    assert_int_equal(info.framebuffer.base.v, 0xfd000000);
    assert_int_equal(info.framebuffer.pitch, 3200);
    assert_int_equal(info.framebuffer.width, 800);
    assert_int_equal(info.framebuffer.height, 600);
    assert_int_equal(info.framebuffer.bits_per_pixel, 32);
    assert_false(info.framebuffer.text);
    assert_int_equal(info.framebuffer.red.position, 16);
    assert_int_equal(info.framebuffer.blue.size, 8);
    assert_int_equal(info.rsdp_length, 36);
    assert_int_equal(info.rsdp_copy[15], 15);
    assert_int_equal(info.rsdp.v, 0);
    assert_int_equal(info.info.start.v, 0x9000);
    assert_int_equal(info.info.end.v, 0x9000 + b.size);
}

static void test_unaligned_block(void **state)
{
    (void)state;
    build_good(&b);
    uint8_t *copy = malloc(b.size + 1);
    memcpy(copy + 1, b.data, b.size);
    assert_int_equal(multiboot2_parse(copy + 1, b.size, WHERE, &info, &fault), E_OK);
    free(copy);
}

static void test_window_larger_than_block(void **state)
{
    (void)state;
    build_good(&b);
    bytes_add_zeros(&b, 1000);
    assert_int_equal(parse(&b), E_OK);
    assert_int_equal(info.info.end.v, 0x9000 + b.size - 1000);
}

/* Blocks that GRUB passed on emulated BIOS and UEFI firmware. */
static void test_blocks_of_real_grub(void **state)
{
    (void)state;
    bytes_load(&b, "multiboot2/grub-bios");
    assert_int_equal(parse(&b), E_OK);
    assert_false(info.uefi);
    assert_string_equal(info.command_line, "console=ttyS0 init=/bin/true");
    assert_memory_equal(info.loader_name, "GRUB 2.06", 9);
    assert_int_equal(info.module_count, 1);
    assert_int_equal(info.rsdp_length, 20);
    assert_true(info.memory_count > 3);

    bytes_load(&b, "multiboot2/grub-uefi");
    assert_int_equal(parse(&b), E_OK);
    assert_true(info.uefi);
    assert_int_equal(info.rsdp_length, 36);
    assert_true(info.framebuffer.base.v != 0);
    assert_true(info.memory_count > 5);
}

static void test_uefi_tags(void **state)
{
    static const uint32_t types[] = {11, 12, 17, 18, 19, 20};
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        begin(&b);
        add_memory_map(&b);
        begin_tag(&b, types[i]);
        bytes_add64(&b, 0x1000);
        end_tag(&b);
        finish(&b);
        assert_int_equal(parse(&b), E_OK);
        assert_true(info.uefi);
    }
}

static void test_long_entries(void **state)
{
    (void)state;
    begin(&b);
    begin_tag(&b, 6);
    bytes_add32(&b, 40);
    bytes_add32(&b, 1);
    add_entry(&b, 0, 0x1000, 1);
    bytes_add_zeros(&b, 16);
    add_entry(&b, 0x2000, 0x1000, 2);
    bytes_add_zeros(&b, 16);
    end_tag(&b);
    finish(&b);
    assert_int_equal(parse(&b), E_OK);
    assert_int_equal(info.memory_count, 2);
    assert_int_equal(info.memory[1].range.start.v, 0x2000);
}

static void test_unusable_framebuffers_are_ignored(void **state)
{
    (void)state;
    begin(&b);
    add_memory_map(&b);
    add_framebuffer(&b, 2, 3200, 80);
    finish(&b);
    assert_int_equal(parse(&b), E_OK);
    assert_true(info.framebuffer.text);

    begin(&b);
    add_memory_map(&b);
    add_framebuffer(&b, 0, 3200, 80); /* palette */
    add_framebuffer(&b, 1, 100, 800); /* a line that is shorter than its pixels */
    add_framebuffer(&b, 1, 0, 0);
    finish(&b);
    assert_int_equal(parse(&b), E_OK);
    assert_int_equal(info.framebuffer.base.v, 0);
}

static void test_module_limit(void **state)
{
    (void)state;
    begin(&b);
    add_memory_map(&b);
    add_module(&b, 0x1000, 0x1000);
    for (uint32_t i = 0; i < BOOT_MODULES_MAX; i++)
        add_module(&b, 0x100000 * (i + 1), 0x100000 * (i + 1) + 1);
    finish(&b);
    assert_int_equal(parse(&b), E_OK);
    assert_int_equal(info.module_count, BOOT_MODULES_MAX);

    b.size = tag_start;
    add_module(&b, 1, 2);
    finish(&b);
    assert_int_equal(parse(&b), E_2BIG);
    assert_string_equal(fault.what, "there are more than 8 modules");
}

static void test_too_many_memory_entries(void **state)
{
    (void)state;
    for (uint64_t gap = 0; gap < 2; gap++) {
        begin(&b);
        begin_tag(&b, 6);
        bytes_add32(&b, 24);
        bytes_add32(&b, 0);
        for (uint64_t i = 0; i < 600; i++)
            add_entry(&b, i * 0x1000, 0x1000 - gap, 1);
        end_tag(&b);
        finish(&b);
        assert_int_equal(parse(&b), gap ? E_2BIG : E_OK);
    }
}

static void test_command_line_lengths(void **state)
{
    (void)state;
    static char text[BOOT_COMMAND_LINE_MAX + 1];
    memset(text, 'x', BOOT_COMMAND_LINE_MAX);
    for (int too_long = 0; too_long < 2; too_long++) {
        text[BOOT_COMMAND_LINE_MAX - 1 + too_long] = '\0';
        begin(&b);
        add_string(&b, 1, text);
        add_memory_map(&b);
        finish(&b);
        if (too_long)
            expect_refused(&b, "the command line is longer than 16383 bytes");
        else
            assert_int_equal(parse(&b), E_OK);
        text[BOOT_COMMAND_LINE_MAX - 1] = 'x';
    }
}

static void test_long_loader_name_is_cut(void **state)
{
    (void)state;
    char text[200];
    memset(text, 'n', sizeof text);
    text[199] = '\0';
    begin(&b);
    add_string(&b, 2, text);
    add_memory_map(&b);
    finish(&b);
    assert_int_equal(parse(&b), E_OK);
    assert_int_equal(strlen(info.loader_name), sizeof info.loader_name - 1);
}

/* Tags of the minimal size. */
static void test_shortest_tags(void **state)
{
    (void)state;
    begin(&b);
    begin_tag(&b, 3);
    bytes_add32(&b, 0x1000);
    bytes_add32(&b, 0x2000);
    end_tag(&b);
    begin_tag(&b, 6);
    bytes_add32(&b, 24);
    bytes_add32(&b, 0);
    end_tag(&b);
    add_framebuffer(&b, 2, 160, 80);
    b.size = tag_start + 32;
    end_tag(&b);
    finish(&b);
    assert_int_equal(parse(&b), E_OK);
    assert_int_equal(info.module_count, 1);
    assert_int_equal(info.memory_count, 0);
    begin(&b);
    bytes_set32(&b, 0, 8);
    expect_refused(&b, "the tags do not end with an end tag");
}

static void test_refused_blocks(void **state)
{
    (void)state;
    b.size = 0;
    expect_refused(&b, "the Multiboot2 block is cut short");
    build_good(&b);
    bytes_set32(&b, 0, 7);
    expect_refused(&b, "the Multiboot2 block has an impossible size");
    bytes_set32(&b, 0, (uint32_t)b.size + 1);
    expect_refused(&b, "the Multiboot2 block has an impossible size");
    build_good(&b);
    assert_int_equal(multiboot2_parse(b.data, b.size, phys(UINT64_MAX - 8), &info, &fault),
                     E_INVAL);
    assert_string_equal(fault.what, "the Multiboot2 block wraps around the address space");
    bytes_set32(&b, 0, (uint32_t)b.size - 8);
    expect_refused(&b, "the tags do not end with an end tag");
    begin(&b);
    finish(&b);
    expect_refused(&b, "there is no memory map");
}

static void test_refused_tags(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        const char *what;
    } short_tags[] = {
        {1, "the command line does not end"},      {2, "the boot loader's name does not end"},
        {3, "a module's tag is too short"},        {6, "the memory map's tag is too short"},
        {8, "the framebuffer's tag is too short"}, {14, "the RSDP's tag is too short"},
        {15, "the RSDP's tag is too short"},
    };
    for (size_t i = 0; i < sizeof short_tags / sizeof short_tags[0]; i++) {
        begin(&b);
        begin_tag(&b, short_tags[i].type);
        bytes_add(&b, "abc", 3);
        end_tag(&b);
        finish(&b);
        expect_refused(&b, short_tags[i].what);
    }

    begin(&b);
    begin_tag(&b, 42);
    bytes_set32(&b, tag_start + 4, 7);
    finish(&b);
    expect_refused(&b, "a tag is longer than the block or shorter than its header");
    bytes_set32(&b, 12, 0xfffffff9);
    expect_refused(&b, "a tag is longer than the block or shorter than its header");

    begin(&b);
    add_framebuffer(&b, 1, 3200, 800);
    b.size -= 1;
    end_tag(&b);
    finish(&b);
    expect_refused(&b, "the framebuffer's tag is too short");

    begin(&b);
    add_module(&b, 2, 1);
    finish(&b);
    expect_refused(&b, "a module ends before it starts");

    begin(&b);
    add_memory_map(&b);
    add_memory_map(&b);
    finish(&b);
    expect_refused(&b, "there is a second memory map");

    begin(&b);
    add_string(&b, 1, "a");
    add_string(&b, 1, "b");
    finish(&b);
    expect_refused(&b, "there is a second command line");
}

static void test_refused_memory_maps(void **state)
{
    static const uint32_t sizes[] = {0, 8, 16, 23, 25, 0xfffffff8};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        begin(&b);
        add_memory_map(&b);
        bytes_set32(&b, tag_start + 8, sizes[i]);
        finish(&b);
        assert_int_equal(parse(&b), E_INVAL);
    }
    begin(&b);
    add_memory_map(&b);
    bytes_add_zeros(&b, 8);
    end_tag(&b);
    finish(&b);
    expect_refused(&b, "the memory map ends within an entry");
}

static void test_every_truncation(void **state)
{
    (void)state;
    build_good(&b);
    each_truncation(&b, parse_any);
    /* Truncated blocks whose size field is reduced, too. */
    for (uint32_t n = 0; n < b.size; n++) {
        uint8_t *copy = exact_copy(b.data, n);
        if (n >= 4)
            memcpy(copy, &n, 4);
        assert_int_not_equal(multiboot2_parse(copy, n, WHERE, &info, &fault), E_OK);
        free(copy);
    }
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
        cmocka_unit_test(test_good_block_is_read),
        cmocka_unit_test(test_unaligned_block),
        cmocka_unit_test(test_window_larger_than_block),
        cmocka_unit_test(test_blocks_of_real_grub),
        cmocka_unit_test(test_uefi_tags),
        cmocka_unit_test(test_long_entries),
        cmocka_unit_test(test_unusable_framebuffers_are_ignored),
        cmocka_unit_test(test_module_limit),
        cmocka_unit_test(test_too_many_memory_entries),
        cmocka_unit_test(test_command_line_lengths),
        cmocka_unit_test(test_long_loader_name_is_cut),
        cmocka_unit_test(test_shortest_tags),
        cmocka_unit_test(test_refused_blocks),
        cmocka_unit_test(test_refused_tags),
        cmocka_unit_test(test_refused_memory_maps),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_every_flip),
    };
    return RUN_TESTS(tests);
}
