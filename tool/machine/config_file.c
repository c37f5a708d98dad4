/* SPDX-License-Identifier: MIT */
#include "machine/config_file.h"
#include "base/compiler.h"
#include "host/fail.h"
#include "host/file.h"
#include "machine/suggest.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 8
#define NEAR      3 /* letters that a suggestion may differ by */

enum kind {
    KIND_TEXT,   /* a text or a number */
    KIND_FLAG,   /* true or false */
    KIND_LIST,   /* of texts, each an option */
    KIND_WORDS,  /* of texts, one option; or a text */
    KIND_OBJECT, /* NAME: VALUE or null, each an option */
};

static const struct key {
    const char *name;
    enum kind kind;
    const char *option, *prefix; /* of each value; NULL: none */
} keys[] = {
    {"program", KIND_TEXT, NULL, NULL},
    {"arguments", KIND_LIST, NULL, NULL},
    {"env", KIND_OBJECT, "env", NULL},
    {"env_files", KIND_LIST, "env-file", NULL},
    {"files", KIND_LIST, "with", NULL},
    {"packages", KIND_LIST, "with", "package:"},
    {"memory", KIND_TEXT, "memory", NULL},
    {"cpus", KIND_TEXT, "cpus", NULL},
    {"ports", KIND_LIST, "port", NULL},
    {"volumes", KIND_LIST, "volume", NULL},
    {"volume_size", KIND_TEXT, "volume-size", NULL},
    {"disks", KIND_LIST, "disk", NULL},
    {"shares", KIND_LIST, "share", NULL},
    {"words", KIND_WORDS, "append", NULL},
    {"workdir", KIND_TEXT, "workdir", NULL},
    {"user", KIND_TEXT, "user", NULL},
    {"hostname", KIND_TEXT, "hostname", NULL},
    {"init", KIND_FLAG, "init", NULL},
    {"root", KIND_TEXT, "root", NULL},
    {"sysroot", KIND_TEXT, "sysroot", NULL},
    {"oci", KIND_TEXT, "oci", NULL},
    {"net", KIND_TEXT, "net", NULL},
    {"machine", KIND_TEXT, "machine", NULL},
    {"firmware", KIND_TEXT, "firmware", NULL},
    {"medium", KIND_TEXT, "medium", NULL},
    {"timeout", KIND_TEXT, "timeout", NULL},
};

struct reader {
    const char *file;
    const struct argp_option *options;
    struct config_file *out;
};

static const struct key *find_key(const struct reader *reader, const char *name)
{
    const char *near = NULL;
    unsigned best = NEAR + 1;
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
        bool same = keys[i].option && strcmp(keys[i].option, name) == 0; /* "with", "port" */
        unsigned letters = same ? 0 : suggest_distance(name, keys[i].name, best - 1);
        if (letters < best && letters < strlen(name)) {
            best = letters;
            near = keys[i].name;
        }
    }
    fail(STATUS_FAILED, "%s: unknown key \"%s\"%s%s%s", reader->file, name,
         near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static bool command_has(const struct reader *reader, const char *option)
{
    for (const struct argp_option *o = reader->options; o->name || o->key || o->doc; o++)
        if (o->name && strcmp(o->name, option) == 0)
            return true;
    return false;
}

/* A text, or a number as it stands in the file. */
static const char *text_of(const struct reader *reader, const struct key *key, json_object *value,
                           const char *wanted)
{
    if (json_object_is_type(value, json_type_string)) {
        const char *text = json_object_get_string(value);
        if (strlen(text) == (size_t)json_object_get_string_len(value))
            return text;
    } else if (json_object_is_type(value, json_type_int) ||
               json_object_is_type(value, json_type_double)) {
        return json_object_to_json_string(value);
    }
    fail(STATUS_FAILED, "%s: \"%s\" is not %s", reader->file, key->name, wanted);
}

static void add(const struct reader *reader, const struct key *key, const char *value)
{
    const char *prefix = key->prefix ? key->prefix : "";
    if (key->option)
        args_format(&reader->out->options, "--%s=%s%s", key->option, prefix, value);
    else if (key->kind == KIND_LIST)
        args_add(&reader->out->arguments, value);
    else
        reader->out->program = string_copy(value);
}

static void take_list(const struct reader *reader, const struct key *key, json_object *value)
{
    static const char wanted[] = "a list of texts";
    if (!json_object_is_type(value, json_type_array))
        fail(STATUS_FAILED, "%s: \"%s\" is not %s", reader->file, key->name, wanted);
    struct text words = {0};
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        const char *text = text_of(reader, key, json_object_array_get_idx(value, i), wanted);
        if (key->kind == KIND_LIST)
            add(reader, key, text);
        else
            text_format(&words, "%s%s", i > 0 ? " " : "", text);
    }
    if (words.length > 0)
        add(reader, key, words.bytes);
    text_free(&words);
}

static void take_object(const struct reader *reader, const struct key *key, json_object *value)
{
    static const char wanted[] = "an object of texts: {\"NAME\": \"VALUE\"}";
    if (!json_object_is_type(value, json_type_object))
        fail(STATUS_FAILED, "%s: \"%s\" is not %s", reader->file, key->name, wanted);
    json_object_object_foreach(value, name, one)
    {
        char *pair = one ? string_format("%s=%s", name, text_of(reader, key, one, wanted))
                         : string_copy(name);
        add(reader, key, pair);
        free(pair);
    }
}

static void take(const struct reader *reader, const struct key *key, json_object *value)
{
    bool used = !key->option || command_has(reader, key->option);
    if (key->kind == KIND_FLAG && !json_object_is_type(value, json_type_boolean))
        fail(STATUS_FAILED, "%s: \"%s\" is not true or false", reader->file, key->name);
    if (!used)
        return;
    if (key->kind == KIND_FLAG && json_object_get_boolean(value))
        args_format(&reader->out->options, "--%s", key->option);
    else if (key->kind == KIND_LIST ||
             (key->kind == KIND_WORDS && json_object_is_type(value, json_type_array)))
        take_list(reader, key, value);
    else if (key->kind == KIND_OBJECT)
        take_object(reader, key, value);
    else if (key->kind != KIND_FLAG)
        add(reader, key, text_of(reader, key, value, "a text"));
}

void config_file_read(const char *file, const struct argp_option *options, struct config_file *out)
{
    const struct reader reader = {file, options, out};
    size_t size;
    char *bytes = file_read_bytes(file, &size);
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
    *out = (struct config_file){0};
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    json_object *top =
        size < INT32_MAX ? json_tokener_parse_ex(tokener, bytes, (int)size + 1) : NULL;
    size_t at = json_tokener_get_parse_end(tokener), line = 1;
    for (size_t i = 0; i < at && i < size; i++)
        line += bytes[i] == '\n';
    if (!top)
        fail(STATUS_FAILED, "%s:%zu: this is not JSON: %s", file, line,
             json_tokener_error_desc(json_tokener_get_error(tokener)));
    if (!json_object_is_type(top, json_type_object))
        fail(STATUS_FAILED, "%s: this is not a JSON object: {\"program\": ...}", file);
    json_object_object_foreach(top, name, value)
    {
        take(&reader, find_key(&reader, name), value);
    }
    json_object_put(top);
    json_tokener_free(tokener);
    free(bytes);
}
