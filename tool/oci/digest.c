/* SPDX-License-Identifier: MIT */
#include "oci/digest.h"
#include "host/text.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK (1u << 18)

static void finish(struct sha256_ctx *sha, uint64_t size, struct digest *out)
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(sha, sizeof(digest), digest);
    for (size_t i = 0; i < sizeof(digest); i++)
        snprintf(out->hex + 2 * i, 3, "%02x", digest[i]);
    out->size = size;
}

bool digest_file(const char *path, struct digest *out)
{
    FILE *file = fopen(path, "re");
    struct sha256_ctx sha;
    uint64_t size = 0;
    if (!file)
        return false;
    uint8_t *block = memory(BLOCK);
    sha256_init(&sha);
    for (size_t got; (got = fread(block, 1, BLOCK, file)) > 0;) {
        sha256_update(&sha, got, block);
        size += got;
    }
    bool good = !ferror(file);
    finish(&sha, size, out);
    fclose(file);
    free(block);
    return good;
}

void digest_text(const char *text, struct digest *out)
{
    struct sha256_ctx sha;
    sha256_init(&sha);
    sha256_update(&sha, strlen(text), (const uint8_t *)text);
    finish(&sha, strlen(text), out);
}
