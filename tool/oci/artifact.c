/* SPDX-License-Identifier: MIT */
#include "oci/artifact.h"
#include "base/compiler.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/guard.h"
#include "host/text.h"
#include "image/date.h"
#include "oci/digest.h"

#include <archive.h>
#include <archive_entry.h>
#include <json-c/json.h>
#include <nettle/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define BLOCK       (1u << 18)
#define URUNC       "com.urunc.unikernel."
#define KERNEL      "/unikernel/ouro.elf"
#define ARCHIVE     "/unikernel/root.cpio"
#define TYPE        "application/vnd.oci.image."
#define ANNOTATIONS 5
#define JSON_STYLE  (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

/* A file of an archive: its bytes, or a file here. */
struct part {
    const char *name, *bytes, *file;
};

static void check(int result, struct archive *archive, const char *output)
{
    if (result != ARCHIVE_OK)
        fail(STATUS_FAILED, "cannot write %s: %s", output, archive_error_string(archive));
}

static void put(struct archive *archive, const char *output, const void *bytes, size_t size)
{
    if (archive_write_data(archive, bytes, size) != (la_ssize_t)size)
        fail(STATUS_FAILED, "cannot write %s: %s", output, archive_error_string(archive));
}

static void write_part(struct archive *archive, const char *output, const struct part *part)
{
    struct stat st = {.st_size = part->bytes ? (off_t)strlen(part->bytes) : 0};
    FILE *file = part->file ? fopen(part->file, "re") : NULL;
    bool folder = !part->file && !part->bytes;
    if (part->file && (!file || fstat(fileno(file), &st) != 0))
        fail_errno("cannot read %s", part->file);
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, part->name);
    archive_entry_set_filetype(entry, folder ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(entry, folder ? 0755 : 0644);
    archive_entry_set_size(entry, st.st_size);
    archive_entry_set_mtime(entry, date_of_image(), 0);
    check(archive_write_header(archive, entry), archive, output);
    if (part->bytes)
        put(archive, output, part->bytes, strlen(part->bytes));
    if (file) {
        char *block = memory(BLOCK);
        for (size_t got; (got = fread(block, 1, BLOCK, file)) > 0;)
            put(archive, output, block, got);
        fclose(file);
        free(block);
    }
    archive_entry_free(entry);
}

/* A tar of the parts up to one without a name. */
static void write_tar(const char *output, const struct part *part)
{
    struct archive *archive = archive_write_new();
    if (!archive)
        fail(STATUS_FAILED, "out of memory");
    check(archive_write_set_format_pax_restricted(archive), archive, output);
    check(archive_write_add_filter_none(archive), archive, output);
    check(archive_write_open_filename(archive, output), archive, output);
    for (; part->name; part++)
        write_part(archive, output, part);
    check(archive_write_close(archive), archive, output);
    archive_write_free(archive);
}

static void add(json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

static char *base64(const char *text)
{
    size_t length = strlen(text);
    char *out = memory(BASE64_ENCODE_RAW_LENGTH(length) + 1);
    base64_encode_raw(out, length, (const uint8_t *)text);
    return out;
}

static json_object *annotations(const struct artifact *artifact, bool encoded)
{
    const char *const values[ANNOTATIONS][2] = {{URUNC "unikernelType", "linux"},
                                                {URUNC "hypervisor", "qemu"},
                                                {URUNC "binary", KERNEL},
                                                {URUNC "initrd", ARCHIVE},
                                                {URUNC "cmdline", artifact->words}};
    json_object *object = json_object_new_object();
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
        char *value = encoded ? base64(values[i][1]) : string_copy(values[i][1]);
        add(object, values[i][0], value);
        free(value);
    }
    return object;
}

/* Consumes the object. */
static char *text_of(json_object *object)
{
    char *text = string_copy(json_object_to_json_string_ext(object, JSON_STYLE));
    json_object_put(object);
    return text;
}

static json_object *blob(const char *type, const struct digest *digest)
{
    json_object *object = json_object_new_object();
    char *name = string_format("sha256:%s", digest->hex);
    add(object, "mediaType", type);
    add(object, "digest", name);
    json_object_object_add(object, "size", json_object_new_int64((int64_t)digest->size));
    free(name);
    return object;
}

static json_object *list_of(json_object *item)
{
    json_object *list = json_object_new_array();
    json_object_array_add(list, item);
    return list;
}

static char *config_text(const struct artifact *artifact, const struct digest *layer)
{
    json_object *object = json_object_new_object(), *config = json_object_new_object(),
                *rootfs = json_object_new_object(), *step = json_object_new_object();
    char created[32], *name = string_format("sha256:%s", layer->hex);
    time_t date = date_of_image();
    struct tm tm;
    strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&date, &tm));
    add(object, "created", created);
    add(object, "architecture", "amd64");
    add(object, "os", "linux");
    json_object_object_add(config, "Cmd", list_of(json_object_new_string(KERNEL)));
    json_object_object_add(config, "Labels", annotations(artifact, false));
    json_object_object_add(object, "config", config);
    add(rootfs, "type", "layers");
    json_object_object_add(rootfs, "diff_ids", list_of(json_object_new_string(name)));
    json_object_object_add(object, "rootfs", rootfs);
    add(step, "created", created);
    add(step, "created_by", "ouro image");
    json_object_object_add(object, "history", list_of(step));
    free(name);
    return text_of(object);
}

static char *manifest_text(const struct artifact *artifact, const struct digest *config,
                           const struct digest *layer)
{
    json_object *object = json_object_new_object();
    json_object_object_add(object, "schemaVersion", json_object_new_int(2));
    add(object, "mediaType", TYPE "manifest.v1+json");
    json_object_object_add(object, "config", blob(TYPE "config.v1+json", config));
    json_object_object_add(object, "layers", list_of(blob(TYPE "layer.v1.tar", layer)));
    json_object_object_add(object, "annotations", annotations(artifact, true));
    return text_of(object);
}

static char *index_text(const struct artifact *artifact, const struct digest *manifest)
{
    json_object *object = json_object_new_object(), *names = json_object_new_object(),
                *item = blob(TYPE "manifest.v1+json", manifest),
                *platform = json_object_new_object();
    add(platform, "architecture", "amd64");
    add(platform, "os", "linux");
    add(names, "org.opencontainers.image.ref.name", artifact->name);
    json_object_object_add(item, "platform", platform);
    json_object_object_add(item, "annotations", names);
    json_object_object_add(object, "schemaVersion", json_object_new_int(2));
    add(object, "mediaType", TYPE "index.v1+json");
    json_object_object_add(object, "manifests", list_of(item));
    return text_of(object);
}

static char *blob_name(const struct digest *digest)
{
    return string_format("blobs/sha256/%s", digest->hex);
}

/* The files of the layer, up to one without a name. */
static struct part *layer_parts(const struct artifact *artifact, const char *urunc)
{
    const struct part fixed[] = {{"unikernel/", NULL, NULL},
                                 {KERNEL + 1, NULL, artifact->kernel},
                                 {ARCHIVE + 1, NULL, artifact->archive},
                                 {"urunc.json", urunc, NULL},
                                 {"licences/", NULL, NULL}};
    size_t count = ARRAY_LENGTH(fixed);
    struct part *parts = memory((count + artifact->licence_names->count + 1) * sizeof(*parts));
    memcpy(parts, fixed, sizeof(fixed));
    for (size_t i = 0; i < artifact->licence_names->count; i++) {
        const char *name = artifact->licence_names->item[i];
        parts[count++] = (struct part){.name = string_format("licences/%s", name),
                                       .file = string_format("%s/%s", artifact->licences, name)};
    }
    return parts;
}

void artifact_write(const struct artifact *artifact, const char *output)
{
    char *layer_file = guard_path("layer.tar"), *urunc = text_of(annotations(artifact, true));
    struct digest layer, config, manifest;
    struct part *files = layer_parts(artifact, urunc);
    write_tar(layer_file, files);
    if (!digest_file(layer_file, &layer))
        fail_errno("cannot read %s", layer_file);
    char *config_json = config_text(artifact, &layer);
    digest_text(config_json, &config);
    char *manifest_json = manifest_text(artifact, &config, &layer);
    digest_text(manifest_json, &manifest);
    char *index_json = index_text(artifact, &manifest);
    char *names[] = {blob_name(&layer), blob_name(&config), blob_name(&manifest)};
    const struct part image[] = {{"oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", NULL},
                                 {"index.json", index_json, NULL},
                                 {"blobs/", NULL, NULL},
                                 {"blobs/sha256/", NULL, NULL},
                                 {names[2], manifest_json, NULL},
                                 {names[1], config_json, NULL},
                                 {names[0], NULL, layer_file},
                                 {0}};
    char *fresh = guard_path("artifact.tar");
    write_tar(fresh, image);
    file_copy(fresh, output);
    char *const texts[] = {layer_file, urunc,    config_json, manifest_json, index_json,
                           names[0],   names[1], names[2],    fresh};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
        free(texts[i]);
}
