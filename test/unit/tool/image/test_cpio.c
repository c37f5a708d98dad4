/* SPDX-License-Identifier: MIT */
/* Archives packed by the tool, read by the kernel's reader. */
#include "image/cpio_writer.h"
#include "parse/cpio.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_FIELD_LIMIT 4096 /* Linux: PATH_MAX */

static struct cpio_writer open_writer(char **bytes, size_t *size)
{
    return (struct cpio_writer){
        .out = open_memstream(bytes, size),
        .root = {.name = ".", .mode = S_IFDIR | 0755, .nlink = 2, .ino = 1},
    };
}

static void put(struct cpio_writer *writer, const char *name, const void *data, uint32_t size)
{
    const struct cpio_item item = {.name = name,
                                   .mode = S_IFREG | 0644,
                                   .nlink = 1,
                                   .ino = 7,
                                   .mtime = 1000000000,
                                   .size = size};
    uint64_t before = writer->offset, room = cpio_room(&item);
    assert_true(cpio_item(writer, &item));
    if (size > 0)
        assert_true(cpio_data(writer, data, size));
    assert_true(writer->offset - before <= room);
}

/* Reads the next entry, except further ones for the root folder. */
static bool next(struct cpio_reader *reader, struct cpio_entry *entry)
{
    struct parse_fault fault;
    enum cpio_next got;
    while ((got = cpio_read(reader, entry, &fault)) == CPIO_ENTRY)
        if (strcmp(entry->name, ".") != 0)
            return true;
    assert_int_equal(got, CPIO_END);
    return false;
}

/* Files with names of every length and of odd sizes: the data of each starts at a page. */
static void test_data_starts_at_a_page(void **state)
{
    (void)state;
    char *bytes, name[CPIO_NAME_MAX + 1], data[5000];
    size_t size;
    struct cpio_writer writer = open_writer(&bytes, &size);
    memset(data, 'd', sizeof data);
    for (uint32_t length = 1; length <= CPIO_NAME_MAX; length += 31) {
        memset(name, 'n', length);
        name[length] = '\0';
        put(&writer, name, data, length % 5000);
    }
    memset(name, 'n', CPIO_NAME_MAX);
    name[CPIO_NAME_MAX] = '\0';
    for (uint32_t i = 0; i < 10; i++)
        put(&writer, name, data, 1000 + i);
    assert_true(cpio_finish(&writer));
    fclose(writer.out);
    assert_int_equal(size % 512, 0);

    struct cpio_reader reader;
    struct cpio_entry entry;
    cpio_open(&reader, bytes, size);
    unsigned count = 0;
    while (next(&reader, &entry)) {
        count++;
        assert_int_equal((entry.data - (const uint8_t *)bytes) % 4096, 0);
        assert_int_equal(entry.mtime, 1000000000);
        assert_true(entry.name_length <= CPIO_NAME_MAX);
        for (uint32_t i = 0; i < entry.size; i++)
            assert_int_equal(entry.data[i], 'd');
    }
    assert_int_equal(count, (CPIO_NAME_MAX + 30) / 31 + 10);
    free(bytes);
}

/* The length of each name field in the archive. */
static void test_name_fields_are_as_long_as_names(void **state)
{
    (void)state;
    char *bytes, name[3000], digits[9] = "";
    size_t size;
    struct cpio_writer writer = open_writer(&bytes, &size);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (int i = 0; i < 50; i++)
        put(&writer, name + i * 50, "x", 1);
    assert_true(cpio_finish(&writer));
    fclose(writer.out);
    for (size_t at = 0; memcmp(bytes + at, "070701", 6) == 0;) {
        memcpy(digits, bytes + at + 94, 8);
        size_t field = strtoul(digits, NULL, 16);
        memcpy(digits, bytes + at + 54, 8);
        size_t data = strtoul(digits, NULL, 16);
        assert_in_range(field, 2, NAME_FIELD_LIMIT);
        bool last = memcmp(bytes + at + 110, "TRAILER!!!", 11) == 0;
        at += (110 + field + 3) / 4 * 4;
        at += (data + 3) / 4 * 4;
        if (last)
            break;
        assert_true(at < size);
    }
    free(bytes);
}

static void test_data_in_pieces_must_sum_up(void **state)
{
    (void)state;
    char *bytes;
    size_t size;
    struct cpio_writer writer = open_writer(&bytes, &size);
    const struct cpio_item item = {.name = "a", .mode = S_IFREG | 0600, .nlink = 1, .size = 6};
    assert_true(cpio_item(&writer, &item));
    assert_true(cpio_data(&writer, "ab", 2));
    assert_true(cpio_data(&writer, "cdef", 4));
    const struct cpio_item device = {
        .name = "null", .mode = S_IFCHR | 0666, .nlink = 1, .rdev_major = 1, .rdev_minor = 3};
    assert_true(cpio_item(&writer, &device));
    assert_true(cpio_finish(&writer));
    fclose(writer.out);
    struct cpio_reader reader;
    struct cpio_entry entry;
    cpio_open(&reader, bytes, size);
    assert_true(next(&reader, &entry));
    assert_memory_equal(entry.data, "abcdef", 6);
    assert_true(next(&reader, &entry));
    assert_string_equal(entry.name, "null");
    assert_int_equal(entry.rdev_major, 1);
    assert_int_equal(entry.rdev_minor, 3);
    assert_false(next(&reader, &entry));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_starts_at_a_page),
        cmocka_unit_test(test_name_fields_are_as_long_as_names),
        cmocka_unit_test(test_data_in_pieces_must_sum_up),
    };
    return RUN_TESTS(tests);
}
