/* SPDX-License-Identifier: MIT */
#include "oci/digest.h"
#include "host/text.h"

#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK (1u << 18)

struct sums {
    struct sha256_ctx sha256;
    struct sha1_ctx sha1;
    uint64_t size;
};

static void start(struct sums *sums)
{
    sha256_init(&sums->sha256);
    sha1_init(&sums->sha1);
    sums->size = 0;
}

static void update(struct sums *sums, size_t size, const uint8_t *bytes)
{
    sha256_update(&sums->sha256, size, bytes);
    sha1_update(&sums->sha1, size, bytes);
    sums->size += size;
}

static void hex(const uint8_t *bytes, size_t size, char *out)
{
    for (size_t i = 0; i < size; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void finish(struct sums *sums, struct digest *out)
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(&sums->sha256, sizeof(digest), digest);
    hex(digest, SHA256_DIGEST_SIZE, out->hex);
    sha1_digest(&sums->sha1, SHA1_DIGEST_SIZE, digest);
    hex(digest, SHA1_DIGEST_SIZE, out->sha1);
    out->size = sums->size;
}

bool digest_file(const char *path, struct digest *out)
{
    FILE *file = fopen(path, "re");
    struct sums sums;
    if (!file)
        return false;
    uint8_t *block = memory(BLOCK);
    start(&sums);
    for (size_t got; (got = fread(block, 1, BLOCK, file)) > 0;)
        update(&sums, got, block);
    bool good = !ferror(file);
    finish(&sums, out);
    fclose(file);
    free(block);
    return good;
}

void digest_text(const char *text, struct digest *out)
{
    struct sums sums;
    start(&sums);
    update(&sums, strlen(text), (const uint8_t *)text);
    finish(&sums, out);
}
