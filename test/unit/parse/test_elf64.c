/* SPDX-License-Identifier: MIT */
#include "parse/elf64.h"

#include "bytes.h"
#include "parse_check.h"

#include "unit.h"

#define LIMIT UINT64_C(0x7ffffffff000)

enum {
    LOAD = 1,
    INTERP = 3,
    STACK = 0x6474e551,
    RELRO = 0x6474e552
};
enum {
    X = 1,
    W = 2,
    R = 4
};
/* Offsets in the ELF header and in a program header. */
enum {
    AT_CLASS = 4,
    AT_DATA = 5,
    AT_VERSION = 6,
    AT_TYPE = 16,
    AT_MACHINE = 18,
    AT_ENTRY = 24,
    AT_PHOFF = 32,
    AT_PHENTSIZE = 54,
    AT_PHNUM = 56,
};
enum {
    P_TYPE = 0,
    P_FLAGS = 4,
    P_OFFSET = 8,
    P_VADDR = 16,
    P_FILESZ = 32,
    P_MEMSZ = 40,
    P_ALIGN = 48
};

static struct elf64_image image;
static struct parse_fault fault;
static struct bytes b;

struct header {
    uint32_t type, flags;
    uint64_t offset, address, file_size, memory_size;
};

static void add_header(const struct header *h)
{
    bytes_add32(&b, h->type);
    bytes_add32(&b, h->flags);
    bytes_add64(&b, h->offset);
    bytes_add64(&b, h->address);
    bytes_add64(&b, h->address);
    bytes_add64(&b, h->file_size);
    bytes_add64(&b, h->memory_size);
    bytes_add64(&b, 0x1000);
}

/* An ELF file of `size` bytes with the given program headers. */
static void build(uint16_t type, uint64_t entry, const struct header *h, uint16_t count,
                  size_t size)
{
    b.size = 0;
    bytes_add(&b, "\177ELF\2\1\1", 7);
    bytes_add_zeros(&b, 57);
    bytes_set16(&b, AT_TYPE, type);
    bytes_set16(&b, AT_MACHINE, 62);
    bytes_set32(&b, 20, 1);
    bytes_set64(&b, AT_ENTRY, entry);
    bytes_set64(&b, AT_PHOFF, 64);
    bytes_set16(&b, 52, 64);
    bytes_set16(&b, AT_PHENTSIZE, 56);
    bytes_set16(&b, AT_PHNUM, count);
    for (uint16_t i = 0; i < count; i++)
        add_header(&h[i]);
    if (b.size < size)
        bytes_add_zeros(&b, size - b.size);
}

/* Offset of a field of program header `index`. */
static size_t at(size_t index, size_t field)
{
    return 64 + index * 56 + field;
}

static const struct header good[] = {
    {LOAD, R | X, 0, 0x400000, 0x500, 0x500},  {LOAD, R | W, 0x800, 0x402800, 0x100, 0x2000},
    {INTERP, R, 0x7e0, 0x4007e0, 8, 8},        {STACK, R | W, 0, 0, 0, 0},
    {RELRO, R, 0x800, 0x402800, 0x100, 0x100},
};

static void build_good(void)
{
    build(2, 0x400400, good, 5, 0x900);
    memcpy(b.data + 0x7e0, "/lib/ld", 8);
}

static enum err parse(void)
{
    uint8_t *copy = exact_copy(b.data, b.size);
    fault.what = NULL;
    enum err e = elf64_parse(copy, b.size, LIMIT, &image, &fault);
    free(copy);
    if (e == E_OK)
        check_elf64(&image, b.size, LIMIT);
    return e;
}

static void expect_refused(const char *what)
{
    assert_int_equal(parse(), E_NOEXEC);
    assert_string_equal(fault.what, what);
    assert_true(fault.offset <= b.size);
}

static void parse_any(const uint8_t *file, size_t size)
{
    fault.what = NULL;
    if (elf64_parse(file, size, LIMIT, &image, &fault) == E_OK)
        check_elf64(&image, size, LIMIT);
    else
        assert_non_null(fault.what);
}

static void test_good_program_is_read(void **state)
{
    (void)state;
    build_good();
    assert_int_equal(parse(), E_OK);
    assert_false(image.position_independent);
    assert_int_equal(image.entry, 0x400400);
    assert_int_equal(image.segment_count, 2);
    assert_true(image.segments[0].read && !image.segments[0].write && image.segments[0].execute);
    assert_int_equal(image.segments[1].address, 0x402800);
    assert_int_equal(image.segments[1].memory_size, 0x2000);
    assert_int_equal(image.segments[1].offset, 0x800);
    assert_int_equal(image.segments[1].file_size, 0x100);
    assert_true(image.segments[1].write && !image.segments[1].execute);
    assert_int_equal(image.start, 0x400000);
    assert_int_equal(image.end, 0x405000);
    assert_int_equal(image.alignment, 0x1000);
    assert_int_equal(image.phdr_address, 0x400040);
    assert_int_equal(image.phdr_count, 5);
    assert_false(image.executable_stack);
    assert_string_equal(image.interpreter, "/lib/ld");
    assert_int_equal(image.relro_start, 0x402800);
    assert_int_equal(image.relro_end, 0x402900);
}

/* Minimal programs made by GNU ld and lld, static and position-independent. */
static void test_programs_of_real_linkers(void **state)
{
    static const struct {
        const char *name;
        bool position_independent;
        const char *interpreter;
    } files[] = {
        {"elf64/ld-static", false, ""},
        {"elf64/lld-static", false, ""},
        {"elf64/ld-static-pie", true, ""},
        {"elf64/ld-dynamic", true, "/lib64/ld-linux-x86-64.so.2"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        bytes_load(&b, files[i].name);
        assert_int_equal(parse(), E_OK);
        assert_int_equal(image.position_independent, files[i].position_independent);
        assert_string_equal(image.interpreter, files[i].interpreter);
        assert_true(image.phdr_address != 0);
    }
    bytes_load(&b, "elf64/object");
    expect_refused("an object file that was not linked yet");
    bytes_load(&b, "elf64/i386");
    expect_refused("a 32-bit program, made for another machine");
}

static void test_position_independent(void **state)
{
    static const struct header h[] = {{LOAD, R | X, 0, 0, 0x200, 0x200},
                                      {STACK, R | W | X, 0, 0, 0, 0}};
    (void)state;
    build(3, 0x100, h, 2, 0x200);
    bytes_set64(&b, at(0, P_ALIGN), 0x200000);
    bytes_set64(&b, at(1, P_ALIGN), 0x800000); /* not PT_LOAD: no meaning */
    assert_int_equal(parse(), E_OK);
    assert_true(image.position_independent);
    assert_true(image.executable_stack);
    assert_int_equal(image.start, 0);
    assert_int_equal(image.alignment, 0x200000);
    bytes_set64(&b, at(0, P_ALIGN), 0x300000); /* not a power of two: ignored, as on Linux */
    assert_int_equal(parse(), E_OK);
    assert_int_equal(image.alignment, 0x1000);
}

static void test_segments_are_sorted(void **state)
{
    static const struct header h[] = {
        {LOAD, R | W, 0, 0x800000, 0x100, 0x100},
        {LOAD, R, 0, 0x600000, 0, 0},
        {LOAD, R | X, 0, 0x400000, 0x100, 0x100},
        {LOAD, R | W, 0x123, 0x700000, 0, 0x5000},
    };
    (void)state;
    build(2, 0x400000, h, 4, 0x200);
    assert_int_equal(parse(), E_OK);
    assert_int_equal(image.segment_count, 3);
    assert_int_equal(image.segments[0].address, 0x400000);
    assert_int_equal(image.segments[1].address, 0x700000);
    assert_int_equal(image.segments[1].offset, 0);
    assert_int_equal(image.segments[2].address, 0x800000);
}

/* A page of the file with text and data: the data segment's mapping replaces it, as MAP_FIXED does on Linux. */
static void test_shared_page_goes_to_the_later(void **state)
{
    static const struct header h[] = {
        {LOAD, R | X, 0, 0x400000, 0x1100, 0x1100},
        {LOAD, R, 0x1100, 0x401100, 0x80, 0x80},
        {LOAD, R | W, 0x1180, 0x401180, 0x80, 0x4000},
    };
    (void)state;
    build(2, 0x400800, h, 3, 0x1200);
    assert_int_equal(parse(), E_OK);
    assert_int_equal(image.segment_count, 2);
    assert_int_equal(image.segments[0].memory_size, 0x1000);
    assert_int_equal(image.segments[0].file_size, 0x1000);
    assert_int_equal(image.segments[1].address, 0x401180);

    bytes_set64(&b, AT_ENTRY, 0x401000); /* in the replaced part */
    expect_refused("the entry point lies in no executable segment");
    build(2, 0x400800, h, 3, 0x1200);
    bytes_set64(&b, at(1, P_OFFSET), 0x100); /* another page of the file */
    expect_refused("two segments share a page");
    build(2, 0x400800, h, 3, 0x1200);
    bytes_set64(&b, at(0, P_FILESZ), 0x1000); /* the first's zeros are in the second's page */
    expect_refused("two segments share a page");
    bytes_set64(&b, at(0, P_MEMSZ), 0x1101);
    expect_refused("two segments overlap");
}

/* Values at the limits of their ranges. */
static void test_edges_of_the_allowed(void **state)
{
    (void)state;
    build_good();
    bytes_set64(&b, at(1, P_VADDR), LIMIT - 0x2000 + 0x800 - 0x1000);
    bytes_set64(&b, at(1, P_MEMSZ), 0x2800);
    bytes_set64(&b, at(4, P_VADDR), LIMIT - 0x100);
    assert_int_equal(parse(), E_OK);
    assert_true(image.end == LIMIT);
    assert_true(image.relro_end == LIMIT);

    build_good();
    bytes_set64(&b, at(0, P_VADDR), 0x10000);
    bytes_set64(&b, AT_ENTRY, 0x10400);
    assert_int_equal(parse(), E_OK);
    bytes_set64(&b, AT_ENTRY, 0x10fff); /* behind the segment, but in its page */
    assert_int_equal(parse(), E_OK);

    build_good();
    memset(b.data + 0x600, 'i', 255);
    b.data[0x6ff] = '\0';
    bytes_set64(&b, at(2, P_OFFSET), 0x600);
    bytes_set64(&b, at(2, P_FILESZ), 256);
    assert_int_equal(parse(), E_OK);
    assert_int_equal(strlen(image.interpreter), 255);
}

static void test_first_interpreter_wins(void **state)
{
    (void)state;
    build_good();
    memcpy(b.data + 0x700, "/other", 7);
    bytes_set32(&b, at(3, P_TYPE), INTERP);
    bytes_set64(&b, at(3, P_OFFSET), 0x700);
    bytes_set64(&b, at(3, P_FILESZ), 7);
    assert_int_equal(parse(), E_OK);
    assert_string_equal(image.interpreter, "/lib/ld");
}

static void test_program_headers_in_memory(void **state)
{
    static const struct header h[] = {
        {LOAD, R, 64, 0x500040, 112, 112},
        {LOAD, R | X, 0, 0x400000, 0x100, 0x100},
    };
    (void)state;
    build(2, 0x400000, h, 2, 0); /* the table ends the file */
    bytes_add_zeros(&b, 0x100 - b.size);
    assert_int_equal(parse(), E_OK);
    assert_int_equal(image.phdr_address, 0x500040); /* in the first segment that has them */
    bytes_set64(&b, at(0, P_FILESZ), 111);
    assert_int_equal(parse(), E_OK);
    assert_int_equal(image.phdr_address, 0x400040);
    bytes_set64(&b, at(1, P_FILESZ), 0x7f);
    assert_int_equal(parse(), E_OK);
    assert_int_equal(image.phdr_address, 0);

    static const struct header last[] = {{LOAD, R | X, 0, 0x400000, 120, 120}};
    build(2, 0x400000, last, 1, 0);
    assert_int_equal(b.size, 120);
    assert_int_equal(parse(), E_OK);
}

static void test_segments_that_meet(void **state)
{
    static const struct header h[] = {
        {LOAD, R | X, 0, 0x400000, 0x1000, 0x1000},
        {LOAD, R | W, 0, 0x401000, 0x1000, 0x1000},
        {LOAD, R | X, 0, 0x500000, 0x100, 0x100},
        {LOAD, R, 0x100, 0x500100, 0x100, 0x100},
    };
    (void)state;
    build(2, 0x400000, h, 4, 0x1000);
    assert_int_equal(parse(), E_OK);
    assert_int_equal(image.segment_count, 3); /* the third is entirely in the page of the fourth */
    assert_int_equal(image.segments[1].memory_size, 0x1000);
    assert_int_equal(image.segments[2].address, 0x500100);
}

static void test_no_shared_library_is_run(void **state)
{
    (void)state;
    bytes_load(&b, "elf64/shared.so");
    bytes_set64(&b, AT_ENTRY, 0);
    expect_refused("a shared library, not a program");
}

static void test_refused_files(void **state)
{
    (void)state;
    b.size = 0;
    expect_refused("the file is empty");
    bytes_add(&b, "#!/bin/sh\necho hello\n", 21);
    expect_refused("not an ELF file");
    b.size = 0;
    bytes_add(&b, "\177ELF", 4);
    expect_refused("the file ends within the ELF header");
    b.size = 0;
    bytes_add(&b, "\177EL", 3);
    expect_refused("not an ELF file");
    build_good();
    b.size = 63;
    expect_refused("the file ends within the ELF header");
}

static void test_refused_identification(void **state)
{
    static const struct {
        size_t at;
        uint16_t value;
        const char *what;
    } cases[] = {
        {AT_CLASS, 1 | 1 << 8, "not a 64-bit program"}, /* x32 */
        {AT_CLASS, 0 | 1 << 8, "not a 64-bit program"},
        {AT_DATA, 2 | 1 << 8, "not little-endian, made for another machine"},
        {AT_VERSION, 2, "an unknown version of ELF"},
        {20, 2, "an unknown version of ELF"},
        {AT_MACHINE, 183, "made for another machine"},
        {AT_MACHINE, 3, "made for another machine"},
        {AT_TYPE, 1, "an object file that was not linked yet"},
        {AT_TYPE, 4, "a core dump, not a program"},
        {AT_TYPE, 0, "an unknown type of ELF file"},
        {AT_TYPE, 0xfe00, "an unknown type of ELF file"},
        {AT_PHNUM, 0, "no program headers"},
        {AT_PHNUM, 0xffff, "too many program headers"},
        {AT_PHNUM, 1171, "too many program headers"},
        {AT_PHNUM, 1170, "the file ends before or within the program headers"},
        {AT_PHENTSIZE, 32, "program headers of a wrong size"},
        {AT_PHENTSIZE, 0, "program headers of a wrong size"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        build_good();
        bytes_set16(&b, cases[i].at, cases[i].value);
        expect_refused(cases[i].what);
    }
    static const uint64_t tables[] = {0x900 - 5 * 56 + 1, 0x900, 0x901, UINT64_MAX,
                                      UINT64_MAX - 100};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        build_good();
        bytes_set64(&b, AT_PHOFF, tables[i]);
        expect_refused("the file ends before or within the program headers");
    }
}

static void test_refused_segments(void **state)
{
    static const struct {
        size_t index, field;
        uint64_t value;
        const char *what;
    } cases[] = {
        {1, P_FILESZ, 0x2001, "a segment is larger in the file than in memory"},
        {0, P_OFFSET, 0x1000, "the file ends before or within a segment: it is truncated"},
        {0, P_OFFSET, UINT64_MAX - 0xfff,
         "the file ends before or within a segment: it is truncated"},
        {1, P_OFFSET, 0x7ff, "a segment's offset and address disagree within the page"},
        {1, P_VADDR, 0x402801, "a segment's offset and address disagree within the page"},
        {1, P_VADDR, LIMIT - 0x800, "a segment lies beyond the program's addresses"},
        {1, P_VADDR, UINT64_MAX - 0x7ff, "a segment lies beyond the program's addresses"},
        {1, P_MEMSZ, UINT64_MAX, "a segment lies beyond the program's addresses"},
        {0, P_VADDR, 0xf000, "the program wants to be loaded below 64 KiB"},
        {0, P_VADDR, 0, "the program wants to be loaded below 64 KiB"},
        {1, P_VADDR, 0x400800, "the entry point lies in no executable segment"},
        {1, P_VADDR, 0x3ff800, "two segments overlap"},
        {0, P_FLAGS, R | (uint64_t)0, "the entry point lies in no executable segment"},
        {2, P_FILESZ, 1, "the interpreter's name is empty or longer than 255 bytes"},
        {2, P_FILESZ, 257, "the interpreter's name is empty or longer than 255 bytes"},
        {2, P_FILESZ, 7, "the interpreter's name is empty or does not end"},
        {2, P_OFFSET, 0x7e7, "the interpreter's name is empty or does not end"},
        {2, P_OFFSET, 0x8f9, "the interpreter's name lies outside of the file"},
        {2, P_OFFSET, UINT64_MAX, "the interpreter's name lies outside of the file"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        build_good();
        if (cases[i].field == P_FLAGS)
            bytes_set32(&b, at(cases[i].index, P_FLAGS), (uint32_t)cases[i].value);
        else
            bytes_set64(&b, at(cases[i].index, cases[i].field), cases[i].value);
        expect_refused(cases[i].what);
    }
}

static void test_refused_entries(void **state)
{
    static const uint64_t entries[] = {0, 0x3fffff, 0x401000, 0x402800, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        build_good();
        bytes_set64(&b, AT_ENTRY, entries[i]);
        expect_refused("the entry point lies in no executable segment");
    }
}

static void test_program_header_counts(void **state)
{
    struct header h[ELF64_SEGMENTS_MAX + 1];
    (void)state;
    for (uint32_t i = 0; i <= ELF64_SEGMENTS_MAX; i++)
        h[i] = (struct header){LOAD, R | X, 0, 0x400000 + i * 0x10000, 0x10, 0x10};
    build(2, 0x400000, h, ELF64_SEGMENTS_MAX, 0x2000);
    assert_int_equal(parse(), E_OK);
    assert_int_equal(image.segment_count, ELF64_SEGMENTS_MAX);
    build(2, 0x400000, h, ELF64_SEGMENTS_MAX + 1, 0x2000);
    expect_refused("more than 64 segments");
    h[0].type = 0;
    build(2, 0x400000, h, 1, 0x2000);
    expect_refused("nothing to load");
}

static void test_every_truncation(void **state)
{
    (void)state;
    build_good();
    each_truncation(&b, parse_any);
    b.size = 0x8ff;
    expect_refused("the file ends before or within a segment: it is truncated");
}

static void test_every_flip(void **state)
{
    (void)state;
    build_good();
    each_flip(&b, 64 + 5 * 56, parse_any);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_program_is_read),
        cmocka_unit_test(test_programs_of_real_linkers),
        cmocka_unit_test(test_position_independent),
        cmocka_unit_test(test_segments_are_sorted),
        cmocka_unit_test(test_shared_page_goes_to_the_later),
        cmocka_unit_test(test_edges_of_the_allowed),
        cmocka_unit_test(test_first_interpreter_wins),
        cmocka_unit_test(test_program_headers_in_memory),
        cmocka_unit_test(test_segments_that_meet),
        cmocka_unit_test(test_no_shared_library_is_run),
        cmocka_unit_test(test_refused_files),
        cmocka_unit_test(test_refused_identification),
        cmocka_unit_test(test_refused_segments),
        cmocka_unit_test(test_refused_entries),
        cmocka_unit_test(test_program_header_counts),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_every_flip),
    };
    return RUN_TESTS(tests);
}
