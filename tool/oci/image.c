/* SPDX-License-Identifier: MIT */
/*
 * Finds the kind of an image, then its configuration and layers:
 *
 *   index.json    -> [index ->] manifest -> configuration, layers     names are digests, which are compared
 *   manifest.json -> configuration, layers                            names are those of the archive
 *   neither       -> the tar is the only layer
 *
 * An archive's files are unpacked into the temporary folder first, under names of the tool's.
 */
#include "oci/image.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/guard.h"
#include "host/path.h"
#include "host/progress.h"
#include "oci/digest.h"
#include "oci/layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK        (1u << 18)
#define INDEXES_MAX  4                    /* nested in each other */
#define FILES_MAX    4096                 /* of an archive */
#define UNPACKED_MAX (UINT64_C(64) << 30) /* bytes of an archive */
#define PLATFORM     "linux/amd64"

struct image {
    char *shown;              /* the path, for messages */
    char *tag;                /* NULL: none typed */
    char *folder;             /* of an OCI layout; NULL: an archive */
    struct args names, files; /* of an archive: names in it, and paths here */
    struct root *root;
    unsigned count; /* of files made */
};

static NORETURN void bad(const struct image *image, const char *what, const char *why)
{
    fail(STATUS_FAILED, "the image %s cannot be used: %s%s%s", image->shown, what,
         *what ? ": " : "", why);
}

static char *new_place(void *context)
{
    struct image *image = context;
    char *name = string_format("oci-%u", image->count++), *path = guard_path(name);
    free(name);
    return path;
}

/* The file here of a name in the image; NULL: none. */
static const char *file_of(struct image *image, const char *name)
{
    static char *path;
    if (image->folder) { /* the names are index.json and digests */
        free(path);
        path = string_format("%s/%s", image->folder, name);
        return access(path, R_OK) == 0 ? path : NULL;
    }
    for (size_t i = 0; i < image->names.count; i++)
        if (strcmp(image->names.item[i], name) == 0)
            return image->files.item[i];
    return NULL;
}

static char *document(struct image *image, const char *name, const char *file, size_t *size)
{
    struct stat st;
    if (!file || stat(file, &st) != 0)
        bad(image, name, "it is not there");
    if (!S_ISREG(st.st_mode) || st.st_size > OCI_JSON_MAX)
        bad(image, name, "it is larger than 4 MiB");
    return file_read_bytes(file, size);
}

/* The file of a blob, whose bytes are those of its digest. */
static const char *blob_file(struct image *image, const struct oci_blob *blob)
{
    const char *hex = blob->digest + sizeof("sha256:") - 1;
    char *name = string_format("blobs/sha256/%s", hex);
    const char *path = file_of(image, name);
    struct digest digest;
    if (!path || !digest_file(path, &digest))
        bad(image, blob->digest, "the blob is not there");
    if (digest.size != blob->size)
        bad(image, blob->digest, "the blob does not have the size that the image names");
    if (strcmp(digest.hex, hex) != 0)
        bad(image, blob->digest, "the blob has another SHA-256");
    free(name);
    return path;
}

static void add_layer(struct image *image, const char *shown, const char *file)
{
    struct text reason = {0};
    struct archive *archive = layer_reader();
    if (!file)
        bad(image, shown, "the layer is not there");
    if (archive_read_open_filename(archive, file, BLOCK) != ARCHIVE_OK)
        bad(image, shown, archive_error_string(archive));
    if (!layer_apply(image->root, archive, new_place, image, &reason))
        bad(image, shown, reason.bytes);
    archive_read_free(archive);
    text_free(&reason);
}

static void read_config(struct image *image, const char *name, const char *file,
                        struct oci_config *out)
{
    size_t size;
    char *bytes = document(image, name, file, &size);
    const char *why = oci_config_parse(bytes, size, out);
    if (why)
        bad(image, name, why);
    if (out->platform && strcmp(out->platform, PLATFORM) != 0)
        fail(STATUS_CANNOT_RUN, "the image %s is for %s, and Ouro runs programs for " PLATFORM,
             image->shown, out->platform);
    free(bytes);
}

static void read_manifest(struct image *image, const struct oci_blob *blob, struct oci_config *out)
{
    struct oci_manifest manifest;
    size_t size;
    char *bytes = document(image, blob->digest, blob_file(image, blob), &size);
    const char *why = oci_manifest_parse(bytes, size, &manifest);
    if (why)
        bad(image, blob->digest, why);
    read_config(image, manifest.config.digest, blob_file(image, &manifest.config), out);
    for (size_t i = 0; i < manifest.layers.count; i++) {
        const struct oci_blob *layer = &manifest.layers.blob[i];
        add_layer(image, layer->digest, blob_file(image, layer));
    }
    oci_manifest_free(&manifest);
    free(bytes);
}

static bool is_index(const struct oci_blob *blob)
{
    return blob->type && (string_ends(blob->type, "image.index.v1+json") ||
                          string_ends(blob->type, "manifest.list.v2+json"));
}

static bool is_asked_for(const struct image *image, const struct oci_blob *blob, unsigned depth)
{
    if (depth == 0 && image->tag && (!blob->name || strcmp(blob->name, image->tag) != 0))
        return false;
    return !blob->platform || strcmp(blob->platform, PLATFORM) == 0;
}

/* The one manifest to use; ends the tool with the choices if there are several, or none. */
static const struct oci_blob *choose(const struct image *image, const struct oci_index *index,
                                     unsigned depth)
{
    const struct oci_blob *chosen = NULL;
    size_t count = 0;
    struct text names = {0};
    for (size_t i = 0; i < index->count; i++) {
        const struct oci_blob *blob = &index->blob[i];
        if (is_asked_for(image, blob, depth)) {
            chosen = blob;
            count++;
        }
        if (blob->name)
            text_format(&names, "%s%s", names.length ? ", " : "", blob->name);
        else if (blob->platform)
            text_format(&names, "%s%s", names.length ? ", " : "", blob->platform);
    }
    if (count == 1)
        return chosen;
    fail(STATUS_FAILED, "the image %s has %s: choose with --oci IMAGE:TAG from: %s", image->shown,
         count == 0 ? "nothing of that name for " PLATFORM : "several images",
         names.length ? names.bytes : "(no names)");
}

static void read_index(struct image *image, const char *shown, const char *file, unsigned depth,
                       struct oci_config *out)
{
    struct oci_index index;
    size_t size;
    char *bytes = document(image, shown, file, &size);
    const char *why = depth == INDEXES_MAX ? "indexes are nested too deeply"
                                           : oci_index_parse(bytes, size, &index);
    if (why)
        bad(image, shown, why);
    const struct oci_blob *blob = choose(image, &index, depth);
    if (is_index(blob))
        read_index(image, blob->digest, blob_file(image, blob), depth + 1, out);
    else
        read_manifest(image, blob, out);
    oci_index_free(&index);
    free(bytes);
}

/* True if a tag of docker's, HOST/FOLDER/NAME:TAG, is asked for: the whole, or what is behind a / or the colon. */
static bool has_tag(const struct docker_image *one, const char *tag)
{
    for (size_t i = 0; i < one->tags.count; i++) {
        const char *item = one->tags.item[i];
        size_t length = strlen(item), end = strlen(tag);
        if (!string_ends(item, tag))
            continue;
        if (length == end || item[length - end - 1] == '/' || item[length - end - 1] == ':')
            return true;
    }
    return false;
}

static void read_docker(struct image *image, const char *manifest, struct oci_config *out)
{
    struct docker_images images;
    const struct docker_image *chosen = NULL;
    size_t size, count = 0;
    struct text names = {0};
    char *bytes = document(image, "manifest.json", manifest, &size);
    const char *why = docker_manifest_parse(bytes, size, &images);
    if (why)
        bad(image, "manifest.json", why);
    for (size_t i = 0; i < images.count; i++) {
        const struct docker_image *one = &images.image[i];
        for (size_t k = 0; k < one->tags.count; k++)
            text_format(&names, "%s%s", names.length ? ", " : "", one->tags.item[k]);
        if (!image->tag || has_tag(one, image->tag)) {
            chosen = one;
            count++;
        }
    }
    if (count != 1)
        fail(STATUS_FAILED, "the image %s has %s: choose with --oci IMAGE:TAG from: %s",
             image->shown, count == 0 ? "nothing of that name" : "several images",
             names.length ? names.bytes : "(no names)");
    read_config(image, chosen->config, file_of(image, chosen->config), out);
    for (size_t i = 0; i < chosen->layers.count; i++)
        add_layer(image, chosen->layers.item[i], file_of(image, chosen->layers.item[i]));
    docker_images_free(&images);
    text_free(&names);
    free(bytes);
}

/* Without "./" in front; NULL: not a name that an archive of an image has. */
static const char *plain_name(const char *name)
{
    while (name && string_starts(name, "./"))
        name += 2;
    return name && *name && *name != '/' ? name : NULL;
}

static struct archive *open_archive(const struct image *image)
{
    struct archive *archive = layer_reader();
    if (archive_read_open_filename(archive, image->shown, BLOCK) != ARCHIVE_OK)
        bad(image, "", archive_error_string(archive));
    return archive;
}

/* True if the archive is an image: it has an index.json with an oci-layout, or a manifest.json, at its top. */
static bool is_image_archive(struct image *image)
{
    struct archive *archive = open_archive(image);
    struct archive_entry *entry;
    bool index = false, layout = false, docker = false;
    int result = ARCHIVE_OK;
    while (!(index && layout) && !docker &&
           (result = archive_read_next_header(archive, &entry)) >= ARCHIVE_WARN &&
           result != ARCHIVE_EOF) {
        const char *name = plain_name(archive_entry_pathname(entry));
        index = index || (name && strcmp(name, "index.json") == 0);
        layout = layout || (name && strcmp(name, "oci-layout") == 0);
        docker = docker || (name && strcmp(name, "manifest.json") == 0);
    }
    if (result < ARCHIVE_WARN)
        bad(image, "", archive_error_string(archive));
    archive_read_free(archive);
    return docker || (index && layout);
}

static void unpack_file(struct image *image, struct archive *archive, const char *file,
                        uint64_t *room)
{
    char *block = memory(BLOCK);
    la_ssize_t got;
    FILE *out = fopen(file, "we");
    if (!out)
        fail_errno("cannot write %s", file);
    while ((got = archive_read_data(archive, block, BLOCK)) > 0) {
        if ((uint64_t)got > *room)
            bad(image, "", "it is larger than 64 GiB");
        *room -= (uint64_t)got;
        if (fwrite(block, 1, (size_t)got, out) != (size_t)got)
            fail_errno("cannot write %s", file);
    }
    if (got < 0)
        bad(image, "", archive_error_string(archive));
    if (fclose(out) != 0)
        fail_errno("cannot write %s", file);
    free(block);
}

/* Links of an archive to another file of it: docker's of equal layers. */
static void unpack_link(struct image *image, const char *name, const char *link, bool hard)
{
    char *joined = hard ? string_copy(link)
                        : string_format("%.*s%s", (int)(path_base(name) - name), name, link);
    char *clean = path_normalise(joined);
    const char *file = file_of(image, clean + 1);
    if (file) {
        char *copy = string_copy(file);
        args_add(&image->names, name);
        args_add(&image->files, copy);
        free(copy);
    }
    free(clean);
    free(joined);
}

/* Two passes, because a link may stand before its file: the first for files. */
static void unpack(struct image *image, bool links)
{
    struct archive *archive = open_archive(image);
    struct archive_entry *entry;
    uint64_t room = UNPACKED_MAX;
    int result;
    while ((result = archive_read_next_header(archive, &entry)) >= ARCHIVE_WARN &&
           result != ARCHIVE_EOF) {
        const char *name = plain_name(archive_entry_pathname(entry)),
                   *hard = archive_entry_hardlink(entry), *soft = archive_entry_symlink(entry);
        if (!name || file_of(image, name))
            continue;
        if (image->names.count == FILES_MAX)
            bad(image, "", "the archive has more than 4096 files");
        if (links && (hard || soft))
            unpack_link(image, name, hard ? hard : soft, hard != NULL);
        if (links || hard || soft || archive_entry_filetype(entry) != AE_IFREG)
            continue;
        char *file = new_place(image);
        unpack_file(image, archive, file, &room);
        args_add(&image->names, name);
        args_add(&image->files, file);
        free(file);
    }
    if (result != ARCHIVE_EOF)
        bad(image, "", archive_error_string(archive));
    archive_read_free(archive);
}

/* Takes a trailing :TAG off unless there is a file of the whole name. */
static void find_image(const char *typed, struct image *out)
{
    static const char *const transports[] = {"oci:", "oci-archive:", "docker-archive:"};
    struct stat st;
    for (size_t i = 0; i < ARRAY_LENGTH(transports); i++)
        if (string_starts(typed, transports[i]) && stat(typed, &st) != 0)
            typed += strlen(transports[i]);
    out->shown = string_copy(typed);
    for (char *colon = strchr(out->shown, ':'); stat(out->shown, &st) != 0 && colon;
         colon = strchr(colon + 1, ':')) {
        *colon = '\0';
        if (stat(out->shown, &st) == 0) {
            out->tag = string_copy(colon + 1);
            break;
        }
        *colon = ':';
    }
    if (stat(out->shown, &st) != 0)
        fail_errno("--oci %s", typed);
    if (S_ISDIR(st.st_mode)) {
        out->folder = out->shown;
        if (!file_of(out, "index.json"))
            fail(STATUS_FAILED,
                 "--oci %s: the folder has no index.json of an OCI layout; a root folder goes "
                 "with --root",
                 out->shown);
    }
}

struct listing {
    struct tree *tree;
};

/* Empty files that docker leaves where it mounts its own: the machine makes them. */
static bool is_mount_point(const char *path, const struct root_inode *inode)
{
    static const char *const names[] = {"etc/hosts", "etc/hostname", "etc/resolv.conf"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (strcmp(path, names[i]) == 0)
            return S_ISREG(inode->stat.st_mode) && inode->stat.st_size == 0;
    return strcmp(path, ".dockerenv") == 0;
}

static void list(void *context, const char *path, const struct root_inode *inode)
{
    if (is_mount_point(path, inode))
        return;
    const struct entry entry = {.path = string_copy(path),
                                .stat = inode->stat,
                                .target = inode->target ? string_copy(inode->target) : NULL,
                                .source = inode->source ? string_copy(inode->source) : NULL};
    tree_append(((struct listing *)context)->tree, &entry);
}

void oci_load(const char *typed, struct tree *tree, struct oci_config *out)
{
    struct image image = {.root = root_new()};
    struct listing listing = {tree};
    *out = (struct oci_config){0};
    find_image(typed, &image);
    progress_start("reading the image");
    if (!image.folder && is_image_archive(&image)) {
        unpack(&image, false);
        unpack(&image, true);
    }
    const char *index = file_of(&image, "index.json"), *docker = NULL;
    if (!index)
        docker = file_of(&image, "manifest.json");
    if (index)
        read_index(&image, "index.json", index, 0, out);
    else if (docker)
        read_docker(&image, docker, out);
    else
        add_layer(&image, "root folder", image.shown);
    root_each(image.root, list, &listing);
    tree_sort(tree);
    progress_clear();
}
