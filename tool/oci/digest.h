/* SPDX-License-Identifier: MIT */
/* SHA-256 and SHA-1 of files and texts, by nettle. */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

struct digest {
    char hex[65];  /* SHA-256 */
    char sha1[41]; /* for formats that ask for it */
    uint64_t size; /* bytes that it is of */
};

/* False with errno. */
MUST_CHECK bool digest_file(const char *path, struct digest *out);
void digest_text(const char *text, struct digest *out);
