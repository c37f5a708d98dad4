/* SPDX-License-Identifier: MIT */
/*
 * The JSON documents of a container image, parsed by json-c: index, manifest, docker's manifest.json, configuration. Pure. Bytes
 * from outside: each function returns NULL, or a reason (a static string), and then *out is empty.
 */
#pragma once

#include "host/text.h"

#include <stddef.h>
#include <stdint.h>

/* A blob of a layout. */
struct oci_blob {
    char *digest; /* "sha256:" and 64 hexadecimal digits */
    uint64_t size;
    char *type;     /* media type; NULL: not said */
    char *name;     /* org.opencontainers.image.ref.name; NULL: none */
    char *platform; /* "linux/amd64"; NULL: not said */
};

struct oci_index {
    struct oci_blob *blob;
    size_t count;
};

/* A manifest; those of docker have files of the archive instead of blobs. */
struct oci_manifest {
    struct oci_blob config;
    struct oci_index layers;
};

struct docker_image {
    char *config;       /* names of files in the archive */
    struct args layers; /* lowest first */
    struct args tags;
};

struct docker_images {
    struct docker_image *image;
    size_t count;
};

struct oci_config {
    struct args entrypoint, command;
    struct args environment; /* NAME=VALUE */
    struct args ports;       /* 80/tcp, sorted */
    struct args volumes;     /* sorted */
    struct args labels;      /* NAME=VALUE, sorted */
    char *workdir;           /* NULL: / */
    char *user;              /* NULL: root */
    char *stop_signal;       /* NULL: SIGTERM */
    char *platform;          /* as in struct oci_blob */
};

#define OCI_JSON_MAX   (4u << 20) /* bytes of a document */
#define OCI_JSON_DEPTH 32
#define OCI_BLOBS_MAX  1024 /* of an index, layers of a manifest */

const char *oci_index_parse(const char *bytes, size_t size, struct oci_index *out);
const char *oci_manifest_parse(const char *bytes, size_t size, struct oci_manifest *out);
const char *docker_manifest_parse(const char *bytes, size_t size, struct docker_images *out);
const char *oci_config_parse(const char *bytes, size_t size, struct oci_config *out);

void oci_index_free(struct oci_index *index);
void oci_manifest_free(struct oci_manifest *manifest);
void docker_images_free(struct docker_images *images);
void oci_config_free(struct oci_config *config);

/* True for sha256: and 64 lower-case hexadecimal digits. */
bool oci_is_digest(const char *text);
/* The signal's number, of SIGTERM, TERM or 15; 0: none. */
int oci_signal(const char *text);
