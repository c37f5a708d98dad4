/* SPDX-License-Identifier: MIT */
/* The library against images of xorriso. */
#include "unit.h"

#include "fs/iso9660/iso9660.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANY 500

static int image = -1;
static struct iso iso;
static struct iso_stat found;
static unsigned ways;

static enum err image_read(void *context, uint64_t offset, void *to, size_t size)
{
    (void)context;
    return pread(image, to, size, (off_t)offset) == (ssize_t)size ? E_OK : E_IO;
}

static void image_way(void *context)
{
    (void)context;
    ways++;
}

static void shell(const char *line)
{
    assert_int_equal(system(line), 0);
}

static void open_image(const char *options)
{
    char line[512];
    struct stat st;
    snprintf(
        line, sizeof line,
        "xorriso -as mkisofs -quiet %s -V 'A MEDIUM' -o t.iso tree 2>log || { cat log; false; }",
        options);
    shell(line);
    image = open("t.iso", O_RDONLY);
    assert_true(image >= 0 && fstat(image, &st) == 0);
    const struct iso_io io = {NULL, (uint64_t)st.st_size, image_read, image_way};
    assert_int_equal(iso_open(&io, &iso), E_OK);
}

static enum err walk_to(const char *path)
{
    enum err e = iso_root(&iso, &found);
    while (e == E_OK && *path != '\0') {
        size_t length = strcspn(path, "/");
        if (found.mode >> 12 != 4)
            return E_NOTDIR;
        e = iso_lookup(&iso, (struct iso_place){found.section[0], NULL}, path, length, &found);
        path += length + (path[length] == '/');
    }
    return e;
}

static char *contents(void)
{
    static char text[100];
    assert_int_equal(found.sections, 1);
    assert_true(found.size < sizeof text);
    assert_int_equal(image_read(NULL, found.section[0].offset, text, found.size), E_OK);
    text[found.size] = '\0';
    return text;
}

static void test_rock_ridge(void **state)
{
    (void)state;
    char name[256], path[64];
    open_image("-R");
    assert_string_equal(iso.label, "A MEDIUM");
    assert_true(iso.rock_ridge);
    assert_int_equal(walk_to("Hello.txt"), E_OK);
    assert_string_equal(contents(), "hello\n");
    assert_int_equal(found.mode, S_IFREG | 04755);
    assert_int_equal(found.modified.seconds, 1000000000);
    assert_int_equal(walk_to("hello.txt"), E_NOENT);
    assert_int_equal(walk_to("link"), E_OK);
    assert_string_equal(found.link, "/a/very/../long/./path/here");
    assert_int_equal(found.size, strlen(found.link));
    assert_int_equal(walk_to("up"), E_OK);
    assert_string_equal(found.link, "../..");
    assert_int_equal(walk_to("root"), E_OK);
    assert_string_equal(found.link, "/");
    assert_int_equal(walk_to("longer"), E_OK);
    assert_int_equal(found.link_length, 863);
    assert_int_equal(strspn(found.link, "ab/"), 863);
    assert_int_equal(walk_to("fifo"), E_OK);
    assert_int_equal(found.mode >> 12, S_IFIFO >> 12);
    assert_int_equal(walk_to("empty"), E_OK);
    assert_int_equal(found.size + found.sections, 0);
    memset(name, 'x', 250);
    name[250] = '\0';
    assert_int_equal(walk_to(name), E_OK);
    assert_string_equal(contents(), "long name\n");
    assert_int_equal(walk_to("a/b/c/d/e/f/g/h/i/j/file"), E_OK); /* moved up, by CL */
    assert_string_equal(contents(), "deep\n");
    assert_int_equal(walk_to("a/b/c/d/e/f/g/h/i"), E_OK);
    assert_int_equal(found.mode >> 12, S_IFDIR >> 12);
    for (unsigned i = 0; i < MANY; i += 7) {
        snprintf(path, sizeof path, "many/file-number-%u", i);
        assert_int_equal(walk_to(path), E_OK);
        assert_int_equal(atoi(contents()), i);
    }
    assert_int_equal(walk_to("many/file-number-500"), E_NOENT);
    assert_true(ways > 0);
    close(image);
}

static bool seen[MANY];

static bool see(void *context, const struct iso_name *name)
{
    uint64_t *next = context;
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)name->length, name->text);
    unsigned number = (unsigned)atoi(text + strlen("file-number-"));
    assert_true(number < MANY && !seen[number]);
    assert_int_equal(name->type, S_IFREG >> 12);
    seen[number] = true;
    *next = name->next;
    return number % 3 != 0;
}

static void test_list_and_index(void **state)
{
    (void)state;
    char name[64];
    open_image("-R");
    assert_int_equal(walk_to("many"), E_OK);
    struct iso_section directory = found.section[0];
    unsigned count = 0;
    uint64_t next = 0;
    memset(seen, 0, sizeof seen);
    for (unsigned turn = 0; turn < MANY; turn++) /* it stops at each third number */
        assert_int_equal(iso_list(&iso, directory, next, see, &next), E_OK);
    for (unsigned i = 0; i < MANY; i++)
        count += seen[i];
    assert_int_equal(count, MANY);
    struct iso_index *index = malloc(sizeof *index + MANY * sizeof index->entry[0]);
    assert_non_null(index);
    assert_int_equal(iso_index_make(&iso, directory, index, 0), E_OK);
    assert_int_equal(index->count, MANY);
    assert_int_equal(iso_index_make(&iso, directory, index, MANY), E_OK);
    const struct iso_place place = {directory, index};
    for (unsigned i = 0; i < MANY; i++) {
        int length = snprintf(name, sizeof name, "file-number-%u", i);
        assert_int_equal(iso_lookup(&iso, place, name, (size_t)length, &found), E_OK);
        assert_int_equal(atoi(contents()), i);
    }
    assert_int_equal(iso_lookup(&iso, place, "file", 4, &found), E_NOENT);
    free(index);
    close(image);
}

static void test_without_rock_ridge(void **state)
{
    (void)state;
    open_image("-iso-level 1 --norock -D");
    assert_false(iso.rock_ridge);
    assert_int_equal(walk_to("hello.txt"), E_OK);
    assert_string_equal(contents(), "hello\n");
    assert_int_equal(found.mode, S_IFREG | 0555);
    assert_int_equal(walk_to("HELLO.TXT"), E_NOENT);
    assert_int_equal(walk_to("empty"), E_OK);
    close(image);
}

/* A file of 5 GiB, which has two parts. */
static void test_parts(void **state)
{
    (void)state;
    shell(
        "mkdir big && mv tree small && truncate -s 5G big/huge && echo end >>big/huge && echo z >big/z && mv big tree");
    open_image("-R -iso-level 3");
    assert_int_equal(walk_to("huge"), E_OK);
    assert_int_equal(found.size, 5368709124);
    assert_int_equal(found.sections, 2);
    assert_int_equal(found.section[0].bytes % ISO_SECTOR, 0);
    char text[4];
    assert_int_equal(
        image_read(NULL, found.section[1].offset + found.section[1].bytes - 4, text, 4), E_OK);
    assert_memory_equal(text, "end\n", 4);
    assert_int_equal(walk_to("z"), E_OK);
    assert_string_equal(contents(), "z\n");
    close(image);
    shell("rm -r tree t.iso && mv small tree");
}

static int make_tree(void **state)
{
    (void)state;
    static char folder[] = "/tmp/ouro-iso.XXXXXX";
    if (!mkdtemp(folder) || chdir(folder) != 0)
        return -1;
    shell(
        "mkdir -p tree/many tree/a/b/c/d/e/f/g/h/i/j && cd tree && echo hello >Hello.txt && chmod 4755 Hello.txt &&"
        "touch -d @1000000000 Hello.txt && ln -s /a/very/../long/./path/here link && ln -s ../.. up && ln -s / root &&"
        "ln -s $(printf 'aaaaaaaaaaaaaaaaaaaaaaa/bbbbbbbbbbbbbbbbbbbbbbb/%.0s' $(seq 18)) longer && mkfifo fifo &&"
        "touch empty && echo long name >$(printf 'x%.0s' $(seq 250)) && echo deep >a/b/c/d/e/f/g/h/i/j/file &&"
        "for i in $(seq 0 499); do echo $i >many/file-number-$i; done");
    return 0;
}

static int remove_tree(void **state)
{
    (void)state;
    char line[256], folder[200];
    if (!getcwd(folder, sizeof folder))
        return -1;
    snprintf(line, sizeof line, "cd / && rm -rf %s", folder);
    return system(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rock_ridge),
        cmocka_unit_test(test_list_and_index),
        cmocka_unit_test(test_without_rock_ridge),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
