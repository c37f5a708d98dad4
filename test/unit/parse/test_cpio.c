/* SPDX-License-Identifier: MIT */
#include "parse/cpio.h"

#include "bytes.h"
#include "parse_check.h"

#include "unit.h"

static struct parse_fault fault;
static struct bytes b;

struct spec {
    const char *name;
    unsigned mode;
    const char *data;
    unsigned name_size; /* 0: the length of the name */
    int kind;           /* 0 or 1: 070701, 2: 070702 */
    unsigned checksum;
};

static void add(const struct spec *s)
{
    char header[111];
    size_t size = strlen(s->data), name_size = s->name_size ? s->name_size : strlen(s->name) + 1;
    snprintf(header, sizeof header, "07070%d%08x%08X%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
             s->kind == 2 ? 2 : 1, 0x11, s->mode, 1000, 100, 1, 0x5f000000, (unsigned)size, 8, 1, 4,
             64, (unsigned)name_size, s->checksum);
    bytes_add(&b, header, 110);
    bytes_add(&b, s->name, strlen(s->name));
    bytes_add_zeros(&b, name_size - strlen(s->name));
    bytes_align(&b, 4);
    bytes_add(&b, s->data, size);
    bytes_align(&b, 4);
}

static void add_trailer(void)
{
    add(&(struct spec){.name = "TRAILER!!!", .data = ""});
}

static void build_good(void)
{
    b.size = 0;
    add(&(struct spec){.name = ".", .mode = 040755, .data = ""});
    add(&(struct spec){.name = "hello", .mode = 0100644, .data = "Hello, world\n"});
    add(&(struct spec){.name = "link", .mode = 0120777, .data = "hello"});
    add(&(struct spec){.name = "/dev/ttyS0", .mode = 020600, .data = ""});
    add_trailer();
}

/* Reads to the end. Returns the number of entries, or -1 if the archive is broken. */
static int read_all(const uint8_t *bytes, size_t size)
{
    struct cpio_reader r;
    struct cpio_entry e;
    int count = 0;
    cpio_open(&r, bytes, size);
    fault.what = NULL;
    for (;;) {
        uint64_t before = r.offset;
        switch (cpio_read(&r, &e, &fault)) {
        case CPIO_ENTRY:
            check_cpio_entry(&e, bytes, size);
            assert_true(r.offset > before && r.offset <= size);
            count++;
            break;
        case CPIO_END:
            assert_int_equal(cpio_read(&r, &e, &fault), CPIO_END);
            return count;
        case CPIO_BROKEN:
            assert_non_null(fault.what);
            assert_true(fault.offset <= size);
            return -1;
        }
    }
}

static int read_built(void)
{
    uint8_t *copy = exact_copy(b.data, b.size);
    int count = read_all(copy, b.size);
    free(copy);
    return count;
}

static void expect_broken(const char *what)
{
    assert_int_equal(read_built(), -1);
    assert_string_equal(fault.what, what);
}

static void read_any(const uint8_t *bytes, size_t size)
{
    read_all(bytes, size);
}

static void test_good_archive_is_read(void **state)
{
    (void)state;
    struct cpio_reader r;
    struct cpio_entry e;
    build_good();
    assert_int_equal(read_built(), 4);
    cpio_open(&r, b.data, b.size);
    assert_int_equal(cpio_read(&r, &e, &fault), CPIO_ENTRY);
    assert_string_equal(e.name, ".");
    assert_int_equal(e.mode, 040755);
    assert_int_equal(cpio_read(&r, &e, &fault), CPIO_ENTRY);
    assert_string_equal(e.name, "hello");
    assert_int_equal(e.name_length, 5);
    assert_int_equal(e.ino, 0x11);
    assert_int_equal(e.mode, 0100644);
    assert_int_equal(e.uid, 1000);
    assert_int_equal(e.gid, 100);
    assert_int_equal(e.nlink, 1);
    assert_int_equal(e.mtime, 0x5f000000);
    assert_int_equal(e.dev_major, 8);
    assert_int_equal(e.dev_minor, 1);
    assert_int_equal(e.rdev_major, 4);
    assert_int_equal(e.rdev_minor, 64);
    assert_int_equal(e.size, 13);
    assert_memory_equal(e.data, "Hello, world\n", 13);
}

/* Written by GNU cpio, both formats. */
static void test_archives_of_gnu_cpio(void **state)
{
    (void)state;
    bytes_load(&b, "cpio/gnu-newc");
    assert_int_equal(read_built(), 7);
    bytes_load(&b, "cpio/gnu-crc");
    assert_int_equal(read_built(), 7);
    for (size_t i = 0; i + 5 < b.size; i++) {
        if (memcmp(b.data + i, "Hello", 5) != 0)
            continue;
        b.data[i] ^= 1;
        expect_broken("the checksum of a file is wrong");
        b.data[i] ^= 1;
    }
}

static void test_padded_name_aligns_data(void **state)
{
    (void)state;
    struct cpio_reader r;
    struct cpio_entry e;
    b.size = 0;
    add(&(struct spec){.name = "f", .mode = 0100644, .data = "data", .name_size = 4096 - 110});
    add_trailer();
    assert_int_equal(read_built(), 1);
    cpio_open(&r, b.data, b.size);
    assert_int_equal(cpio_read(&r, &e, &fault), CPIO_ENTRY);
    assert_int_equal(e.name_length, 1);
    assert_ptr_equal(e.data, b.data + 4096);
}

static void test_padding_behind_the_trailer(void **state)
{
    (void)state;
    b.size = 0;
    assert_int_equal(read_built(), 0);
    bytes_add_zeros(&b, 1024);
    assert_int_equal(read_built(), 0);
    build_good();
    bytes_add_zeros(&b, 512);
    assert_int_equal(read_built(), 4);
    build_good();
    b.size -= 3; /* the padding behind the trailer */
    assert_int_equal(read_built(), 4);
    b.size = 0;
    add(&(struct spec){.name = "f", .mode = 0100644, .data = "x"});
    b.size -= 3;
    assert_int_equal(read_built(), 1);
}

static void test_wrong_checksum_is_refused(void **state)
{
    (void)state;
    b.size = 0;
    add(&(struct spec){.name = "f", .mode = 0100644, .data = "ab", .kind = 2, .checksum = 195});
    add(&(struct spec){.name = "l", .mode = 0120777, .data = "ab", .kind = 2});
    assert_int_equal(read_built(), 2);
    add(&(struct spec){.name = "g", .mode = 0100644, .data = "ab", .kind = 2, .checksum = 196});
    expect_broken("the checksum of a file is wrong");
}

static void test_broken_headers_are_refused(void **state)
{
    (void)state;
    b.size = 0;
    bytes_add(&b, "070701", 6);
    expect_broken("the archive ends within a header");
    bytes_add_zeros(&b, 200);
    expect_broken("a number in a header is not hexadecimal");
    assert_int_equal(fault.offset, 6);
    build_good();
    b.data[0] = 'x';
    expect_broken("there is no cpio header (newc)");
    build_good();
    b.data[5] = '7'; /* the old portable format */
    expect_broken("there is no cpio header (newc)");
    b.size = 0;
    bytes_add_zeros(&b, 110);
    bytes_add(&b, "x", 1); /* zeros, but not to the end */
    expect_broken("there is no cpio header (newc)");
    build_good();
    b.size = 110;
    expect_broken("the archive ends within a file name");
    b.size = 0;
    bytes_add(&b, "\037\213\010", 3);
    bytes_add_zeros(&b, 200);
    expect_broken("there is no cpio header (newc)");

    build_good();
    bytes_add(&b, "070701", 6);
    expect_broken("something follows the archive's trailer");
    b.size = 0;
    add(&(struct spec){.name = "name", .data = "", .name_size = 5});
    b.data[114] = 'x';
    expect_broken("a file name does not end");
    b.data[110] = '\0';
    b.data[114] = '\0';
    expect_broken("a file name is empty or longer than 4095 bytes");
    b.size = 0;
    add(&(struct spec){.name = "", .data = ""});
    expect_broken("a file name is empty or longer than 4095 bytes");
    b.size = 0;
    add(&(struct spec){.name = "x", .data = "", .name_size = 4097});
    expect_broken("a file name is empty or longer than 4095 bytes");
    b.size = 0;
    add(&(struct spec){.name = "x", .data = "", .name_size = 4096});
    assert_int_equal(read_built(), 1);
    b.size = 112 + 110;
    expect_broken("the archive ends within a file name");
    b.size = 0;
    add(&(struct spec){.name = "x", .mode = 0100644, .data = "12345678"});
    b.size -= 1;
    expect_broken("the archive ends within the data of a file");
}

static void test_every_truncation(void **state)
{
    (void)state;
    build_good();
    each_truncation(&b, read_any);
}

static void test_every_flip(void **state)
{
    (void)state;
    build_good();
    each_flip(&b, b.size, read_any);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_archive_is_read),
        cmocka_unit_test(test_archives_of_gnu_cpio),
        cmocka_unit_test(test_padded_name_aligns_data),
        cmocka_unit_test(test_padding_behind_the_trailer),
        cmocka_unit_test(test_wrong_checksum_is_refused),
        cmocka_unit_test(test_broken_headers_are_refused),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_every_flip),
    };
    return RUN_TESTS(tests);
}
