/* SPDX-License-Identifier: MIT */
/*
 * A hostile container image. The first byte chooses:
 *
 *   0   the rest is a tar, or several with sixteen bytes "next layer......" between them, applied one after the other
 *   1   the rest is steps for oci/root.h: each byte a step, with paths made of the bytes behind it
 *   2.. the rest is a JSON document
 *
 * Whatever comes, the names of the result are paths inside the root, each once, parents first and folders, and the links of a
 * file are as many as it says.
 */
#include "image/cpio_writer.h"
#include "oci/config.h"
#include "oci/layer.h"

#include <archive.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEPARATOR "next layer......"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct args paths, folders;
    uint64_t bytes;
    const struct root_inode **inode;
    size_t *names, inodes;
};

static void require(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "wrong: %s\n", what);
    abort();
}

static void count_name(struct seen *seen, const struct root_inode *inode)
{
    size_t i = 0;
    while (i < seen->inodes && seen->inode[i] != inode)
        i++;
    if (i == seen->inodes) {
        seen->inode = realloc(seen->inode, (i + 1) * sizeof(*seen->inode));
        seen->names = realloc(seen->names, (i + 1) * sizeof(*seen->names));
        seen->inode[i] = inode;
        seen->names[i] = 0;
        seen->inodes++;
        if (S_ISREG(inode->stat.st_mode))
            seen->bytes += (uint64_t)inode->stat.st_size;
    }
    seen->names[i]++;
}

static bool has(const struct args *args, const char *text, size_t length)
{
    for (size_t i = 0; i < args->count; i++)
        if (strlen(args->item[i]) == length && memcmp(args->item[i], text, length) == 0)
            return true;
    return false;
}

static void look(void *context, const char *path, const struct root_inode *inode)
{
    struct seen *seen = context;
    count_name(seen, inode);
    require(strlen(path) <= CPIO_NAME_MAX, "the length of a path");
    require(S_ISLNK(inode->stat.st_mode) == (inode->target != NULL), "a link without a target");
    require(!has(&seen->paths, path, strlen(path)), "a name twice");
    for (const char *at = path; *at; at += strcspn(at, "/"), at += *at == '/') {
        size_t length = strcspn(at, "/");
        require(length > 0 && !(length == 1 && at[0] == '.') &&
                    !(length == 2 && at[0] == '.' && at[1] == '.'),
                "a component of a path");
    }
    const char *slash = strrchr(path, '/');
    if (*path)
        require(has(&seen->folders, path, slash ? (size_t)(slash - path) : 0), "a parent");
    args_add(&seen->paths, path);
    if (S_ISDIR(inode->stat.st_mode))
        args_add(&seen->folders, path);
}

static void check(const struct root *root)
{
    struct seen seen = {0};
    root_each(root, look, &seen);
    require(seen.bytes == ROOT_BYTES_MAX - root_room(root), "the sum of sizes");
    for (size_t i = 0; i < seen.inodes; i++)
        require(seen.names[i] == seen.inode[i]->stat.st_nlink, "the number of names");
    args_free(&seen.paths);
    args_free(&seen.folders);
    free(seen.inode);
    free(seen.names);
}

static char *nowhere(void *context)
{
    (void)context;
    return NULL;
}

static void layers(const uint8_t *data, size_t size)
{
    struct root *root = root_new();
    for (bool good = true; good && size > 0;) {
        const uint8_t *end = memmem(data, size, SEPARATOR, sizeof(SEPARATOR) - 1);
        size_t length = end ? (size_t)(end - data) : size;
        struct text reason = {0};
        struct archive *archive = layer_reader();
        good = archive_read_open_memory(archive, data, length) == ARCHIVE_OK &&
               layer_apply(root, archive, nowhere, NULL, &reason);
        if (good)
            require(reason.length == 0, "a reason of a good layer");
        archive_read_free(archive);
        text_free(&reason);
        length += end ? sizeof(SEPARATOR) - 1 : 0;
        data += length;
        size -= length;
    }
    check(root);
    root_free(root);
}

/* A path of up to three names from a small set, so that steps meet. */
static void make_path(char *out, const uint8_t **data, const uint8_t *end)
{
    static const char *const names[] = {"a", "b", "c", "l", "..", ".", "", "/l"};
    uint8_t byte = *data < end ? *(*data)++ : 0;
    *out = '\0';
    for (int i = 0; i < 1 + (byte >> 6); i++, byte = (uint8_t)(byte >> 2 | byte << 6)) {
        if (i > 0)
            strcat(out, "/");
        strcat(out, names[(byte + (*data < end ? **data : 0)) & 7]);
    }
}

static const char *step(struct root *root, const uint8_t **data, const uint8_t *end)
{
    static const mode_t modes[] = {S_IFREG | 0644, S_IFDIR | 0700, S_IFLNK | 0777, S_IFCHR | 0600};
    uint8_t what = *(*data)++;
    char path[64], to[64];
    make_path(path, data, end);
    struct stat stat = {.st_mode = modes[what >> 3 & 3], .st_size = what};
    if ((what & 7) > 3)
        make_path(to, data, end);
    switch (what & 7) {
    case 0:
        root_next_layer(root);
        return NULL;
    case 1:
        return root_whiteout(root, path);
    case 2:
        return root_opaque(root, path);
    case 4:
    case 5:
        return root_link(root, path, to);
    default:
        if (S_ISLNK(stat.st_mode) && (what & 7) > 3)
            return root_put(root, path, &stat, to, NULL);
        stat.st_mode = S_ISLNK(stat.st_mode) ? S_IFDIR | 0755 : stat.st_mode;
        return root_put(root, path, &stat, NULL, NULL);
    }
}

static void steps(const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size;
    struct root *root = root_new();
    while (data < end)
        if (step(root, &data, end))
            check(root);
    check(root);
    root_free(root);
}

static void documents(const char *bytes, size_t size)
{
    struct oci_index index;
    struct oci_manifest manifest;
    struct docker_images images;
    struct oci_config config;
    if (!oci_index_parse(bytes, size, &index))
        for (size_t i = 0; i < index.count; i++)
            require(oci_is_digest(index.blob[i].digest), "a digest");
    oci_index_free(&index);
    if (!oci_manifest_parse(bytes, size, &manifest))
        require(oci_is_digest(manifest.config.digest), "the digest of a configuration");
    oci_manifest_free(&manifest);
    if (!docker_manifest_parse(bytes, size, &images))
        for (size_t i = 0; i < images.count; i++)
            require(images.image[i].config != NULL, "a configuration");
    docker_images_free(&images);
    if (!oci_config_parse(bytes, size, &config))
        for (size_t i = 0; i < config.environment.count; i++)
            require(strchr(config.environment.item[i], '=') != NULL, "a variable");
    if (config.stop_signal)
        (void)oci_signal(config.stop_signal);
    oci_config_free(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] == 0)
        layers(data + 1, size - 1);
    else if (data[0] == 1)
        steps(data + 1, size - 1);
    else
        documents((const char *)data + 1, size - 1);
    return 0;
}
