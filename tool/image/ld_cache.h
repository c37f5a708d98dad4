/* SPDX-License-Identifier: MIT */
/*
 * /etc/ld.so.cache as glibc 2.2 and later write it (glibc's elf/cache.c): a header, entries of 24
 * bytes, and strings; entries refer to strings by offsets from the header.
 *
 *     [ "ld.so-1.7.0" and the older table ]  "glibc-ld.so.cache1.1" | count | bytes of strings | …
 *                                            flags, key, value, os version, hwcap | …
 *
 * Pure: works on bytes in memory; all offsets are checked.
 */
#pragma once

#include "host/text.h"

/* Adds the paths of all 64-bit libraries of this name, in the cache's order, which is the search
 * order of ld.so for entries without hardware capabilities; among the others ld.so chooses by the
 * CPU. False if the bytes are not such a cache. */
bool ld_cache_find(const void *bytes, size_t size, const char *name, struct args *out);
