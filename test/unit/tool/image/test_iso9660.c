/* SPDX-License-Identifier: MIT */
#include "image/iso9660.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECTOR  2048
#define SECTORS 24

static const char *const names[] = {"BOOT", "GRUB", "GRUB.CFG", NULL};
static uint8_t image[SECTORS * SECTOR];
static int file;

static void put32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static uint8_t *record(uint8_t *at, const char *name, uint32_t sector, uint32_t size, uint8_t flags)
{
    size_t length = strlen(name);
    at[0] = (uint8_t)(33 + length + (length + 1) % 2);
    put32(at + 2, sector);
    put32(at + 10, size);
    at[25] = flags;
    at[32] = (uint8_t)length;
    memcpy(at + 33, name, length);
    return at + at[0];
}

/* Folders of one sector; that of GRUB has two, and the file is in the second. */
static void make_image(void)
{
    memset(image, 0, sizeof image);
    uint8_t *volume = image + 16 * SECTOR;
    memcpy(volume, "\001CD001", 6);
    put32(volume + 80, SECTORS);
    record(volume + 156, "x", 18, SECTOR, 2);
    record(record(image + 18 * SECTOR, "BOO", 1, 1, 0), "BOOT", 19, SECTOR, 2);
    record(image + 19 * SECTOR, "GRUB", 20, 2 * SECTOR, 2);
    record(image + 20 * SECTOR, "GRUB.CF;1", 1, 1, 0);
    record(image + 21 * SECTOR, "GRUB.CFG;1", 22, 1234, 0);
}

static bool find(struct iso9660_file *out)
{
    if (pwrite(file, image, sizeof image, 0) != sizeof image)
        abort();
    return iso9660_find(file, sizeof image, names, out);
}

static void test_file_is_found_by_its_path(void **state)
{
    (void)state;
    struct iso9660_file found;
    make_image();
    assert_true(find(&found));
    assert_int_equal(found.offset, 22 * SECTOR);
    assert_int_equal(found.size, 1234);
    assert_int_equal(iso9660_size(file), SECTORS * SECTOR);
}

static void test_a_file_is_no_folder(void **state)
{
    (void)state;
    struct iso9660_file found;
    make_image();
    image[19 * SECTOR + 25] = 0;
    assert_false(find(&found));
    make_image();
    image[21 * SECTOR + 25] = 2;
    assert_false(find(&found));
}

/* Every byte that the search reads, with several wrong values: the result is "not found", or within
 * the image. */
static void test_every_flipped_byte(void **state)
{
    (void)state;
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    static const size_t starts[] = {16 * SECTOR, 18 * SECTOR, 19 * SECTOR, 20 * SECTOR,
                                    21 * SECTOR};
    struct iso9660_file found;
    for (size_t s = 0; s < 5; s++) {
        for (size_t i = starts[s]; i < starts[s] + 200; i++) {
            for (size_t v = 0; v < sizeof values; v++) {
                make_image();
                image[i] = values[v];
                if (find(&found))
                    assert_true(found.offset + found.size <= sizeof image);
            }
        }
    }
}

static void test_not_an_image(void **state)
{
    (void)state;
    struct iso9660_file found;
    make_image();
    image[16 * SECTOR + 1] = 'X';
    assert_false(find(&found));
    assert_int_equal(iso9660_size(file), 0);
    assert_int_equal(ftruncate(file, 100), 0);
    assert_false(iso9660_find(file, 100, names, &found));
}

int main(void)
{
    file = memfd_create("image", 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_is_found_by_its_path),
        cmocka_unit_test(test_a_file_is_no_folder),
        cmocka_unit_test(test_every_flipped_byte),
        cmocka_unit_test(test_not_an_image),
    };
    return RUN_TESTS(tests);
}
