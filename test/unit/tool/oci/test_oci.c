/* SPDX-License-Identifier: MIT */
/* Layers from libarchive's writer, the root that they give, and the documents of an image. */
#include "oci/config.h"
#include "oci/layer.h"

#include "unit.h"

#include <archive.h>
#include <archive_entry.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct file {
    const char *path;
    char type; /* d folder, f file with `text`, l symbolic link, h hard link to `text`, p pipe */
    const char *text;
};

/* Packs the files up to one without a path. */
static size_t pack(const struct file *file, char *bytes, size_t size)
{
    size_t used = 0;
    struct archive *archive = archive_write_new();
    archive_write_set_format_pax_restricted(archive);
    archive_write_add_filter_gzip(archive);
    assert_int_equal(archive_write_open_memory(archive, bytes, size, &used), ARCHIVE_OK);
    for (; file->path; file++) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, file->path);
        archive_entry_set_perm(entry, 0640);
        archive_entry_set_uid(entry, 33);
        archive_entry_set_mtime(entry, 1000, 0);
        archive_entry_set_filetype(entry, file->type == 'd'   ? AE_IFDIR
                                          : file->type == 'l' ? AE_IFLNK
                                          : file->type == 'p' ? AE_IFIFO
                                                              : AE_IFREG);
        if (file->type == 'l')
            archive_entry_set_symlink(entry, file->text);
        else if (file->type == 'h')
            archive_entry_set_hardlink(entry, file->text);
        else if (file->type == 'f')
            archive_entry_set_size(entry, (la_int64_t)strlen(file->text));
        assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
        if (file->type == 'f')
            archive_write_data(archive, file->text, strlen(file->text));
        archive_entry_free(entry);
    }
    archive_write_close(archive);
    archive_write_free(archive);
    return used;
}

static char *nowhere(void *context)
{
    (void)context;
    return NULL;
}

/* "" or the reason. */
static struct text apply(struct root *root, const struct file *file)
{
    static char bytes[1 << 16];
    size_t size = pack(file, bytes, sizeof(bytes));
    struct text reason = {0};
    struct archive *archive = layer_reader();
    text_string(&reason, "");
    assert_int_equal(archive_read_open_memory(archive, bytes, size), ARCHIVE_OK);
    bool good = layer_apply(root, archive, nowhere, NULL, &reason);
    assert_int_equal(good, reason.length == 0);
    archive_read_free(archive);
    return reason;
}

static void list(void *context, const char *path, const struct root_inode *inode)
{
    struct text line = {0};
    char type = S_ISDIR(inode->stat.st_mode)   ? 'd'
                : S_ISLNK(inode->stat.st_mode) ? 'l'
                : S_ISREG(inode->stat.st_mode) ? 'f'
                                               : 'p';
    if (!*path)
        return;
    text_format(&line, "%c %s", type, path);
    if (inode->target)
        text_format(&line, " -> %s", inode->target);
    if (type == 'f')
        text_format(&line, " %u %u", (unsigned)inode->stat.st_size, (unsigned)inode->stat.st_nlink);
    args_add(context, line.bytes);
    text_free(&line);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void check_root(const struct root *root, const char *wanted)
{
    struct args lines = {0};
    struct text all = {0};
    text_string(&all, "");
    root_each(root, list, &lines);
    qsort(lines.item, lines.count, sizeof(*lines.item), by_text);
    for (size_t i = 0; i < lines.count; i++)
        text_format(&all, "%s\n", lines.item[i]);
    assert_string_equal(all.bytes, wanted);
    args_free(&lines);
    text_free(&all);
}

/* Applies one or two layers, and compares the result, or the reason if it begins with '!'. */
static void check_layers(const struct file *lower, const struct file *upper, const char *wanted)
{
    struct root *root = root_new();
    struct text reason = apply(root, lower);
    if (reason.length == 0 && upper) {
        text_free(&reason);
        reason = apply(root, upper);
    }
    if (*wanted == '!')
        assert_string_equal(reason.bytes, wanted + 1);
    else
        assert_string_equal(reason.bytes, "");
    if (*wanted != '!')
        check_root(root, wanted);
    text_free(&reason);
    root_free(root);
}

#define LAYER(...) ((const struct file[]){__VA_ARGS__, {0}})

static void test_files(void **state)
{
    (void)state;
    check_layers(LAYER({"./", 'd', 0}, {"./a", 'd', 0}, {"a/f", 'f', "text"}, {"/b/c/g", 'f', ""},
                       {"a/p", 'p', 0}, {"a/s", 'l', "../../x"}, {"h", 'h', "./a/f"}),
                 NULL,
                 "d a\nd b\nd b/c\nf a/f 4 2\nf b/c/g 0 1\nf h 4 2\nl a/s -> ../../x\np a/p\n");
}

static void test_later_wins(void **state)
{
    (void)state;
    check_layers(LAYER({"a", 'd', 0}, {"a/f", 'f', "1"}, {"b", 'f', "22"}, {"c", 'd', 0},
                       {"c/x", 'f', ""}, {"k", 'h', "b"}),
                 LAYER({"a", 'd', 0}, {"b", 'd', 0}, {"b/g", 'f', "333"}, {"c", 'f', "4444"}),
                 "d a\nd b\nf a/f 1 1\nf b/g 3 1\nf c 4 1\nf k 2 1\n");
}

static void test_whiteouts(void **state)
{
    (void)state;
    const struct file *lower = LAYER({"a/x", 'f', ""}, {"a/y/z", 'f', ""}, {"b/x", 'f', ""},
                                     {"c", 'f', ""}, {"d/x", 'f', ""});
    check_layers(lower, LAYER({"a/.wh.y", 'f', ""}, {".wh.c", 'f', ""}, {".wh.none", 'f', ""}),
                 "d a\nd b\nd d\nf a/x 0 1\nf b/x 0 1\nf d/x 0 1\n");
    /* The layer's own files stay, wherever the whiteout stands. */
    check_layers(lower,
                 LAYER({"a/new", 'f', ""}, {"a/.wh..wh..opq", 'f', ""}, {"b/new", 'f', ""},
                       {".wh.b", 'f', ""}, {".wh..wh.plnk/1.2", 'f', ""}),
                 "d a\nd b\nd d\nf a/new 0 1\nf b/new 0 1\nf c 0 1\nf d/x 0 1\n");
    check_layers(lower, LAYER({"c/.wh.x", 'f', ""}),
                 "d a\nd a/y\nd b\nd d\nf a/x 0 1\nf a/y/z 0 1\nf b/x 0 1\nf c 0 1\nf d/x 0 1\n");
    check_layers(lower, LAYER({"a/.wh.", 'f', ""}), "!a/.wh.: it removes no name");
    check_layers(lower, LAYER({"a/.wh...", 'f', ""}), "!a/.wh...: it removes no name");
}

static void test_links_stay_inside(void **state)
{
    (void)state;
    check_layers(
        LAYER({"lib", 'l', "usr/lib"}, {"out", 'l', "../../../../etc"}, {"abs", 'l', "/deep/er"}),
        LAYER({"lib/a", 'f', "1"}, {"out/passwd", 'f', "22"}, {"abs/x", 'f', ""}),
        "d deep\nd deep/er\nd etc\nd usr\nd usr/lib\nf deep/er/x 0 1\nf etc/passwd 2 1\n"
        "f usr/lib/a 1 1\nl abs -> /deep/er\nl lib -> usr/lib\nl out -> ../../../../etc\n");
    /* The last name is not followed. */
    check_layers(LAYER({"s", 'l', "f"}, {"f", 'f', "old"}), LAYER({"s", 'f', "new!"}),
                 "f f 3 1\nf s 4 1\n");
    check_layers(LAYER({"l", 'l', "l/x"}, {"l/f", 'f', ""}), NULL,
                 "!l/f: its path has too many symbolic links");
}

static void test_refused(void **state)
{
    (void)state;
    char *deep = memory(8192);
    for (int i = 0; i < 2047; i++)
        strcat(deep + 2 * i, "a/");
    check_layers(LAYER({"../x", 'f', ""}), NULL,
                 "!../x: its name is that of the root, or has .. in it");
    check_layers(LAYER({"a/../../x", 'f', ""}), NULL,
                 "!a/../../x: its name is that of the root, or has .. in it");
    check_layers(LAYER({"x", 'f', ""}, {"y", 'h', "../x"}), NULL,
                 "!y: its name is that of the root, or has .. in it");
    check_layers(LAYER({"y", 'h', "x"}), NULL,
                 "!y: the file that it is another name of is not there");
    check_layers(LAYER({"x", 'd', 0}, {"y", 'h', "x"}), NULL, "!y: it is another name of a folder");
    check_layers(LAYER({"x", 'f', ""}, {"x/y", 'f', ""}), NULL,
                 "!x/y: a name on its path is no folder");
    struct root *root = root_new();
    const struct stat stat = {.st_mode = S_IFREG | 0644};
    assert_string_equal(root_put(root, deep, &stat, NULL, NULL), "its path is too long");
    root_free(root);
    free(deep);
}

static void test_damaged(void **state)
{
    (void)state;
    static char bytes[1 << 16];
    size_t size = pack(LAYER({"a", 'f', "some text"}, {"b", 'f', "more"}), bytes, sizeof(bytes));
    for (size_t cut = 1; cut < size; cut++) {
        struct root *root = root_new();
        struct text reason = {0};
        struct archive *archive = layer_reader();
        if (archive_read_open_memory(archive, bytes, size - cut) == ARCHIVE_OK)
            (void)layer_apply(root, archive, nowhere, NULL, &reason);
        archive_read_free(archive);
        text_free(&reason);
        root_free(root);
    }
}

static void test_too_large(void **state)
{
    (void)state;
    struct root *root = root_new();
    const struct stat large = {.st_mode = S_IFREG | 0644, .st_size = UINT32_MAX - 5},
                      small = {.st_mode = S_IFREG | 0644, .st_size = 6};
    assert_null(root_put(root, "a", &large, NULL, NULL));
    assert_int_equal(root_room(root), 5);
    assert_string_equal(root_put(root, "b", &small, NULL, NULL),
                        "the image's files are larger than 4 GiB");
    root_next_layer(root);
    assert_null(root_whiteout(root, "a"));
    assert_int_equal(root_room(root), UINT32_MAX);
    assert_null(root_put(root, "b", &small, NULL, NULL));
    root_free(root);
}

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_documents(void **state)
{
    (void)state;
    struct oci_index index;
    struct oci_manifest manifest;
    struct docker_images images;
    static const char one[] =
        "{\"manifests\":[{\"digest\":\"" DIGEST
        "\",\"size\":7,\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"},"
        "\"annotations\":{\"org.opencontainers.image.ref.name\":\"v1\"}}]}\n";
    assert_null(oci_index_parse(one, sizeof(one) - 1, &index));
    assert_int_equal(index.count, 1);
    assert_string_equal(index.blob[0].name, "v1");
    assert_string_equal(index.blob[0].platform, "linux/amd64");
    assert_int_equal(index.blob[0].size, 7);
    oci_index_free(&index);
    for (size_t cut = 2; cut < sizeof(one); cut++)
        assert_non_null(oci_index_parse(one, sizeof(one) - 1 - cut, &index));
    static const char path[] =
        "{\"manifests\":[{\"digest\":\"sha256:../../../../etc/passwd\",\"size\":7}]}";
    assert_string_equal(oci_index_parse(path, sizeof(path) - 1, &index),
                        "a blob has no SHA-256 digest");
    static const char below[] = "{\"manifests\":[{\"digest\":\"" DIGEST "\",\"size\":-1}]}";
    assert_string_equal(oci_index_parse(below, sizeof(below) - 1, &index), "a blob has no size");
    /* Blanks up to the last byte, which no NUL follows. */
    static const char blanks[] = "{\"manifests\":[]} \n\t ";
    char *bare_bytes = memory(sizeof(blanks) - 1);
    memcpy(bare_bytes, blanks, sizeof(blanks) - 1);
    assert_null(oci_index_parse(bare_bytes, sizeof(blanks) - 1, &index));
    oci_index_free(&index);
    free(bare_bytes);
    static const char rest[] = "{\"manifests\":[]} x";
    assert_string_equal(oci_index_parse(rest, sizeof(rest) - 1, &index), "it is not JSON");
    static const char bare[] = "{\"layers\":[]}";
    assert_string_equal(oci_manifest_parse(bare, sizeof(bare) - 1, &manifest),
                        "a blob has no SHA-256 digest");
    static const char docker[] =
        "[{\"Config\":\"c.json\",\"RepoTags\":null,\"Layers\":[\"1/layer.tar\"]}]";
    assert_null(docker_manifest_parse(docker, sizeof(docker) - 1, &images));
    assert_int_equal(images.count, 1);
    assert_string_equal(images.image[0].layers.item[0], "1/layer.tar");
    docker_images_free(&images);
    static const char numbers[] = "[{\"Config\":\"c.json\",\"Layers\":[1]}]";
    assert_string_equal(docker_manifest_parse(numbers, sizeof(numbers) - 1, &images),
                        "a list has something else than texts");
}

static void test_config(void **state)
{
    (void)state;
    struct oci_config config;
    static const char full[] =
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Entrypoint\":[\"/a\"],\"Cmd\":[\"b\",\"\"],"
        "\"Env\":[\"A=1\",\"B=\"],\"WorkingDir\":\"/w\",\"User\":\"u\\u00e9\",\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}},"
        "\"StopSignal\":\"SIGQUIT\",\"Labels\":{\"z\":\"1\",\"k\":\"v\"}}}";
    assert_null(oci_config_parse(full, sizeof(full) - 1, &config));
    assert_int_equal(config.entrypoint.count, 1);
    assert_string_equal(config.command.item[1], "");
    assert_string_equal(config.ports.item[0], "53/udp");
    assert_string_equal(config.labels.item[0], "k=v");
    assert_string_equal(config.user, "u\xc3\xa9");
    assert_string_equal(config.platform, "linux/amd64");
    oci_config_free(&config);
    static const char nothing[] = "{}", variable[] = "{\"config\":{\"Env\":[\"=1\"]}}",
                      nul[] = "{\"config\":{\"Cmd\":[\"a\\u0000b\"]}}";
    assert_null(oci_config_parse(nothing, 2, &config));
    assert_int_equal(config.command.count, 0);
    oci_config_free(&config);
    assert_string_equal(oci_config_parse(variable, sizeof(variable) - 1, &config),
                        "a variable of its environment is not NAME=VALUE");
    assert_string_equal(oci_config_parse(nul, sizeof(nul) - 1, &config),
                        "a list has something else than texts");
}

static void test_signals(void **state)
{
    (void)state;
    assert_int_equal(oci_signal("SIGQUIT"), SIGQUIT);
    assert_int_equal(oci_signal("INT"), SIGINT);
    assert_int_equal(oci_signal("9"), 9);
    assert_int_equal(oci_signal("SIGRTMIN+3"), 37);
    assert_int_equal(oci_signal("SIGNONE"), 0);
    assert_int_equal(oci_signal("0"), 0);
    assert_int_equal(oci_signal("65"), 0);
    assert_int_equal(oci_signal("RTMIN+31"), 0);
    assert_int_equal(oci_signal(""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),     cmocka_unit_test(test_later_wins),
        cmocka_unit_test(test_whiteouts), cmocka_unit_test(test_links_stay_inside),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_too_large), cmocka_unit_test(test_documents),
        cmocka_unit_test(test_config),    cmocka_unit_test(test_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
