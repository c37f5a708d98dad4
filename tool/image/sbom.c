/* SPDX-License-Identifier: MIT */
/* Version 2.3 wants a SHA-1 of each file; SHA-256 stands beside it. */
#include "image/sbom.h"
#include "host/fail.h"
#include "host/file.h"
#include "image/date.h"
#include "oci/digest.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define UNKNOWN  "NOASSERTION"
#define DOCUMENT "SPDXRef-DOCUMENT"
#define IMAGE    "SPDXRef-Image"

static void add(json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

static json_object *package_of(const char *id, const char *name, const char *version)
{
    json_object *object = json_object_new_object();
    add(object, "SPDXID", id);
    add(object, "name", name);
    if (*version)
        add(object, "versionInfo", version);
    add(object, "downloadLocation", UNKNOWN);
    json_object_object_add(object, "filesAnalyzed", json_object_new_boolean(false));
    add(object, "copyrightText", UNKNOWN);
    return object;
}

/* The characters of a package URL that are not plain are percent-encoded. */
static char *url_of(const struct inventory_package *package)
{
    struct text out = {0};
    text_format(&out, "pkg:%s/%s/%s@", package->kind, package->kind[0] == 'd' ? "debian" : "alpine",
                package->name);
    for (const char *c = package->version; *c; c++)
        text_format(&out, strchr("+~:", *c) ? "%%%02X" : "%c", (unsigned char)*c);
    if (*package->machine)
        text_format(&out, "?arch=%s", package->machine);
    return out.bytes;
}

static void add_package(json_object *packages, const struct inventory_package *package, size_t at)
{
    char *id = string_format("SPDXRef-Package-%zu", at);
    json_object *object = package_of(id, package->name, package->version);
    const char *licence = inventory_spdx(package->said);
    add(object, "licenseConcluded", UNKNOWN);
    add(object, "licenseDeclared", licence ? licence : UNKNOWN);
    if (package->said && !licence)
        add(object, "licenseComments", package->said);
    if (*package->kind && *package->version) {
        json_object *references = json_object_new_array(), *reference = json_object_new_object();
        char *url = url_of(package);
        add(reference, "referenceCategory", "PACKAGE-MANAGER");
        add(reference, "referenceType", "purl");
        add(reference, "referenceLocator", url);
        json_object_array_add(references, reference);
        json_object_object_add(object, "externalRefs", references);
        free(url);
    }
    json_object_array_add(packages, object);
    free(id);
}

static void relate(json_object *list, const char *from, const char *how, const char *to)
{
    json_object *object = json_object_new_object();
    add(object, "spdxElementId", from);
    add(object, "relationshipType", how);
    add(object, "relatedSpdxElement", to);
    json_object_array_add(list, object);
}

static void add_checksum(json_object *list, const char *name, const char *hex)
{
    json_object *object = json_object_new_object();
    add(object, "algorithm", name);
    add(object, "checksumValue", hex);
    json_object_array_add(list, object);
}

static void add_file(json_object *files, const struct entry *entry, const char *id)
{
    json_object *object = json_object_new_object(), *sums = json_object_new_array();
    struct digest digest;
    char *name = string_format("./%s", entry->path);
    if (!digest_file(entry->source, &digest))
        fail_errno("cannot read %s", entry->source);
    add(object, "SPDXID", id);
    add(object, "fileName", name);
    add_checksum(sums, "SHA1", digest.sha1);
    add_checksum(sums, "SHA256", digest.hex);
    json_object_object_add(object, "checksums", sums);
    add(object, "licenseConcluded", UNKNOWN);
    add(object, "copyrightText", UNKNOWN);
    json_object_array_add(files, object);
    free(name);
}

static void add_files(const struct tree *tree, const struct inventory *inventory,
                      json_object *files, json_object *relations)
{
    for (size_t i = 0; i < tree->count; i++) {
        if (!tree->entry[i].source)
            continue;
        char *id = string_format("SPDXRef-File-%zu", i), *owner = NULL;
        add_file(files, &tree->entry[i], id);
        if (inventory->owner[i] != INVENTORY_NONE)
            owner = string_format("SPDXRef-Package-%zu", inventory->owner[i]);
        relate(relations, owner ? owner : IMAGE, "CONTAINS", id);
        free(owner);
        free(id);
    }
}

void sbom_write(const struct tree *tree, const struct inventory *inventory, const char *name,
                const char *file)
{
    json_object *document = json_object_new_object(), *packages = json_object_new_array(),
                *files = json_object_new_array(), *relations = json_object_new_array(),
                *creation = json_object_new_object(), *creators = json_object_new_array();
    char created[32];
    time_t date = date_of_image();
    struct tm tm;
    struct digest digest;
    json_object *image = package_of(IMAGE, name, "");
    add(image, "licenseConcluded", UNKNOWN);
    add(image, "licenseDeclared", UNKNOWN);
    json_object_array_add(packages, image);
    relate(relations, DOCUMENT, "DESCRIBES", IMAGE);
    for (size_t i = 0; i < inventory->count; i++) {
        char *id = string_format("SPDXRef-Package-%zu", i);
        add_package(packages, &inventory->package[i], i);
        relate(relations, IMAGE, "CONTAINS", id);
        free(id);
    }
    add_files(tree, inventory, files, relations);
    strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&date, &tm));
    json_object_array_add(creators, json_object_new_string("Tool: ouro-" OURO_VERSION));
    add(creation, "created", created);
    json_object_object_add(creation, "creators", creators);
    digest_text(json_object_to_json_string(files), &digest);
    char *space = string_format("https://ouro.invalid/spdx/%s", digest.hex);
    add(document, "spdxVersion", "SPDX-2.3");
    add(document, "dataLicense", "CC0-1.0");
    add(document, "SPDXID", DOCUMENT);
    add(document, "name", name);
    add(document, "documentNamespace", space);
    json_object_object_add(document, "creationInfo", creation);
    json_object_object_add(document, "packages", packages);
    json_object_object_add(document, "files", files);
    json_object_object_add(document, "relationships", relations);
    char *text = string_format(
        "%s\n", json_object_to_json_string_ext(document, JSON_C_TO_STRING_PRETTY |
                                                             JSON_C_TO_STRING_NOSLASHESCAPE));
    file_write(file, text);
    json_object_put(document);
    free(text);
    free(space);
}
