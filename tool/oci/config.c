/* SPDX-License-Identifier: MIT */
/* Each document is checked as far as it is used; what is not known is ignored, as the specification wants it. */
#include "oci/config.h"
#include "base/compiler.h"

#include <json-c/json.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST     "sha256:"
#define HEX_DIGITS 64

static const char not_json[] = "it is not JSON";
static const char no_object[] = "it is no JSON object";

/* True if only blanks come from here on; the bytes have no NUL behind them. */
static bool is_blank(const char *bytes, size_t from, size_t size)
{
    while (from < size && memchr(" \t\r\n", bytes[from], 4))
        from++;
    return from >= size;
}

/* json_object_put() frees it; NULL: no JSON. */
static json_object *document(const char *bytes, size_t size)
{
    struct json_tokener *tokener = json_tokener_new_ex(OCI_JSON_DEPTH);
    json_object *value = NULL;
    if (tokener && size > 0 && size <= OCI_JSON_MAX) {
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8 |
                                            JSON_TOKENER_ALLOW_TRAILING_CHARS);
        value = json_tokener_parse_ex(tokener, bytes, (int)size);
        size_t end = json_tokener_get_parse_end(tokener);
        if (value && (!is_blank(bytes, end, size) ||
                      json_tokener_get_error(tokener) != json_tokener_success)) {
            json_object_put(value);
            value = NULL;
        }
    }
    if (tokener)
        json_tokener_free(tokener);
    return value;
}

static json_object *member(json_object *object, const char *key)
{
    json_object *value = NULL;
    if (json_object_is_type(object, json_type_object))
        json_object_object_get_ex(object, key, &value);
    return value;
}

/* The text of a string that has no NUL; NULL: it is none. */
static const char *text_of(json_object *value)
{
    if (!json_object_is_type(value, json_type_string))
        return NULL;
    const char *text = json_object_get_string(value);
    return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

static char *copy_of(json_object *value)
{
    const char *text = text_of(value);
    return text ? string_copy(text) : NULL;
}

bool oci_is_digest(const char *text)
{
    size_t prefix = sizeof(DIGEST) - 1;
    return strncmp(text, DIGEST, prefix) == 0 && strlen(text) == prefix + HEX_DIGITS &&
           strspn(text + prefix, "0123456789abcdef") == HEX_DIGITS;
}

static void blob_free(struct oci_blob *blob)
{
    free(blob->digest);
    free(blob->type);
    free(blob->name);
    free(blob->platform);
}

static char *platform_of(json_object *value)
{
    const char *os = text_of(member(value, "os")),
               *machine = text_of(member(value, "architecture"));
    return os && machine ? string_format("%s/%s", os, machine) : NULL;
}

static const char *blob_parse(json_object *value, struct oci_blob *out)
{
    const char *digest = text_of(member(value, "digest"));
    json_object *size = member(value, "size");
    if (!digest || !oci_is_digest(digest))
        return "a blob has no SHA-256 digest";
    if (!json_object_is_type(size, json_type_int) || json_object_get_int64(size) < 0)
        return "a blob has no size";
    *out = (struct oci_blob){
        .digest = string_copy(digest),
        .size = (uint64_t)json_object_get_int64(size),
        .type = copy_of(member(value, "mediaType")),
        .name = copy_of(member(member(value, "annotations"), "org.opencontainers.image.ref.name")),
        .platform = platform_of(member(value, "platform")),
    };
    return NULL;
}

static const char *blobs_parse(json_object *array, struct oci_index *out)
{
    const char *why = NULL;
    if (!json_object_is_type(array, json_type_array))
        return "it has no list of blobs";
    size_t count = json_object_array_length(array);
    if (count > OCI_BLOBS_MAX)
        return "it names more than 1024 blobs";
    out->blob = memory((count + 1) * sizeof(*out->blob));
    while (!why && out->count < count) {
        why = blob_parse(json_object_array_get_idx(array, out->count), &out->blob[out->count]);
        out->count += why == NULL;
    }
    return why;
}

void oci_index_free(struct oci_index *index)
{
    for (size_t i = 0; i < index->count; i++)
        blob_free(&index->blob[i]);
    free(index->blob);
    *index = (struct oci_index){0};
}

const char *oci_index_parse(const char *bytes, size_t size, struct oci_index *out)
{
    *out = (struct oci_index){0};
    json_object *value = document(bytes, size);
    const char *why = value ? blobs_parse(member(value, "manifests"), out) : not_json;
    json_object_put(value);
    if (why)
        oci_index_free(out);
    return why;
}

void oci_manifest_free(struct oci_manifest *manifest)
{
    blob_free(&manifest->config);
    oci_index_free(&manifest->layers);
    *manifest = (struct oci_manifest){0};
}

const char *oci_manifest_parse(const char *bytes, size_t size, struct oci_manifest *out)
{
    *out = (struct oci_manifest){0};
    json_object *value = document(bytes, size);
    const char *why = value ? blob_parse(member(value, "config"), &out->config) : not_json;
    if (!why)
        why = blobs_parse(member(value, "layers"), &out->layers);
    json_object_put(value);
    if (why)
        oci_manifest_free(out);
    return why;
}

/* Adds the strings of an array; null is an empty one. */
static const char *strings(json_object *array, struct args *out)
{
    if (!array)
        return NULL;
    if (!json_object_is_type(array, json_type_array))
        return "what should be a list of texts is none";
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        const char *text = text_of(json_object_array_get_idx(array, i));
        if (!text)
            return "a list has something else than texts";
        args_add(out, text);
    }
    return NULL;
}

static void docker_image_free(struct docker_image *image)
{
    free(image->config);
    args_free(&image->layers);
    args_free(&image->tags);
}

void docker_images_free(struct docker_images *images)
{
    for (size_t i = 0; i < images->count; i++)
        docker_image_free(&images->image[i]);
    free(images->image);
    *images = (struct docker_images){0};
}

static const char *docker_image_parse(json_object *value, struct docker_image *out)
{
    *out = (struct docker_image){.config = copy_of(member(value, "Config"))};
    const char *why = out->config ? NULL : "an image has no configuration";
    if (!why)
        why = strings(member(value, "Layers"), &out->layers);
    if (!why && out->layers.count > OCI_BLOBS_MAX)
        why = "it has more than 1024 layers";
    if (!why)
        why = strings(member(value, "RepoTags"), &out->tags);
    if (why)
        docker_image_free(out);
    return why;
}

const char *docker_manifest_parse(const char *bytes, size_t size, struct docker_images *out)
{
    *out = (struct docker_images){0};
    json_object *value = document(bytes, size);
    const char *why = !value                                         ? not_json
                      : !json_object_is_type(value, json_type_array) ? "it is no list of images"
                      : json_object_array_length(value) > OCI_BLOBS_MAX
                          ? "it has more than 1024 images"
                          : NULL;
    size_t count = why ? 0 : json_object_array_length(value);
    out->image = memory((count + 1) * sizeof(*out->image));
    while (!why && out->count < count) {
        why = docker_image_parse(json_object_array_get_idx(value, out->count),
                                 &out->image[out->count]);
        out->count += why == NULL;
    }
    json_object_put(value);
    if (why)
        docker_images_free(out);
    return why;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The keys of an object, sorted; with values as KEY=VALUE, of those that are strings. */
static void keys(json_object *object, bool values, struct args *out)
{
    if (!json_object_is_type(object, json_type_object))
        return;
    json_object_object_foreach(object, key, value)
    {
        const char *text = text_of(value);
        if (!values)
            args_add(out, key);
        else if (text)
            args_format(out, "%s=%s", key, text);
    }
    if (out->count > 0)
        qsort(out->item, out->count, sizeof(*out->item), by_text);
}

/* NULL for an empty text. */
static char *word_of(json_object *value)
{
    const char *text = text_of(value);
    return text && *text ? string_copy(text) : NULL;
}

void oci_config_free(struct oci_config *config)
{
    struct args *lists[] = {&config->entrypoint, &config->command, &config->environment,
                            &config->ports,      &config->volumes, &config->labels};
    char *texts[] = {config->workdir, config->user, config->stop_signal, config->platform};
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++)
        args_free(lists[i]);
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
        free(texts[i]);
    *config = (struct oci_config){0};
}

static const char *variables_check(const struct args *environment)
{
    for (size_t i = 0; i < environment->count; i++)
        if (environment->item[i][0] == '=' || !strchr(environment->item[i], '='))
            return "a variable of its environment is not NAME=VALUE";
    return NULL;
}

const char *oci_config_parse(const char *bytes, size_t size, struct oci_config *out)
{
    *out = (struct oci_config){0};
    json_object *value = document(bytes, size), *config = member(value, "config");
    const char *why = !value                                          ? not_json
                      : !json_object_is_type(value, json_type_object) ? no_object
                                                                      : NULL;
    if (!why)
        why = strings(member(config, "Entrypoint"), &out->entrypoint);
    if (!why)
        why = strings(member(config, "Cmd"), &out->command);
    if (!why)
        why = strings(member(config, "Env"), &out->environment);
    if (!why)
        why = variables_check(&out->environment);
    keys(member(config, "ExposedPorts"), false, &out->ports);
    keys(member(config, "Volumes"), false, &out->volumes);
    keys(member(config, "Labels"), true, &out->labels);
    out->workdir = word_of(member(config, "WorkingDir"));
    out->user = word_of(member(config, "User"));
    out->stop_signal = word_of(member(config, "StopSignal"));
    out->platform = platform_of(value);
    json_object_put(value);
    if (why)
        oci_config_free(out);
    return why;
}

int oci_signal(const char *text)
{
    static const struct {
        const char *name;
        int number;
    } signals[] = {{"HUP", SIGHUP},       {"INT", SIGINT},     {"QUIT", SIGQUIT}, {"ABRT", SIGABRT},
                   {"KILL", SIGKILL},     {"USR1", SIGUSR1},   {"USR2", SIGUSR2}, {"PIPE", SIGPIPE},
                   {"ALRM", SIGALRM},     {"TERM", SIGTERM},   {"CONT", SIGCONT}, {"STOP", SIGSTOP},
                   {"TSTP", SIGTSTP},     {"WINCH", SIGWINCH}, {"PWR", SIGPWR},   {"IO", SIGIO},
                   {"VTALRM", SIGVTALRM}, {"PROF", SIGPROF}};
    const char *name = strncmp(text, "SIG", 3) == 0 ? text + 3 : text;
    char *end;
    for (size_t i = 0; i < ARRAY_LENGTH(signals); i++)
        if (strcmp(signals[i].name, name) == 0)
            return signals[i].number;
    if (strncmp(name, "RTMIN+", 6) == 0 && name[6] >= '0' && name[6] <= '9') {
        unsigned long plus = strtoul(name + 6, &end, 10); /* systemd's images: SIGRTMIN+3 */
        return !*end && plus <= 30 ? 34 + (int)plus : 0;
    }
    if (*name < '0' || *name > '9')
        return 0;
    unsigned long number = strtoul(name, &end, 10);
    return !*end && number >= 1 && number <= 64 ? (int)number : 0;
}
