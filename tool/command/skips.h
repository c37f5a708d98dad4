/* SPDX-License-Identifier: MIT */
/* Skipped tests by their reason, for the last lines of `ouro test`. */
#pragma once

#include "host/text.h"

#include <stdio.h>

struct skip {
    char *why;
    struct text names; /* the first four */
    size_t count;
};

struct skips {
    struct skip *item;
    size_t count;
};

/* Adds the skipped tests of a log of ctest; the reason of each is the last line "skip: WHY" of its output. O(lines × reasons). */
void skips_read(FILE *log, struct skips *all);
/* A line for each reason. */
void skips_print(FILE *out, const struct skips *all);
void skips_free(struct skips *all);
